"""Measures a project again and again as the language server does, one time for each line it reads.

    python benchmarks/warm.py FOLDER PYTHON STORE

keeps ready what the server keeps ready (lsp/workers/forkserver.py), and asks workers as it does.
For each line of standard input it edits a file, measures, and prints a line of JSON: ``seconds``
from the request to the result, ``sizes``, and ``forked``, whether the measurement came from a fork
server. The edit is a comment, so that nothing is found in the cache and the sizes stay. STORE is a
folder for what is kept.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from dagster_snapsize.lsp.workers.forkserver import ForkServerPool
from dagster_snapsize.lsp.workers.process import end_worker
from dagster_snapsize.measuring.worker.request import WorkerRequest
from dagster_snapsize.measuring.worker.results import unstructure


async def main(folder: Path, python: str, store: str) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    ready = ForkServerPool()

    def request(project: str, only: tuple[str, ...], asked: float) -> WorkerRequest:
        return WorkerRequest(
            folder=project,
            store=store,
            asked=asked,
            only=only,
            python=python,
            forkservers=ready.parents(project),
            keep_forkserver=True,
        )

    async def measure() -> dict[str, Any]:
        found: dict[str, Any] = {"forked": False}
        began = time.perf_counter()
        worker = await ready.begin()
        assert worker.stdin and worker.stdout and worker.stderr
        noise = asyncio.ensure_future(worker.stderr.read())
        asked = request(str(folder), (), time.time())
        worker.stdin.write(json.dumps(unstructure(asked)).encode() + b"\n")
        while line := await worker.stdout.readline():
            news = json.loads(line)
            if news["type"] == "result":
                found["seconds"] = time.perf_counter() - began
                found["sizes"] = [s["stored_bytes"] for s in news["result"]["snapshots"]]
            elif news["type"] == "forkserver":
                found["forked"] = news["used"]
                ready.take(str(folder), news, request)
            elif news["type"] == "error":
                found["mistake"] = news["message"]
        await end_worker(worker)
        ready.ended(keep=True)
        return {**found, "said": (await noise).decode(errors="replace")}

    file, number = folder / "warehouse" / "definitions.py", 0
    while await loop.run_in_executor(None, sys.stdin.readline):
        number += 1
        with file.open("a", encoding="utf-8") as opened:
            opened.write(f"# edit {number}\n")
        print(json.dumps(await measure()), flush=True)
    await ready.close()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
