"""A running code server: the calls that are made, and what its refusals and failures mean.

No other calls are ever made: some change the server, or start something on it.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager
from typing import Any, Iterator, List, Sequence, Tuple

from .messages import Text, texts

_SERVICE = "/api.DagsterApi/"
_TOO_LARGE = re.compile(r"(Sent|Received) message larger than max \((\d+) vs\. (\d+)\)")
_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
_PAUSE = 0.3  # seconds between two tries while the server starts
_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


class NoAnswer(Exception):
    """The server gave no answer; the message says what it most likely is, and what to do.

    ``may_come`` says that a server that only just starts is like that too.
    """

    def __init__(self, message: str, may_come: bool = False):
        super().__init__(message)
        self.may_come = may_come


class Refused(Exception):
    """A reply was larger than a limit, in bytes; ``wire_bytes`` is its exact size.

    ``by_server`` says that it is the limit of the server itself, not of something in between.
    """

    def __init__(self, wire_bytes: int, limit: int, by_server: bool):
        super().__init__(f"{wire_bytes} vs. {limit}")
        self.wire_bytes = wire_bytes
        self.limit = limit
        self.by_server = by_server


class CodeServer:
    """A connection to a code server; ``timeout`` is in seconds, for all calls together.

    Raises ImportError where this interpreter has no grpcio.
    """

    def __init__(self, address: str, ssl: bool, headers: Sequence[Tuple[str, str]], timeout: float):
        import grpc

        self._rpc_error = grpc.RpcError
        self._address = address
        self._headers = list(headers)
        self._timeout = timeout
        self._deadline = time.time() + timeout
        self.largest_reply_bytes = 0
        options: List[Any] = list(_OPTIONS)
        if ssl:
            self._channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(), options)
        else:
            self._channel = grpc.insecure_channel(address, options)

    def wait_for(self, seconds: float) -> None:
        """Try for that time whether the server answers; the time for all calls starts then."""
        until = time.time() + seconds
        while True:
            try:
                self.server_id()
                break
            except NoAnswer as why:
                if not why.may_come or time.time() > until:
                    raise
            time.sleep(_PAUSE)
        self._deadline = time.time() + self._timeout

    def server_id(self) -> str:
        """The id of the server, another one once its code was loaded again."""
        return bytes(self._ask("GetServerId").get(1, b"")).decode("utf-8", "replace")

    def repositories(self) -> Text:
        """The text of ``ListRepositories``."""
        return self._ask("ListRepositories").get(1, b"")

    def repository(self, request: bytes) -> Text:
        """The text of ``ExternalRepository``."""
        return self._ask("ExternalRepository", request).get(1, b"")

    def streamed_repository(self, request: bytes) -> Iterator[Text]:
        """The same text, in pieces."""
        call = self._channel.unary_stream(f"{_SERVICE}StreamingExternalRepository")
        with self._errors():
            for message in call(request, timeout=self._left(), metadata=self._headers):
                self.largest_reply_bytes = max(self.largest_reply_bytes, len(message))
                yield texts(message).get(2, b"")

    def job(self, request: bytes) -> Tuple[Text, Text]:
        """The texts of ``ExternalJob``: the data of the job, or why there are none."""
        found = self._ask("ExternalJob", request)
        return found.get(1, b""), found.get(2, b"")

    def _ask(self, method: str, request: bytes = b"") -> "dict[int, Text]":
        call = self._channel.unary_unary(_SERVICE + method)
        with self._errors():
            message = call(request, timeout=self._left(), metadata=self._headers)
        self.largest_reply_bytes = max(self.largest_reply_bytes, len(message))
        return texts(message)

    def _left(self) -> float:
        return max(0.1, self._deadline - time.time())

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._rpc_error as error:
            details = error.details() or ""
            found = _TOO_LARGE.search(details)
            if found:
                raise Refused(int(found[2]), int(found[3]), found[1] == "Sent") from error
            raise self._explained(error.code().name, details) from error

    def _explained(self, code: str, details: str) -> NoAnswer:
        what, may_come = self._likely(code, details)
        return NoAnswer(f"{self._address} {what}", may_come)

    def _likely(self, code: str, details: str) -> Tuple[str, bool]:
        """What it most likely is and what to do, and whether it may be a server that starts."""
        said = f"{code}: {details}"
        if code == "DEADLINE_EXCEEDED":
            return f"did not answer in {self._timeout:g} s{_HANGS}", False
        if code == "UNIMPLEMENTED":
            return "is a gRPC server, but no Dagster code server: check the port", False
        if code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            return (
                f"asks for a header ({said}): add --header NAME=env:VARIABLE, with the name that"
                " the proxy before the server expects",
                False,
            )
        if code != "UNAVAILABLE":
            return f"answered with an error: {said}", False
        proxy = next((p for p in _PROXIES if os.environ.get(p)), None)
        if proxy is not None and not self._address.startswith("unix:"):
            return (
                f"cannot be reached through the proxy that {proxy} names: if it needs none, add its"
                " host to no_proxy",
                True,
            )
        for words, what, may_come in _UNAVAILABLE:
            if any(word in details for word in words):
                return what, may_come
        return f"cannot be reached: {said}", True


_HANGS = (
    ": the server hangs, is stopped, or a firewall drops what is sent; if it needs longer, raise"
    " --timeout"
)
_UNAVAILABLE = (
    (
        ("timed out",),
        f"did not answer{_HANGS}",
        False,
    ),
    (
        ("WRONG_VERSION_NUMBER",),
        "answers without TLS: leave --ssl out",
        False,
    ),
    (
        ("CERTIFICATE_VERIFY_FAILED", "certificate verify failed"),
        "has a certificate that no known authority signed: name the file of yours in the variable"
        " GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
        False,
    ),
    (
        ("Hostname Verification", "Peer name"),
        "has a certificate for another host name: use the name that is in it",
        False,
    ),
    (
        ("HTTP/2", "http1", "HTTP/1"),
        "answers, but not with gRPC: for the URL of a webserver use --webserver",
        False,
    ),
    (
        ("resolv", "resolution", "Domain name not found"),
        "has a host name that does not resolve",
        True,
    ),
    (
        ("No such file",),
        "is no socket: the server has ended, or has not loaded its definitions yet; --wait waits"
        " for it",
        True,
    ),
    (
        ("Connection refused", "connection refused"),
        "refuses connections: the server is not there, still loads its definitions, or has failed"
        " to load them and ended; see its log, or wait for it with --wait",
        True,
    ),
    (
        ("Socket closed", "Connection reset", "Broken pipe"),
        "closed the connection: it probably expects TLS, add --ssl",
        True,
    ),
)
