"""What dbt reads and writes in a project, and manifests that do not match their sources.

A manifest is parsed by dbt from the project's files; assets made from one that is older than the
last edit are not those that the project describes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.model import StaleInput
from dagster_snapsize.project.files.toml_document import read_file
from dagster_snapsize.project.files.yaml_document import read_yaml

DBT_PROJECT_FILE = "dbt_project.yml"
DBT_MANIFEST = "manifest.json"
DBT_FILES = (DBT_PROJECT_FILE, "packages.yml", "dependencies.yml", "profiles.yml")
"""What dbt reads in a project's own folder."""
DBT_SUFFIXES = frozenset({".sql", ".yml", ".yaml", ".md", ".csv", ".py"})
"""What dbt reads in the folders of sources."""
DBT_OUTPUT = frozenset({"target", "dbt_packages", "dbt_modules", "logs"})
"""Folders beside a dbt_project.yml that dbt writes."""
_Kinds = Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
# Where dbt looks for what has a checksum in the manifest, by the key of dbt_project.yml.
_CHECKED = {
    "model-paths": (("models",), (".sql", ".py")),
    "seed-paths": (("seeds",), (".csv",)),
    "snapshot-paths": (("snapshots",), (".sql",)),
    "test-paths": (("tests",), (".sql",)),
    "analysis-paths": (("analyses",), (".sql",)),
}
# Files that the manifest has no checksum of: their time is compared.
_DATED = (".yml", ".yaml", ".md")
_MACROS = {"macro-paths": (("macros",), (".sql",))}


def stale_inputs(
    opened: Sequence[str], root: Path, folder: Path | None = None
) -> tuple[StaleInput, ...]:
    """The dbt manifests among the files ``opened`` (absolute paths) that do not match the project.

    Models, seeds, snapshots, tests and analyses are compared by content, with the checksums that
    dbt left in the manifest; YAML, Markdown and macros by time. Paths in the result are relative
    to ``folder`` (default: ``root``) where they lie below it; commands in the advice start at
    ``root``.
    """
    found = []
    for name in dict.fromkeys(opened):
        path = Path(name)
        if path.name != DBT_MANIFEST:
            continue
        project = DbtProject.of_manifest(path)
        if project is None:
            continue
        sources = project.changed_since(path)
        if sources:
            base = folder or root
            found.append(
                StaleInput(
                    path=_relative(path, base),
                    sources=tuple(_relative(source, base) for source in sources),
                    advice=_advice(project.folder, root),
                )
            )
    return tuple(found)


@frozen
class _Node:
    """A source file that the manifest knows: path from the project's folder, and its checksum."""

    path: str
    sha256: str


class DbtProject:
    """The dbt project in ``folder``, as its dbt_project.yml describes it."""

    def __init__(self, folder: Path):
        self.folder = folder
        try:
            content = read_yaml(folder / DBT_PROJECT_FILE)
        except UserError:  # dbt reports it better
            content = None
        self._settings: Mapping[str, Any] = content if isinstance(content, dict) else {}

    @classmethod
    def of_manifest(cls, manifest: Path) -> DbtProject | None:
        """The project that dbt writes this manifest for, in the nearest folder above it."""
        folders = (p for p in manifest.parents if (p / DBT_PROJECT_FILE).is_file())
        folder = next(folders, None)
        return cls(folder) if folder else None

    @property
    def manifest(self) -> Path:
        """Where dbt writes the manifest unless a flag says otherwise."""
        return self.folder / str(self._settings.get("target-path") or "target") / DBT_MANIFEST

    def source_folders(self) -> tuple[str, ...]:
        """Folders with sources, some perhaps outside of the project; whether they exist or not."""
        places = [place for place, _ in self._places({**_CHECKED, **_MACROS})]
        return tuple(dict.fromkeys(os.path.normpath(self.folder / place) for place in places))

    def changed_since(self, manifest: Path) -> list[Path]:
        """The sources that do not match the manifest, changed ones first."""
        try:
            content = json.loads(read_file(manifest))
            made_at = manifest.stat().st_mtime
        except (OSError, ValueError, RecursionError):
            return []
        if not isinstance(content, dict):
            return []
        nodes = list(_nodes(content))
        known = {os.path.normcase(self.folder / node.path): node for node in nodes}
        changed = [self.folder / n.path for n in known.values() if not self._matches(n)]
        everything = {os.path.normcase(self.folder / p) for p in _all_paths(content)}
        return changed + self._new(everything) + self._newer(made_at)

    def _matches(self, node: _Node) -> bool:
        """As dbt makes the checksum: of the text without the space around it."""
        try:
            text = read_file(self.folder / node.path).decode("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return False  # gone, which dbt would notice too
        return hashlib.sha256(text.encode("utf-8")).hexdigest() == node.sha256

    def _new(self, known: set[str]) -> list[Path]:
        if (self.folder / ".dbtignore").exists():
            return []  # new files may be ones that dbt ignores
        return [
            path
            for path in self._files(_CHECKED)
            if os.path.normcase(path) not in known and not _leaves_no_node(path)
        ]

    def _newer(self, made_at: float) -> list[Path]:
        dated = {key: (default, _DATED) for key, (default, _) in {**_CHECKED, **_MACROS}.items()}
        paths = [
            self.folder / DBT_PROJECT_FILE,
            *self._files(dated),
            *self._files({**_MACROS}),
        ]
        return [path for path in dict.fromkeys(paths) if _modified(path) > made_at]

    def _files(self, kinds: _Kinds) -> list[Path]:
        found: dict[Path, None] = {}
        for place, suffixes in self._places(kinds):
            for folder, _, names in os.walk(self.folder / place):
                for name in sorted(names):
                    if name.endswith(suffixes):
                        found[Path(folder, name)] = None
        return list(found)

    def _places(self, kinds: _Kinds) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Folders, as configured, with the suffixes of the files that count there."""
        for key, (default, suffixes) in kinds.items():
            configured = self._settings.get(key, default)
            for place in configured if isinstance(configured, (list, tuple)) else default:
                yield str(place), suffixes


def _nodes(manifest: Mapping[str, Any]) -> Iterator[_Node]:
    """The nodes of the project itself that one source file and a checksum of it belong to."""
    metadata = manifest.get("metadata")
    project = metadata.get("project_name") if isinstance(metadata, dict) else None
    for node in _all_nodes(manifest):
        checksum = node.get("checksum")
        if not isinstance(checksum, dict) or checksum.get("name") != "sha256":
            continue
        # Hooks are nodes too: made from a line of dbt_project.yml.
        of_file = node.get("resource_type") != "operation"
        if of_file and node.get("package_name") == project and node.get("original_file_path"):
            path = str(node["original_file_path"]).replace("\\", "/")
            yield _Node(path, str(checksum.get("checksum")))


def _all_nodes(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    nodes, disabled = manifest.get("nodes"), manifest.get("disabled")
    groups: list[Any] = list(nodes.values()) if isinstance(nodes, dict) else []
    for group in disabled.values() if isinstance(disabled, dict) else ():
        groups += group if isinstance(group, list) else [group]
    return (node for node in groups if isinstance(node, dict))


def _all_paths(manifest: Mapping[str, Any]) -> Iterator[str]:
    for node in _all_nodes(manifest):
        if node.get("original_file_path"):
            yield str(node["original_file_path"]).replace("\\", "/")


def _leaves_no_node(path: Path) -> bool:
    """Generic tests are macros, fixtures belong to unit tests, and dbt drops empty files."""
    if "generic" in path.parts or "fixtures" in path.parts:
        return True
    try:
        return not read_file(path).strip()
    except OSError:
        return True


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _advice(project: Path, root: Path) -> str:
    """What to do, with the words for ``prepare``, which runs in ``root``."""
    words = ["dbt", "parse"]
    try:
        place = Path(os.path.relpath(project, root)).as_posix()
    except ValueError:  # on another drive
        place = project.as_posix()
    if place != ".":
        words += ["--project-dir", place]
        if (project / "profiles.yml").is_file():
            words += ["--profiles-dir", place]
    where = "" if place == "." else f" in {place}"
    return f"run `dbt parse`{where}, or set prepare = [{json.dumps(words)}]"


def _relative(path: Path, folder: Path) -> str:
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()
