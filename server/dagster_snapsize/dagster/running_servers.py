"""Measure the running code servers of other code locations, several at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from attrs import evolve

from dagster_snapsize.core.model import Measurement
from dagster_snapsize.measuring.live import choose_client, measure_server
from dagster_snapsize.measuring.webserver import PATIENCE, find_code_servers
from dagster_snapsize.project.locations import server_location
from dagster_snapsize.project.servers import (
    RunningServer,
    ServerSettings,
    WebserverSettings,
    configured_server,
    header_values,
)
from dagster_snapsize.project.targets import server_target

_AT_ONCE = 8


def configured_servers(
    settings: Mapping[str, ServerSettings], root: Path
) -> dict[str, RunningServer]:
    """The servers with the values of their headers, by name."""
    found = {name: configured_server(one, root, os.environ) for name, one in settings.items()}
    return {name: server for name, server in found.items() if server is not None}


def named_servers(webserver: WebserverSettings) -> dict[str, RunningServer]:
    """The servers that a webserver names. Raises UserError where it cannot be asked."""
    headers = header_values(webserver.headers, os.environ)
    return find_code_servers(webserver.url, headers, PATIENCE)


def measure_servers(
    servers: Mapping[str, RunningServer], root: Path
) -> Iterator[tuple[str, Measurement]]:
    """The measurement of each, as it is ready; one that failed has a ``failure``.

    Raises UserError where no Python is found that can ask them.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        tasks = {pool.submit(_measure, name, one, root): name for name, one in servers.items()}
        try:
            for task in as_completed(tasks):
                yield tasks[task], task.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _measure(name: str, server: RunningServer, root: Path) -> Measurement:
    location = server_location(server_target(server, root, "the component", name), root)
    client = choose_client(location, None, os.environ)
    return evolve(measure_server(location, client, environ=os.environ), name=name)
