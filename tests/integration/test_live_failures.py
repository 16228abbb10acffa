"""What cannot be measured of running servers gives one line: what it is, and what to do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from support import PROJECTS, ROOT
from support.code_servers import SEND, code_server
from support.command import Result, measure_json, snapsize
from support.environments import NEWEST
from support.patience import wait_for

PROJECT = PROJECTS / "live"
FAKES = ROOT / "tests" / "support" / "fake_code_servers.py"
WAIT = ("--wait", "120 s")

pytestmark = pytest.mark.xdist_group("live-failures")


@pytest.fixture(
    scope="module", params=[NEWEST, pytest.param("1.9.13", marks=pytest.mark.matrix)], ids=str
)
def python(request: pytest.FixtureRequest, dagster_python: Callable[..., Path]) -> Path:
    return dagster_python(request.param)


@frozen
class Fakes:
    """Servers of other kinds: their addresses by name, and the certificate of ``tls``."""

    client: Path
    ports: Mapping[str, int]
    certificate: Path

    def address(self, name: str) -> str:
        return f"localhost:{self.ports[name]}"

    def check(self, *arguments: str, env: Mapping[str, str] | None = None) -> Result:
        flags = ("--python", self.client, "--format", "json")
        return snapsize("check", *flags, *arguments, cwd=PROJECT, env=env)


class _Page(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Not in the output of the tests."""


@pytest.fixture(scope="module")
def fakes(
    dagster_python: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fakes]:
    folder = tmp_path_factory.mktemp("tls")
    files = [folder / "certificate", folder / "key"]
    make = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    name = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    out = ("-out", str(files[0]), "-keyout", str(files[1]))
    subprocess.run([*make, *name, *out], check=True, capture_output=True)
    page = HTTPServer(("localhost", 0), _Page)
    threading.Thread(target=page.serve_forever, daemon=True).start()
    with (
        pytest.MonkeyPatch.context() as patch,
        subprocess.Popen(
            [dagster_python(), FAKES, *files], stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        for variable in ("grpc_proxy", "https_proxy", "http_proxy", "no_proxy"):
            patch.delenv(variable, raising=False)  # of whoever runs the tests
        assert process.stdout
        ports = {**json.loads(process.stdout.readline()), "http": page.server_port, "nothing": 1}
        yield Fakes(dagster_python(), ports, files[0])
        process.kill()
    page.shutdown()


@pytest.fixture(scope="module")
def errors(fakes: Fakes) -> dict[str, Any]:
    """Why servers of all kinds could not be measured, by what they are called here."""
    addresses = {name: fakes.address(name) for name in fakes.ports if name != "hangs"}
    addresses["no name"] = "no-such-host.invalid:4000"
    addresses["no socket"] = f"unix:{PROJECT}/none.sock"
    flags = [part for address in addresses.values() for part in ("--server", address)]
    result = fakes.check(*flags)
    assert result.status == 3, result.stderr
    found = {location["name"]: location["error"] for location in result.json["locations"]}
    return {name: found[address] for name, address in addresses.items()}


@pytest.mark.parametrize(
    ("name", "fact", "what_to_do"),
    [
        ("nothing", "refuses connections", "see its log, or wait for it with --wait"),
        ("no socket", "is no socket", "--wait"),
        ("no name", "has a host name that does not resolve", ""),
        ("http", "answers, but not with gRPC", "use --webserver"),
        ("other", "is a gRPC server, but no Dagster code server", "check the port"),
        ("header", "asks for a header", "add --header NAME=env:VARIABLE"),
        ("tls", "closed the connection", "add --ssl"),
        ("replaced", "was replaced, or loaded its code again, while it was measured", "try again"),
        ("wrong", "has no repository shop: Exception: Could not find a repository", ""),
        ("nonsense", "sent what is not Dagster's: nothing that is known instead of", ""),
    ],
)
def test_a_failure_says_in_one_line_what_it_is_and_what_to_do(
    errors: dict[str, Any], name: str, fact: str, what_to_do: str
) -> None:
    message = errors[name]["message"]

    assert fact in message and what_to_do in message
    assert "\n" not in message and len(message) < 250
    assert "Traceback" not in errors[name]["output"]


def message_of(result: Result) -> str:
    (location,) = result.json["locations"]
    return str(location["error"]["message"] if location["error"] else "")


def test_tls_that_is_wrong_says_which_way(fakes: Fakes) -> None:
    plain = fakes.check("--server", fakes.address("header"), "--ssl")
    unknown = fakes.check("--server", fakes.address("tls"), "--ssl")

    assert "answers without TLS: leave --ssl out" in message_of(plain)
    assert "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH" in message_of(unknown)


def test_a_private_authority_is_trusted_where_a_variable_names_it(fakes: Fakes) -> None:
    trusted = {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(fakes.certificate)}
    known = fakes.check("--server", fakes.address("tls"), "--ssl", env=trusted)
    other_name = fakes.check("--server", f"127.0.0.1:{fakes.ports['tls']}", "--ssl", env=trusted)

    assert known.status == 0 and known.json["locations"][0]["server"]["server_id"] == "id"
    assert "has a certificate for another host name" in message_of(other_name)


def test_a_header_has_its_value_from_a_variable_and_is_never_shown(fakes: Fakes) -> None:
    address, secret = fakes.address("header"), {"TOKEN": "s3cret"}
    ask = ("--server", address, "--header")
    sent = fakes.check(*ask, "X-Token=env:TOKEN", env=secret)
    wrong = fakes.check(*ask, "X-Tokens=env:TOKEN", env=secret)
    unset = fakes.check(*ask, "X-Token=env:TOKEN")
    written = fakes.check(*ask, "X-Token=s3cret")
    control = fakes.check(*ask, "X-Token=env:TOKEN", env={"TOKEN": "s3cret\n"})

    assert sent.status == 0
    assert "asks for a header" in message_of(wrong)
    assert unset.status == written.status == control.status == 2
    assert "TOKEN, the variable for the header x-token, is not set" in unset.stderr
    assert "must come from a variable: env:NAME" in written.stderr
    for result in (sent, wrong, unset, written, control):
        assert "s3cret" not in result.stdout + result.stderr


def test_a_proxy_is_named_by_its_variable(fakes: Fakes) -> None:
    proxied = {"http_proxy": "http://user:s3cret@localhost:1"}
    refused = fakes.check("--server", fakes.address("replaced"), env=proxied)
    around = fakes.check(
        "--server", fakes.address("other"), env={**proxied, "no_proxy": "localhost"}
    )

    assert "cannot be reached through the proxy that http_proxy names" in message_of(refused)
    assert "no_proxy" in message_of(refused)
    assert "s3cret" not in refused.stdout + refused.stderr
    assert "is a gRPC server" in message_of(around)


def test_a_server_that_hangs_is_given_up(fakes: Fakes, tmp_path: Path) -> None:
    """And named, where the interpreter that asks it takes longer to start than it may."""
    slow = tmp_path / "python"
    wait = 'case "$*" in *--live*) sleep 2.5;; esac'
    slow.write_text(f'#!/bin/sh\n{wait}\nexec {fakes.client} "$@"\n')
    slow.chmod(0o755)
    hangs = ("--server", fakes.address("hangs"), "--python", str(slow))
    result = fakes.check(*hangs, "--timeout", "1 s")

    assert "did not answer in 1 s" in message_of(result)
    assert result.leftovers() == []


def test_a_client_that_is_killed_leaves_nothing(fakes: Fakes) -> None:
    address = fakes.address("hangs")
    command = ["-m", "dagster_snapsize", "check", "--server", address, "--python", fakes.client]

    def is_asking() -> bool:
        return any("--live" in line and address in line for line in _command_lines())

    with subprocess.Popen([sys.executable, *command], cwd=PROJECT) as process:
        wait_for(is_asking)
        process.send_signal(signal.SIGKILL)
    wait_for(lambda: not is_asking())


def _command_lines() -> list[str]:
    found = []
    for process in Path("/proc").iterdir():
        try:
            found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_an_error_while_the_definitions_load_is_the_users_own(python: Path) -> None:
    lazy = ("api", "grpc", "--lazy-load-user-code")
    with code_server(python, PROJECT, *lazy, target=("-f", "broken.py")) as server:
        ask = ("check", "--server", server.address, "--python", python, *WAIT)
        result = snapsize(*ask, "--format", "json", cwd=PROJECT)

    assert result.status == 3
    assert "could not load its definitions: RuntimeError: the vault is sealed" in message_of(result)
    (location,) = result.json["locations"]
    assert 'broken.py", line 3' in location["error"]["traceback"]


def test_a_server_that_is_stopped_does_not_answer(python: Path) -> None:
    with code_server(python, PROJECT) as server:
        ask = ("--server", server.address, "--python", python)
        assert measure_json(*ask, *WAIT, cwd=PROJECT)["exit_status"] == 0
        os.killpg(server.group, signal.SIGSTOP)
        result = snapsize("check", *ask, "--timeout", "2 s", "--format", "json", cwd=PROJECT)

    assert result.status == 3
    assert "the server hangs, is stopped, or a firewall" in message_of(result)


def test_a_refusal_behind_the_proxy_of_code_server_start_has_the_same_size(python: Path) -> None:
    sizes = {"JOB_BYTES": "300000"}
    ask = ("--python", python, "--server")
    with code_server(python, PROJECT, "code-server", "start", **sizes) as server:
        (location,) = measure_json(*ask, server.address, *WAIT, cwd=PROJECT)["locations"]
    wire = {snapshot["name"]: snapshot["wire_bytes"] for snapshot in location["snapshots"]}
    tight = {**sizes, SEND: str(wire["heavy"] - 1)}
    with code_server(python, PROJECT, "code-server", "start", **tight) as server:
        (location,) = measure_json(*ask, server.address, *WAIT, cwd=PROJECT)["locations"]

    assert wire == {snapshot["name"]: snapshot["wire_bytes"] for snapshot in location["snapshots"]}
    refused = [s["name"] for s in location["snapshots"] if s["measured_by"] == "refusal"]
    assert refused == ["heavy"]
    assert location["server"]["send_limit_bytes"] == wire["heavy"] - 1


def test_an_interpreter_without_grpcio_says_what_to_install(
    environment: Callable[[str], Path],
) -> None:
    bare = environment("bare")
    result = snapsize("check", "--server", "localhost:1", "--python", bare, cwd=PROJECT)

    assert result.status == 2
    assert "has no grpcio, which asks code servers" in result.stderr
    assert "pip install 'dagster-snapsize[live]'" in result.stderr


def test_flags_that_need_the_code_do_not_go_with_a_server() -> None:
    for flags in (("-m", "shop"), ("--live",), ("--webserver", "http://localhost:3000")):
        result = snapsize("check", "--server", "localhost:1", *flags, cwd=PROJECT)
        assert result.status == 2 and "do not go together" in result.stderr, flags
