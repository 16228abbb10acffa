"""One location's measurement, from the cache where nothing has changed, else a new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from dagster_snapsize.core.model import Measurement
from dagster_snapsize.measuring.cache.lookup import Cache, is_wanted
from dagster_snapsize.project.interpreters import Interpreter
from dagster_snapsize.project.locations import CodeLocation

if TYPE_CHECKING:
    from dagster_snapsize.measuring.assemble import OnProgress
    from dagster_snapsize.measuring.forkserver import ForkServer
    from dagster_snapsize.measuring.process import SupervisedProcess

# "fresh" measures whatever the cache holds, and stores it.
CacheLookup = Literal["on", "fresh", "off"]


@frozen
class Cached:
    """A measurement with absolute paths; ``hit`` says that it was made at ``measured_at``.

    That is an ISO 8601 time. ``not_stored`` are the reasons why the next one cannot be a hit;
    ``is_uncacheable`` says that they are what the definitions' own code does.
    """

    measurement: Measurement
    hit: bool = False
    measured_at: str | None = None
    not_stored: tuple[str, ...] = ()
    is_uncacheable: bool = False


def measure_cached(
    location: CodeLocation,
    interpreter: Interpreter,
    *,
    environ: Mapping[str, str],
    use: CacheLookup = "on",
    watch: OnProgress = lambda progress: None,
    started: Callable[[SupervisedProcess], None] = lambda process: None,
    shown: Callable[[str], str] = lambda path: path,
    forkserver: ForkServer | None = None,
    verify: bool = False,
) -> Cached:
    """Measure one location, or take what was measured of the same; see ``run_probe``.

    SNAPSIZE_NO_CACHE in ``environ`` means "off". ``shown`` is how a path is written in a reason.
    """
    cache = None
    if use != "off" and is_wanted(environ):
        cache = Cache(location, interpreter, environ, shown)
        hit = cache.look_up() if use == "on" else None
        if hit is not None:
            return Cached(hit.measurement, True, hit.measured_at)
    # A hit needs neither a process nor a ledger.
    from dagster_snapsize.measuring.probe_run import run_probe

    measurement = run_probe(
        location,
        interpreter,
        environ=environ,
        watch=watch,
        started=started,
        shown=shown,
        prepared=cache.begin if cache else lambda: None,
        forkserver=forkserver,
        verify=verify,
    )
    if cache is None:
        off = "SNAPSIZE_NO_CACHE is set" if use != "off" else "the cache is not used"
        return Cached(measurement, not_stored=(off,))
    why = cache.keep(measurement)
    return Cached(measurement, not_stored=why, is_uncacheable=cache.is_uncacheable(measurement))
