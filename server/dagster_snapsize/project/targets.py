"""What a workspace file or a project's TOML names to load, before it is a code location."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.mapping_reader import shown
from dagster_snapsize.project.servers import SERVER, RunningServer

TARGET_KINDS = ("package_name", "module_name", "autoload_defs_module_name", "python_file")


@frozen
class Target:
    """One thing to load.

    ``target`` holds exactly one of ``TARGET_KINDS`` and perhaps ``attribute``, or ``grpc_server``
    with the address of ``server``. ``cwd`` is where Dagster would start its code server. ``root``
    is the folder of the project where the file names it, None where it must be searched for.
    ``named_by_folder``: the name is that of the folder.
    """

    name: str
    target: Mapping[str, str]
    working_directory: Path
    cwd: Path
    source: str
    executable_path: str | None = None
    root: Path | None = None
    named_by_folder: bool = False
    server: RunningServer | None = None


def server_target(
    server: RunningServer, folder: Path, source: str, name: str | None = None
) -> Target:
    """A server as something to measure, with the settings of the project in ``folder``."""
    return Target(
        name=name or server.address,
        target={SERVER: server.address},
        working_directory=folder,
        cwd=folder,
        source=source,
        server=server,
    )


def default_name(target: Mapping[str, str]) -> str:
    """The name that Dagster gives a location that was given none.

    As ``_assign_loadable_target_origin_name`` in ``dagster/_core/remote_origin.py``.
    """
    kind = next(kind for kind in TARGET_KINDS if target.get(kind))
    loaded = Path(target[kind]).name if kind == "python_file" else target[kind]
    return f"{loaded}:{target['attribute']}" if target.get("attribute") else loaded


def absolute(path: str, folder: Path) -> Path:
    """``path`` as seen from ``folder``, without ``..`` and with symbolic links kept as given.

    Raises UserError for what no system takes as a path.
    """
    try:
        # Path.resolve() would follow the links, and sizes depend on the paths that users see.
        found = Path(os.path.abspath(folder / Path(path).expanduser()))  # noqa: PTH100
        found.lstat()
    except (RuntimeError, ValueError) as error:  # no such user in ~user, a null character
        raise UserError(f"{shown(path)} is not a path: {error}") from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            message = f"the path {shown(path)} is too long: {len(path):,} characters"
            raise UserError(message) from error
    return found


def executable(path: str | None, folder: Path) -> str | None:
    """``executable_path`` as Dagster starts it: ``~`` expanded, a bare name left for PATH."""
    if path is None or Path(path).name == path:
        return path
    return str(absolute(path, folder))
