"""The baseline in the language server: growth is seen, and taken for the new baseline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as t

from support.command import snapsize
from support.lsp_client import Editor, editor
from support.lsp_projects import Small, line_of, small_project

pytestmark = pytest.mark.asyncio
ON = {"SNAPSIZE_NO_CACHE": "", "SNAPSIZE_CACHE_CHECK": "0", "PYTEST_CURRENT_TEST": ""}
CONFIG = '[tool.dagster-snapsize]\npython-file = "definitions.py"\n'
UPDATE = "dagsterSnapsize.updateBaseline"


@pytest.fixture
def small(tmp_path: Path, dagster_python: Callable[..., Path]) -> Small:
    return small_project(tmp_path / "small", dagster_python(), config=CONFIG)


def grown(opened: Editor, small: Small) -> list[t.Diagnostic]:
    codes = ("asset-grew", "snapshot-grew")
    return [d for d in opened.diagnostics(small.definitions) if d.code in codes]


async def update(opened: Editor, arguments: list[Any] | None = None) -> str:
    """What the command says; it is told to the user too."""
    found = await opened.client.workspace_execute_command_async(
        t.ExecuteCommandParams(UPDATE, arguments)
    )
    await opened.until(lambda: opened.client.messages)
    assert opened.client.messages.pop().message == f"dagster-snapsize: {found}"
    return str(found)


async def offered(opened: Editor, path: Path, line: int) -> list[str]:
    """The titles of all code actions on a line (from 1)."""
    at = t.Position(line - 1, 0)
    found = await opened.client.text_document_code_action_async(
        t.CodeActionParams(
            t.TextDocumentIdentifier(path.as_uri()), t.Range(at, at), t.CodeActionContext([])
        )
    )
    return [action.title for action in found or ()]


async def test_what_grows_is_seen_until_it_is_the_baseline(small: Small, scratch: Path) -> None:
    baseline = small.folder / "snapsize-baseline.jsonl"
    first = small.definitions.read_text(encoding="utf-8")
    line = line_of(small.definitions, "@dg.asset(description=")
    async with editor(scratch, small.folder, env=ON) as opened:
        await opened.ended(1)
        opened.open(small.definitions)
        assert "wrote" in await update(opened)
        await opened.ended(2)
        assert "Since the baseline" not in str(await opened.hover(small.definitions, line))

        opened.save(small.definitions, first.replace("* 3000", "* 4200"))
        await opened.until(lambda: len(grown(opened, small)) == 3)
        asset, snapshot, _ = grown(opened, small)
        assert (asset.code, snapshot.code) == ("asset-grew", "snapshot-grew")
        assert {asset.severity, snapshot.severity} == {t.DiagnosticSeverity.Information}
        assert asset.range.start.line == line - 1
        assert " since the baseline" in asset.message
        # The hover does not say again what the editor shows there.
        assert asset.message.endswith(": orders, description +2.4 kB")
        assert "Since the baseline" not in str(await opened.hover(small.definitions, line))
        assert [x for _, x in await opened.lenses(small.definitions) if " · +2.4 kB" in x]

        # What is shown is older than the text: it would be a baseline of nothing.
        old = baseline.read_bytes()
        opened.type(small.definitions, first.replace("* 3000", "* 4300"))
        refused = await update(opened)
        assert "was not written" in refused
        assert "before the last edit" in refused
        opened.type(small.definitions, first.replace("* 3000", "* 4200"))
        assert baseline.read_bytes() == old

        assert "Update the baseline" in await offered(opened, small.definitions, line)
        assert "wrote" in await update(opened, [small.definitions.name, str(small.folder)])
        await opened.until(lambda: not grown(opened, small))
        assert baseline.read_bytes() != old
        # To the byte what the command line would write.
        said = snapsize("baseline", "--check", cwd=small.folder, env=ON)
        assert (said.status, said.stderr) == (0, ""), said.stdout
        await opened.until(lambda: not opened.workers())


async def test_a_baseline_that_others_write_is_heeded(small: Small, scratch: Path) -> None:
    baseline = small.folder / "snapsize-baseline.jsonl"
    first = small.definitions.read_text(encoding="utf-8")
    assert snapsize("baseline", cwd=small.folder, env=ON).status == 0
    async with editor(scratch, small.folder, env=ON) as opened:
        await opened.ended(1)
        opened.open(small.definitions)
        opened.save(small.definitions, first.replace("* 2000", "* 2500"))
        await opened.until(lambda: len(grown(opened, small)) == 3)
        of_both = baseline.read_bytes()
        assert snapsize("baseline", cwd=small.folder, env=ON).status == 0
        await opened.until(lambda: not grown(opened, small))

        baseline.write_bytes(of_both)
        await opened.until(lambda: len(grown(opened, small)) == 3)
        loads = len(small.loads)  # what is only compared anew is not measured
        lines = of_both.splitlines(keepends=True)
        baseline.write_bytes(b"".join([*lines[:4], b"<<<<<<< ours\n", *lines[4:]]))
        await opened.until(lambda: opened.diagnostics(baseline))
        (damaged,) = opened.diagnostics(baseline)
        assert damaged.range.start.line == 4
        assert damaged.severity == t.DiagnosticSeverity.Error
        assert "merge conflict" in damaged.message
        # Sizes are seen all the same, and none of them is called stale.
        assert all("stale" not in x for _, x in await opened.lenses(small.definitions))
        assert not any(s["stale"] for s in opened.statuses[-10:])

        opened.open(baseline, "jsonl")
        assert await offered(opened, baseline, 5) == ["Rewrite the baseline"]
        assert "wrote" in await update(opened, [small.definitions.name, str(small.folder)])
        await opened.until(lambda: not opened.diagnostics(baseline))

        # It is not ours to overwrite what a newer version has written.
        newer = b'{"snapsize-baseline":99}\n'
        baseline.write_bytes(newer)
        await opened.until(lambda: opened.diagnostics(baseline))
        assert "format 99" in await update(opened)
        assert baseline.read_bytes() == newer
        baseline.unlink()
        await opened.until(lambda: not opened.diagnostics(baseline))
        assert not grown(opened, small)
        assert len(small.loads) == loads


async def test_nothing_is_written_of_what_cannot_be_measured(small: Small, scratch: Path) -> None:
    baseline = small.folder / "snapsize-baseline.jsonl"
    text = small.definitions.read_text(encoding="utf-8")
    async with editor(scratch, small.folder, env=ON) as opened:
        await opened.ended(1)
        opened.open(small.definitions)
        opened.save(small.definitions, f"{text}\nraise RuntimeError('no')\n")
        await opened.until(lambda: opened.statuses[-1]["phase"] == "failed")
        assert "could not be measured. Fix that first." in await update(opened)
        assert "there is no such location" in await update(opened, ["other", str(small.folder)])
        assert not baseline.exists()
