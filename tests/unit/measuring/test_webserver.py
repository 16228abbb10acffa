"""What a webserver says of its code servers, and what is no webserver of Dagster."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from dagster_snapsize.core.errors import NotMeasured, UserError
from dagster_snapsize.measuring.webserver import find_code_servers
from dagster_snapsize.project.servers import RunningServer

Answer = tuple[int, dict[str, str], Any]


class _Handler(BaseHTTPRequestHandler):
    answer: Answer
    asked: list[tuple[str, str | None]]

    def do_POST(self) -> None:
        self.asked.append((self.path, self.headers.get("x-token")))
        status, headers, body = self.answer
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Not in the output of the tests."""


@pytest.fixture
def url() -> Iterator[Callable[[Answer], str]]:
    """A function that gives the URL of a server with this answer."""
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def answering(answer: Answer) -> str:
        _Handler.answer, _Handler.asked = answer, []
        return f"http://127.0.0.1:{server.server_port}"

    yield answering
    server.shutdown()
    server.server_close()


def workspace(*entries: Any) -> Answer:
    found = {"__typename": "Workspace", "locationEntries": entries}
    return 200, {}, {"data": {"workspaceOrError": found}}


def entry(name: str, error: str = "", **about: str) -> Any:
    return {
        "name": name,
        "displayMetadata": [{"key": key, "value": value} for key, value in about.items()],
        "locationOrLoadError": {"message": error} if error else {},
    }


def test_each_location_has_its_address_or_why_it_has_none(url: Callable[[Answer], str]) -> None:
    where = url(
        workspace(
            entry("shop", host="localhost", socket="/tmp/s"),
            entry("docs", host="docs.internal", port="4000", token="s3cret"),
            entry("gone", error="it never started\n"),
        )
    )
    found = find_code_servers(f"{where}/", {"x-token": "ours"}, 30)

    assert found == {
        "shop": RunningServer("unix:/tmp/s"),
        "docs": RunningServer("docs.internal:4000"),
        "gone": RunningServer("", problem="the webserver says: it never started"),
    }
    assert _Handler.asked == [("/graphql", "ours")]
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("answer", "message", "hint"),
    [
        ((200, {}, b"<html>"), "does not answer as Dagster does", "webserver"),
        ((200, {}, {"data": None}), "does not answer as Dagster does", "webserver"),
        ((200, {}, []), "does not answer as Dagster does", "webserver"),
        ((404, {}, b""), "answers with status 404", "webserver"),
        ((401, {}, b""), "answers with status 401", "--header NAME=env:VARIABLE"),
        ((307, {"location": "http://other/"}, b""), "leads to http://other/", "webserver"),
        (
            (
                200,
                {},
                {"data": {"workspaceOrError": {"__typename": "PythonError", "message": "x"}}},
            ),
            "cannot load its workspace: x",
            "",
        ),
    ],
)
def test_what_is_no_webserver_of_dagster_is_said(
    url: Callable[[Answer], str], answer: Answer, message: str, hint: str
) -> None:
    with pytest.raises(NotMeasured, match=message) as error:
        find_code_servers(url(answer), {}, 30)
    assert hint in error.value.hint


@pytest.mark.parametrize("text", ["localhost:3000", "http://", "ftp://a", "http://me:s3cret@a"])
def test_what_is_no_url_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(UserError, match="is no URL") as error:
        find_code_servers(text, {}, 30)
    assert "s3cret" not in error.value.message


def test_a_webserver_that_is_not_up_is_said() -> None:
    with pytest.raises(NotMeasured, match="cannot be reached"):
        find_code_servers("http://127.0.0.1:1", {}, 30)
