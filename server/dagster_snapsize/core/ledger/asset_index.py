"""What a repository snapshot says of its assets and checks, as far as job ledgers need it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from attrs import frozen

from dagster_snapsize.core.dagster_fields import printable
from dagster_snapsize.core.json_spans import KEEP, ReadPlan, Spans

# Selections nest operands in each other; deeper ones than this stay with their sensor or schedule.
_SELECTION_LEVELS = 40

_EACH_KEPT = ReadPlan(each=KEEP, unordered=True)
_NAMED = ReadPlan(each=ReadPlan(named={"name": KEEP}))
_ASSETS = ReadPlan(
    each=ReadPlan(
        named={
            "asset_key": KEEP,
            "dependencies": _EACH_KEPT,
            "depended_by": _EACH_KEPT,
            "metadata_entries": ReadPlan(each=ReadPlan(named={"label": KEEP})),
            **dict.fromkeys(
                (
                    "op_name",
                    "op_names",
                    "graph_name",
                    "node_definition_name",
                    "output_name",
                    "atomic_execution_unit_id",
                    "job_names",
                    "group_name",
                ),
                KEEP,
            ),
        }
    )
)
_CHECKS = ReadPlan(
    each=ReadPlan(
        named={
            "name": KEEP,
            "asset_key": KEEP,
            "job_names": KEEP,
            "additional_asset_keys": _EACH_KEPT,
        }
    )
)
_RESOURCES = ReadPlan(
    each=ReadPlan(
        named={
            "name": KEEP,
            "asset_keys_using": _EACH_KEPT,
            "job_ops_using": ReadPlan(
                each=ReadPlan(named={"job_name": KEEP, "node_handles": _EACH_KEPT}),
                unordered=True,
            ),
            "schedules_using": _EACH_KEPT,
            "sensors_using": _EACH_KEPT,
        }
    )
)
# The schemas of all component types that are installed, by package: 0.1 MB and more.
_METADATA = ReadPlan(
    named={
        "plugin_component_types_json": ReadPlan(
            named={"data": ReadPlan(each=ReadPlan(named={"componentTypes": _NAMED}))}
        )
    }
)
_SELECTING = ReadPlan(each=ReadPlan(keep=True, levels=_SELECTION_LEVELS, unordered=True))
REPOSITORY = ReadPlan(
    named={
        "external_asset_graph_data": _ASSETS,
        "external_asset_checks": _CHECKS,
        "external_job_refs": _NAMED,
        "external_pipeline_datas": _NAMED,
        "external_partition_set_datas": _NAMED,
        "external_resource_data": _RESOURCES,
        "external_schedule_datas": _SELECTING,
        "external_sensor_datas": _SELECTING,
        "component_tree": ReadPlan(
            named={"leaf_instances": ReadPlan(each=ReadPlan(named={"key": KEEP}))}
        ),
        "metadata": _METADATA,
        **dict.fromkeys(("__class__", "name", "utilized_env_vars"), ReadPlan()),
    }
)


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


def _elements(root: Spans, name: str) -> Iterable[Spans]:
    for item in root.items:
        if item.name == name and isinstance(item.value, Spans) and item.value.kind == "list":
            for element in item.value.items:
                if isinstance(element.value, Spans):
                    yield element.value


def assets_of(root: Spans) -> Iterable[AssetFacts]:
    """What the asset nodes say of their assets."""
    for node in _elements(root, "external_asset_graph_data"):
        # As a dict: nodes have thirty fields, and ten of them are asked for.
        fields = {item[0]: item[4] for item in node.items}
        path = path_of(fields.get("asset_key"))
        if path is None:
            continue
        deps = fields.get("dependencies")
        keys = (
            key_of(item.value.get("upstream_asset_key"))
            for item in (deps.items if isinstance(deps, Spans) else ())
            if isinstance(item.value, dict)
        )
        handles = strings(fields.get("op_names"))
        op_name = _text(fields, "op_name")
        yield AssetFacts(
            key=escaped(path),
            path=path,
            handles=handles or ((op_name,) if op_name else ()),
            definition=_text(fields, "node_definition_name"),
            graph=_text(fields, "graph_name"),
            output=_text(fields, "output_name"),
            unit=_text(fields, "atomic_execution_unit_id"),
            deps=tuple(key for key in keys if key is not None),
            jobs=strings(fields.get("job_names")),
            group=_text(fields, "group_name"),
        )


def _text(fields: Mapping[str | None, object], name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) else None


def checks_of(root: Spans) -> Iterable[CheckFacts]:
    """What the check nodes say of their checks."""
    for node in _elements(root, "external_asset_checks"):
        path, name = path_of(node.get("asset_key")), node.text("name")
        if path is None or name is None:
            continue
        more = node.get("additional_asset_keys")
        keys = (key_of(item.value) for item in (more.items if isinstance(more, Spans) else ()))
        yield CheckFacts(
            asset=escaped(path),
            name=name,
            identifier=check_identifier(path, name),
            deps=tuple(key for key in keys if key is not None),
            jobs=strings(node.get("job_names")),
        )
