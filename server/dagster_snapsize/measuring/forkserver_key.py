"""What a process that measurements are forked from is good for, and what it is started with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dagster_snapsize import PACKAGE
from dagster_snapsize.measuring.environment import interpreter_environ
from dagster_snapsize.project.interpreters import Interpreter
from dagster_snapsize.project.locations import CodeLocation

_LOW = 10  # how nice it is to others


def warm_setup(
    location: CodeLocation,
    interpreter: Interpreter,
    *,
    environ: Mapping[str, str],
    tree: Path,
    low_priority: bool,
) -> dict[str, Any]:
    """What probe/forkserver/server.py is started with, but for the modules.

    ``key`` is the same only where every variable, the working directory, .env, the configured
    variables, the interpreter and our own probe are. The warm process itself looks for changes of
    installed packages.
    """
    dotenv = location.dotenv
    setup: dict[str, Any] = {
        "tree": str(tree),
        "own_package": own_package(location.target),
        "dotenv": str(dotenv) if dotenv else None,
        "env": dict(location.config.env),
        "nice": _LOW if low_priority else 0,
    }
    key = {
        **setup,
        "python": interpreter.path,
        "interpreter": _stamp(Path(interpreter.path)),
        "environ": sorted(interpreter_environ(interpreter.path, environ).items()),
        "cwd": str(location.cwd),
        "dotenv_content": _content(dotenv) if dotenv else None,
        "probe": [[str(path), *_stamp(path)] for path in sorted((PACKAGE / "probe").rglob("*.py"))],
    }
    text = json.dumps(key, sort_keys=True)
    digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16)
    return {"key": digest.hexdigest(), **setup}


def own_package(target: Mapping[str, str]) -> str | None:
    """The top-level package that a target names: the user's own, wherever it is installed."""
    for name in ("module_name", "package_name", "autoload_defs_module_name"):
        if target.get(name):
            return target[name].partition(".")[0]
    return None


def preloadable(modules: Iterable[str]) -> list[str]:
    """The modules to import ahead of time, each once and in order: not what never changes hands."""
    return list(dict.fromkeys(m for m in modules if not m.startswith(("__", "_dagster_snapsize"))))


def _stamp(path: Path) -> list[int]:
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_ino, status.st_mtime_ns, status.st_size]


def _content(path: Path) -> str | None:
    try:
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return None
