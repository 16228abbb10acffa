"""What a user is told of the cache: one line on standard error, and nothing where it is as ever."""

from __future__ import annotations

from datetime import datetime

from dagster_snapsize.cli.run import Report
from dagster_snapsize.measuring.cache.lookup import SWITCHED_OFF


def cache_note(report: Report) -> str | None:
    """That sizes are from the cache, or what of the user's own keeps them out of it."""
    hits = [location for location in report.locations if location.cached.hit]
    for location in report.locations:
        if SWITCHED_OFF in location.cached.not_stored:
            return f"{location.measurement.name}: {SWITCHED_OFF}"
    for location in report.locations:
        if location.cached.is_uncacheable:
            first, *more = location.cached.not_stored
            also = f", and {len(more)} more" if more else ""
            return (
                f"{location.measurement.name} is measured anew each time, since {first}{also};"
                ' `cache = "files"` in the configuration uses the cache all the same'
            )
    if not hits:
        return None
    at = min(location.cached.measured_at or "" for location in hits)
    when = datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M")
    names = ", ".join(location.measurement.name for location in hits)
    what = "sizes are" if len(hits) == len(report.locations) else f"the sizes of {names} are"
    return f"nothing has changed since {when}: {what} from the cache (see --no-cache)"
