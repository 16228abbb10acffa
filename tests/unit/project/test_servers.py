"""Addresses and headers of running servers, as flags, settings and workspace files say them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.project.config import load_config
from dagster_snapsize.project.discovery import Flags
from dagster_snapsize.project.locations import find_locations
from dagster_snapsize.project.servers import (
    RunningServer,
    ServerSettings,
    header_values,
    parse_address,
    parse_header,
)

HERE = Path("/srv/shop")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost:4000", "localhost:4000"),
        ("[::1]:4000", "[::1]:4000"),
        ("unix:/tmp/s", "unix:/tmp/s"),
        ("unix:///tmp/s", "unix:/tmp/s"),
        ("unix:run/s", "unix:/srv/shop/run/s"),
    ],
)
def test_an_address_is_a_host_with_a_port_or_a_socket(text: str, address: str) -> None:
    assert parse_address(text, HERE) == address


@pytest.mark.parametrize(
    "text", ["", "localhost", "localhost:", ":4000", "a:0", "a:70000", "unix:", "a b:1", "a:1/x"]
)
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="neither HOST:PORT nor unix:PATH"):
        parse_address(text, HERE)


def test_the_url_of_a_webserver_is_no_address() -> None:
    with pytest.raises(ValueError, match="use --webserver"):
        parse_address("http://localhost:3000", HERE)


@pytest.mark.parametrize("value", ["s3cret", "env:", "", 3])
def test_a_header_never_has_its_value_written_out(value: object) -> None:
    with pytest.raises(ValueError) as error:
        parse_header("X-Token", value)
    assert "s3cret" not in str(error.value)


def test_headers_are_sent_in_lower_case_as_grpc_demands() -> None:
    assert parse_header("X-Token", "env:TOKEN") == ("x-token", "TOKEN")


def test_the_values_of_headers_are_in_no_text_about_a_server() -> None:
    flags = ServerSettings(headers={"x-token": "TOKEN"})
    server = RunningServer("a:1").with_flags(flags, {"TOKEN": "s3cret"})

    assert server.headers == {"x-token": "s3cret"}
    assert "s3cret" not in repr(server)


@pytest.mark.parametrize("value", ["a\nb", "ä", ""])
def test_a_value_that_no_header_may_have_is_not_shown(value: str) -> None:
    with pytest.raises(UserError) as error:
        header_values({"x-token": "TOKEN"}, {"TOKEN": value})
    assert "TOKEN" in error.value.message
    assert not value or value not in error.value.message


def test_settings_name_a_server(tmp_path: Path) -> None:
    (tmp_path / "snapsize.toml").write_text(
        '[server]\naddress = "a:1"\nheaders = { X-Token = "env:TOKEN" }\nwait = "2 min"\n'
    )
    settings = load_config(tmp_path).server
    (location,) = find_locations(tmp_path, Flags(live=True), {"TOKEN": "s3cret"}).locations

    assert settings == ServerSettings("a:1", False, {"x-token": "TOKEN"}, 120.0)
    assert location.server == RunningServer("a:1", headers={"x-token": "s3cret"}, wait=120.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('address = "a"', "neither HOST:PORT"),
        ('headers = { token = "s3cret" }', "must come from a variable"),
        ("port = 1", "unknown key `port`"),
    ],
)
def test_mistakes_in_the_settings_of_a_server_are_named(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "snapsize.toml").write_text(f"[server]\n{text}\n")
    with pytest.raises(UserError, match=message) as error:
        load_config(tmp_path)
    assert error.value.line == 2 and "s3cret" not in error.value.message


def workspace(folder: Path, entry: str) -> Path:
    (folder / "workspace.yaml").write_text(f"load_from:\n  - grpc_server: {entry}\n")
    return folder


@pytest.mark.parametrize(
    ("entry", "name", "server"),
    [
        ("{port: 4000}", "grpc:localhost:4000", RunningServer("localhost:4000")),
        ("{port: {env: PORT}, host: a, ssl: true}", "grpc:a:4266", RunningServer("a:4266", True)),
        ("{socket: /tmp/s, location_name: shop}", "shop", RunningServer("unix:/tmp/s")),
        (
            "{port: 1, additional_metadata: {Token: {env: TOKEN}}}",
            "grpc:localhost:1",
            RunningServer("localhost:1", headers={"token": "s3cret"}),
        ),
    ],
)
def test_entries_of_a_workspace_are_read_as_dagster_reads_them(
    tmp_path: Path, entry: str, name: str, server: RunningServer
) -> None:
    environ = {"PORT": "4266", "TOKEN": "s3cret"}
    (location,) = find_locations(workspace(tmp_path, entry), Flags(live=True), environ).locations

    assert (location.name, location.server) == (name, server)
    assert location.source == "workspace.yaml:2"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{}", "needs a port or a socket"),
        ("{port: 1, socket: s}", "needs a port or a socket"),
        ("{port: x}", "is not a port"),
        ("{port: 1, ssl: 3}", "is not true or false"),
        ("{port: 1, hots: a}", "did you mean `host`"),
        ("4000", "is not a mapping"),
        ("{port: 1, additional_metadata: {a b: c}}", "cannot be the name of a header"),
    ],
)
def test_mistakes_in_an_entry_are_named(tmp_path: Path, entry: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        find_locations(workspace(tmp_path, entry), Flags(live=True), {})


def test_an_entry_whose_variables_are_not_set_here_is_skipped_all_the_same(tmp_path: Path) -> None:
    entry = "{port: {env: PORT}, location_name: shop}"
    with pytest.raises(UserError, match="can be measured") as error:
        find_locations(workspace(tmp_path, entry), Flags(), {})
    assert "workspace.yaml:2: shop is a running gRPC server and was skipped" in error.value.hint
