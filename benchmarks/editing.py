"""The language server as an editor feels it: from save to diagnostics, and its memory."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from attrs import asdict

import lsp
from projects import environments


def measure(size: str, saves: int) -> dict[str, Any]:
    """Open a project of this size in an editor, and save it so many times.

    The server is given its time between saves: it is at rest before each.
    """
    session = asyncio.run(lsp.benchmark(size, environments.dagster_python(), saves))
    return {"when": time.strftime("%Y-%m-%d %H:%M"), "size": size, **asdict(session)}
