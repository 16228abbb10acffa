"""Running code servers: their addresses, and what it takes to ask them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from attrs import evolve, field, frozen

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.mapping_reader import shown

SERVER = "grpc_server"
"""The kind of target that a server is, as in workspace.yaml."""

_ADDRESS = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):(?P<port>[0-9]{1,5})")
_HEADER = re.compile(r"[a-z0-9._-]+")
_FROM_VARIABLE = "env:"


@frozen
class ServerSettings:
    """How to ask running servers: ``[tool.dagster-snapsize.server]``, or flags.

    ``headers`` are the variables that hold the values, by the name of the header. ``wait`` is in
    seconds. Of ``inline_jobs`` see docs/live.md.
    """

    address: str | None = None
    ssl: bool = False
    headers: Mapping[str, str] = field(factory=dict)
    wait: float | None = None
    inline_jobs: bool = False


@frozen
class WebserverSettings:
    """A webserver to ask where the servers of these locations are; ``headers`` as above."""

    url: str
    locations: tuple[str, ...]
    headers: Mapping[str, str]


@frozen
class RunningServer:
    """A code server to ask; ``headers`` have their values, which are never shown.

    ``problem`` is why it cannot be asked, as a webserver says it.
    """

    address: str
    ssl: bool = False
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    wait: float = 0.0
    inline_jobs: bool = False
    problem: str | None = None

    def with_flags(self, flags: ServerSettings, environ: Mapping[str, str]) -> RunningServer:
        """The server asked as flags say too."""
        return evolve(
            self,
            ssl=self.ssl or flags.ssl,
            headers={**self.headers, **header_values(flags.headers, environ)},
            wait=self.wait if flags.wait is None else flags.wait,
            inline_jobs=self.inline_jobs or flags.inline_jobs,
        )


def parse_address(text: str, folder: Path) -> str:
    """``HOST:PORT`` or ``unix:PATH``; raises ValueError for anything else."""
    if text.startswith("unix:") and len(text) > len("unix:"):
        path = text.removeprefix("unix://" if text.startswith("unix:///") else "unix:")
        return f"unix:{os.path.abspath(folder / path)}"  # noqa: PTH100
    if text.startswith(("http://", "https://")):
        raise ValueError(f"{shown(text)} is a URL: for that of a webserver use --webserver")
    found = _ADDRESS.fullmatch(text)
    if not found or not 0 < int(found["port"]) < 65536:
        raise ValueError(f"{shown(text)} is neither HOST:PORT nor unix:PATH")
    return text


def parse_header(name: str, value: object) -> tuple[str, str]:
    """The header's name and the variable with its value; the value itself is never in a message.

    Raises ValueError for a value that is written out, and for what can be no name.
    """
    if not isinstance(value, str) or not value.removeprefix(_FROM_VARIABLE):
        raise ValueError(f"the header {name} has no value: write env: and a variable's name")
    if not value.startswith(_FROM_VARIABLE):
        raise ValueError(f"the value of the header {name} must come from a variable: env:NAME")
    return sendable(name, value.removeprefix(_FROM_VARIABLE))


def sendable(name: str, value: str) -> tuple[str, str]:
    """The header as gRPC sends it; raises ValueError, without the value, for what it refuses."""
    if not _HEADER.fullmatch(name.lower()):
        raise ValueError(f"{shown(name)} cannot be the name of a header")
    if not value.isascii() or not value.isprintable():
        raise ValueError(f"the value of the header {name} has characters that no header may have")
    return name.lower(), value


def header_values(headers: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The values of headers by name; raises UserError for a variable that is not set."""
    found: dict[str, str] = {}
    for name, variable in headers.items():
        value = environ.get(variable)
        if not value:
            raise UserError(f"{variable}, the variable for the header {name}, is not set")
        try:
            found.update([sendable(name, value)])
        except ValueError as error:
            raise UserError(f"{variable}: {error}") from None
    return found


def configured_server(
    settings: ServerSettings, folder: Path, environ: Mapping[str, str]
) -> RunningServer | None:
    """The server that the configuration names, if it names one."""
    if settings.address is None:
        return None
    asked = RunningServer(parse_address(settings.address, folder))
    return asked.with_flags(settings, environ)
