"""Find the code locations of a revision, and check that they were read from its files.

Sizes of the wrong files are worse than none, so every file that the definitions read is checked.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import evolve

from dagster_snapsize import PACKAGE
from dagster_snapsize.core.errors import NotMeasured, UserError
from dagster_snapsize.core.model import Measurement
from dagster_snapsize.measuring.cache.file_states import TooMuch
from dagster_snapsize.measuring.cache.project_files import ignored_files
from dagster_snapsize.measuring.revision.refs import ignored
from dagster_snapsize.measuring.revision.worktree import Worktree
from dagster_snapsize.probe.protocol import STARTED_PROCESS
from dagster_snapsize.project.discovery import Flags
from dagster_snapsize.project.git import git
from dagster_snapsize.project.interpreters import Interpreter, choose_interpreter
from dagster_snapsize.project.locations import CodeLocation, find_locations
from dagster_snapsize.project.targets import TARGET_KINDS, absolute

MOST_BYTES = 100_000_000  # of ignored files that were not read: copies take time
_INSTALLED = {"site-packages", "dist-packages"}
_MOVED = PACKAGE / "measuring" / "revision" / "redirect"  # holds a sitecustomize.py
_ELSEWHERE = (
    "Something names it by its full path: PYTHONPATH, a link, .env, or a package that is installed"
    " in a way that cannot be followed."
)


def find_in(tree: Worktree, flags: Flags) -> tuple[CodeLocation, ...]:
    """The code locations of a revision. Raises NotMeasured where it has none, or not in its files.

    Relative paths in ``flags`` start at the folder where the user is.
    """
    if not tree.folder.is_dir():
        inside = tree.folder.relative_to(tree.top).as_posix()
        raise NotMeasured(f"{tree.revision} has no folder {inside}")
    with errors_in(tree):
        found = find_locations(tree.folder, _moved_flags(flags, tree)).locations
    for location in found:
        for path in (location.root, location.working_directory, location.cwd):
            if not path.is_relative_to(tree.top):
                raise NotMeasured(
                    f"in {tree.revision}: location {location.name}, from {location.source}, is in"
                    f" {path}, not among the files of the revision",
                    "Write paths relative to the project's folder.",
                )
    return found


@contextmanager
def errors_in(tree: Worktree) -> Iterator[None]:
    """Raise errors of the block as NotMeasured that names the revision."""
    try:
        yield
    except NotMeasured:
        raise
    except UserError as error:
        place = f"{tree.back(Path(error.path))}:{error.line}: " if error.path else ""
        raise NotMeasured(
            f"in {tree.revision}: {place}{with_repository_paths(error.message, tree)}",
            with_repository_paths(error.hint, tree),
        ) from None


def interpreter_for(
    location: CodeLocation,
    tree: Worktree,
    chosen: Iterable[tuple[CodeLocation, Interpreter]],
    flag: str | None,
    environ: Mapping[str, str],
    flag_source: str = "--python",
) -> Interpreter:
    """The interpreter that runs this location now: a revision contains no environment.

    ``chosen`` are the locations of the work tree. For another location it is looked for where the
    location would be. Raises NoInterpreter where none is found.
    """
    for today, interpreter in chosen:
        if flag is None and today.name == location.name:
            return interpreter
    config = location.config
    if config.path:
        config = evolve(config, path=str(tree.back(Path(config.path))))
    twin = evolve(
        location,
        root=tree.back(location.root),
        cwd=tree.back(location.cwd),
        folder=tree.back(location.folder),
        config=config,
    )
    return choose_interpreter(twin, flag, environ, flag_source=flag_source)


def environ_in(tree: Worktree, environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` with the tree's paths in place of the repository's, where the tree has them.

    Editable installs that lead to the repository lead to the tree too (redirect/).
    """
    moved = {name: _moved_value(value, tree) for name, value in environ.items()}
    path = [str(_MOVED), *filter(None, [moved.get("PYTHONPATH")])]
    moved["PYTHONPATH"] = os.pathsep.join(path)
    moved["SNAPSIZE_MOVED"] = f"{tree.repository.top}\n{tree.top}"
    return moved


def copy_ignored(
    tree: Worktree, locations: Sequence[CodeLocation], read: Iterable[Measurement]
) -> tuple[list[str], list[str]]:
    """Copy ignored files into the tree: those that definitions read, and others they may ask for.

    ``read`` are measurements of the work tree. The others are those below the projects of the
    ``locations``, the smallest first, up to ``MOST_BYTES``. Returns the names of the files that
    were read, and of the others that were too large to be copied.
    """
    top = tree.repository.top
    places = {p for x in locations for p in (x.root, x.working_directory, x.cwd)}
    settings = [path for p in places if (path := tree.back(p) / ".env").is_file()]
    for path in _untracked(tree, settings):
        _copy(tree, path)
    wanted = {
        path
        for measurement in read
        for name in (measurement.inputs.read if measurement.inputs else ())
        if (path := Path(name)).is_relative_to(top) and path.name != ".env"
    }
    missing = [
        path
        for path in sorted(wanted)
        if path.is_file() and not _is_there(tree, path) and ".git" not in path.parts
    ]
    copied = [
        path.relative_to(top).as_posix()
        for path in (ignored(tree.repository, missing) if missing else ())
        if _copy(tree, path)
    ]
    return copied, [path.relative_to(top).as_posix() for path in _copy_others(tree, locations)]


def _copy_others(tree: Worktree, locations: Sequence[CodeLocation]) -> Iterator[Path]:
    """Copy what else git ignores; the files that are too large, or a folder of too many files."""
    found: list[tuple[int, Path]] = []
    for root in {tree.back(location.root) for location in locations}:
        try:
            paths = [Path(name) for name in ignored_files(root)]
        except TooMuch:
            yield root
            continue
        found += [(p.stat().st_size, p) for p in paths if p.is_file() and not _is_there(tree, p)]
    left = MOST_BYTES
    for size, path in sorted(set(found)):
        left -= size
        if left < 0:
            yield path
        else:
            _copy(tree, path)


def check_read_from_tree(
    tree: Worktree, measurement: Measurement, interpreter: Interpreter
) -> list[str]:
    """Raise NotMeasured where definitions of the tree were read from elsewhere.

    Returns the other files of the repository that were read: what is in no revision.
    """
    inputs = measurement.inputs
    if inputs is None:
        return []
    target = measurement.target
    module = next((target[kind] for kind in TARGET_KINDS[:3] if target.get(kind)), "")
    for name in measurement.definition_files:
        if module and _installed_module(name) == module.partition(".")[0]:
            raise NotMeasured(
                f"{tree.revision} cannot be measured: {measurement.name} is loaded from"
                f" {_name(name, tree)}, a copy that is installed, and not from its files",
                "Install the project so that it is edited in place (pip install -e, uv sync), or"
                " name its module in the project's folder.",
            )
    prefix = Path(interpreter.path).parent.parent
    is_environment = (prefix / "pyvenv.cfg").is_file() or (prefix / "conda-meta").is_dir()
    top, moved_top = tree.repository.top.resolve(), tree.top.resolve()
    others = []
    for name in (*inputs.read, *inputs.listed):
        path = Path(name).resolve()
        if not path.is_relative_to(top) or path.is_relative_to(moved_top) or not path.exists():
            continue
        if is_environment and prefix in Path(name).parents:
            continue
        if ".git" in path.parts or not _INSTALLED.isdisjoint(path.parts):
            continue
        inside = path.relative_to(top)
        if path.suffix == ".py" or os.path.lexists(tree.top / inside):
            raise NotMeasured(
                f"{tree.revision} cannot be measured: its definitions read {inside.as_posix()} of"
                " the work tree, and not the one of the revision",
                _ELSEWHERE,
            )
        others.append(inside.as_posix())
    return sorted(set(others))


def unchecked_processes(tree: Worktree, measurement: Measurement) -> Iterator[str]:
    """Notes on processes that the definitions started: what those read cannot be seen."""
    for call in measurement.inputs.uncacheable if measurement.inputs else ():
        if call.what == STARTED_PROCESS:
            place = f"{_name(call.path, tree)}:{call.line}" if call.path else "the code"
            yield (
                f"in {tree.revision} {place} {call.what}; whether that reads files of the revision"
                " or of the work tree cannot be seen"
            )


def _installed_module(path: str) -> str | None:
    """The outermost package or module that a file in site-packages belongs to."""
    parts = Path(path).parts
    places = [number for number, part in enumerate(parts) if part in _INSTALLED]
    return Path(parts[places[-1] + 1]).stem if places and parts[places[-1] + 1 :] else None


def with_repository_paths(text: str, tree: Worktree) -> str:
    """A text with the repository's path in place of the temporary folder."""
    return text.replace(str(tree.top), str(tree.repository.top))


def _name(path: str, tree: Worktree) -> str:
    for top in (tree.repository.top, tree.top):
        if Path(path).is_relative_to(top):
            return Path(path).relative_to(top).as_posix()
    return path


def _moved_flags(flags: Flags, tree: Worktree) -> Flags:
    def moved(value: str) -> str:
        path = absolute(value, Path.cwd())
        return str(tree.moved(path) or path)

    directory = flags.working_directory
    return evolve(
        flags,
        workspace=tuple(map(moved, flags.workspace)),
        python_file=tuple(map(moved, flags.python_file)),
        working_directory=None if directory is None else moved(directory),
    )


def _moved_value(value: str, tree: Worktree) -> str:
    """A variable with the tree's paths in place of the repository's, links followed."""
    return os.pathsep.join(_moved_part(part, tree) for part in value.split(os.pathsep))


def _moved_part(part: str, tree: Worktree) -> str:
    if not Path(part).is_absolute():
        return part
    for path, top in (
        (absolute(part, tree.repository.top), tree.repository.top),
        (Path(os.path.realpath(part)), tree.repository.top.resolve()),
    ):
        if path.is_relative_to(top) and (there := tree.top / path.relative_to(top)).exists():
            return str(there)
    return part


def _untracked(tree: Worktree, paths: Sequence[Path]) -> Iterator[Path]:
    """The paths that are untracked, ignored or not, and not in the tree."""
    if not paths:
        return
    top = tree.repository.top
    found = git(top, "ls-files", "--others", "-z", "--", *map(str, paths))
    for name in filter(None, found.stdout.split(b"\0")):
        if not _is_there(tree, path := top / os.fsdecode(name)):
            yield path


def _is_there(tree: Worktree, path: Path) -> bool:
    moved = tree.moved(path)
    return moved is not None and os.path.lexists(moved)


def _copy(tree: Worktree, path: Path) -> bool:
    """Whether it could be copied; never through a link that leads out of the tree."""
    there = tree.moved(path)
    assert there is not None
    try:
        nearest = next(p for p in there.parents if p.exists())
        if not nearest.resolve().is_relative_to(tree.top.resolve()):
            return False
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, there)
    except OSError:
        return False
    return True
