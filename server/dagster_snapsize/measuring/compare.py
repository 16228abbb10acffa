"""Whether a forked measurement says the same as one with an interpreter of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dagster_snapsize.core.model import Measurement, Share

_COMMAS = 16  # bytes


def difference(one: Measurement, other: Measurement) -> str | None:
    """The first thing in which two measurements of the same code differ: sizes, owners, places."""
    if one.failure or other.failure:
        messages = [m.failure.message if m.failure else "no failure" for m in (one, other)]
        return None if messages[0] == messages[1] else " / ".join(messages)
    names = [sorted(s.id for s in m.snapshots) for m in (one, other)]
    if names[0] != names[1]:
        return f"snapshots: {names[0]} / {names[1]}"
    others = {s.id: s for s in other.snapshots}
    for mine in one.snapshots:
        theirs = others[mine.id]
        sizes = [(s.stored_bytes, s.wire_bytes) for s in (mine, theirs)]
        if sizes[0] != sizes[1]:
            return f"bytes of {mine.id}: {sizes[0]} / {sizes[1]}"
        for owner in {**mine.ledger.owners, **theirs.ledger.owners}:
            shares = [s.ledger.owners.get(owner, {}) for s in (mine, theirs)]
            if any(_differ(shares, field) for field in {**shares[0], **shares[1]}):
                return f"bytes of {owner.kind} {owner.name} in {mine.id}"
    places = [{(a.repository, a.key): a.location for a in m.assets} for m in (one, other)]
    for key in {**places[0], **places[1]}:
        if places[0].get(key) != places[1].get(key):
            return f"place of {key[1]}: {places[0].get(key)} / {places[1].get(key)}"
    return None


def _differ(shares: list[Mapping[str, Share]], field: str) -> bool:
    """Dagster's sets come in another order in every process, and with it commas change hands."""
    sizes = sorted(share.get(field, Share()).bytes for share in shares)
    return sizes[1] - sizes[0] > max(_COMMAS, sizes[1] // 100)


def verdict(
    measure_forked: Callable[[], Measurement], measure_anew: Callable[[], Measurement]
) -> tuple[bool, str | None]:
    """Whether forked measurements can be trusted, and in what they differ from others.

    Code that gives other sizes every time, or that was edited meanwhile, says nothing against them:
    they must differ from the others and agree among themselves, and so must the others.
    """
    warm, cold = measure_forked(), measure_anew()
    found = difference(warm, cold)
    if found is None:
        return True, None
    steady = difference(cold, measure_anew()) is None and difference(warm, measure_forked()) is None
    return not steady, found
