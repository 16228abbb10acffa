"""The language server as a process, on real projects: what a user sees while writing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import frozen
from lsprotocol import types as t

from support import ROOT
from support.command import snapsize
from support.lsp_client import changed_text, editor, full_capabilities

pytestmark = pytest.mark.asyncio

EXAMPLE = ROOT / "examples" / "shop"
WIDE = 29  # the line of the decorator of customer_features
DEFS = 9  # and that of the definitions

SMALL = """\
import dagster as dg

LOADS = {loads!r}
with open(LOADS, "a") as log:
    log.write("loaded\\n")


@dg.asset(description="d" * 3000)
def orders() -> None: ...


@dg.asset(description="d" * 2000)
def customers() -> None: ...


defs = dg.Definitions(assets=[orders, customers])
"""


@frozen
class Small:
    """A project of one file, which notes each of its loads."""

    folder: Path
    definitions: Path
    config: Path
    log: Path

    @property
    def loads(self) -> int:
        """How often its code was run."""
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


@pytest.fixture
def shop(tmp_path: Path, dagster_python: Callable[..., Path]) -> Path:
    """A copy of the example with an environment beside it, as a user has it."""
    folder = tmp_path / "shop"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", ".venv"))
    (folder / ".venv").symlink_to(dagster_python().parents[1])
    return folder


@pytest.fixture
def make_small(tmp_path: Path, dagster_python: Callable[..., Path]) -> Callable[..., Small]:
    """A function: name, text of the definitions -> a small project of its own."""

    def make(name: str = "small", text: str = SMALL) -> Small:
        folder = tmp_path / name
        folder.mkdir()
        log = tmp_path / f"{name}-loads"
        (folder / "definitions.py").write_text(text.format(loads=str(log)), encoding="utf-8")
        (folder / "pyproject.toml").write_text(
            '[tool.dagster-snapsize]\npython-file = "definitions.py"\n'
            '\n[tool.dagster-snapsize.budget]\nasset = "3.5 kB"  # of each\n'
        )
        (folder / ".venv").symlink_to(dagster_python().parents[1])
        return Small(folder, folder / "definitions.py", folder / "pyproject.toml", log)

    return make


@pytest.fixture
def small(make_small: Callable[..., Small]) -> Small:
    """A small project; its asset ``orders`` is over its budget."""
    return make_small()


async def test_findings_are_those_of_the_command_line(shop: Path, scratch: Path) -> None:
    told = snapsize("check", "--format", "json", cwd=shop).json["findings"]
    async with editor(scratch, shop) as opened:
        await opened.ended(1)
        await opened.until(lambda: len(opened.all_shown()) == len(told))
        shown = [
            (uri, d.range.start.line + 1, d.code, d.message, d.severity)
            for uri, listed in opened.client.diagnostics.items()
            for d in listed
        ]
    severities = {"warning": t.DiagnosticSeverity.Warning, "error": t.DiagnosticSeverity.Error}
    wanted = [
        (
            (shop / finding["location"]["path"]).as_uri(),
            finding["location"]["line"],
            finding["rule"],
            finding["message"],
            severities[finding["severity"]],
        )
        for finding in told
    ]
    assert len(wanted) == 2
    assert sorted(shown) == sorted(wanted)


async def test_hovers_lenses_and_hints(shop: Path, scratch: Path) -> None:
    features = shop / "shop_analytics" / "features.py"
    definitions = shop / "shop_analytics" / "definitions.py"
    hints = {"inlayHints": {"enable": True}}
    shows_lenses = t.ClientCapabilities(
        text_document=t.TextDocumentClientCapabilities(code_lens=t.CodeLensClientCapabilities())
    )
    async with editor(scratch, shop, settings=hints, capabilities=shows_lenses) as opened:
        opened.open(features)
        opened.open(definitions)
        status = await opened.ended(1)
        assert status["totalBytes"] > 95_000
        assert not status["stale"]
        text = await opened.hover(features, WIDE, 5)
        assert text is not None
        sizes = "In repository 83.9 kB, job"
        for part in ("customer_features", "metadata: dagster/column_schema", sizes):
            assert part in text
        # What stands in no asset has nothing to say.
        assert await opened.hover(features, 1) is None
        about = await opened.hover(definitions, DEFS, 0)
        assert about is not None
        assert "110 kB" in about
        ((line, title),) = await opened.lenses(features)
        assert line == WIDE
        assert title == "108.2 kB · 56 % of location"
        # What a lens says no hint says again.
        assert await opened.hints(features) == []
        ((_, title),) = await opened.lenses(definitions)
        assert title == "Repository 87 % of 110 kB · 2 jobs, at most 62 % of 100 kB"
    async with editor(scratch, shop, settings={**hints, "codeLens": False}) as opened:
        opened.open(features)
        await opened.ended(1)
        assert await opened.lenses(features) == []
        assert [line for line, _ in await opened.hints(features)] == [WIDE]


@pytest.mark.parametrize("documents", [True, False])
async def test_an_action_raises_a_budget(small: Small, scratch: Path, documents: bool) -> None:
    before = small.config.read_text()
    capabilities = full_capabilities() if documents else None
    async with editor(scratch, small.folder, capabilities=capabilities) as opened:
        opened.open(small.definitions)
        await opened.ended(1)
        await opened.until(lambda: opened.shown(small.definitions) == [("asset-over-budget", 8)])
        found = await opened.actions(small.definitions, 8)
        assert not found[0].title.startswith("Allow")
        raises = [a for a in found if a.title.endswith("for every asset")]
        assert raises, [a.title for a in found]
        assert raises[0].edit is not None
        after = changed_text(before, raises[0].edit, small.config)
        assert "# of each" in after
        assert after.count("\n") == before.count("\n")
        opened.open(small.config, "toml")
        opened.save(small.config, after)
        await opened.until(lambda: opened.shown(small.definitions) == [])


async def test_sizes_move_with_the_text(small: Small, scratch: Path) -> None:
    path, text = small.definitions, small.definitions.read_text()
    async with editor(scratch, small.folder) as opened:
        opened.open(path)
        await opened.ended(1)
        await opened.until(lambda: opened.shown(path) == [("asset-over-budget", 8)])
        fresh = await opened.lenses(path)
        opened.type(path, "# one\n# two\n" + text)
        await opened.until(lambda: opened.shown(path) == [("asset-over-budget", 10)])
        assert "before the last edit" in opened.diagnostics(path)[0].message
        moved = await opened.lenses(path)
        assert [line for line, _ in moved] == [line + 2 for line, _ in fresh]
        assert all("stale" in title for _, title in moved)
        # Undone: nothing is measured for it.
        opened.type(path, text)
        await opened.until(lambda: opened.shown(path) == [("asset-over-budget", 8)])
        gone = text.replace('@dg.asset(description="d" * 3000)\ndef orders() -> None: ...\n', "")
        opened.type(path, gone.replace("[orders, ", "["))
        await opened.until(lambda: opened.shown(path) == [])
        assert len(await opened.lenses(path)) == len(fresh) - 1
        assert opened.measurements == 1
        opened.save(path, text.replace("3000", "4000"))
        await opened.until(lambda: any("4.9 kB" in d.message for d in opened.diagnostics(path)))
        assert small.loads == 2


async def test_broken_code_keeps_the_last_sizes(shop: Path, scratch: Path) -> None:
    features = shop / "shop_analytics" / "features.py"
    text = features.read_text()
    async with editor(scratch, shop) as opened:
        opened.open(features)
        await opened.until(lambda: opened.shown(features) == [("asset-over-budget", WIDE)])
        opened.save(features, f"import no_such_module\n{text}")

        def errors() -> list[t.Diagnostic]:
            return [d for d in opened.all_shown() if d.severity == t.DiagnosticSeverity.Error]

        await opened.until(errors)
        (error,) = errors()
        assert opened.diagnostics(features)[0] == error
        assert error.range.start.line == 0
        assert "no_such_module" in error.message
        assert opened.shown(features)[1:] == [("asset-over-budget", WIDE + 1)]
        assert "before the last edit" in opened.diagnostics(features)[1].message
        opened.save(features, text)
        await opened.until(lambda: not errors())
        await opened.until(lambda: opened.shown(features) == [("asset-over-budget", WIDE)])
        await opened.until(
            lambda: "before the last edit" not in opened.diagnostics(features)[0].message
        )


async def test_half_typed_files_keep_the_last_sizes_without_an_error(
    small: Small, scratch: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """And the log has a line for each measurement."""
    quick = {"forkServer": False, "debounceMilliseconds": 50}
    text, config = small.definitions.read_text(), small.config.read_text()
    shown = [("asset-over-budget", 8)]
    async with editor(scratch, small.folder) as opened:
        opened.open(small.definitions)
        opened.open(small.config, "toml")
        await opened.until(lambda: opened.shown(small.definitions) == shown)
        (line,) = [x for x in capfd.readouterr().err.splitlines() if " measured in " in x]
        total = f"{opened.statuses[-1]['totalBytes']:,} bytes"
        for words in (str(small.folder), "Python 3.", "venv/bin/python", "Dagster 1.", total):
            assert words in line
        opened.set(**quick, logLevel="debug")
        for count, (path, half, whole, why) in enumerate(
            [
                (small.definitions, f"{text}\n@dg.asset(\n", text, "SyntaxError"),
                (small.config, f'{config}job = "', config, "not valid TOML"),
            ]
        ):
            opened.save(path, half)
            status = await opened.ended(2 * count + 2)
            assert status["phase"] == "idle"
            assert status["stale"]
            assert why in status["message"]
            assert opened.shown(small.definitions) == shown
            assert opened.shown(small.config) == []
            assert "before the last edit" in opened.diagnostics(small.definitions)[0].message
            opened.save(path, whole)
            await opened.until(lambda: not opened.statuses[-1]["stale"])
            assert opened.statuses[-1]["message"] is None
        said = capfd.readouterr().err
        assert "WARNING" in said
        assert "DEBUG" in said
        opened.set(**quick, logLevel="error")
        # What fails is an error, and makes no file of rows: the last is that of the sizes shown.
        opened.save(small.definitions, f"{text}no_such_name\n")
        failed = ("measurement-failed", len(text.splitlines()) + 1)
        await opened.until(lambda: failed in opened.shown(small.definitions))
        answer = await opened.client.protocol.send_request_async("dagsterSnapsize/measurement", {})
        rows = scratch.glob("cache/results/*/*.rows")
        newest = max(rows, key=lambda path: path.stat().st_mtime)
        assert answer.projects[0].locations[0].rowsFile == str(newest)
        assert "no_such_name" not in capfd.readouterr().err


async def test_broken_from_the_start(small: Small, scratch: Path) -> None:
    text = small.definitions.read_text()
    small.definitions.write_text("import dagster as dg\n\ndef f(:\n")
    async with editor(scratch, small.folder) as opened:
        status = await opened.ended(1)
        assert status["phase"] == "failed"
        await opened.until(lambda: opened.shown(small.definitions) == [("measurement-failed", 3)])
        opened.open(small.definitions)
        opened.save(small.definitions, text)
        await opened.until(lambda: opened.shown(small.definitions) == [("asset-over-budget", 8)])


async def test_a_mistake_in_the_configuration(small: Small, scratch: Path) -> None:
    text = small.config.read_text()
    async with editor(scratch, small.folder) as opened:
        opened.open(small.config, "toml")
        await opened.ended(1)
        opened.save(small.config, text.replace("asset =", "aset ="))
        await opened.until(lambda: opened.diagnostics(small.config))
        (mistake,) = opened.diagnostics(small.config)
        assert mistake.range.start.line == 4
        assert mistake.severity == t.DiagnosticSeverity.Error
        assert "aset" in mistake.message
        opened.save(small.config, text)
        await opened.until(lambda: not opened.diagnostics(small.config))
        await opened.until(lambda: opened.shown(small.definitions) == [("asset-over-budget", 8)])


async def test_a_mistake_from_the_start(small: Small, scratch: Path) -> None:
    text = small.config.read_text()
    small.config.write_text(text.replace('"3.5 kB"', '"3.5 apples"'))
    async with editor(scratch, small.folder) as opened:
        await opened.until(lambda: opened.diagnostics(small.config))
        assert [d.range.start.line for d in opened.diagnostics(small.config)] == [4]
        opened.open(small.config, "toml")
        opened.save(small.config, text)
        await opened.until(lambda: opened.shown(small.definitions) == [("asset-over-budget", 8)])
        await opened.until(lambda: not opened.diagnostics(small.config))


async def test_no_dagster_project(tmp_path: Path, scratch: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "other"\nversion = "1"\n')
    source = folder / "code.py"
    source.write_text("x = 1\n")
    async with editor(scratch, folder) as opened:
        await opened.until(lambda: opened.statuses)
        await opened.until(lambda: not opened.measuring)
        opened.open(source)
        opened.save(source, "x = 2\n")
        assert await opened.hover(source, 1) is None
        assert await opened.lenses(source) == []
        assert opened.all_shown() == []
        assert opened.client.messages == []
        assert opened.statuses[-1]["phase"] == "no-location"
