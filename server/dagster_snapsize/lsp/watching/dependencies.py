"""Which files a code location depends on, and which folders to watch for it."""

# Paths are plain strings here: they are compared by the thousand.
# ruff: noqa: PTH118, PTH119, PTH120, PTH206

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from attrs import evolve, field, frozen

from dagster_snapsize.core.model import Failure
from dagster_snapsize.lsp.watching.disk import Disk, normal, resolved
from dagster_snapsize.measuring.worker.results import LocationResult
from dagster_snapsize.project.baseline_file import NAME
from dagster_snapsize.project.dbt import (
    DBT_FILES,
    DBT_MANIFEST,
    DBT_PROJECT_FILE,
    DBT_SUFFIXES,
    DbtProject,
)
from dagster_snapsize.project.layout import LOCATION_FILES, is_source_folder

SOURCE_SUFFIXES = frozenset({".py", ".yaml", ".yml", ".toml", ".sql", ".md", ".env"})
"""Suffixes of files that people write by hand."""

_NEW_SUFFIXES = SOURCE_SUFFIXES | {
    *(".json", ".jsonl", ".csv", ".tsv", ".txt", ".ini", ".cfg", ".xml", ".ipynb"),
    *(".j2", ".jinja", ".jinja2", ".graphql"),
}
_BROKEN_SUFFIXES = frozenset({".py", ".yaml", ".yml", ".toml", ".env"})
# A path in a message: quoted, or with a dot or a separator in it.
_PATH = re.compile(r"""'([^'\n\0]+)'|"([^"\n\0]+)"|([^\s'"\0]*[./\\][^\s'"\0]*[^\s'".,:;)\0])""")
Part = Literal["content", "presence"]


@frozen
class WatchedTree:
    """Files below a folder, in all subfolders that may hold sources.

    Files with one of the ``suffixes``, and those whose path relative to ``folder``, with slashes,
    matches the regular expression ``pattern`` as a whole.
    """

    folder: str
    suffixes: frozenset[str] = frozenset()
    pattern: str = ""

    def holds(self, path: str) -> bool:
        """Whether ``path``, if it is a file, belongs to the tree."""
        if not path.startswith(_as_prefix(self.folder)):
            return False
        inside = path[len(_as_prefix(self.folder)) :].split(os.sep)
        if not all(map(is_source_folder, inside[:-1])):
            return False
        if self.pattern and re.fullmatch(self.pattern, "/".join(inside)):
            return True
        return bool(self.suffixes) and suffix_of(path) in self.suffixes


@frozen
class WatchList:
    """What must be watched: ``folders`` without, and ``trees`` with, their subfolders.

    A subfolder of a ``growing`` folder is watched as a tree, unless it is in ``known``.
    """

    folders: frozenset[str] = frozenset()
    growing: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    trees: frozenset[str] = frozenset()

    def __or__(self, other: WatchList) -> WatchList:
        return WatchList(
            self.folders | other.folders,
            self.growing | other.growing,
            # A subfolder that only one of them knows is in the other's folders or trees.
            self.known | other.known,
            self.trees | other.trees,
        )


@frozen
class Dependencies:
    """What a code location depends on; all paths as ``normal`` spells them.

    - ``files`` matter by their content, whether they exist or not.
    - ``listed`` are folders that the definitions listed: new files in them, and in new subfolders,
      matter. ``quiet`` are entries that existed and were not read: of a file only its presence
      matters, of a folder nothing.
    - ``suffixes`` are those that a new file must have to matter.
    - ``generated`` are files that tools write, such as dbt manifests.
    - ``modules`` are Python files below the root that were imported, present or not.
    """

    root: str
    files: frozenset[str]
    listed: frozenset[str] = frozenset()
    quiet: frozenset[str] = frozenset()
    trees: tuple[WatchedTree, ...] = ()
    suffixes: frozenset[str] = _NEW_SUFFIXES
    generated: frozenset[str] = field(default=frozenset())
    modules: frozenset[str] = field(default=frozenset())

    def part(self, path: str) -> Part | None:
        """What of the file ``path`` matters; None where nothing does."""
        if path in self.files or any(tree.holds(path) for tree in self.trees):
            return "content"
        if suffix_of(path) not in self.suffixes:
            return None
        below, place = path, os.path.dirname(path)
        while place != below:
            if place in self.listed:
                if below in self.quiet:
                    return "presence" if below == path else None
                inside = path[len(_as_prefix(place)) :].split(os.sep)
                return "content" if all(map(is_source_folder, inside[:-1])) else None
            below, place = place, os.path.dirname(place)
        return None

    def existing(self, disk: Disk) -> Iterator[tuple[str, Part]]:
        """Every existing file that matters, with what of it matters."""
        seen = set()
        for path in self._candidates(disk):
            if path not in seen:
                seen.add(path)
                part = self.part(path)
                if part is not None:
                    yield path, part

    def _candidates(self, disk: Disk) -> Iterator[str]:
        for path in self.files:
            if disk.exists(path):
                yield path
        for tree in self.trees:
            yield from _files_below(tree.folder, disk)
        for folder in self.listed:
            subfolders, names = disk.scan(folder)
            yield from (os.path.join(folder, name) for name in names)
            for place in (os.path.join(folder, name) for name in subfolders):
                if place not in self.listed and place not in self.quiet:
                    yield from _files_below(place, disk)

    def as_of(self, since: int, disk: Disk) -> Dependencies:
        """A copy whose ``quiet`` are the unread entries of listed folders older than ``since``."""
        quiet = set()
        for folder in self.listed:
            for names in disk.scan(folder):
                for path in (os.path.join(folder, name) for name in names):
                    read = path in self.files or path in self.listed
                    if not read and disk.touched(path) < since:
                        quiet.add(path)
        return evolve(self, quiet=frozenset(quiet))

    def watch_list(self) -> WatchList:
        """The folders to watch for it."""
        return WatchList(
            folders=frozenset(os.path.dirname(path) for path in self.files),
            growing=self.listed,
            known=self.quiet,
            trees=frozenset(tree.folder for tree in self.trees),
        )


def dependencies_of(
    result: LocationResult,
    *,
    folder: str,
    globs: Sequence[str] = (),
    dagster_home: str | None = None,
    good: LocationResult | None = None,
) -> Dependencies:
    """What ``result`` depends on.

    ``folder`` is where its location was looked for; ``globs`` name more files, relative to its
    root. A failure knows little of what it read: then every source below its root matters, and so
    does all that ``good``, the last result without a failure, depends on.
    """
    results = [result] if result.failure is None or good is None else [result, good]
    root = normal(result.root)
    read = [path for r in results for path in r.definition_files]
    if result.failure:
        read += _named_files(result.failure, root)
    files = [*read, *_project_files((result.root, folder), dagster_home)]
    files.append(os.path.join(result.root, NAME))
    files += [r.config_path for r in results if r.config_path]
    trees = [_glob_tree(root, glob) for glob in globs]
    if result.failure:
        trees.append(WatchedTree(root, _BROKEN_SUFFIXES))
    manifests = [path for path in read if os.path.basename(path) == DBT_MANIFEST]
    projects = [DbtProject(Path(p).parent) for p in read if os.path.basename(p) == DBT_PROJECT_FILE]
    projects += filter(None, (DbtProject.of_manifest(Path(path)) for path in manifests))
    for project in {project.folder: project for project in projects}.values():
        # Code that fails because the manifest is missing has not read it.
        manifests.append(str(project.manifest))
        files += [manifests[-1], *(str(project.folder / name) for name in DBT_FILES)]
        trees += [WatchedTree(place, DBT_SUFFIXES) for place in project.source_folders()]
    return Dependencies(
        root=root,
        files=spelled(files, with_targets=True),
        listed=spelled(place for r in results for place in r.folders),
        trees=_spelled_trees(trees),
        suffixes=_NEW_SUFFIXES | {suffix_of(path) for path in read},
        generated=spelled(manifests),
        modules=spelled(
            path
            for path in result.definition_files
            if path.endswith(".py") and normal(path).startswith(_as_prefix(root))
        ),
    )


def dependencies_of_folder(
    folder: str, *, dagster_home: str | None = None, sources: bool = False
) -> Dependencies:
    """What decides which code locations ``folder`` has, and their configuration.

    With ``sources`` every source below it too, for a location that was never measured.
    """
    files = [*_project_files((folder,), dagster_home), os.path.join(folder, "definitions.py")]
    root = normal(folder)
    trees = [WatchedTree(root, _BROKEN_SUFFIXES)] if sources else []
    return Dependencies(root, spelled(files, with_targets=True), trees=_spelled_trees(trees))


def suffix_of(path: str) -> str:
    """``.py``; the whole name of a file such as ``.env``."""
    name = os.path.basename(path)
    return "." + name.rpartition(".")[2].lower() if "." in name else ""


def _project_files(folders: Iterable[str], dagster_home: str | None) -> list[str]:
    files = [os.path.join(folder, name) for folder in folders for name in (*LOCATION_FILES, ".env")]
    if dagster_home:
        files.append(os.path.join(os.path.expanduser(dagster_home), "dagster.yaml"))  # noqa: PTH111
    return files


def spelled(paths: Iterable[str], with_targets: bool = False) -> frozenset[str]:
    """The paths as written and with links resolved: events may name either.

    ``with_targets`` also adds what a path that is a link points to.
    """
    found = set()
    for path in paths:
        found |= {normal(path), resolved(path)}
        if with_targets or os.path.isdir(path):  # noqa: PTH112
            found.add(os.path.normcase(os.path.realpath(path)))
    return frozenset(found)


def _named_files(failure: Failure, root: str) -> list[str]:
    """The files below ``root`` that a failure names: where it happened, what is missing."""
    named = [failure.location.path] if failure.location else []
    for words in _PATH.finditer(failure.message[:2000]):
        text = next(filter(None, words.groups()))
        path = normal(os.path.join(root, text))
        if path.startswith(_as_prefix(root)) and not os.path.isdir(path):  # noqa: PTH112
            named.append(path)
    return named


def _spelled_trees(trees: Iterable[WatchedTree]) -> tuple[WatchedTree, ...]:
    return tuple(
        evolve(tree, folder=place)
        for tree in dict.fromkeys(trees)
        for place in sorted(spelled([tree.folder]))
    )


def _files_below(folder: str, disk: Disk) -> Iterator[str]:
    for place, names in disk.walk(folder):
        yield from (os.path.join(place, name) for name in names)


def _as_prefix(folder: str) -> str:
    return folder if folder.endswith(os.sep) else folder + os.sep


def _glob_tree(root: str, glob: str) -> WatchedTree:
    """The tree of a glob; its folder is the part before the first wildcard."""
    parts = glob.replace("\\", "/").split("/")
    plain = 0
    while plain < len(parts) - 1 and not re.search(r"[*?\[{]", parts[plain]):
        plain += 1
    folder = normal(os.path.join(root, "/".join(parts[:plain]) or ("/" if plain else "")))
    return WatchedTree(folder, pattern=glob_pattern("/".join(parts[plain:])))


def any_glob(globs: Iterable[str]) -> Callable[[str], bool]:
    """Whether one of ``globs`` matches a folder, given as a path with slashes.

    ``examples/**`` matches the folder ``examples`` itself, too.
    """
    patterns = [re.compile(glob_pattern(glob)) for glob in globs]
    return lambda path: any(p.fullmatch(path) or p.fullmatch(f"{path}/") for p in patterns)


def glob_pattern(glob: str) -> str:
    """A regular expression for a glob of the language server protocol.

    ``*`` and ``?`` stay within a folder, ``**`` spans folders or none, ``{a,b}`` is either,
    ``[a-z]`` and ``[!a-z]`` are one character.
    """
    found = ""
    depth = at = 0
    while at < len(glob):
        special = re.compile(r"\*\*/|\*\*|\*|\?|\[[!^]?[^\]/]+\]|\{|\}|,").match(glob, at)
        text = special[0] if special else glob[at]
        at += len(text)
        if text == "**/":
            found += "(?:[^/]+/)*"
        elif text == "**":
            found += ".*"
        elif text == "*":
            found += "[^/]*"
        elif text == "?":
            found += "[^/]"
        elif text.startswith("[") and len(text) > 1:
            inner = text[1:-1].replace("\\", "\\\\").replace("[", "\\[")
            found += f"[^/{inner[1:]}]" if inner[0] in "!^" else f"[{inner}]"
        elif text == "{" and "}" in glob[at:]:
            depth += 1
            found += "(?:"
        elif text == "}" and depth:
            depth -= 1
            found += ")"
        elif text == "," and depth:
            found += "|"
        else:
            found += re.escape(text)
    found += ")" * depth
    try:
        re.compile(found)
    except re.error:  # such as [z-a]
        return re.escape(glob)
    return found
