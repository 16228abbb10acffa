"""Compare two measurements of the same code, and audit results that were not measured from scratch.

A result from the cache or from a fork server must equal that of a new interpreter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import frozen

from dagster_snapsize.core.model import Measurement, Share

_COMMAS = 16  # bytes


@frozen
class AuditResult:
    """Whether results of that kind can be trusted, and how this one differed."""

    trusted: bool
    difference: str | None


def audit(
    suspect: Callable[[], Measurement | None], reference: Callable[[], Measurement | None]
) -> AuditResult | None:
    """Compare a result with a reference; None where one of them is not available.

    On a difference both are made a second time: only where each of them is the same again does the
    suspect count as wrong. Code that gives other sizes in each run proves nothing.
    """
    first, expected = suspect(), reference()
    if first is None or expected is None:
        return None
    found = difference(first, expected)
    if found is None:
        return AuditResult(True, None)
    expected_again, again = reference(), suspect()
    if again is None or expected_again is None:
        return None
    is_steady = difference(expected, expected_again) is None and difference(first, again) is None
    return AuditResult(not is_steady, found)


def difference(one: Measurement, other: Measurement) -> str | None:
    """The first difference in sizes, owners or source locations of two measurements."""
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
    """Dagster's sets are ordered differently in each process, which moves commas between owners."""
    sizes = sorted(share.get(field, Share()).bytes for share in shares)
    return sizes[1] - sizes[0] > max(_COMMAS, sizes[1] // 100)
