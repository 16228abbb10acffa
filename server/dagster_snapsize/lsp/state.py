"""What the server knows of a project at one moment, as frozen data that every feature reads."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from dagster_snapsize.measuring.worker.results import LocationResult

Phase = Literal["idle", "measuring", "failed", "no-location", "no-interpreter"]


@frozen
class ConfigError:
    """A configuration that cannot be used; ``path`` is absolute, ``line`` counts from 1.

    ``interpreter`` says that it is about the Python that would run the code.
    """

    message: str
    hint: str
    path: str | None
    line: int
    interpreter: bool = False


@frozen
class LocationState:
    """One code location.

    ``good`` is the last measurement that succeeded, ``failed`` the newest one if it failed since.
    ``stale`` is set when a file that ``good`` was made from has changed, in the editor or on disk.
    ``unparsed`` says which file does not parse, as one that is being typed: then ``good`` stays.
    """

    name: str
    root: str
    good: LocationResult | None = None
    failed: LocationResult | None = None
    config_error: ConfigError | None = None
    stale: bool = False
    unparsed: str = ""

    @property
    def is_stale(self) -> bool:
        """Whether the last good sizes are older than the code or than the configuration."""
        return self.stale or self.failed is not None or self.config_error is not None


@frozen
class ProjectState:
    """One workspace folder, or the folder of a project in it."""

    folder: str
    phase: Phase = "idle"
    locations: tuple[LocationState, ...] = ()
    config_error: ConfigError | None = None
    notes: tuple[str, ...] = ()
    text: str = ""
    done: int = 0
    of: int = 0
