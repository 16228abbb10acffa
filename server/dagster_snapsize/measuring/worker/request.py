"""What a worker is asked: all that a server has to import to start one."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from dagster_snapsize.measuring.forkserver import ForkServer


@frozen
class WorkerRequest:
    """What to measure: the project in ``folder``, all its locations or those named in ``only``.

    ``store`` is the folder for results that servers share, ``python`` the editor's setting and
    ``editor_choice`` what its Python extension chose; ``timeout`` is in seconds. ``asked`` is when
    the change was seen (seconds since the epoch): what another server measured since then, of the
    same files, need not be measured again. ``low_priority`` leaves the processor to others.
    ``forkservers`` are what measurements may be forked from, and ``keep_forkserver`` asks what the
    next one should be started with. ``fresh`` takes nothing from the cache, and does not fork.
    ``audit`` measures only to compare with what the cache holds, or with a forked measurement.
    """

    folder: str
    store: str
    asked: float
    only: tuple[str, ...] = ()
    python: str | None = None
    editor_choice: str | None = None
    timeout: float | None = None
    low_priority: bool = False
    forkservers: tuple[ForkServer, ...] = ()
    keep_forkserver: bool = False
    fresh: bool = False
    audit: Literal["cache", "forkserver"] | None = None
