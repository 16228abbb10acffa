"""The language server as a process, with every kind of client: able, unable, early and mistaken."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as t
from pytest_lsp import LspSpecificationWarning

from support import lsp_client
from support.command import tree
from support.lsp_client import Editor, editor, full_capabilities, server_environment
from support.lsp_projects import (
    HANGS,
    SMALL,
    Small,
    line_of,
    small_project,
    with_log,
    write_at_once,
)
from support.patience import patience

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.filterwarnings(
        f"error::{LspSpecificationWarning.__module__}.LspSpecificationWarning"
    ),
]

EXECUTE = "workspace/executeCommand"
WIDE = "\N{GRINNING FACE}漢字"
ENCODED = f"""\
import dagster as dg

sizes = "{WIDE}"; heavy = dg.AssetSpec("heavy", description="e" * 5000)


@dg.asset(description="{WIDE}" * 1000, name="light")
def 漢字() -> None: ...


mark = "{WIDE}"; defs = dg.Definitions(assets=[heavy, 漢字])
"""
IN_OTHERS = """\
import dagster as dg
from latin import latin
from marked import marked

defs = dg.Definitions(assets=[latin, marked])
"""


@pytest.fixture
def small(tmp_path: Path, python: Path) -> Small:
    """A project with an asset that is over its budget."""
    return small_project(tmp_path / "small", python)


def found(small: Small, name: str = "orders") -> list[tuple[str, int]]:
    """What is to be shown of an asset."""
    return [("asset-over-budget", line_of(small.definitions, f"def {name}") - 1)]


def send(opened: Editor, **message: Any) -> None:
    """Send any JSON to the server."""
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    server = opened.client._server
    assert server is not None
    assert server.stdin is not None
    server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_positions_are_in_the_agreed_encoding(
    tmp_path: Path, scratch: Path, python: Path, encoding: str
) -> None:
    small = small_project(tmp_path / "small", python, ENCODED)
    path = small.definitions
    lines = ENCODED.splitlines()
    codec, width = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[
        encoding
    ]

    def text_of(place: t.Range) -> str:
        """The text of a range of one line, counted as it was agreed."""
        assert place.start.line == place.end.line
        whole = lines[place.start.line].encode(codec)
        return whole[place.start.character * width : place.end.character * width].decode(codec)

    capabilities = full_capabilities(position_encodings=[t.PositionEncodingKind(encoding)])
    async with editor(scratch, small.folder, capabilities=capabilities) as opened:
        assert opened.encoding == encoding
        opened.open(path)
        await opened.ended(1)
        await opened.until(lambda: len(opened.diagnostics(path)) == 2)
        heavy = lines[2].partition("heavy = ")[2]
        assert [text_of(d.range) for d in opened.diagnostics(path)] == [heavy, lines[5]]
        lenses = await opened.client.text_document_code_lens_async(
            t.CodeLensParams(t.TextDocumentIdentifier(path.as_uri()))
        )
        definitions = lines[9].partition("defs = ")[2]
        assert [text_of(x.range) for x in lenses or ()] == [heavy, lines[5], definitions]
        units = len(lines[2].encode(codec)) // width
        for character, line, name in ((units, 3, "heavy"), (len(lines[2]) - 5, 3, "heavy")):
            hover = await opened.client.text_document_hover_async(
                t.HoverParams(
                    t.TextDocumentIdentifier(path.as_uri()), t.Position(line - 1, character)
                )
            )
            assert hover is not None
            assert hover.range is not None
            assert text_of(hover.range) == heavy
            assert isinstance(hover.contents, t.MarkupContent)
            assert name in hover.contents.value
        assert await opened.hover(path, 3, units + 1) is None
        assert "light" in str(await opened.hover(path, 7, len("def 漢".encode(codec)) // width))
        # A line above in another alphabet moves nothing, a wider text before it does.
        opened.type(path, ENCODED.replace('sizes = "', f'sizes = "{WIDE}{WIDE}'))
        lines[2] = opened.buffers[path].splitlines()[2]
        await opened.until(lambda: "before the last" in opened.diagnostics(path)[0].message)
        assert text_of(opened.diagnostics(path)[0].range) == heavy


async def test_a_client_that_can_do_nothing(small: Small, scratch: Path) -> None:
    capabilities = t.ClientCapabilities(
        text_document=t.TextDocumentClientCapabilities(
            hover=t.HoverClientCapabilities(content_format=[t.MarkupKind.PlainText])
        )
    )
    async with editor(scratch, small.folder, capabilities=capabilities) as opened:
        path = small.definitions
        assert opened.encoding == "utf-16"
        opened.open(path)
        await opened.ended(1)
        await opened.until(lambda: opened.shown(path) == found(small))
        assert not opened.diagnostics(path)[0].related_information
        (line,) = [n for _, n in found(small)]
        hover = await opened.client.text_document_hover_async(
            t.HoverParams(t.TextDocumentIdentifier(path.as_uri()), t.Position(line - 1, 2))
        )
        assert hover is not None
        assert isinstance(hover.contents, t.MarkupContent)
        assert hover.contents.kind == t.MarkupKind.PlainText
        assert not set("`|*&") & set(hover.contents.value)
        raises = [a for a in await opened.actions(path, line) if a.edit]
        assert raises
        assert all(a.edit and a.edit.document_changes is None for a in raises)
        assert all(a.edit and a.edit.changes for a in raises)
        (lens, *_) = [x for x in await opened.lenses(path) if x[0] == line]
        assert "7.8 kB" in lens[1]
        text = await opened.client.workspace_execute_command_async(
            t.ExecuteCommandParams(
                "dagsterSnapsize.showAsset", ["definitions.py", "orders", str(small.folder)]
            )
        )
        assert "orders" in str(text)
        await opened.until(lambda: [m for m in opened.client.messages if "orders" in m.message])
        opened.save(path, opened.buffers[path].replace("3000", "4000"))
        await opened.until(lambda: "4.9 kB" in str(opened.all_shown()))
        # Not one request was sent to it, nor any progress.
        assert opened.asked == []
        assert opened.client.progress_reports == {}
        assert opened.client.shown_documents == []


async def test_a_client_that_watches(small: Small, scratch: Path) -> None:
    capabilities = full_capabilities()
    assert capabilities.workspace is not None
    capabilities.workspace.did_change_watched_files = t.DidChangeWatchedFilesClientCapabilities(
        dynamic_registration=True, relative_pattern_support=True
    )
    path = small.definitions
    async with editor(scratch, small.folder, capabilities=capabilities) as opened:
        await opened.ended(1)
        await opened.until(lambda: opened.shown(path) == found(small))
        await opened.until(lambda: t.CLIENT_REGISTER_CAPABILITY in opened.asked)
        assert t.WORKSPACE_CODE_LENS_REFRESH in opened.asked
        if sys.platform == "linux":
            assert opened.watches() == 0
        # It tells of another file, and of one that is not; then of the one that matters.
        write_at_once(path, path.read_text().replace("3000", "4000"))
        for name in ("other.py", "gone/deep.yaml", "definitions.py"):
            changed = t.FileEvent((small.folder / name).as_uri(), t.FileChangeType.Changed)
            opened.client.workspace_did_change_watched_files(
                t.DidChangeWatchedFilesParams([changed])
            )
        await opened.until(lambda: "4.9 kB" in str(opened.all_shown()))
        await opened.until(lambda: not opened.measuring)
        assert len(small.loads) == 2


async def test_early_late_unknown_and_nonsense(small: Small, scratch: Path) -> None:
    path = small.definitions
    nowhere = small.folder / "nowhere.py"
    async with editor(scratch, small.folder, initialize=False) as opened:
        assert opened.parameters is not None
        where = {"textDocument": {"uri": path.as_uri()}, "position": {"line": 0, "character": 0}}
        # Before the server knows of any client: whatever it answers, it answers.
        send(opened, id="early", method="textDocument/hover", params=where)
        send(opened, method="textDocument/didSave", params=where)
        opened.client.capabilities = opened.parameters.capabilities
        await opened.client.initialize_async(opened.parameters)
        # And before that client is ready.
        opened.open(path)
        assert await opened.hover(path, 1) is None
        assert await opened.lenses(path) == []
        assert await opened.actions(path, 1) == []
        opened.save(path)
        for command in ("measure", "cancel", "restart"):
            await opened.run(f"dagsterSnapsize.{command}")
        opened.client.initialized(t.InitializedParams())
        await opened.until(lambda: opened.shown(path) == found(small))
        await opened.until(lambda: not opened.measuring)
        (line,) = [n for _, n in found(small)]
        # Files that it does not know, or that are no files.
        for uri in (
            nowhere.as_uri(),
            "untitled:Untitled-1",
            "git:/x.py?%7B%7D",
            "file:///%00",
            "file:relative.py",
            "",
            "\ud83d",
        ):
            opened.uris[nowhere] = uri
            assert await opened.hover(nowhere, 1) is None
            assert await opened.lenses(nowhere) == []
            assert await opened.hints(nowhere) == []
            assert await opened.actions(nowhere, 1) == []
            opened.client.text_document_did_save(
                t.DidSaveTextDocumentParams(t.TextDocumentIdentifier(uri))
            )
            opened.close(nowhere)
        # Lines that are not there.
        for far, character in ((10_000_000, 0), (line, 2**31 - 1)):
            assert await opened.hover(path, far, character) is None
            assert await opened.actions(path, far) is not None
        # A file that was closed: its text on disk counts.
        opened.type(path, "\n\n" + opened.buffers[path])
        assert "orders" in str(await opened.hover(path, line + 2, 3))
        opened.close(path)
        await opened.until(lambda: opened.shown(path) == found(small))
        assert "orders" in str(await opened.hover(path, line, 3))
        assert line in [n for n, _ in await opened.lenses(path)]
        # No sense at all.
        await nonsense(opened, path)
        assert "orders" in str(await opened.hover(path, line, 3))
        await opened.until(lambda: not opened.measuring)
        assert opened.shown(path) == found(small)


async def nonsense(opened: Editor, path: Path) -> None:
    """Send what no client should."""
    uri = path.as_uri()
    for params in (
        None,
        [],
        {},
        {"textDocument": None},
        {"textDocument": {"uri": 7}, "position": {"line": "x"}},
        {"textDocument": {"uri": uri}, "position": {"line": -5, "character": -1}},
    ):
        for number, method in enumerate(
            ("textDocument/hover", "textDocument/codeLens", "textDocument/codeAction")
        ):
            send(opened, id=f"nonsense {number}", method=method, params=params)
        for method in ("didOpen", "didChange", "didClose", "didSave"):
            send(opened, method=f"textDocument/{method}", params=params)
        send(opened, method="dagsterSnapsize/focus", params=params)
        send(opened, id="rows", method="dagsterSnapsize/measurement", params=params)
    assert opened.client._server is not None and opened.client._server.stdin is not None
    for length in (b"-2", b"x"):
        opened.client._server.stdin.write(b"Content-Length: %b\r\n\r\n{}" % length)
    for arguments in ([], [1], ["a", "b"], ["a", "b", "c", "d"], None, {}):
        for command in ("showAsset", "showReport", "openHeaviestField", "measure"):
            named = {"command": f"dagsterSnapsize.{command}", "arguments": arguments}
            send(opened, id="command", method="workspace/executeCommand", params=named)
    send(opened, id="command", method="workspace/executeCommand", params={"command": "rm"})
    send(opened, id="unknown", method="textDocument/unheardOf", params={})
    send(opened, method="$/unheardOf", params={})
    send(opened, id=5, result=None)


async def test_parameters_that_do_not_fit_are_an_error(small: Small, scratch: Path) -> None:
    """And no baseline is written, which without arguments is that of all projects."""
    async with editor(scratch, small.folder) as opened:
        await opened.ended(1)
        answers: dict[Any, Any] = {}
        take = opened.client.protocol._handle_response

        def note(number: Any, result: Any = None, error: Any = None) -> None:
            answers[number] = error and error.code
            if not isinstance(number, str) or not number.startswith("bad"):
                take(number, result, error)

        opened.client.protocol._handle_response = note
        for number, params in enumerate([None, [], {}, {"textDocument": {"uri": 7}}, "x"]):
            send(opened, id=f"bad hover {number}", method="textDocument/hover", params=params)
        for number, of in enumerate([["small"], ["small", 5], ["a", "b", "c"], [None, None]]):
            params = {"command": "dagsterSnapsize.updateBaseline", "arguments": of}
            send(opened, id=f"bad command {number}", method=EXECUTE, params=params)
        await opened.until(lambda: len(answers) == 9)
        assert set(answers.values()) == {t.ErrorCodes.InvalidParams.value}
        assert [p for p in small.folder.iterdir() if "baseline" in p.name] == []


async def test_settings_that_cannot_be_used(small: Small, scratch: Path) -> None:
    path = small.definitions
    bad = {
        "debounceMilliseconds": -1,
        "codeLens": {"minimum": "three apples"},
        "measure": "sometimes",
        "lowPriorty": True,
    }
    async with editor(scratch, small.folder, settings=bad) as opened:
        opened.open(path)
        await opened.ended(1)
        await opened.until(lambda: opened.shown(path) == found(small))

        def said() -> list[str]:
            return [m.message for m in opened.client.messages]

        (message,) = said()
        assert message.startswith("dagster-snapsize: ")
        for words, line in zip(
            [
                '`dagsterSnapsize.codeLens.minimum`: "three apples"',
                "`dagsterSnapsize.debounceMilliseconds`: -1 is not",
                '`dagsterSnapsize.measure`: "sometimes" is not one of',
                "unknown key `lowPriorty` in `dagsterSnapsize`; did you mean `lowPriority`?",
            ],
            sorted(message.removeprefix("dagster-snapsize: ").splitlines()),
            strict=True,
        ):
            assert line.startswith(words), message
        assert "100 is used" in message
        assert len(await opened.lenses(path)) == 3
        for settings in ([1], "x", 5, {"dagsterSnapsize": []}, {"codeLens": 7}):
            before = len(said())
            opened.client.workspace_did_change_configuration(
                t.DidChangeConfigurationParams(settings)
            )
            await opened.until(lambda n=before: len(said()) == n + 1)
            assert len(await opened.lenses(path)) == 3
        opened.client.messages.clear()
        # Some clients push the settings of all their servers, and ours among them or not.
        others = {"python": {"pythonPath": "python3"}, "editor": {"codeLens": {}}}
        for settings in ({**others, "dagsterSnapsize": {"codeLens": False}}, others):
            opened.client.workspace_did_change_configuration(
                t.DidChangeConfigurationParams(settings)
            )
            assert await opened.lenses(path) == []
        opened.set(codeLens={"minimum": "6.5 kB"})
        assert [n for n, _ in await opened.lenses(path)][:1] == [n for _, n in found(small)]
        assert len(await opened.lenses(path)) == 2
        opened.set(codeLens=False)
        assert await opened.lenses(path) == []
        opened.set()
        assert len(await opened.lenses(path)) == 3
        assert said() == []
        assert len(small.loads) == 1


async def test_a_bad_setting_is_told_once(tmp_path: Path, scratch: Path) -> None:
    """By a client, too, that gives its settings at the start and when it is asked."""
    folder = tmp_path / "empty"
    folder.mkdir()
    settings = {"measure": "sometimes"}
    async with editor(
        scratch, folder, capabilities=full_capabilities(), settings=settings
    ) as opened:
        await opened.until(lambda: opened.statuses)
        assert t.WORKSPACE_CONFIGURATION in opened.asked
        (message,) = [m.message for m in opened.client.messages]
        assert "measure" in message


async def test_options_that_are_no_object_are_told_of(tmp_path: Path, scratch: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    async with editor(scratch, folder, initialize=False) as opened:
        assert opened.parameters is not None
        opened.parameters.initialization_options = ["measure"]
        await opened.client.initialize_session(opened.parameters)
        await opened.client.workspace_execute_command_async(
            t.ExecuteCommandParams("dagsterSnapsize.cancel")
        )
        (message,) = opened.client.messages
        assert '`dagsterSnapsize`: ["measure"] is not an object' in message.message


@pytest.mark.parametrize(
    "read_as",
    [
        "utf-8",
        pytest.param("latin-1"),
    ],
)
async def test_files_in_other_encodings(
    tmp_path: Path, scratch: Path, python: Path, read_as: str
) -> None:
    """In a client that heeds what a file says of its encoding, and in one that does not."""
    small = small_project(tmp_path / "small", python, IN_OTHERS)
    asset = '\nimport dagster as dg\n\n\n@dg.asset(description="{0}" * 5000)\ndef {1}(): ...\n'
    latin, marked = small.folder / "latin.py", small.folder / "marked.py"
    latin.write_bytes(("# coding: latin-1\n# é" + asset.format("é", "latin")).encode("latin-1"))
    marked.write_bytes(asset.format("x", "marked").encode("utf-8-sig"))
    broken = small.folder / "broken.py"
    broken.write_bytes(b"def f(:\n\xff\xfe\x00\n")
    async with editor(scratch, small.folder) as opened:
        opened.encodings = {latin: read_as, marked: "utf-8-sig"}
        for path in (latin, marked, broken):
            opened.open(path)
        await opened.ended(1)
        await opened.until(lambda: len(opened.all_shown()) == 2)
        for path in (latin, marked):
            line = line_of_bytes(path, b"@dg.asset")
            assert opened.shown(path) == [("asset-over-budget", line)]
            assert path.stem in str(await opened.hover(path, line, 3))
            assert [n for n, _ in await opened.lenses(path)] == [line]
            text = opened.buffers[path]
            opened.type(path, text.replace("@dg", "\n@dg"))
            await opened.until(lambda p=path, n=line: opened.shown(p)[0][1] == n + 1)
            await opened.until(lambda: opened.statuses[-1]["stale"])
            content = path.read_bytes()
            opened.save(path, text)
            write_at_once(path, content)
            await opened.until(lambda p=path, n=line: opened.shown(p)[0][1] == n)
            await opened.until(lambda: not opened.statuses[-1]["stale"])
        assert await opened.hover(broken, 1) is None
        assert await opened.lenses(broken) == []
        if read_as == "latin-1":
            assert opened.begun(small.folder) == 1


def line_of_bytes(path: Path, start: bytes) -> int:
    """The first line (from 1) of a file that begins so."""
    return next(n for n, x in enumerate(path.read_bytes().splitlines(), 1) if x.startswith(start))


async def test_progress_that_is_cancelled(tmp_path: Path, scratch: Path, python: Path) -> None:
    small = small_project(tmp_path / "small", python, HANGS)
    async with editor(scratch, small.folder, capabilities=full_capabilities()) as opened:
        reports = opened.client.progress_reports
        await opened.until(lambda: small.loads and any(reports.values()))
        ((token, first),) = reports.items()
        begin = first[0]
        assert isinstance(begin, t.WorkDoneProgressBegin)
        assert begin.cancellable
        await opened.until(lambda: "loading" in str(first[-1].message))
        opened.client.window_work_done_progress_cancel(t.WorkDoneProgressCancelParams(token))
        await opened.until(lambda: isinstance(first[-1], t.WorkDoneProgressEnd))
        await opened.until(lambda: not opened.workers() and not opened.measuring)
        assert opened.temporary() == []
        assert len(small.loads) == 1
        # Tokens that are of the past, or that nobody gave, cancel nothing.
        for old in (token, "unknown", 7):
            opened.client.window_work_done_progress_cancel(t.WorkDoneProgressCancelParams(old))
        opened.open(small.definitions)
        opened.save(small.definitions, with_log(SMALL, small))
        await opened.until(lambda: opened.shown(small.definitions) == found(small))
        await opened.until(lambda: not opened.measuring)
        (second,) = [listed for name, listed in reports.items() if name != token]
        await opened.until(lambda: isinstance(second[-1], t.WorkDoneProgressEnd))
        kinds = [report.kind for report in second]
        assert kinds == ["begin", *["report"] * (len(kinds) - 2), "end"]
        told = [str(r.message) for r in second[1:-1]]
        assert any("of 2 snapshots" in message for message in told), told
        percentages = [r.percentage for r in second[1:-1] if r.percentage is not None]
        assert percentages == sorted(percentages)
        assert first[-1].kind == "end"
        assert len(first) == [r.kind for r in first].index("end") + 1


async def test_exit_before_anything_else(scratch: Path) -> None:
    server = await asyncio.create_subprocess_exec(
        *lsp_client.SERVER,
        stdin=asyncio.subprocess.PIPE,
        env=server_environment("unused", scratch),
    )
    assert server.stdin is not None
    body = b'{"jsonrpc":"2.0","method":"exit"}'
    server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    await server.stdin.drain()
    await asyncio.wait_for(server.wait(), patience(lsp_client.PATIENCE))


async def test_uris_of_another_spelling(tmp_path: Path, scratch: Path, python: Path) -> None:
    small = small_project(tmp_path / "our préjët #1 (a+b)", python)

    def spelled(path: Path) -> str:
        """Every character that can be escaped is, in small letters."""
        return "file://" + "".join(
            chr(b) if chr(b) in "/" or chr(b).isdigit() else f"%{b:02x}" for b in str(path).encode()
        )

    path = small.definitions
    async with editor(scratch, small.folder, initialize=False) as opened:
        assert opened.parameters is not None
        folder = t.WorkspaceFolder(spelled(small.folder), "project")
        opened.parameters.workspace_folders = [folder]
        opened.uris[path] = spelled(path)
        await opened.client.initialize_session(opened.parameters)
        await opened.until(lambda: opened.statuses)
        assert opened.statuses[0]["folder"] == str(small.folder)
        opened.open(path)
        await opened.ended(1)
        await opened.until(lambda: opened.shown(path) == found(small))
        assert {u for u, listed in opened.client.diagnostics.items() if listed} == {spelled(path)}
        (line,) = [n for _, n in found(small)]
        assert "orders" in str(await opened.hover(path, line, 3))
        assert len(await opened.lenses(path)) == 3
        opened.type(path, "\n" + opened.buffers[path])
        await opened.until(lambda: opened.shown(path) == [("asset-over-budget", line + 1)])
        opened.save(path)
        await opened.until(lambda: not opened.statuses[-1]["stale"] and len(small.loads) == 2)


async def test_a_project_behind_a_link(small: Small, tmp_path: Path, scratch: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(small.folder)
    path = link / "definitions.py"
    async with editor(scratch, link) as opened:
        opened.open(path)
        await opened.ended(1)
        await opened.until(lambda: opened.shown(path) == found(small))
        assert [u for u, listed in opened.client.diagnostics.items() if listed] == [path.as_uri()]
        (line,) = [n for _, n in found(small)]
        assert "orders" in str(await opened.hover(path, line, 3))
        assert len(await opened.lenses(path)) == 3
        opened.type(path, "\n" + opened.buffers[path])
        await opened.until(lambda: opened.shown(path) == [("asset-over-budget", line + 1)])
        await opened.until(lambda: opened.statuses[-1]["stale"])
        opened.save(path)
        await opened.until(lambda: len(small.loads) == 2)
        await opened.until(lambda: not opened.measuring and not opened.statuses[-1]["stale"])
        # Somebody writes the file by its real name.
        small.definitions.write_text(opened.buffers[path].replace("3000", "4000"))
        await opened.until(lambda: len(small.loads) == 3)
        await opened.until(lambda: not opened.measuring)


async def test_neither_the_project_nor_the_cache_folder_can_be_written(
    small: Small, scratch: Path
) -> None:
    """Nor is the project in a git repository."""
    blocked = {"SNAPSIZE_CACHE_DIR": str(small.config), "SNAPSIZE_NO_CACHE": ""}
    before = tree(small.folder)
    paths = [small.folder, small.definitions, small.config]
    for path in paths:
        path.chmod(path.stat().st_mode & 0o555)
    try:
        async with editor(scratch, small.folder, env=blocked) as opened:
            opened.open(small.definitions)
            assert (await opened.ended(1))["phase"] == "idle"
            await opened.until(lambda: opened.shown(small.definitions) == found(small))
            assert len(await opened.lenses(small.definitions)) == 3
            line = line_of(small.definitions, "def orders") - 1
            assert "orders" in str(await opened.hover(small.definitions, line, 3))
            assert "no longer available" in await opened.run("dagsterSnapsize.updateBaseline")
    finally:
        for path in paths:
            path.chmod(path.stat().st_mode | 0o200)
    # Root could have written all the same.
    assert tree(small.folder) == before


async def test_a_project_that_is_measured_when_asked_only(small: Small, scratch: Path) -> None:
    async with editor(scratch, small.folder, settings={"measure": "manual"}) as opened:
        status = await opened.until(lambda: opened.statuses and opened.statuses[-1])
        assert status["folder"] == str(small.folder)
        assert (status["phase"], status["level"]) == ("idle", "none")
        await opened.run("dagsterSnapsize.measure")
        await opened.ended(1)
        assert opened.statuses[-1]["level"] == "within"
        assert small.loads == [opened.mark]


async def test_a_missing_interpreter_is_told_apart(small: Small, scratch: Path) -> None:
    async with editor(scratch, small.folder, settings={"interpreter": ".venv/bin/gone"}) as opened:
        await opened.until(lambda: opened.statuses and opened.statuses[-1]["message"])
        status = await opened.until(lambda: not opened.measuring and opened.statuses[-1])
        assert status["phase"] == "no-interpreter"
        assert "the setting dagsterSnapsize.interpreter" in status["message"]
        (told,) = opened.all_shown()
        assert told.code == "configuration"
        opened.set(interpreter=".venv/bin/python")
        await opened.until(lambda: opened.statuses[-1]["level"] == "within")
        await opened.until(lambda: not opened.all_shown() or opened.shown(small.definitions))
        # What the editor's own tooling chose comes after the project's configuration, not before.
        opened.set(editorInterpreter="/gone/python")
        await opened.until(lambda: opened.statuses[-1]["phase"] == "no-interpreter")
        assert "Python extension" in opened.statuses[-1]["message"]
