"""Real code servers of Dagster, for tests that ask them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

SEND = "DAGSTER_GRPC_MAX_SEND_BYTES"
RECEIVE = "DAGSTER_GRPC_MAX_RX_BYTES"


def server_environment(**variables: str) -> dict[str, str]:
    """The environment of the tests without Dagster's variables, and with these."""
    ours = {name: text for name, text in os.environ.items() if not name.startswith("DAGSTER_")}
    return {**ours, "PYTHONDONTWRITEBYTECODE": "1", **variables}


@frozen
class StartedServer:
    """A code server that was started: its socket, its process group and what it has printed."""

    socket: str
    group: int
    log: Path

    @property
    def address(self) -> str:
        """Its address for ``--server``."""
        return f"unix:{self.socket}"

    def is_up(self) -> bool:
        """Whether it takes connections."""
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(self.socket) == 0


@contextmanager
def code_server(
    python: Path,
    folder: Path,
    *command: str,
    target: Sequence[str] = ("-f", "definitions.py"),
    **variables: str,
) -> Iterator[StartedServer]:
    """A real code server on a socket of its own, ended with all that it started.

    ``command`` is another one than ``dagster api grpc``. The server may not be up yet.
    """
    # A socket's path may be no longer than some 100 characters, which tmp_path can exceed.
    with tempfile.TemporaryDirectory(prefix="wire") as place:
        path, log = str(Path(place) / "s"), Path(place) / "log"
        with log.open("wb") as output:
            arguments = [*(command or ("api", "grpc")), "-s", path, *target]
            server = subprocess.Popen(
                [python, "-m", "dagster", *arguments],
                cwd=folder,
                env=server_environment(**variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield StartedServer(path, server.pid, log)
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
