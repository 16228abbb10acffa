"""The flags that name running code servers, and the locations that those are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import evolve, field, frozen

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.project.config import load_config
from dagster_snapsize.project.discovery import Flags
from dagster_snapsize.project.locations import CodeLocation, server_location
from dagster_snapsize.project.servers import (
    RunningServer,
    ServerSettings,
    configured_server,
    header_values,
    parse_address,
    parse_header,
)
from dagster_snapsize.project.targets import Target, absolute, server_target

_ADDRESSES = "For example: --server localhost:4000, or --server unix:/tmp/server.sock"
_HEADERS = "For example: --header authorization=env:TOKEN"


@frozen
class ServerSelection:
    """Running servers to measure in place of the project's definitions, and how to ask servers.

    ``webserver`` is the URL of one, which names them. Without either, ``settings`` are for those
    that the project names.
    """

    addresses: tuple[str, ...] = ()
    webserver: str | None = None
    settings: ServerSettings = field(factory=ServerSettings)

    @property
    def is_given(self) -> bool:
        """Whether it names servers."""
        return bool(self.addresses or self.webserver)


def read_headers(texts: Sequence[str]) -> dict[str, str]:
    """The variables of ``NAME=env:VARIABLE``, by name; a value is never shown."""
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            name, found[name.lower()] = parse_header(name, value)
        except ValueError as error:
            raise UserError(f"--header: {error}", _HEADERS) from None
    return found


def find_servers(
    servers: ServerSelection, flags: Flags, folder: Path, environ: Mapping[str, str]
) -> tuple[CodeLocation, ...]:
    """The locations that the flags name, with the settings of the project in ``folder``.

    Raises:
        UserError: The flags are wrong.
        NotMeasured: The webserver cannot be asked.
    """
    others = {
        "-w": flags.workspace,
        "-f": flags.python_file,
        "-m": flags.module_name,
        "--package-name": flags.package_name,
        "-a": flags.attribute,
        "--live": flags.live,
    }
    named = "--server" if servers.addresses else "--webserver"
    for flag in (flag for flag, given in others.items() if given):
        raise UserError(f"{named} and {flag} do not go together: each says what to measure")
    if servers.addresses and servers.webserver:
        raise UserError("--server and --webserver do not go together", "Keep one.")
    folder = absolute(flags.working_directory or ".", folder)
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}")
    targets = {target.name: target for target in _targets(servers, folder, environ)}
    return tuple(server_location(target, folder) for target in targets.values())


def _targets(
    servers: ServerSelection, folder: Path, environ: Mapping[str, str]
) -> Iterator[Target]:
    if servers.webserver:
        from dagster_snapsize.measuring.webserver import PATIENCE, find_code_servers

        headers = header_values(servers.settings.headers, environ)
        found = find_code_servers(servers.webserver, headers, PATIENCE)
        for name, server in found.items():
            yield server_target(server, folder, "--webserver", name)
        return
    configured = configured_server(load_config(folder).server, folder, environ)
    for text in servers.addresses:
        try:
            server = RunningServer(parse_address(text, folder))
        except ValueError as error:
            raise UserError(f"--server: {error}", _ADDRESSES) from None
        # Another server must not be given the headers of the configured one.
        if configured is not None and configured.address == server.address:
            server = configured
        yield server_target(server, folder, "--server", text)


def with_flags(
    location: CodeLocation, servers: ServerSelection, environ: Mapping[str, str]
) -> CodeLocation:
    """The location of a server, asked as the flags say."""
    settings = servers.settings
    if servers.webserver:  # headers are for itself, and not for whatever it names
        settings = evolve(settings, headers={})
    if location.server is None:
        return location
    return evolve(location, server=location.server.with_flags(settings, environ))
