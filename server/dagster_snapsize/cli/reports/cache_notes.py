"""What a user is told of the cache: one line on standard error, and nothing where it is as ever."""

from __future__ import annotations

from datetime import datetime

from dagster_snapsize.cli.run import Outcome
from dagster_snapsize.measuring.cache.lookup import SWITCHED_OFF


def cache_note(outcome: Outcome) -> str | None:
    """That sizes are from the cache, or what of the user's own keeps them out of it."""
    hits = [judged for judged in outcome.judged if judged.cached.hit]
    for judged in outcome.judged:
        if SWITCHED_OFF in judged.cached.not_stored:
            return f"{judged.measurement.name}: {SWITCHED_OFF}"
    for judged in outcome.judged:
        if judged.cached.is_volatile:
            first, *more = judged.cached.not_stored
            also = f", and {len(more)} more" if more else ""
            return (
                f"{judged.measurement.name} is measured anew each time, since {first}{also};"
                ' `cache = "files"` in the configuration uses the cache all the same'
            )
    if not hits:
        return None
    at = min(judged.cached.measured_at or "" for judged in hits)
    when = datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M")
    names = ", ".join(judged.measurement.name for judged in hits)
    what = "sizes are" if len(hits) == len(outcome.judged) else f"the sizes of {names} are"
    return f"nothing has changed since {when}: {what} from the cache (see --no-cache)"
