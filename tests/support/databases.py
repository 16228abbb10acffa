"""Real database servers for instances of Dagster, in folders of their own and on loopback only.

Neither runs as root: where the tests do, each runs as the user that its Debian package made.
"""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from support.patience import patience, wait_for

_DEBIAN = Path("/usr/lib/postgresql")  # which keeps what starts a server off the PATH


@contextmanager
def mariadb() -> Iterator[str]:
    """The URL of an empty database; skips the test where there is no MariaDB."""
    install, server = _program("mariadb-install-db"), _program("mariadbd")
    with _folder("mysql") as (folder, user):
        data = f"--datadir={folder}/data"
        setup = folder / "setup.sql"
        setup.write_text(
            "CREATE DATABASE dagster;\nCREATE USER u@'127.0.0.1' IDENTIFIED BY 'u';\n"
            "GRANT ALL ON dagster.* TO u@'127.0.0.1';\n"
        )
        _run(user, install, "--no-defaults", data, "--auth-root-authentication-method=normal")
        options = (data, f"--socket={folder}/s", f"--pid-file={folder}/pid", f"--init-file={setup}")
        port = free_port()
        listen = ("--bind-address=127.0.0.1", f"--port={port}", "--skip-name-resolve")
        command = [server, "--no-defaults", *options, *listen]
        with serving(command, folder, is_listening(port), user):
            yield f"mysql+mysqlconnector://u:u@127.0.0.1:{port}/dagster"


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of an empty database; skips the test where there is no PostgreSQL."""
    initdb, server = _program("initdb"), _program("postgres")
    with _folder("postgres") as (folder, user):
        _run(user, initdb, "-D", f"{folder}/data", "-U", "u", "-A", "trust", "--no-sync")
        port = free_port()
        options = ("-D", f"{folder}/data", "-k", str(folder), "-p", str(port), "-F")
        command = [server, *options, "-h", "127.0.0.1"]
        with serving(command, folder, is_listening(port), user):
            yield f"postgresql://u@127.0.0.1:{port}/postgres"


def _program(name: str) -> str:
    places = [os.environ.get("PATH", ""), "/usr/sbin", *map(str, sorted(_DEBIAN.glob("*/bin")))]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@contextmanager
def _folder(name: str) -> Iterator[tuple[Path, str | None]]:
    """A short path, as a socket's must be, and the user to run as: None for who runs the tests."""
    user = name if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="db", dir="/tmp") as path:
        if user is not None:
            try:
                shutil.chown(path, user)
            except LookupError:
                pytest.skip(f"there is no user {user}, and no such server runs as root")
        Path(path).chmod(0o755)
        yield Path(path), user


def _run(user: str | None, *command: str) -> None:
    done = subprocess.run(command, **_as(user), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _as(user: str | None) -> dict[str, Any]:
    found = pwd.getpwnam(user) if user else None
    return {"user": user, "group": found.pw_gid, "extra_groups": []} if found else {}


@contextmanager
def serving(
    command: Sequence[str],
    folder: Path,
    is_ready: Callable[[], bool],
    user: str | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Run a server until it is no longer needed, with its output in ``log`` in the folder."""
    with (folder / "log").open("wb") as log:
        output = {"stdout": log, "stderr": log, "start_new_session": True}
        server = subprocess.Popen(command, **_as(user), **output, cwd=folder, env=env)
    try:
        wait_for(lambda: is_ready() or server.poll() is not None)
        assert server.poll() is None, (folder / "log").read_text(errors="replace")
        yield
    finally:
        server.terminate()
        # `dagster dev` interrupts its children, and waits for ever where a shell had that ignored.
        with suppress(subprocess.TimeoutExpired):
            server.wait(patience(20))
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def is_listening(port: int) -> Callable[[], bool]:
    """Whether somebody accepts connections there, as a question."""

    def ask() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            return False
        return True

    return ask


def free_port() -> int:
    """A port of the loopback interface that nobody listens on.

    It is below those that systems give to outgoing connections, one of which would take it before
    the server that it is for does.
    """
    while True:
        with socket.socket() as listener, suppress(OSError):
            port = random.SystemRandom().randrange(20_000, 30_000)
            listener.bind(("127.0.0.1", port))
            return port
