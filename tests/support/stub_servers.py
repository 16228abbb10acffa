"""Many code servers in one process, for tests of what measures many.

A Python with Dagster runs ``stub_servers.py FILE FOLDER KIND=COUNT...``. It serves the definitions
of FILE, serialized once by Dagster itself, on the sockets FOLDER/KIND-NUMBER, and prints a line
when all are up. Of the kinds ``ok`` answers, ``hanging`` never does, and ``over`` refuses every
job as larger than its limit.
"""

from __future__ import annotations

import json
import runpy
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import grpc
from dagster import __version__
from dagster._core.remote_representation.external_data import JobDataSnap, RepositorySnap
from dagster._serdes import serialize_value

SEND_LIMIT = 1_000


def field(number: int, text: str) -> bytes:
    """A protobuf message with one string."""
    payload = text.encode()
    size, length = len(payload), b""
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + payload


def replies(file: str) -> dict[str, Any]:
    """What a server of that file answers, by method; of ``ExternalJob`` by job."""
    repository = runpy.run_path(file)["defs"].get_repository_def()
    whole = serialize_value(RepositorySnap.from_def(repository, defer_snapshots=True))
    about = {
        "__class__": "ListRepositoriesResponse",
        "dagster_library_versions": {"dagster": __version__},
        "repository_symbols": [{"repository_name": repository.name}],
    }
    return {
        "GetServerId": field(1, "stub"),
        "ListRepositories": field(1, json.dumps(about)),
        "ExternalRepository": field(1, whole),
        "StreamingExternalRepository": field(2, whole),
        "ExternalJob": {
            job.name: field(1, serialize_value(JobDataSnap.from_job_def(job, True)))
            for job in repository.get_all_jobs()
        },
    }


class Stub(grpc.GenericRpcHandler):
    """The service of one server."""

    def __init__(self, kind: str, answers: dict[str, Any]):
        self.kind = kind
        self.answers = answers

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        method = call.method.rsplit("/", 1)[1]

        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            found = self.answers[method]
            if method == "ExternalJob":
                found = next(reply for name, reply in found.items() if name.encode() in request)
                if self.kind == "over":
                    sizes = f"{len(found)} vs. {SEND_LIMIT}"
                    message = f"SERVER: Sent message larger than max ({sizes})"
                    context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, message)
            return bytes(found)

        def pieces(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            yield answer(request, context)

        def hang(request: bytes, context: grpc.ServicerContext) -> Any:
            ended = threading.Event()
            context.add_callback(ended.set)
            ended.wait()

        reply: Callable[..., Any] = hang if self.kind == "hanging" else answer
        if method == "StreamingExternalRepository":
            return grpc.unary_stream_rpc_method_handler(pieces)
        return grpc.unary_unary_rpc_method_handler(reply)


def main(file: str, folder: str, *wanted: str) -> None:
    """Serve until standard input ends."""
    answers = replies(file)
    pool = futures.ThreadPoolExecutor(200)
    servers = []
    for one in wanted:
        kind, _, count = one.partition("=")
        for number in range(int(count)):
            server = grpc.server(pool, [Stub(kind, answers)])
            server.add_insecure_port(f"unix:{folder}/{kind}-{number}")
            server.start()
            servers.append(server)
    print("up", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
