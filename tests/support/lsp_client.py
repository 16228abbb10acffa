"""An editor for the tests: drives the real language server as a process over standard input.

Run as a program (``python lsp_client.py FOLDER``) it opens the folder in a server and then only
waits: an editor to be killed.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from lsprotocol import types as t
from pytest_lsp import LanguageClient
from pytest_lsp.client import make_test_lsp_client

from support.command import Result
from support.lsp_projects import write_at_once
from support.patience import measure_again, patience

MARK = "SNAPSIZE_TEST_MARK"
SERVER = (sys.executable, "-m", "dagster_snapsize", "lsp")
PATIENCE = 45.0  # seconds of a quiet machine
_DROPPED = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT")


def server_environment(mark: str, scratch: Path) -> dict[str, str]:
    """What a server is started with: a mark to find all that it starts, and folders of its own."""
    clean = {
        key: value
        for key, value in os.environ.items()
        if key not in _DROPPED and not key.startswith(("DAGSTER_", "SNAPSIZE_"))
    }
    folders = {"SNAPSIZE_CACHE_DIR": scratch / "cache", "TMPDIR": scratch / "tmp"}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    paths = {key: str(folder) for key, folder in folders.items()}
    return {**clean, **paths, "SNAPSIZE_NO_CACHE": "1", MARK: mark}


def full_capabilities(**general: Any) -> t.ClientCapabilities:
    """A client that can do all that the server makes use of, but does not watch files."""
    return t.ClientCapabilities(
        general=t.GeneralClientCapabilities(**general),
        window=t.WindowClientCapabilities(work_done_progress=True),
        text_document=t.TextDocumentClientCapabilities(
            publish_diagnostics=t.PublishDiagnosticsClientCapabilities(related_information=True),
            code_lens=t.CodeLensClientCapabilities(),
        ),
        workspace=t.WorkspaceClientCapabilities(
            configuration=True,
            workspace_folders=True,
            workspace_edit=t.WorkspaceEditClientCapabilities(document_changes=True),
            code_lens=t.CodeLensWorkspaceClientCapabilities(refresh_support=True),
            inlay_hint=t.InlayHintWorkspaceClientCapabilities(refresh_support=True),
        ),
    )


class Editor:
    """An editor with a server. Texts that are opened live in buffers, as a user sees them."""

    def __init__(self, client: LanguageClient, mark: str, scratch: Path):
        self.client = client
        self.mark = mark
        self.scratch = scratch
        self.buffers: dict[Path, str] = {}
        self.versions: dict[Path, int] = {}
        self.uris: dict[Path, str] = {}  # where the editor spells one in a way of its own
        self.encodings: dict[Path, str] = {}  # of files, where it is not UTF-8
        self.parameters: t.InitializeParams | None = None
        self.statuses: list[dict[str, Any]] = []
        self.asked: list[str] = []  # methods of the requests that the server sent
        self.encoding: str = "utf-16"

    # -- waiting -----------------------------------------------------------------------------

    async def until(self, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """Wait until ``condition`` is true, and give what it gave.

        ``seconds`` are those of a quiet machine. Where they were too few, the machine is measured
        again and given as long once more.
        """
        end, is_last = time.monotonic() + patience(seconds), False
        while not (found := condition()):
            if time.monotonic() > end and not is_last:
                await asyncio.to_thread(measure_again)
                end, is_last = time.monotonic() + patience(seconds), True
            elif time.monotonic() > end:
                shown = {uri: [d.message for d in v] for uri, v in self.client.diagnostics.items()}
                raise AssertionError(
                    f"not within {seconds} s of a quiet machine: {shown};"
                    f" statuses {self.statuses[-5:]};"
                    f" messages {[m.message for m in self.client.messages]}"
                )
            await asyncio.sleep(0.02)
        return found

    async def ended(self, count: int) -> dict[str, Any]:
        """Wait until ``count`` measurements have ended and none runs; the last status."""
        await self.until(lambda: self.measurements >= count and not self.measuring)
        return self.statuses[-1]

    async def rests_for(self, seconds: float) -> None:
        """The server is at rest now, and begins nothing for so many seconds."""
        before = len(self.statuses)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            begun = [s for s in self.statuses[before:] if s["phase"] == "measuring"]
            assert not begun, begun
            await asyncio.sleep(0.02)

    @property
    def measuring(self) -> bool:
        """Whether a measurement runs, as the server says."""
        return bool(self.statuses) and self.statuses[-1]["phase"] == "measuring"

    @property
    def measurements(self) -> int:
        """How many measurements have begun and ended, however they ended."""
        phases = [s["phase"] for s in self.statuses]
        return sum(a == "measuring" and b != "measuring" for a, b in itertools.pairwise(phases))

    def begun(self, folder: Path) -> int:
        """How many measurements of this project have begun."""
        phases = [s["phase"] for s in self.statuses if s["folder"] == str(folder)]
        return sum(
            a != "measuring" and b == "measuring" for a, b in itertools.pairwise(["", *phases])
        )

    def rests(self, folder: Path) -> bool:
        """Whether this project has been measured, and is not being measured now."""
        phases = [s["phase"] for s in self.statuses if s["folder"] == str(folder)]
        return "measuring" in phases and phases[-1] != "measuring"

    # -- what a user does --------------------------------------------------------------------

    def open(self, path: Path, language: str = "python") -> None:
        """Open a file as it is on disk."""
        self.buffers[path] = path.read_bytes().decode(self.encodings.get(path, "utf-8"), "replace")
        self.versions[path] = 1
        document = t.TextDocumentItem(self.uri(path), language, 1, self.buffers[path])
        self.client.text_document_did_open(t.DidOpenTextDocumentParams(document))

    def close(self, path: Path) -> None:
        """Close its buffer."""
        self.client.text_document_did_close(t.DidCloseTextDocumentParams(self._document(path)))

    def type(self, path: Path, text: str) -> None:
        """Replace the text of a buffer; the file stays as it is."""
        self.buffers[path] = text
        self.versions[path] += 1
        document = t.VersionedTextDocumentIdentifier(
            uri=self.uri(path), version=self.versions[path]
        )
        change = t.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(t.DidChangeTextDocumentParams(document, [change]))

    def save(self, path: Path, text: str | None = None) -> None:
        """Write the buffer to its file, after replacing its text where one is given."""
        if text is not None:
            self.type(path, text)
        write_at_once(path, self.buffers[path].encode(self.encodings.get(path, "utf-8")))
        self.client.text_document_did_save(t.DidSaveTextDocumentParams(self._document(path)))

    def set(self, **settings: Any) -> None:
        """Change the settings; those that are not named have their defaults."""
        self.client.set_configuration(settings, section="dagsterSnapsize")
        self.client.workspace_did_change_configuration(t.DidChangeConfigurationParams(settings))

    async def run(self, command: str, *arguments: Any) -> Any:
        """Run one of the server's commands."""
        params = t.ExecuteCommandParams(command, list(arguments) or None)
        return await self.client.workspace_execute_command_async(params)

    def uri(self, path: Path) -> str:
        """The URI by which the editor knows a file."""
        return self.uris.get(path) or path.as_uri()

    def _document(self, path: Path) -> t.TextDocumentIdentifier:
        return t.TextDocumentIdentifier(self.uri(path))

    # -- what a user sees --------------------------------------------------------------------

    def diagnostics(self, path: Path) -> Sequence[t.Diagnostic]:
        """The diagnostics of a file."""
        return self.client.diagnostics.get(self.uri(path), [])

    def shown(self, path: Path) -> list[tuple[str, int]]:
        """Rule and line (from 1) of each diagnostic of a file."""
        return [(str(d.code), d.range.start.line + 1) for d in self.diagnostics(path)]

    def all_shown(self) -> list[t.Diagnostic]:
        """The diagnostics of all files."""
        return [d for listed in self.client.diagnostics.values() for d in listed]

    async def hover(self, path: Path, line: int, character: int = 0) -> str | None:
        """The text of the hover on a line (from 1)."""
        found = await self.client.text_document_hover_async(
            t.HoverParams(self._document(path), t.Position(line - 1, character))
        )
        if found is None:
            return None
        assert isinstance(found.contents, t.MarkupContent)
        return found.contents.value

    async def lenses(self, path: Path) -> list[tuple[int, str]]:
        """Line (from 1) and title of each code lens of a file."""
        found = await self.client.text_document_code_lens_async(
            t.CodeLensParams(self._document(path))
        )
        return [(x.range.start.line + 1, x.command.title) for x in found or () if x.command]

    async def hints(self, path: Path) -> list[tuple[int, str]]:
        """Line (from 1) and text of each inlay hint of a file."""
        whole = t.Range(t.Position(0, 0), t.Position(100_000, 0))
        found = await self.client.text_document_inlay_hint_async(
            t.InlayHintParams(self._document(path), whole)
        )
        return [(x.position.line + 1, str(x.label)) for x in found or ()]

    async def actions(self, path: Path, line: int) -> list[t.CodeAction]:
        """The code actions on a line (from 1)."""
        at = t.Position(line - 1, 0)
        found = await self.client.text_document_code_action_async(
            t.CodeActionParams(
                self._document(path),
                t.Range(at, at),
                t.CodeActionContext(list(self.diagnostics(path))),
            )
        )
        return [x for x in found or () if isinstance(x, t.CodeAction)]

    # -- processes ---------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self.client._server is not None
        return self.client._server.pid

    def leftovers(self) -> list[str]:
        """Command lines of all processes that carry this editor's mark, the server's too."""
        return Result(0, "", "", self.mark).leftovers()

    def workers(self) -> list[str]:
        """The same without the server."""
        return [x for x in self.leftovers() if "dagster_snapsize lsp" not in x]

    def watches(self) -> int:
        """How many folders the system watches for the server (Linux)."""
        found = 0
        for info in Path(f"/proc/{self.pid}/fdinfo").iterdir():
            with suppress(OSError):  # it was closed meanwhile
                found += info.read_text().count("inotify wd:")
        return found

    def temporary(self) -> list[Path]:
        """Files and folders in the temporary folder that all of them were given."""
        return sorted((self.scratch / "tmp").rglob("*"))


@asynccontextmanager
async def editor(
    scratch: Path,
    *folders: Path,
    capabilities: t.ClientCapabilities | None = None,
    settings: dict[str, Any] | None = None,
    process_id: int | None = None,
    shut_down: bool = True,
    initialize: bool = True,
    env: dict[str, str] | None = None,
) -> AsyncIterator[Editor]:
    """An editor with these workspace folders open, and its server, which is ended at the end.

    ``settings`` are given when it starts; a client that can be asked answers with them too. ``env``
    is added to the server's environment. Without ``initialize`` that is left to the test. Nothing
    is kept ready between measurements unless ``settings`` say so: most tests count processes.
    """
    client = make_test_lsp_client()
    mark = uuid.uuid4().hex
    opened = Editor(client, mark, scratch)
    quick = {"debounceMilliseconds": 50, "forkServer": False, **(settings or {})}
    client.set_configuration(quick, section="dagsterSnapsize")

    @client.feature("dagsterSnapsize/status")
    def on_status(params: Any) -> None:
        opened.statuses.append({name: getattr(params, name, None) for name in _STATUS})

    answer = client.protocol._handle_request

    def note(number: Any, method: str, params: Any) -> None:
        opened.asked.append(method)
        answer(number, method, params)

    for method in _MAY_ASK:
        client.feature(method)(lambda *_: None)
    client.protocol._handle_request = note
    variables = {**server_environment(mark, scratch), **(env or {})}
    await client.start_io(*SERVER, env=variables, cwd=str(scratch))
    try:
        opened.parameters = t.InitializeParams(
            capabilities=capabilities or t.ClientCapabilities(),
            process_id=process_id or os.getpid(),
            workspace_folders=[t.WorkspaceFolder(f.as_uri(), f.name) for f in folders],
            initialization_options={"statusNotifications": True, **quick},
        )
        if initialize:
            result = await client.initialize_session(opened.parameters)
            encoding = result.capabilities.position_encoding
            opened.encoding = str(getattr(encoding, "value", encoding))
        yield opened
        if shut_down:
            assert client.error is None
            await asyncio.wait_for(client.shutdown_session(), patience(PATIENCE))
    finally:
        if client._server is not None and client._server.returncode is None:
            client._server.kill()
        await client.stop()


_MAY_ASK = (
    t.WORKSPACE_CODE_LENS_REFRESH,
    t.WORKSPACE_INLAY_HINT_REFRESH,
    t.CLIENT_REGISTER_CAPABILITY,
    t.CLIENT_UNREGISTER_CAPABILITY,
)
_STATUS = (
    *("folder", "phase", "text", "done", "of", "locations"),
    *("stale", "totalBytes", "level", "message"),
)


def changed_text(text: str, edit: t.WorkspaceEdit, path: Path) -> str:
    """The text of a file after an edit, which must change that file and no other (ASCII only)."""
    edits: list[Any] = []
    for uri, listed in (edit.changes or {}).items():
        assert uri == path.as_uri()
        edits += listed
    for change in edit.document_changes or ():
        assert isinstance(change, t.TextDocumentEdit)
        assert change.text_document.uri == path.as_uri()
        edits += change.edits
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for one in sorted(edits, key=lambda e: e.range.start.line, reverse=True):
        first = starts[one.range.start.line] + one.range.start.character
        last = starts[one.range.end.line] + one.range.end.character
        text = text[:first] + one.new_text + text[last:]
    return text


async def _wait_for_the_end(folder: Path) -> None:
    async with editor(folder.parent / "scratch", folder) as opened:
        print(opened.mark, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_wait_for_the_end(Path(sys.argv[1])))
