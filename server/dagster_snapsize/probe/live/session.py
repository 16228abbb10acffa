"""The measurement of a running code server, and the frames that it sends.

In this order: the id of the server, its repositories, of each its text in pieces and then its jobs,
and the id again. A reply over a limit is refused, with its exact size in the refusal.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from typing import Any, Dict, List, Mapping, NoReturn, Optional, Tuple

from ..compression import compressed_bytes
from ..protocol import ConnectionLost, FrameWriter
from . import messages
from .messages import JobNames, NotDagster, Text
from .server import CodeServer, NoAnswer, Refused

_REPOSITORY = "ExternalRepositoryData"
_JOB = "ExternalPipelineData"
_ERROR_TEXT = 400  # characters of a server's message that is a line


class _Failed(Exception):
    """The server answered that it cannot; ``traceback`` is what it says about why."""

    def __init__(self, message: str, traceback: str = ""):
        super().__init__(message)
        self.traceback = traceback


def main(argument: str) -> NoReturn:
    """Measure the server that the JSON argument names, and end the process.

    Keys: ``address``, ``ssl``, ``headers`` (the variable that has the value, by name), ``timeout``
    and ``wait`` (seconds), ``inline_jobs``.
    """
    writer = FrameWriter(os.dup(1))
    os.dup2(2, 1)
    request = json.loads(argument)
    try:
        _LiveSession(writer, request).run()
    except ImportError:
        _fail(
            writer,
            f"{sys.executable} has no grpcio, which asks code servers:"
            " pip install 'dagster-snapsize[live]'",
            usage=True,
        )
    except ConnectionLost:
        os._exit(70)
    os._exit(0)  # not held up by threads of gRPC


def _fail(writer: FrameWriter, message: str, traceback: str = "", usage: bool = False) -> None:
    nowhere = {"path": None, "line": None, "unparsed": False}
    about = {"message": message, "traceback": traceback, "usage": usage}
    writer.send({"type": "failed", **about, **nowhere})


class _LiveSession:
    def __init__(self, writer: FrameWriter, request: Mapping[str, Any]):
        self._writer = writer
        self._request = request
        self._limit: Optional[Tuple[int, str]] = None  # bytes, and what was refused by it
        self._done = self._of = 0
        headers = [(name, os.environ[variable]) for name, variable in request["headers"].items()]
        self._address = request["address"]
        self._server = CodeServer(self._address, request["ssl"], headers, request["timeout"])

    def run(self) -> None:
        try:
            self._measure()
        except NoAnswer as why:
            _fail(self._writer, str(why))
        except _Failed as why:
            _fail(self._writer, f"{self._address} {why}", why.traceback)
        except (NotDagster, KeyError, TypeError, AttributeError) as why:
            _fail(self._writer, f"{self._address} sent what is not Dagster's: {why}")

    def _send(self, frame_type: str, **header: Any) -> None:
        self._writer.send({**header, "type": frame_type})

    def _measure(self) -> None:
        self._send("phase", name="waiting")
        self._server.wait_for(self._request["wait"])
        server_id = self._server.server_id()
        text = self._server.repositories()
        _check(text, "ListRepositoriesResponse", "could not load its definitions")
        about = messages.as_json(text)
        self._send(
            "hello",
            python_version="",
            executable_path=about.get("executable_path") or "",
            dagster_version=(about.get("dagster_library_versions") or {}).get("dagster", ""),
            defaults={},
            environment={"environment": {}, "configuration": {}},
            environment_problem=None,
        )
        names = sorted(symbol["repository_name"] for symbol in about["repository_symbols"])
        self._of = len(names)
        for name in names:
            self._measure_repository(name)
        if self._server.server_id() != server_id:
            raise _Failed(
                "was replaced, or loaded its code again, while it was measured: try again"
            )
        limit, source = self._limit or (None, None)
        self._send(
            "server",
            server_id=server_id,
            send_limit_bytes=limit,
            send_limit_source=source,
            largest_reply_bytes=self._server.largest_reply_bytes,
        )
        self._send("done", peak_rss_bytes=0, unknown_steps=[])

    def _measure_repository(self, repository: str) -> None:
        self._phase("repository", repository=repository)
        names, stored, clock = JobNames(), 0, _Clock()
        request = messages.repository_request(repository, defer_snapshots=True)
        whole = {"kind": "repository", "repository": repository, "name": repository}
        try:
            for piece in self._server.streamed_repository(request):
                if not stored:
                    _check(piece, _REPOSITORY, f"has no repository {repository}")
                stored += len(piece)
                names.feed(piece)
                self._writer.send({"type": "part"}, piece)
            if not names.is_found:
                raise NotDagster(f"the repository {repository} without a list of its jobs")
            self._snapshot(whole, b"", stored, messages.wire_bytes(stored), clock.seconds())
        except Refused:
            # One piece was, by a very low limit. The refusal of the whole has the whole size.
            clock = _Clock()
            try:
                text = self._server.repository(request)
                _check(text, _REPOSITORY, f"has no repository {repository}")
                names.feed(text)
                self._snapshot(
                    whole, text, len(text), messages.wire_bytes(len(text)), clock.seconds()
                )
            except Refused as refused:
                self._refusal(whole, refused, clock.seconds())
        self._of += len(names.names)
        self._measure_jobs(repository, names.names)
        self._send("sources", repository=repository, assets={}, functions=[])

    def _measure_jobs(self, repository: str, names: List[str]) -> None:
        sizes: List[int] = []  # of the data of each job
        refusals: Dict[str, Tuple[Refused, float]] = {}
        for name in names:
            self._phase("job", repository=repository, job=name)
            clock = _Clock()
            try:
                data, error = self._server.job(messages.job_request(repository, name))
            except Refused as refused:
                sizes.append(messages.text_bytes(refused.wire_bytes))
                refusals[name] = (refused, clock.seconds())
                continue
            _check(error or data, _JOB, f"could not make the job {name}")
            sizes.append(len(data))
            self._job(repository, name, data, clock.seconds())
        if refusals and self._request["inline_jobs"]:
            with contextlib.suppress(Refused):  # a piece, by a very low limit
                self._read_inline(repository, names, sizes, refusals)
        for name, (why, seconds) in refusals.items():
            self._refusal({"kind": "job", "repository": repository, "name": name}, why, seconds)

    def _read_inline(
        self,
        repository: str,
        names: List[str],
        sizes: List[int],
        refusals: Dict[str, Tuple[Refused, float]],
    ) -> None:
        """Take the refused jobs out of their repository with all jobs in it."""
        clock = _Clock()
        request = messages.repository_request(repository, defer_snapshots=False)
        pieces = self._server.streamed_repository(request)
        for name, data in zip(names, messages.inline_jobs(pieces, sizes)):  # noqa: B905
            if name in refusals:
                self._limit_of(f"job {name}", refusals.pop(name)[0])
                self._job(repository, name, data, clock.seconds())

    def _job(self, repository: str, name: str, data: Text, seconds: float) -> None:
        found = messages.job_data(data)
        if found.name != name:
            raise NotDagster(f"the job {found.name} instead of {name}")
        job = {"kind": "job", "repository": repository, "name": name}
        stored, wire = len(found.snapshot), messages.wire_bytes(len(data))
        self._snapshot(job, found.snapshot, stored, wire, seconds)
        self._send("compressed", bytes=compressed_bytes(found.snapshot))

    def _refusal(self, snapshot: Dict[str, str], refused: Refused, seconds: float) -> None:
        self._limit_of(f"{snapshot['kind']} {snapshot['name']}", refused)
        self._snapshot(snapshot, b"", None, refused.wire_bytes, seconds)

    def _limit_of(self, refused: str, by: Refused) -> None:
        who = "it" if by.by_server else "something before it"
        self._limit = (by.limit, f"{who} refused {refused}")

    def _snapshot(
        self,
        snapshot: Dict[str, str],
        payload: Text,
        stored_bytes: Optional[int],
        wire_bytes: int,
        seconds: float,
    ) -> None:
        header = {**snapshot, "stored_bytes": stored_bytes, "wire_bytes": wire_bytes}
        timing = {"seconds": seconds, "composed_seconds": 0.0}
        self._writer.send({**header, **timing, "type": "snapshot"}, payload)
        self._done += 1

    def _phase(self, name: str, repository: str, job: Optional[str] = None) -> None:
        about = {"repository": repository, "job": job}
        self._send("phase", name=name, done=self._done, of=self._of, **about)


class _Clock:
    def __init__(self) -> None:
        self._started = time.perf_counter()

    def seconds(self) -> float:
        return time.perf_counter() - self._started


def _check(text: Text, expected: str, what: str) -> None:
    """Raise _Failed, with the root cause, for an error in place of a text of that class."""
    found = messages.class_of(text)
    if found == expected:
        return
    whole = messages.as_json(text) if found else None
    error = whole.get("error", whole) if isinstance(whole, dict) else None
    if not isinstance(error, dict) or "message" not in error:
        raise NotDagster(f"{found or 'nothing that is known'} instead of {expected}")
    while isinstance(error.get("cause"), dict):
        error = error["cause"]
    message = str(error.get("message") or "").strip()
    stack = "".join(map(str, error.get("stack") or ()))
    first = message.split("\n")[0][:_ERROR_TEXT]
    raise _Failed(f"{what}: {first}", f"{stack}{message}")
