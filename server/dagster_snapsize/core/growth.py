"""A measurement compared with its baseline: what grew, in which field, and whether that blocks.

docs/growth.md has the table of the findings; a test reads it there.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import evolve, frozen

from dagster_snapsize.core import sizes
from dagster_snapsize.core.baseline import RENEW, Baseline, Fields, KnownSnapshot, minor, short_id
from dagster_snapsize.core.model import (
    AssetCost,
    Budgets,
    Finding,
    Limit,
    Measurement,
    Owner,
    Snapshot,
    sum_fields,
)
from dagster_snapsize.core.sizes import Allowance

_NAMED = 3
_UPDATE = f"If this is intended, record the current sizes with `{RENEW}`."


@frozen
class Growth:
    """How the bytes of one owner changed; ``fields`` are the differences by field."""

    owner: Owner
    before: int | None
    after: int | None
    fields: Mapping[str, int]

    @property
    def bytes(self) -> int:
        """By how much it grew; negative where it shrank or went."""
        return (self.after or 0) - (self.before or 0)


def growth_by_owner(known: KnownSnapshot, snapshot: Snapshot) -> tuple[Growth, ...]:
    """What is different in a snapshot, most growth first; sums to the growth of the snapshot."""
    now = snapshot.ledger.by_owner()
    found = _changed(
        (owner, known.owners.get(owner), now.get(owner)) for owner in {**known.owners, **now}
    )
    total = sum(change.bytes for change in found)
    if total != snapshot.stored_bytes - known.stored_bytes:
        raise AssertionError(f"the changes of {snapshot.id} sum to {total} bytes")
    return found


def total_growth(old: Mapping[str, Baseline], new: Mapping[str, Baseline]) -> tuple[Growth, ...]:
    """What became of each owner, over all snapshots of its repository, most growth first."""
    before, after = _totals(old), _totals(new)
    return _changed((key[2], before.get(key), after.get(key)) for key in {**before, **after})


def _totals(baselines: Mapping[str, Baseline]) -> dict[tuple[str, str, Owner], Fields]:
    return {
        (location, repository, owner): fields
        for location, baseline in baselines.items()
        for (repository, owner), fields in baseline.owners.items()
    }


def _changed(rows: Iterable[tuple[Owner, Fields | None, Fields | None]]) -> tuple[Growth, ...]:
    """What is different, of owners with what they had and have, most growth first."""
    found = []
    for owner, old, new in rows:
        fields = differences(old or {}, new or {})
        if fields or old is None or new is None:
            before = None if old is None else sum(old.values())
            after = None if new is None else sum(new.values())
            found.append(Growth(owner, before, after, fields))
    return tuple(sorted(found, key=lambda c: (-c.bytes, c.owner.kind, c.owner.name)))


def differences(old: Fields, new: Fields) -> dict[str, int]:
    """By field how many bytes more it has, most first; without those that are the same."""
    found = {name: new.get(name, 0) - old.get(name, 0) for name in {**old, **new}}
    return {n: by for n, by in sorted(found.items(), key=lambda x: (-x[1], x[0])) if by}


def baseline_mismatch(measurement: Measurement, baseline: Baseline) -> tuple[str, ...]:
    """Why sizes may differ from the baseline's though nothing in the definitions did.

    Empty where they are of the same Dagster and Python, or no snapshot differs.
    """
    why = []
    if baseline.dagster_version != measurement.dagster_version:
        why.append(f"Dagster {baseline.dagster_version}, and this is {measurement.dagster_version}")
    if baseline.python_version != minor(measurement.python_version):
        here = minor(measurement.python_version)
        why.append(f"Python {baseline.python_version}, and this is {here}")
    return tuple(why) if why and _differs(measurement, baseline) else ()


def _differs(measurement: Measurement, baseline: Baseline) -> bool:
    if len(measurement.snapshots) != len(baseline.snapshots):
        return True
    for snapshot in measurement.snapshots:
        known = baseline.snapshot(snapshot, measurement)
        if known is None or known.wire_bytes != snapshot.wire_bytes:
            return True
    return False


def growth_findings(
    measurement: Measurement, budgets: Budgets, baseline: Baseline
) -> Iterator[Finding]:
    """The findings about growth; a measurement with a failure has none."""
    baseline = baseline.against or baseline
    why = baseline_mismatch(measurement, baseline)
    if why:
        yield Finding(
            "baseline-mismatch",
            "warning",
            f"{capitalized(baseline.label)} is of {'; and of '.join(why)}",
            location=baseline.place,
            details="Sizes may differ for that reason alone, and growth does not block.",
            advice=f"Run `{RENEW}` to update it.",
        )
    for snapshot in measurement.snapshots:
        known = baseline.snapshot(snapshot, measurement)
        if known is not None:
            yield from _of_snapshot(snapshot, known, measurement, budgets, baseline, bool(why))
    if not why:
        yield from _of_assets(measurement, budgets, baseline)


def _of_snapshot(
    snapshot: Snapshot,
    known: KnownSnapshot,
    measurement: Measurement,
    budgets: Budgets,
    baseline: Baseline,
    is_mismatch: bool,
) -> Iterator[Finding]:
    before, now = known.wire_bytes, snapshot.wire_bytes
    if now <= before:
        return
    allowance = budgets.growth
    beyond = allowance is not None and now - before > allowance.of(before)
    if is_mismatch and not beyond:
        return
    found = growth_by_owner(known, snapshot)
    most = next((f": {c.owner.label} by {_by(c)}" for c in found if c.bytes > 0), "")
    message = (
        f"{capitalized(snapshot_label(snapshot, measurement))} grew by {_more(now, before)} since"
        f" {baseline.label}{_allowed(allowance, 'budget.growth', beyond)}{most}"
    )
    details = f"{sizes.format_exact(now)} on the wire."
    advice = None
    if beyond:
        at_head = baseline.head and baseline.head.snapshot(snapshot, measurement)
        details += describe_growth(found)
        if baseline.head:
            details += _since_head(now - before, now - (at_head.wire_bytes if at_head else 0))
        advice = f"{_explain(found)}{_UPDATE}"
    yield Finding(
        "snapshot-grew",
        ("warning" if is_mismatch else "error") if beyond else "information",
        message,
        snapshot=snapshot.id,
        bytes=now,
        budget_bytes=before + allowance.of(before) if allowance is not None else None,
        location=measurement.definitions_location,
        details=details,
        advice=advice,
    )


def _of_assets(measurement: Measurement, budgets: Budgets, baseline: Baseline) -> Iterator[Finding]:
    """Growth of each asset, in all snapshots together that are there and were there before.

    A new job is no growth of the assets in it.
    """
    both = [s for s in measurement.snapshots if baseline.snapshot(s, measurement) is not None]
    shorts = {short_id(s.id, measurement.name) for s in both}
    kept = {short: k for short, k in baseline.snapshots.items() if short in shorts}
    if len(kept) < len(baseline.snapshots):
        baseline = evolve(baseline, snapshots=kept)
    if head := baseline.head:
        kept = {short: known for short, known in head.snapshots.items() if short in shorts}
        baseline = evolve(baseline, head=evolve(head, snapshots=kept))
    ids = {s.id for s in both}
    for asset in measurement.assets:
        owner = Owner("asset", asset.key)
        old = baseline.owners.get((asset.repository, owner))
        by_snapshot = {i: size for i, size in asset.by_snapshot.items() if i in ids}
        if old is not None and sum(by_snapshot.values()) > sum(old.values()):
            fields = asset.fields
            if len(by_snapshot) < len(asset.by_snapshot):
                mine = [s for s in both if s.repository == asset.repository]
                fields = sum_fields(s.ledger.by_field(owner) for s in mine)
            shared = any(
                a.key == asset.key and a.repository != asset.repository for a in measurement.assets
            )
            label = f"{asset.key} of repository {asset.repository}" if shared else asset.key
            yield _of_asset(asset, label, old, by_snapshot, fields, budgets, baseline)


def _of_asset(
    asset: AssetCost,
    label: str,
    old: Fields,
    by_snapshot: Fields,
    fields: Fields,
    budgets: Budgets,
    baseline: Baseline,
) -> Finding:
    before, now, count = sum(old.values()), sum(by_snapshot.values()), len(by_snapshot)
    allowance = budgets.asset_growth
    beyond = allowance is not None and now - before > allowance.of(before)
    fact = f"Asset grew by {_more(now, before)} since {baseline.label}"
    message = (
        f"{fact}{_allowed(allowance, 'budget.asset-growth', beyond)}: {label},"
        f" {_fields(differences(old, fields))}"
    )
    details = f"{sizes.format_exact(now)} in {sizes.counted(count, 'snapshot')}."
    if beyond and baseline.head:
        at_head = baseline.head.owners.get((asset.repository, Owner("asset", asset.key)), {})
        details += _since_head(now - before, now - sum(at_head.values()))
    return Finding(
        "asset-grew",
        "error" if beyond else "information",
        message,
        asset=asset.key,
        bytes=now,
        budget_bytes=before + allowance.of(before) if allowance is not None else None,
        location=asset.location,
        details=details,
        advice=_UPDATE if beyond else None,
        repository=asset.repository,
    )


@frozen
class BaselineStatus:
    """Whether a snapshot over its budget blocks.

    ``message`` goes on after what the snapshot takes, ``details`` are sentences. ``asset`` is the
    key of the asset that grew most, None where none did.
    """

    blocks: bool
    message: str
    details: str
    asset: str | None = None


def baseline_status(snapshot: Snapshot, known: KnownSnapshot, budget: Limit) -> BaselineStatus:
    """Compare a snapshot that is over ``budget`` with the baseline.

    A snapshot that was too large before does not block anyone as long as it gets no larger.
    """
    stored = budget.judges == "stored"
    before = known.stored_bytes if stored else known.wire_bytes
    by = (snapshot.stored_bytes if stored else snapshot.wire_bytes) - before
    was_over = before > budget.bytes
    if was_over and by <= 0:
        since = f"is {sizes.format_both(-by)} smaller now" if by else "has not grown since"
        return BaselineStatus(
            False,
            "; no larger than in the baseline",
            f" It was already over the limit in the baseline and {since}: it does not block.",
        )
    was = "already over the limit" if was_over else "within the limit"
    found = growth_by_owner(known, snapshot)
    details = (
        f" It was {was} in the baseline and has grown by {sizes.format_both(by)} since."
        f"{describe_growth(found)}"
    )
    grown = f"; {sizes.format_size(by)} more than in the baseline"
    return BaselineStatus(True, grown, details, _most_grown(found))


# -- text ----------------------------------------------------------------------------------------


def snapshot_label(snapshot: Snapshot, measurement: Measurement) -> str:
    """``repository``, ``job nightly``; of several repositories with its name."""
    several = any(s.repository != snapshot.repository for s in measurement.snapshots)
    if snapshot.kind == "repository":
        return f"repository {snapshot.name}" if several else "repository"
    return f"job {snapshot.name}{f' of repository {snapshot.repository}' if several else ''}"


def capitalized(text: str) -> str:
    """The text with a capital as its first letter."""
    return f"{text[:1].upper()}{text[1:]}"


def _allowed(allowance: Allowance | None, name: str, beyond: bool) -> str:
    if allowance is None:
        return ""
    return f", {'over' if beyond else 'within'} the {allowance} that {name} allows"


def _more(now: int, before: int) -> str:
    """``5 kB (5,012 bytes, 4.3 %)``."""
    by, percent = now - before, sizes.format_percent(now - before, before)
    if by < 1000:
        return f"{sizes.format_exact(by)} ({percent})"
    return f"{sizes.format_size(by)} ({sizes.format_exact(by)}, {percent})"


def _since_head(growth: int, since_head: int) -> str:
    """How much of a growth, in bytes, the change since the last commit is."""
    if since_head >= growth:
        return " All of this is in the change since HEAD."
    if since_head <= 0:
        return " None of this is in the change since HEAD."
    return f" Of this, {sizes.format_both(since_head)} in the change since HEAD."


def describe_growth(found: Sequence[Growth]) -> str:
    """What grew, what is new and how much smaller the rest is, as a sentence after another."""
    more = [c for c in found if c.before is not None and c.bytes > 0]
    new = [c for c in found if c.before is None]
    less = [c for c in found if c.before is not None and c.bytes < 0]
    parts = []
    if more:
        parts.append(f"grown: {_listed([f'{c.owner.label} by {_by(c)}' for c in more], more)}")
    if new:
        parts.append(f"new: {_listed([f'{c.owner.label} {_by(c)}' for c in new], new)}")
    if less:
        size = sizes.format_size(-sum(c.bytes for c in less))
        parts.append(f"smaller or gone: {len(less):,}, by {size}")
    text = "; ".join(parts)
    return f" {capitalized(text)}." if text else ""


def _listed(words: Sequence[str], found: Sequence[Growth]) -> str:
    rest = found[_NAMED:]
    named = ", ".join(words[:_NAMED])
    if not rest:
        return named
    return f"{named} and {len(rest):,} more, {sizes.format_size(sum(c.bytes for c in rest))}"


def _by(change: Growth) -> str:
    """``5 kB (description 4.9 kB)``: the field that grew most."""
    name, size = next(iter(change.fields.items()), ("", 0))
    most = f" ({name} {sizes.format_size(size)})" if name else ""
    return f"{sizes.format_size(change.bytes)}{most}"


def _fields(found: Mapping[str, int]) -> str:
    rows = list(found.items())
    named = [f"{name} {sizes.format_growth(size)}" for name, size in rows[:_NAMED]]
    if rows[_NAMED:]:
        rest = sum(size for _, size in rows[_NAMED:])
        named.append(f"all else {sizes.format_growth(rest)}")
    return ", ".join(named)


def _most_grown(found: Sequence[Growth]) -> str | None:
    assets = (c for c in found if c.owner.kind == "asset" and c.bytes > 0)
    return next((c.owner.name for c in assets), None)


def _explain(found: Sequence[Growth]) -> str:
    """A command for the asset that grew most."""
    key = _most_grown(found)
    return f"Run `{explain_command(key)}` to see its bytes. " if key else ""


def explain_command(key: str) -> str:
    """A command to paste: keys may hold spaces and backslashes."""
    return f"dagster-snapsize explain {shlex.quote(key)}"
