"""Limits and timeouts of the user's Dagster where no variable is set."""

from __future__ import annotations

import os
from typing import Dict, Optional

_DEFAULTS = (
    "max_rx_bytes",
    "max_send_bytes",
    "default_grpc_timeout",
    "default_repository_grpc_timeout",
    "default_schedule_grpc_timeout",
    "default_sensor_grpc_timeout",
    "default_grpc_server_shutdown_grace_period",
)


def grpc_defaults() -> Dict[str, Optional[int]]:
    """Those of ``dagster._grpc.utils`` by the name of the function, and the startup timeout.

    None where this Dagster has no such value.
    """
    from dagster._grpc import utils

    kept = {key: os.environ.pop(key) for key in list(os.environ) if _is_read(key)}
    try:
        found = {name: getattr(utils, name, None) for name in _DEFAULTS}
        defaults = {name: make() if make else None for name, make in found.items()}
    finally:
        os.environ.update(kept)
    try:
        from dagster._core.instance import config

        defaults["local_startup_timeout"] = config.DEFAULT_LOCAL_CODE_SERVER_STARTUP_TIMEOUT
    except (ImportError, AttributeError):
        defaults["local_startup_timeout"] = None
    return defaults


def _is_read(variable: str) -> bool:
    return variable.startswith("DAGSTER_") and "GRPC" in variable
