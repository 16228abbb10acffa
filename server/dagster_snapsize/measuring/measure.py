"""Measure one location, or take its measurement from the cache where nothing has changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from attrs import evolve, frozen

from dagster_snapsize.core.model import Measurement
from dagster_snapsize.measuring.cache.lookup import Cache, is_wanted
from dagster_snapsize.measuring.paths import shown_path
from dagster_snapsize.project.interpreters import Interpreter
from dagster_snapsize.project.locations import CodeLocation

if TYPE_CHECKING:
    from dagster_snapsize.measuring.assemble import OnProgress
    from dagster_snapsize.measuring.process import SupervisedProcess

# "fresh" measures even if the cache has a measurement, and stores the new one.
CacheLookup = Literal["on", "fresh", "off"]


@frozen
class Cached:
    """A measurement with absolute paths, and what the cache had to do with it.

    ``hit`` says that it is from the cache, made at ``measured_at`` (ISO 8601); ``changed`` are the
    files that have changed since, in a commit hook, where it was made from none of them.
    ``not_stored`` are the reasons why it was not stored. ``is_uncacheable`` says that the
    definitions' own code is, ``is_hindered`` that the project is too large or the folder of the
    cache cannot be written.
    """

    measurement: Measurement
    hit: bool = False
    measured_at: str | None = None
    not_stored: tuple[str, ...] = ()
    is_uncacheable: bool = False
    is_hindered: bool = False
    changed: tuple[str, ...] = ()


def measure_location(
    location: CodeLocation,
    interpreter: Interpreter,
    *,
    folder: Path,
    environ: Mapping[str, str],
    prepared: set[object],
    lookup: CacheLookup = "on",
    on_progress: OnProgress = lambda progress: None,
    on_start: Callable[[SupervisedProcess], None] = lambda process: None,
    verify: bool = False,
    plain: bool = False,
) -> Cached:
    """Measure one location, unless the cache has it; see ``run_probe``.

    ``folder`` is what paths in messages are relative to. Locations of one project share their
    ``prepare`` commands: each runs once for the set ``prepared``. SNAPSIZE_NO_CACHE in ``environ``
    means "off".
    """
    if location.server:
        from dagster_snapsize.measuring.live import measure_server

        measurement = measure_server(
            location, interpreter, environ=environ, on_progress=on_progress, on_start=on_start
        )
        return Cached(measurement, not_stored=("it is of a running server",))
    commands = (location.root, interpreter.path, location.config.prepare)
    if commands in prepared:
        location = evolve(location, config=evolve(location.config, prepare=()))
    cache = None
    if lookup != "off" and is_wanted(environ):
        cache = Cache(location, interpreter, environ, lambda path: shown_path(path, folder))
        hit = cache.look_up() if lookup == "on" else None
        if hit is not None:
            return Cached(hit.measurement, True, hit.measured_at, changed=hit.changed)
    # A hit needs neither a process nor a ledger.
    from dagster_snapsize.measuring.probe_run import run_probe

    measurement = run_probe(
        location,
        interpreter,
        environ=environ,
        on_progress=on_progress,
        on_start=on_start,
        shown=lambda path: shown_path(path, folder),
        before_load=cache.begin if cache else lambda: None,
        verify=verify,
        plain=plain,
    )
    prepared.add(commands)
    if cache is None:
        off = "SNAPSIZE_NO_CACHE is set" if lookup != "off" else "the cache is not used"
        return Cached(measurement, not_stored=(off,))
    why = cache.keep(measurement)
    return Cached(
        measurement,
        not_stored=why,
        is_uncacheable=cache.is_uncacheable(measurement),
        is_hindered=cache.is_hindered,
    )


def with_timeout(location: CodeLocation, seconds: float | None) -> CodeLocation:
    """The location with another timeout, where one is given."""
    if seconds is None:
        return location
    return evolve(location, config=evolve(location.config, timeout=seconds))
