"""Whatever happens to a project, in whatever order: in the end the editor shows what is true.

And so it does in between, wherever everything is saved and the server is at rest.

Each sequence of random edits, with its number, can be run again: ``SNAPSIZE_SEED=17`` runs that one
alone, and ``SNAPSIZE_SEQUENCES=100`` the first hundred.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from attrs import define, evolve, field, frozen
from lsprotocol import types as t

from dagster_snapsize.lsp.features.markup import STALE_NOTE
from support.command import Result, measure_json, snapsize
from support.lsp_client import Editor, editor, full_capabilities
from support.patience import patience
from support.random_edits import COMMIT, COMMIT_OF_TWO, Step, random_sequence

pytestmark = pytest.mark.asyncio

IN_CI = (0, 3, 5)  # every way of watching, and a project of two code locations
if "SNAPSIZE_SEED" in os.environ:
    NUMBERS: Iterable[int] = [int(os.environ["SNAPSIZE_SEED"])]
elif "SNAPSIZE_SEQUENCES" in os.environ:
    NUMBERS = range(int(os.environ["SNAPSIZE_SEQUENCES"]))
else:
    NUMBERS = IN_CI
_PARSING = re.compile(r"SyntaxError|ParserError|ScannerError|is not valid (TOML|YAML)")
REST = 0.7  # seconds of a quiet machine without a sign of work: longer than any watcher takes
WITHIN = 120.0  # seconds of a quiet machine until all is as it should be
_SEVERITIES = {"error": 1, "warning": 2, "information": 3}
_GIT = ("git", "-c", "user.name=tests", "-c", "user.email=tests@localhost", "-c", "gc.auto=0")
_MISTAKE = re.compile(r"(?:(?P<path>[^:\n]+):(?P<line>\d+): )?error: (?P<message>.*)")
_TOGETHER = re.compile(r"^(\d+ assets) .*")


@frozen(order=True)
class Shown:
    """A diagnostic, or what it should be; lines count from 1."""

    path: str
    line: int
    severity: int
    rule: str
    message: str


def write_project(folder: Path, commit: Mapping[str, str], python: Path) -> None:
    """Write a project, with its environment beside it, and commit it."""
    for name, text in commit.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / ".venv").symlink_to(python.parents[1])
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "All"]):
        subprocess.run([*_GIT, *arguments], cwd=folder, check=True)


@pytest.mark.parametrize("number", NUMBERS)
async def test_it_converges(
    number: int, tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    sequence = random_sequence(number)
    project = tmp_path / "project"
    write_project(project, sequence.commit, dagster_python())
    print(f"SNAPSIZE_SEED={number}", sequence)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    watches = number % 2 == 1
    capabilities = _watching(relative=number % 4 == 1) if watches else full_capabilities()
    async with editor(scratch, project, capabilities=capabilities) as opened:
        user = _User(opened, project, watches)
        for step in sequence.steps:
            await user.do(step)
        assert {name: (project / name).read_text("utf-8") for name in sequence.files} == dict(
            sequence.files
        )
        if await _is_true(opened, project):
            await _hovers_are_true(opened, project)
        assert bool(user.registrations) == watches
    await opened.until(lambda: not opened.leftovers(), 5.0)
    assert opened.temporary() == []


@define
class _User:
    """Does the steps of a sequence; where the editor watches files, it tells of them."""

    opened: Editor
    project: Path
    watches: bool
    open: set[Path] = field(factory=set)
    registrations: dict[str, list[t.FileSystemWatcher]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        # Before anything is awaited: the server has asked for nothing yet.
        features = self.opened.client.protocol.fm.features
        features[t.CLIENT_REGISTER_CAPABILITY] = self._register
        features[t.CLIENT_UNREGISTER_CAPABILITY] = self._unregister

    def _register(self, params: t.RegistrationParams) -> None:
        for one in params.registrations:
            options = self.opened.client.protocol._converter.structure(
                one.register_options, t.DidChangeWatchedFilesRegistrationOptions
            )
            self.registrations[one.id] = list(options.watchers)

    def _unregister(self, params: t.UnregistrationParams) -> None:
        for one in params.unregisterations:
            del self.registrations[one.id]

    async def do(self, step: Step) -> None:
        """One step, and what the editor tells of it."""
        path = self.project / step.path
        before = {p for p in step.paths if (self.project / p).exists()}
        if step.kind == "settle":
            await _rests(self.opened)
            if all(_on_disk(p) == self.opened.buffers[p] for p in self.open):
                await _is_true(self.opened, self.project)
        elif step.kind == "open":
            self.open.add(path)
            languages = {".toml": "toml", ".yaml": "yaml"}
            self.opened.open(path, languages.get(path.suffix, "python"))
        elif step.kind == "close":
            self.open.remove(path)
            self.opened.close(path)
        elif step.kind == "type":
            self.opened.type(path, step.text)
        elif step.kind == "save":
            path.parent.mkdir(parents=True, exist_ok=True)
            self.opened.save(path)
        else:
            await asyncio.to_thread(_do_outside, self.project, step)
        if self.watches and step.kind not in ("settle", "open", "close", "type"):
            self._tell(step, before)

    def _tell(self, step: Step, before: set[str]) -> None:
        """What a watching editor says: of a folder that came or went, the folder alone."""
        changes: list[tuple[str, t.FileChangeType]] = []
        if step.kind in ("delete", "rename"):
            changes.append((step.path, t.FileChangeType.Deleted))
            if step.to:
                changes.append((step.to, t.FileChangeType.Created))
        else:
            for name in step.paths:
                kinds = {
                    (False, True): t.FileChangeType.Created,
                    (True, False): t.FileChangeType.Deleted,
                }
                there = (name in before, (self.project / name).exists())
                changes.append((name, kinds.get(there, t.FileChangeType.Changed)))
        events = [
            t.FileEvent((self.project / name).as_uri(), kind)
            for name, kind in changes
            if self._is_watched(self.project / name)
        ]
        if events:
            self.opened.client.workspace_did_change_watched_files(
                t.DidChangeWatchedFilesParams(events)
            )

    def _is_watched(self, path: Path) -> bool:
        return any(
            path.parent == folder or (below and folder in path.parents)
            for listed in self.registrations.values()
            for folder, below in map(_watched, listed)
        )


def _watched(watcher: t.FileSystemWatcher) -> tuple[Path, bool]:
    """The folder of a watcher, and whether what is deeper in it is watched too."""
    pattern = watcher.glob_pattern
    if isinstance(pattern, t.RelativePattern):
        assert isinstance(pattern.base_uri, str)
        whole = f"{pattern.base_uri.removeprefix('file://')}/{pattern.pattern}"
    else:
        whole = pattern
    folder = whole.removesuffix("/*").removesuffix("/**")
    return Path(folder), whole.endswith("/**/*")


def _do_outside(project: Path, step: Step) -> None:
    path = project / step.path
    if step.kind == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step.text, encoding="utf-8")
    elif step.kind == "replace":
        path.parent.mkdir(parents=True, exist_ok=True)
        other = path.with_name(f".{path.name}.part")
        other.write_text(step.text, encoding="utf-8")
        other.replace(path)
    elif step.kind == "delete" and path.is_dir():
        shutil.rmtree(path)
    elif step.kind == "delete":
        path.unlink()
    elif step.kind == "rename":
        path.rename(project / step.to)
    elif step.kind == "touch":
        path.touch()
    else:
        arguments = {
            "checkout": ["checkout", "--quiet", "HEAD", "--", step.path],
            "stash": ["stash", "push", "--quiet", "--include-untracked"],
            "pop": ["stash", "pop", "--quiet"],
        }[step.kind]
        subprocess.run([*_GIT, *arguments], cwd=project, check=True, capture_output=True)


async def _rests(opened: Editor) -> None:
    """Wait until the server has had nothing to do for a while."""
    end, rest = time.monotonic() + patience(WITHIN), patience(REST)
    told, since = -1, 0.0
    while opened.measuring or told != len(opened.statuses) or time.monotonic() - since < rest:
        assert time.monotonic() < end, opened.statuses[-5:]
        if told != len(opened.statuses):
            told, since = len(opened.statuses), time.monotonic()
        await asyncio.sleep(0.02)


def _on_disk(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


async def _is_true(opened: Editor, project: Path) -> bool:
    """What is shown becomes what the command line says, and stays so; whether code was measured.

    Files that do not parse are errors on the command line alone: here the sizes before stay.
    """
    result = await asyncio.to_thread(snapsize, "check", "--format", "json", cwd=project)
    wanted = Counter(_told(result, project))
    broken = result.status in (2, 3)
    end = time.monotonic() + patience(WITHIN)
    while True:
        shown, stale = _shown(opened, project)
        missing = wanted - Counter(shown)
        is_shown = Counter(shown) <= wanted and all(_PARSING.search(x.message) for x in missing)
        if is_shown and (broken or not stale) and not opened.measuring:
            count = len(opened.statuses)
            await _rests(opened)
            if len(opened.statuses) == count:
                break
        text = "\n".join(
            ["it should show", *map(str, sorted(wanted)), "and shows", *map(str, sorted(shown))]
            + (["and stale:", *map(str, stale)] if stale and not broken else [])
            + [f"statuses: {opened.statuses[-3:]}"]
        )
        assert time.monotonic() < end, text
        await asyncio.sleep(0.05)
    return not broken


async def _hovers_are_true(opened: Editor, project: Path) -> None:
    """The numbers of hovers are those of ``measure``."""
    whole = await asyncio.to_thread(measure_json, cwd=project)
    assets = [
        asset
        for location in whole["locations"]
        for asset in (location["assets"][0], location["assets"][-1])
        if asset["location"]
    ]
    assert assets
    for asset in assets:
        path, line = project / asset["location"]["path"], asset["location"]["line"]
        text = path.read_text(encoding="utf-8").splitlines()[line - 1]
        name = text.find(asset["key"].rpartition("/")[2])
        hovered = await opened.hover(path, line, max(name, 1))
        assert hovered is not None, (asset, text)
        assert f"{asset['total_bytes']:,}" in hovered, (asset, hovered)


def _told(result: Result, project: Path) -> Iterator[Shown]:
    """What ``check`` says, as it should be shown: a location's assets of one line together."""
    together: dict[tuple[str, Shown], list[Shown]] = {}
    for location, one in _each_told(result, project):
        place = evolve(one, message="") if one.rule.startswith("asset-") else one
        together.setdefault((location, place), []).append(one)
    for (_, place), told in together.items():
        count = f"{len(told)} assets"
        yield told[0] if len(told) == 1 else evolve(place, message=count)


def _each_told(result: Result, project: Path) -> Iterator[tuple[str, Shown]]:
    if result.status == 2:
        mistake = _MISTAKE.match(result.stderr)
        assert mistake, result.stderr
        path = project / (mistake["path"] or "pyproject.toml")
        line = int(mistake["line"] or 1)
        yield "", Shown(str(path), line, 1, "configuration", mistake["message"])
        return
    whole = result.json
    definitions = {x["name"]: x["definitions_location"] for x in whole["locations"]}
    for finding in whole["findings"]:
        if finding["rule"] == "repeated-value":
            continue  # in hovers and in the report
        location = (finding["snapshot"] or "").split("/")[0]
        place = finding["location"] or definitions[location]
        yield (
            location,
            Shown(
                str(project / place["path"]),
                place["line"],
                _SEVERITIES[finding["severity"]],
                finding["rule"],
                finding["message"].splitlines()[0],
            ),
        )


def _shown(opened: Editor, project: Path) -> tuple[list[Shown], list[Shown]]:
    """What the editor shows: what is said to be true now, and what is said to be stale."""
    shown, stale = [], []
    for uri, listed in opened.client.diagnostics.items():
        for diagnostic in listed:
            if diagnostic.severity == t.DiagnosticSeverity.Hint:
                continue
            one = Shown(
                uri.removeprefix("file://"),
                diagnostic.range.start.line + 1,
                int(diagnostic.severity or 0),
                str(diagnostic.code),
                _TOGETHER.sub(r"\1", diagnostic.message.splitlines()[0]),
            )
            (stale if STALE_NOTE in diagnostic.message else shown).append(one)
    return shown, stale


async def test_a_change_that_is_undone_leaves_another_location_to_be_measured(
    tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    project = tmp_path / "project"
    write_project(project, COMMIT_OF_TWO, dagster_python())
    more, definitions = project / "shop" / "more.py", project / "shop" / "definitions.py"
    text = definitions.read_text(encoding="utf-8")
    async with editor(tmp_path, project, settings={"debounceMilliseconds": 1500}) as opened:
        opened.open(more)
        opened.open(definitions)
        await opened.ended(1)
        opened.save(more, opened.buffers[more].replace("3600", "7000"))
        opened.save(definitions, f"{text}# more\n")
        opened.save(definitions, text)
        await opened.until(lambda: any("7.9 kB" in d.message for d in opened.diagnostics(more)))
        await opened.until(lambda: not any(STALE_NOTE in d.message for d in opened.all_shown()))


@pytest.mark.parametrize("from_the_start", [True, False])
async def test_a_mistake_of_one_project_in_a_workspace_is_mended(
    copy_project: Callable[[str], Path],
    tmp_path: Path,
    dagster_python: Callable[..., Path],
    from_the_start: bool,
) -> None:
    workspace = copy_project("dg_workspace")
    alpha, beta = workspace / "projects" / "alpha", workspace / "projects" / "beta"
    for folder in (alpha, beta):
        (folder / ".venv").symlink_to(dagster_python().parents[1])
    config = alpha / "pyproject.toml"
    text = config.read_text(encoding="utf-8")
    budget = f'{text}\n[tool.dagster-snapsize.budget]\nasset = "10 bytes"\n'
    if from_the_start:
        config.write_text(budget.replace("asset", "aset"), encoding="utf-8")
    async with editor(tmp_path / "scratch", workspace) as opened:
        opened.open(config, "toml")
        await opened.ended(1)
        if not from_the_start:
            opened.save(config, budget.replace("asset", "aset"))
        await opened.until(
            lambda: [d.code for d in opened.diagnostics(config)] == ["configuration"]
        )
        opened.save(config, text)
        await opened.until(lambda: not opened.diagnostics(config))
        await _rests(opened)
        assert opened.statuses[-1]["phase"] == "idle"
        assert len(opened.statuses[-1]["locations"]) == 2
        found = await opened.client.protocol.send_request_async("dagsterSnapsize/measurement", {})
        assert all(x.totalBytes for p in found.projects for x in p.locations), found


def _watching(*, relative: bool = True) -> t.ClientCapabilities:
    """A client that watches files."""
    capabilities = full_capabilities()
    assert capabilities.workspace is not None
    capabilities.workspace.did_change_watched_files = t.DidChangeWatchedFilesClientCapabilities(
        dynamic_registration=True, relative_pattern_support=relative
    )
    return capabilities


async def test_what_changes_before_the_editor_watches_is_noticed(
    tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    project = tmp_path / "project"
    write_project(project, COMMIT, dagster_python())
    orders = project / "shop" / "defs" / "orders.py"

    def register(params: t.RegistrationParams) -> None:
        # The measurement is over, and nobody watches yet.
        if "8000" not in orders.read_text(encoding="utf-8"):
            orders.write_text(orders.read_text(encoding="utf-8").replace("4000", "8000"))

    async with editor(tmp_path / "scratch", project, capabilities=_watching()) as opened:
        opened.client.protocol.fm.features[t.CLIENT_REGISTER_CAPABILITY] = register
        await opened.until(lambda: any("8.9 kB" in d.message for d in opened.diagnostics(orders)))


async def test_an_editor_that_watches_is_asked_for_new_folders_too(
    tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    project = tmp_path / "project"
    write_project(project, COMMIT, dagster_python())
    # With it in there, the folder cannot be watched with all that is below.
    (project / "shop" / "defs" / ".notes").mkdir()
    async with editor(tmp_path / "scratch", project, capabilities=_watching()) as opened:
        user = _User(opened, project, watches=True)
        await opened.ended(1)
        new = project / "shop" / "defs" / "new"
        # Before it knows the project, the server asks for new projects alone.
        await opened.until(lambda: user._is_watched(new))
        new.mkdir()
        created = t.FileEvent(new.as_uri(), t.FileChangeType.Created)
        opened.client.workspace_did_change_watched_files(t.DidChangeWatchedFilesParams([created]))
        await opened.until(lambda: user._is_watched(new / "module.py"))
        await opened.until(lambda: len(user.registrations) == 1)


async def test_a_buffer_is_compared_with_its_file_when_a_folder_comes_back(
    tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    project = tmp_path / "project"
    write_project(project, COMMIT, dagster_python())
    people = project / "shop" / "defs" / "people"
    customers = people / "customers.py"
    async with editor(tmp_path / "scratch", project, capabilities=_watching()) as opened:
        await opened.ended(1)
        opened.open(customers)
        opened.type(customers, f"{opened.buffers[customers]}# more\n")

        def stale() -> bool:
            return any(STALE_NOTE in d.message for d in opened.diagnostics(customers))

        await opened.until(stale)
        customers.write_text(opened.buffers[customers], encoding="utf-8")
        changed = t.FileEvent(people.as_uri(), t.FileChangeType.Created)
        opened.client.workspace_did_change_watched_files(t.DidChangeWatchedFilesParams([changed]))
        await opened.until(lambda: opened.diagnostics(customers) and not stale())


async def test_a_folder_that_goes_while_it_is_measured_takes_its_findings_along(
    tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    project = tmp_path / "project"
    write_project(project, COMMIT, dagster_python())
    orders = project / "shop" / "defs" / "orders.py"
    async with editor(tmp_path / "scratch", project, capabilities=full_capabilities()) as opened:
        opened.open(orders)
        await opened.ended(1)
        await opened.until(lambda: opened.diagnostics(orders))
        opened.save(orders, opened.buffers[orders].replace("4000", "8000"))
        await opened.until(lambda: opened.measuring)
        gone = t.WorkspaceFoldersChangeEvent(
            added=[], removed=[t.WorkspaceFolder(project.as_uri(), project.name)]
        )
        opened.client.workspace_did_change_workspace_folders(
            t.DidChangeWorkspaceFoldersParams(gone)
        )
        await opened.until(lambda: not opened.workers())
        await opened.until(lambda: not opened.all_shown())
        await _rests(opened)
        assert opened.all_shown() == []
