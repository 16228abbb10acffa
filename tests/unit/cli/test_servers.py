"""Flags for running servers: whose headers go where."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_snapsize.cli.servers import ServerSelection, find_servers, read_headers, with_flags
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.project.discovery import Flags
from dagster_snapsize.project.locations import CodeLocation
from dagster_snapsize.project.servers import RunningServer, ServerSettings

ENVIRON = {"TOKEN": "s3cret"}
SETTINGS = ServerSettings(ssl=True, headers={"x-token": "TOKEN"}, wait=5.0)


def asked(folder: Path, selection: ServerSelection) -> list[RunningServer | None]:
    found = find_servers(selection, Flags(), folder, ENVIRON)
    return [with_flags(location, selection, ENVIRON).server for location in found]


def test_headers_of_flags_go_to_the_servers_of_flags(tmp_path: Path) -> None:
    selection = ServerSelection(("a:1", "b:1"), None, SETTINGS)
    sent = {"x-token": "s3cret"}
    assert asked(tmp_path, selection) == [
        RunningServer("a:1", True, sent, 5.0),
        RunningServer("b:1", True, sent, 5.0),
    ]


def test_headers_of_the_configuration_go_to_its_own_server_alone(tmp_path: Path) -> None:
    (tmp_path / "snapsize.toml").write_text(
        '[server]\naddress = "a:1"\nheaders = { x-token = "env:TOKEN" }\n'
    )
    own, other = asked(tmp_path, ServerSelection(("a:1", "b:1")))
    assert own == RunningServer("a:1", headers={"x-token": "s3cret"})
    assert other == RunningServer("b:1")


def test_headers_for_a_webserver_are_not_sent_to_the_servers_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: dict[str, str] = {}

    def answer(url: str, headers: dict[str, str], timeout: float) -> dict[str, RunningServer]:
        heard.update(headers)
        return {"shop": RunningServer("a:1")}

    monkeypatch.setattr("dagster_snapsize.measuring.webserver.find_code_servers", answer)
    selection = ServerSelection((), "http://localhost:3000", SETTINGS)
    (location,) = find_servers(selection, Flags(), tmp_path, ENVIRON)

    assert heard == {"x-token": "s3cret"}
    assert isinstance(location, CodeLocation) and location.name == "shop"
    assert with_flags(location, selection, ENVIRON).server == RunningServer("a:1", True, {}, 5.0)


def test_a_header_on_the_command_line_names_a_variable() -> None:
    assert read_headers(["X-Token=env:TOKEN"]) == {"x-token": "TOKEN"}
    with pytest.raises(UserError, match="must come from a variable") as error:
        read_headers(["x-token=s3cret"])
    assert "s3cret" not in error.value.message + error.value.hint
