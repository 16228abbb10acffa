"""Measures the language server on generated code locations, as an editor feels it.

    python benchmarks/lsp.py                    2000x10, three saves
    python benchmarks/lsp.py --sizes 10000x20

The server is a process over standard input and output, with its settings at their defaults. Hovers
go to asset after asset of an open file, each 20 ms after the answer to the one before:

- ``first``: during the first measurement, while nothing is known;
- ``again``: from a save until the diagnostics of that save, with the sizes from before it;
- ``idle``: 500 of them with nothing else going on.

A save comes when the server is at rest, with all that it prepares in the background. Latency is
from the request to its whole answer, in milliseconds. ``save`` is the time from a save that makes
one asset heavier until its diagnostic has the new size, in seconds: the server's debounce and a
whole measurement are in it. Memory is the largest resident set of the server itself (VmHWM, so
Linux only), without the workers that it starts and ends. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import frozen

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import generate  # noqa: E402
from processes import descendants, proportional_bytes, rest  # noqa: E402
from support import environments  # noqa: E402

PAUSE_SECONDS = 0.02
IDLE_HOVERS = 500
PATIENCE_SECONDS = 600
HEAVIER_BY = 70_000  # bytes: over the 64 kB that one asset may take
SETTINGS = '[tool.dagster-snapsize]\nmodule-name = "warehouse.definitions"\n'


class Editor:
    """The least of a client: numbered requests, and the newest diagnostics and status."""

    def __init__(self, process: asyncio.subprocess.Process):
        self.pid = process.pid
        self.diagnostics: dict[str, list[dict[str, Any]]] = {}
        self.phase = ""
        self._process = process
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._changed = asyncio.Event()
        self._reading = asyncio.ensure_future(self._read())

    def tell(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    async def ask(self, method: str, params: Any) -> Any:
        """Send a request and wait for its result."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        self._send({"id": number, "method": method, "params": params})
        return await self._answers[number]

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait until news of the server make ``reached`` true."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not reached():
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), deadline - time.monotonic())
            except asyncio.TimeoutError:
                raise SystemExit(f"{PATIENCE_SECONDS} s without the answer") from None
            if self._reading.done():
                raise SystemExit("the server has left")
            if self.phase in ("failed", "no-interpreter", "no-location"):
                raise SystemExit(f"the server does not measure: {self.phase}")

    async def close(self) -> None:
        """Take leave as an editor does."""
        await self.ask("shutdown", None)
        self.tell("exit", None)
        await self._process.wait()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    async def _read(self) -> None:
        assert self._process.stdout is not None
        length = 0
        while header := await self._process.stdout.readline():
            name, _, value = header.partition(b":")
            if name == b"Content-Length":
                length = int(value)
            if header.strip():
                continue
            self._take(json.loads(await self._process.stdout.readexactly(length)))
            self._changed.set()
        self._changed.set()

    def _take(self, message: dict[str, Any]) -> None:
        method, params = message.get("method"), message.get("params")
        if method is None:
            self._answers.pop(message["id"]).set_result(message.get("result"))
        elif method == "textDocument/publishDiagnostics":
            self.diagnostics[params["uri"]] = params["diagnostics"]
        elif method == "dagsterSnapsize/status":
            self.phase = params["phase"]
        elif "id" in message:
            self._send({"id": message["id"], "result": None})


async def start(project: Path, cache: Path) -> Editor:
    """A server that begins to measure the project."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dagster_snapsize", "lsp"),
        cwd=project,
        env={  # no result of an earlier run
            **os.environ,
            "XDG_CACHE_HOME": str(cache),
            "SNAPSIZE_CACHE_DIR": str(cache / "results"),
        },
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    editor = Editor(process)
    await editor.ask(
        "initialize",
        {
            "processId": os.getpid(),
            "rootUri": project.as_uri(),
            "workspaceFolders": [{"uri": project.as_uri(), "name": "benchmark"}],
            "capabilities": {"textDocument": {"hover": {"contentFormat": ["markdown"]}}},
            "initializationOptions": {"statusNotifications": True},
        },
    )
    editor.tell("initialized", {})
    return editor


class Hovers:
    """Asks for one hover after another until it is stopped, and keeps how long each took."""

    def __init__(self, editor: Editor, uri: str, lines: list[int], asking: bool = True):
        self.milliseconds: list[float] = []
        self.answered = 0
        self._editor, self._uri, self._lines = editor, uri, itertools.cycle(lines)
        self._asking = asking

    async def one(self) -> None:
        """Ask once, then wait a moment."""
        at = {"line": next(self._lines), "character": 4}
        began = time.perf_counter()
        found = await self._editor.ask(
            "textDocument/hover", {"textDocument": {"uri": self._uri}, "position": at}
        )
        self.milliseconds.append(1000 * (time.perf_counter() - began))
        self.answered += found is not None
        await asyncio.sleep(PAUSE_SECONDS)

    async def until(self, reached: Callable[[], bool]) -> None:
        """Go on until news of the server make ``reached`` true."""
        if not self._asking:
            await self._editor.until(reached)
            return
        end = asyncio.ensure_future(self._editor.until(reached))
        while not end.done():
            await self.one()
        end.result()


@frozen
class Session:
    """What an editor waited for, in seconds, and the memory that its server took, in bytes.

    ``peak_bytes`` is the most that the server itself took, ``idle_tree_bytes`` what it and all that
    it had started took at the end, with nothing going on (proportional set sizes; 0 without /proc).
    """

    opened_seconds: float
    save_seconds: tuple[float, ...]
    peak_bytes: int
    idle_tree_bytes: int


async def benchmark(
    size: str, python: Path, saves: int, show: Callable[[str], None] | None = None
) -> Session:
    """Open a project of one size, save some times, and leave.

    Hovers are asked for all the while where ``show`` is given, which gets the lines of their table.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark") as temporary:
        project, cache = Path(temporary, "project"), Path(temporary, "cache")
        generate.write(*generate.parse_size(size), project)
        (project / "pyproject.toml").write_text(SETTINGS)
        (project / ".venv").symlink_to(python.parent.parent)
        path = project / "warehouse" / "tables_000.py"
        text, uri = path.read_text(), path.as_uri()
        lines = [n for n, line in enumerate(text.splitlines()) if line.startswith("@dg.asset")]

        began = time.perf_counter()
        editor = await start(project, cache)
        document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        editor.tell("textDocument/didOpen", {"textDocument": document})
        first = Hovers(editor, uri, lines, asking=show is not None)
        await editor.until(lambda: editor.phase == "measuring")
        await first.until(lambda: editor.phase not in ("", "measuring"))
        opened = time.perf_counter() - began
        if show is not None:
            show(row(size, "first", first))

        again, seconds = Hovers(editor, uri, lines, asking=show is not None), []
        for number in range(1, saves + 1):
            await editor.until(lambda: editor.phase == "idle")
            await asyncio.to_thread(rest, editor.pid)
            heavier = re.sub(r'(description=")', r"\1" + "x" * number * HEAVIER_BY, text, count=1)
            seconds.append(await save(editor, again, path, heavier, number))
        await editor.until(lambda: editor.phase == "idle")
        if show is not None:
            show(row("", "again", again))
            idle = Hovers(editor, uri, lines)
            for _ in range(IDLE_HOVERS):
                await idle.one()
            show(row("", "idle", idle))
        peak = peak_bytes(editor.pid)
        tree = sum(map(proportional_bytes, descendants(editor.pid)))
        await editor.close()
    return Session(opened, tuple(seconds), peak, tree)


async def save(editor: Editor, hovers: Hovers, path: Path, text: str, number: int) -> float:
    """Edit and save the file; seconds until its diagnostics are of that text."""

    def told() -> bool:
        return any(
            d.get("code") == "asset-over-budget" and d["data"]["bytes"] > number * HEAVIER_BY
            for d in editor.diagnostics.get(path.as_uri(), ())
        )

    document = {"uri": path.as_uri(), "version": number + 1}
    editor.tell(
        "textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]}
    )
    path.write_text(text)
    began = time.perf_counter()
    editor.tell("textDocument/didSave", {"textDocument": {"uri": path.as_uri()}})
    await hovers.until(told)
    return time.perf_counter() - began


def row(size: str, name: str, hovers: Hovers) -> str:
    """One line of the table."""
    taken = sorted(hovers.milliseconds)
    p95 = taken[min(len(taken) - 1, int(len(taken) * 0.95))]
    return (
        f"{size:<14}{name:<8}{len(taken):>8}{hovers.answered:>12}"
        f"{statistics.median(taken):>9.1f}{p95:>9.1f}{taken[-1]:>9.1f}"
    )


def peak_bytes(pid: int) -> int:
    """The largest resident set that a process has had so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.M)[0])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", default=["2000x10"], metavar="ASSETSxJOBS")
    parser.add_argument("--saves", type=int, default=3, help="saves to time (default: 3)")
    parser.add_argument("--dagster", default=environments.NEWEST, help="version to measure with")
    given = parser.parse_args()
    python = environments.dagster_python(given.dagster)
    print(f"Dagster {given.dagster}, {os.cpu_count()} cores; hovers in ms")
    print(
        f"{'assets x jobs':<14}{'while':<8}{'hovers':>8}{'with sizes':>12}"
        f"{'p50':>9}{'p95':>9}{'max':>9}"
    )
    for size in given.sizes:
        session = asyncio.run(
            benchmark(size, python, given.saves, lambda line: print(line, flush=True))
        )
        print(
            f"{'':<14}from open to sizes {session.opened_seconds:.1f} s; from save to diagnostics"
            f" {', '.join(f'{s:.1f}' for s in session.save_seconds)} s;"
            f" server {session.peak_bytes / 1e6:.1f} MB at its peak",
            flush=True,
        )


if __name__ == "__main__":
    main()
