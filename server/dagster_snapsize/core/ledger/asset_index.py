"""What a repository snapshot says of its assets and checks, as far as job ledgers need it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from attrs import frozen

from dagster_snapsize.core.dagster_fields import printable


@frozen
class AssetFacts:
    """One asset node.

    ``handles`` are the ops that compute it, as ``graph.op`` in the job that Dagster saw first;
    other jobs may call the outermost part otherwise. ``definition`` and ``output`` are the op and
    the output that yield the asset, ``graph`` the outermost node where that op lies in a graph.
    """

    key: str
    path: tuple[str, ...]
    handles: tuple[str, ...] = ()
    definition: str | None = None
    graph: str | None = None
    output: str | None = None
    unit: str | None = None
    deps: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    group: str | None = None

    @property
    def root(self) -> str | None:
        """The name of the outermost node, where the asset is computed at all."""
        if self.graph:
            return self.graph
        return self.handles[0].split(".")[0] if self.handles else None

    @property
    def computation(self) -> tuple[str | None, str | None]:
        """What all assets that are computed together have in common."""
        return self.root, self.graph or self.definition


@frozen
class CheckFacts:
    """One asset check; ``identifier`` is what Dagster calls its op or its output."""

    asset: str
    name: str
    identifier: str
    deps: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()


@frozen
class AssetIndex:
    """The assets and checks of a repository, as a whole and by job.

    ``together`` are the assets that one op or one graph computes, where they are several; a job
    may select some of them only, and its op still names all.
    """

    assets: Mapping[str, AssetFacts]
    checks: tuple[CheckFacts, ...]
    checks_by_identifier: Mapping[str, tuple[CheckFacts, ...]]
    assets_by_job: Mapping[str, tuple[AssetFacts, ...]]
    checks_by_job: Mapping[str, tuple[CheckFacts, ...]]
    together: Mapping[tuple[str | None, str | None], tuple[AssetFacts, ...]]

    @classmethod
    def of(cls, assets: Iterable[AssetFacts], checks: Iterable[CheckFacts]) -> AssetIndex:
        """The index of these assets and checks; of equal keys the last one counts."""
        by_key = {asset.key: asset for asset in assets}
        all_checks = tuple(checks)
        computed = [asset for asset in by_key.values() if asset.root is not None]
        return cls(
            assets=by_key,
            checks=all_checks,
            checks_by_identifier=_grouped((check.identifier, check) for check in all_checks),
            assets_by_job=_grouped((job, a) for a in by_key.values() for job in set(a.jobs)),
            checks_by_job=_grouped((job, c) for c in all_checks for job in set(c.jobs)),
            together={
                op: assets
                for op, assets in _grouped((asset.computation, asset) for asset in computed).items()
                if len(assets) > 1
            },
        )


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def _grouped(pairs: Iterable[tuple[_Key, _Value]]) -> dict[_Key, tuple[_Value, ...]]:
    """The values by key, in their order."""
    groups: dict[_Key, list[_Value]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in groups.items()}


def path_of(value: object) -> tuple[str, ...] | None:
    """The path of a serialized AssetKey, or None where the value is none."""
    if isinstance(value, dict) and isinstance(value.get("path"), list):
        path = tuple(part for part in value["path"] if isinstance(part, str))
        if path and len(path) == len(value["path"]):
            return path
    return None


def key_of(value: object) -> str | None:
    """A serialized AssetKey in Dagster's escaped form, or None where the value is none."""
    path = path_of(value)
    return None if path is None else escaped(path)


def escaped(path: tuple[str, ...]) -> str:
    r"""A path as one name: backslashes and slashes inside a part are ``\\`` and ``\/``."""
    return printable("/".join(part.replace("\\", "\\\\").replace("/", "\\/") for part in path))


def strings(value: object) -> tuple[str, ...]:
    """The strings of a list; nothing for anything else."""
    if not isinstance(value, list):
        return ()
    return tuple(part for part in value if isinstance(part, str))


def check_identifier(path: tuple[str, ...], name: str) -> str:
    """What Dagster calls the op or the output of a check: ``get_python_identifier``."""
    asset = "__".join(path).replace("-", "_").replace(".", "_")
    return f"{asset}_{name}".replace(".", "_")


def input_names(path: tuple[str, ...]) -> tuple[str, ...]:
    """What an input for that asset may be called where nothing says so, likeliest first."""
    likely = ("_".join(path), "__".join(path), path[-1])
    return tuple(dict.fromkeys(name.replace("-", "_").replace(".", "_") for name in likely))
