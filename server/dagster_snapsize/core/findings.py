"""A measurement and the user's budgets in, findings out: the same for every frontend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from attrs import evolve, frozen

from dagster_snapsize.core import limits, sizes
from dagster_snapsize.core.advice import repeated_findings
from dagster_snapsize.core.baseline import RENEW, Baseline, KnownSeconds, minor
from dagster_snapsize.core.budgets import (
    ASSET_BUDGET,
    CONFIGURATION,
    asset_budget,
    exceeded_limit,
    judged_bytes,
    named_budget,
    snapshot_budget,
    storage_limit,
)
from dagster_snapsize.core.dagster_fields import STRUCTURE
from dagster_snapsize.core.growth import (
    baseline_status,
    capitalized,
    explain_command,
    growth_findings,
    snapshot_label,
)
from dagster_snapsize.core.load_time import heaviest_lines
from dagster_snapsize.core.model import (
    Budgets,
    Finding,
    IgnoreComment,
    Limit,
    Measurement,
    Owner,
    Rule,
    Setting,
    Severity,
    Snapshot,
    SourceLocation,
    UnusedIgnore,
)

_INLINE = "Add --inline-jobs to see what it is made of"
_TIME_WARN_AT = 0.8
_HEAVIEST = 3
_TOO_LONG = "1406 (22001): Data too long for column 'snapshot_body' at row 1"
_WIDEN = "ALTER TABLE snapshots MODIFY snapshot_body LONGBLOB NOT NULL;"
_MUCH = 0.1  # of a snapshot, for one owner


def judge(
    measurement: Measurement,
    budgets: Budgets,
    baseline: Baseline | None = None,
    *,
    one_of_several: bool = False,
) -> tuple[Finding, ...]:
    """Every finding that no comment silences, errors first and then by bytes.

    With a failure there is one error and nothing about sizes or times: they are not known. Where
    the location is ``one_of_several``, every message names it at the end of its first line.
    """
    found = _all_findings(measurement, budgets, baseline)
    kept = [f for f in found if not _silencing(f, measurement)]
    if one_of_several:
        kept = [evolve(f, message=_with_location(f.message, measurement.name)) for f in kept]
    severities = ("error", "warning", "information")
    return tuple(sorted(kept, key=lambda f: (severities.index(f.severity), -(f.bytes or 0))))


def _with_location(message: str, name: str) -> str:
    first, *more = message.split("\n")
    return "\n".join((f"{first} (location {name})", *more))


def unused_ignores(
    measurement: Measurement, budgets: Budgets, baseline: Baseline | None = None
) -> tuple[UnusedIgnore, ...]:
    """Every ignore comment, or rules in one, that silence nothing; none where sizes are unknown."""
    if measurement.failure or not measurement.ignores:
        return ()
    used: dict[IgnoreComment, set[str]] = {comment: set() for comment in measurement.ignores}
    for finding in _all_findings(measurement, budgets, baseline):
        for comment in _silencing(finding, measurement):
            used[comment].add(finding.rule)
    return tuple(
        UnusedIgnore(comment.location, unused, on_asset=bool(comment.assets))
        for comment, rules in used.items()
        if (unused := tuple(r for r in comment.rules if r not in rules))
        or not (comment.rules or rules)
    )


def _all_findings(
    measurement: Measurement, budgets: Budgets, baseline: Baseline | None
) -> list[Finding]:
    found = [*_limit_mismatch(measurement), *_stale_inputs(measurement)]
    if measurement.failure:
        found.append(
            Finding(
                "measurement-failed",
                "error",
                f"Could not be measured: {measurement.failure.message}",
                location=measurement.failure.location or measurement.definitions_location,
            )
        )
    else:
        for snapshot in measurement.snapshots:
            found += _snapshot_findings(snapshot, measurement, budgets, baseline)
            found += _storage_findings(snapshot, measurement, budgets)
        found += _asset_findings(measurement, budgets)
        found += _owner_findings(measurement, budgets)
        if baseline is not None:
            found += growth_findings(measurement, budgets, baseline)
        found += _time_findings(measurement, budgets)
        if baseline is not None:
            found += _load_growth(measurement, budgets, baseline)
        found += repeated_findings(measurement)
    return found


def exit_status(findings: Sequence[Finding]) -> Literal[0, 1, 3]:
    """3 where something could not be measured, 1 for other errors, 0 for warnings alone."""
    if any(f.rule == "measurement-failed" for f in findings):
        return 3
    return 1 if any(f.severity == "error" for f in findings) else 0


def _snapshot_findings(
    snapshot: Snapshot, measurement: Measurement, budgets: Budgets, baseline: Baseline | None
) -> Iterator[Finding]:
    budget = snapshot_budget(snapshot, measurement, budgets)
    size = judged_bytes(snapshot, budget)
    rule: Rule = "snapshot-near-budget"
    severity: Severity = "warning"
    advice = None
    if size > budget.bytes:
        heaviest = _Heaviest.of(snapshot)
        known = baseline.snapshot(snapshot, measurement) if baseline else None
        status = baseline_status(snapshot, known, budget) if known else None
        rule = "snapshot-over-budget"
        severity = "warning" if status and not status.blocks else "error"
        message = f"{_fact(snapshot, measurement, size, budget)}: {heaviest.first}"
        over = f", {sizes.format_size(size - budget.bytes)} too many"
        details = f"{_exact(size, budget, over)}{status.details if status else ''}"
        if status:
            message += status.message
        if not (status and status.blocks):
            details += heaviest.rest
        grown = status.asset if status else None
        advice = _next_step(snapshot, budget, grown or heaviest.asset)
        if snapshot.is_refused and snapshot.kind == "job" and budget.bytes >= limits.CHUNK_BYTES:
            advice = f"{_INLINE}. {advice}"
    elif limit := exceeded_limit(snapshot, measurement):
        # A budget may be above a limit: the deployment may allow more than what is found here.
        over_limit = judged_bytes(snapshot, limit)
        message = (
            f"{_fact(snapshot, measurement, over_limit, limit)}, a limit, but within its budget of"
            f" {sizes.format_size(budget.bytes)}"
        )
        details = f"{_exact(over_limit, limit)} The budget is {_set_by(budget)}."
        advice = (
            "Lower the budget, or set the variables of your deployment under"
            " [tool.dagster-snapsize.env]."
        )
    elif size > budgets.warn_at * budget.bytes:
        heaviest = _Heaviest.of(snapshot)
        message = f"{_fact(snapshot, measurement, size, budget)}: {heaviest.first}"
        details = f"{_exact(size, budget)}{heaviest.rest}"
    elif limit := limits.after_upgrade(measurement.environment, snapshot.kind):
        if snapshot.wire_bytes <= limit.bytes:
            return
        message = f"{_fact(snapshot, measurement, snapshot.wire_bytes, limit)} after an upgrade"
        details = (
            f"{_exact(snapshot.wire_bytes, limit)} Dagster {measurement.dagster_version} asks for"
            " it in chunks, which no gRPC limit binds; Dagster 1.11.15 and newer do not."
        )
    else:
        return
    yield Finding(
        rule,
        severity,
        message,
        snapshot=snapshot.id,
        bytes=size,
        budget_bytes=budget.bytes,
        location=measurement.definitions_location,
        details=details,
        advice=advice,
    )


def _storage_findings(
    snapshot: Snapshot, measurement: Measurement, budgets: Budgets
) -> Iterator[Finding]:
    """Whether MySQL takes the row that it becomes, which no baseline makes any smaller."""
    limit, size = storage_limit(snapshot, measurement), snapshot.compressed_bytes
    if limit is None or size is None or size <= budgets.warn_at * limit.bytes:
        return
    is_over = size > limit.bytes
    over = f", {sizes.format_size(size - limit.bytes)} too many" if is_over else ""
    used = sizes.format_percent(size, limit.bytes)
    yield Finding(
        "snapshot-over-storage",
        "error" if is_over else "warning",
        f"{capitalized(snapshot_label(snapshot, measurement))} at {used} of the"
        f" {sizes.format_size(limit.bytes)} that MySQL stores, compressed"
        f"{': no run of it can be created' if is_over else ''}",
        snapshot=snapshot.id,
        bytes=size,
        budget_bytes=limit.bytes,
        location=measurement.definitions_location,
        details=f"{_exact(size, limit, over)} MySQL refuses a larger one, whether all of the job is"
        f" run or a part of it: {_TOO_LONG}. To widen the column: {_WIDEN}",
        advice='Do so and set storage-limit = "16 MB", or run `dagster-snapsize advise` to see'
        " what to shorten, or split the code location, or use PostgreSQL.",
    )


def _fact(snapshot: Snapshot, measurement: Measurement, size: int, limit: Limit) -> str:
    """``Repository at 87 % of 110 kB``."""
    used = sizes.format_percent(size, limit.bytes)
    label = capitalized(snapshot_label(snapshot, measurement))
    return f"{label} at {used} of {sizes.format_size(limit.bytes)}"


def _exact(size: int, limit: Limit, over: str = "") -> str:
    """``95,453 of 110,000 bytes on the wire (budget.repository).``"""
    kind = "on the wire" if limit.judges == "wire" else limit.judges
    return f"{size:,} of {sizes.format_exact(limit.bytes)} {kind}{over} ({_set_by(limit)})."


def _set_by(limit: Limit) -> str:
    return limit.name if limit.source == CONFIGURATION else f"{limit.name}, {limit.source}"


@frozen
class _Heaviest:
    """What most of a snapshot is.

    ``first`` is the heaviest owner with its size, or the heaviest field of all owners where no
    owner takes much, and ``rest`` what comes after it, as a sentence. ``asset`` is the key of the
    first where it is an asset.
    """

    first: str
    rest: str
    asset: str | None

    @classmethod
    def of(cls, snapshot: Snapshot) -> _Heaviest:
        """The heaviest of the snapshot, without what nobody can make smaller."""
        if snapshot.is_refused:
            return cls("the server refuses to send it", "", None)
        owners: Counter[Owner] = Counter()
        fields: Counter[str] = Counter()
        for owner, by_field in snapshot.ledger.by_owner().items():
            fields.update(by_field)
            if owner.kind != "structure" and owner != Owner("job", snapshot.name):
                owners[owner] = sum(by_field.values())
        structure = fields.pop(STRUCTURE, 0)  # every object has it
        if not fields:
            return cls(_sized(STRUCTURE, structure), "", None)
        most = owners.most_common(_HEAVIEST + 1)
        listed_owners = [(owner.label, size) for owner, size in most]
        listed_fields = fields.most_common(_HEAVIEST + 1)
        top, size = most[0] if most else (None, 0)
        is_field = not top or (size < _MUCH * snapshot.stored_bytes and listed_fields[0][1] > size)
        first = (listed_fields if is_field else listed_owners).pop(0)
        next_fields, next_owners = ("next", "heaviest") if is_field else ("heaviest", "next")
        rest = "; ".join(
            f"{label}: {', '.join(_sized(*row) for row in rows[:_HEAVIEST])}"
            for label, rows in (
                (next_owners, listed_owners),
                (f"{next_fields} fields", listed_fields),
            )
            if rows
        )
        return cls(
            _sized(*first),
            f" {capitalized(rest)}." if rest else "",
            top.name if top and top.kind == "asset" and not is_field else None,
        )


def _sized(name: str, size: int) -> str:
    return f"{name} {sizes.format_size(size)}"


def _next_step(snapshot: Snapshot, budget: Limit, asset: str | None) -> str:
    """What to do; ``asset`` is the key of the one to look at first."""
    steps = ["split the code location" if snapshot.kind == "repository" else "make the job smaller"]
    if budget.source == CONFIGURATION:
        steps.append(f"raise {budget.name}")
    elif budget.judges == "wire":
        steps.append(f"raise {limits.RX} and {limits.SEND} on both ends")
    look = explain_command(asset) if asset else "dagster-snapsize advise"
    return f"Run `{look}` to see what to shorten, or {', or '.join(steps)}."


def _asset_findings(measurement: Measurement, budgets: Budgets) -> Iterator[Finding]:
    """One finding for each asset that is too heavy in some snapshot: for its heaviest one."""
    by_id = {s.id: s for s in measurement.snapshots}
    for asset in measurement.assets:
        if not asset.by_snapshot:
            continue
        worst = max(asset.by_snapshot, key=lambda i: asset.by_snapshot[i])
        size, budget = asset.by_snapshot[worst], asset_budget(asset.key, budgets)
        is_own = budget.name != ASSET_BUDGET
        most = budgets.asset_max
        if most is not None and is_own:  # which may be above the maximum of all others
            most = max(most, budget.bytes)
        is_error = most is not None and size > most
        if not is_error and size <= budget.bytes:
            continue
        if is_error and most is not None and most != budget.bytes:
            budget = Limit("budget.asset-max", "stored", most, CONFIGURATION)
        others = sum(1 for s in asset.by_snapshot.values() if s > budget.bytes) - 1
        also = f" and over it in {sizes.counted(others, 'other snapshot')}" if others > 0 else ""
        yield Finding(
            "asset-over-budget",
            "error" if is_error else "warning",
            f"Asset at {sizes.format_percent(size, budget.bytes)} of"
            f" {sizes.format_size(budget.bytes)}: {asset.key} {sizes.format_size(size)} in"
            f" {snapshot_label(by_id[worst], measurement)}{also}",
            snapshot=worst,
            asset=asset.key,
            bytes=size,
            budget_bytes=budget.bytes,
            location=asset.location,
            details=f"{_exact(size, budget)}"
            f"{_heaviest_field(Owner('asset', asset.key), by_id[worst])} In all snapshots together"
            f" it is {sizes.format_size(asset.total_bytes)}.",
            advice=f"Run `{explain_command(asset.key)}` to see all of its fields.",
            repository=asset.repository,
        )


def _owner_findings(measurement: Measurement, budgets: Budgets) -> Iterator[Finding]:
    """One finding for each owner besides assets that is over its own budget in some snapshot."""
    if not budgets.owners:
        return
    worst: dict[tuple[str, Owner], tuple[int, Snapshot]] = {}
    for snapshot in measurement.snapshots:
        for owner in snapshot.ledger.owners:
            key, size = (snapshot.repository, owner), snapshot.ledger.total(owner)
            if owner.kind not in ("asset", "structure") and (
                key not in worst or size > worst[key][0]
            ):
                worst[key] = size, snapshot
    for (_, owner), (size, snapshot) in worst.items():
        budget = named_budget("owners", budgets.owners, (owner.label, owner.name))
        if budget is None or size <= budget.bytes:
            continue
        yield Finding(
            "owner-over-budget",
            "warning",
            f"{capitalized(owner.label)} at {sizes.format_percent(size, budget.bytes)} of"
            f" {sizes.format_size(budget.bytes)}: {sizes.format_size(size)} in"
            f" {snapshot_label(snapshot, measurement)}",
            snapshot=snapshot.id,
            bytes=size,
            budget_bytes=budget.bytes,
            location=measurement.definitions_location,
            details=f"{_exact(size, budget)}{_heaviest_field(owner, snapshot)}",
            advice=f"Run `{explain_command(owner.label)}` to see all of its fields.",
        )


def _heaviest_field(owner: Owner, snapshot: Snapshot) -> str:
    fields = snapshot.ledger.by_field(owner)
    name = max(fields, key=lambda f: fields[f])
    return f" Heaviest field: {_sized(name, fields[name])}."


_PROFILE = "`dagster-snapsize profile` shows where all of it goes."
_RENEW = f"If this is intended, record the current times with `{RENEW}`."


def _time_findings(measurement: Measurement, budgets: Budgets) -> Iterator[Finding]:
    """Each phase against its own timeout, and the whole against the user's ``load-time``."""
    if measurement.server:
        return  # its definitions were loaded before
    seconds, setting = measurement.seconds, measurement.environment.setting
    labels = {s.id: snapshot_label(s, measurement) for s in measurement.snapshots}
    phases = [
        ("load the definitions", None, seconds.load, setting(limits.STARTUP_TIMEOUT)),
        *(
            (f"make the snapshot of {labels.get(i, i)}", i, took, setting(timeout))
            for times, timeout in (
                (seconds.repositories, limits.REPOSITORY_TIMEOUT),
                (seconds.jobs, limits.GRPC_TIMEOUT),
            )
            for i, took in times.items()
        ),
    ]
    longest = _longest(measurement)
    for what, snapshot_id, took, timeout in phases:
        if timeout is None or not timeout.value or took <= _TIME_WARN_AT * timeout.value:
            continue
        yield Finding(
            "load-time-over-budget",
            "warning",
            f"{sizes.format_seconds(took)} to {what},"
            f" {sizes.format_percent(took, timeout.value)} of the"
            f" {sizes.format_seconds(timeout.value)} timeout {timeout.name} ({timeout.source})",
            snapshot=snapshot_id,
            location=measurement.definitions_location,
            details=f"The code location may fail to load on a slower machine.{longest}",
            advice=_PROFILE if longest else None,
        )
    if budgets.load_time is not None and seconds.total > budgets.load_time:
        yield Finding(
            "load-time-over-budget",
            "warning",
            f"{sizes.format_seconds(seconds.total)} to measure the code location, over the"
            f" {sizes.format_seconds(budgets.load_time)} of budget.load-time:"
            f" {sizes.format_seconds(seconds.load)} to load the definitions,"
            f" {sizes.format_seconds(seconds.build)} to make the snapshots",
            location=measurement.definitions_location,
            details=longest.strip() or None,
            advice=_PROFILE if longest else None,
        )


def _load_growth(
    measurement: Measurement, budgets: Budgets, baseline: Baseline
) -> Iterator[Finding]:
    """The time until a code server has sent all snapshots, against the baseline's.

    Not where the location was not loaded from nothing, as in a fork, nor with other versions.
    """
    known, allowance = baseline.seconds, budgets.load_time_growth
    if known is None or allowance is None or measurement.load_time is None:
        return
    now = KnownSeconds.of(measurement.seconds)
    versions = measurement.dagster_version, minor(measurement.python_version)
    is_longer = now.total > known.total and known.differs(now, allowance)
    if not is_longer or versions != baseline.versions:
        return
    more = ", ".join(
        f"{sizes.format_seconds(abs(by))} {'more' if by > 0 else 'less'} to {what}"
        for what, by in (
            ("load the definitions", round(now.load - known.load, 1)),
            ("make the snapshots", round(now.build - known.build, 1)),
        )
        if by
    )
    longest = _longest(measurement)
    yield Finding(
        "load-time-grew",
        "warning",
        f"{sizes.format_seconds(now.total - known.total)} longer to load than the baseline's"
        f" {sizes.format_seconds(known.total)}, over the {allowance} of budget.load-time-growth:"
        f" {more}",
        location=measurement.definitions_location,
        details=longest.strip() or None,
        advice=f"{_PROFILE if longest else ''} {_RENEW}".strip(),
    )


def _longest(measurement: Measurement) -> str:
    lines = heaviest_lines(measurement.load_time)
    return f" What takes longest: {lines}." if lines else ""


def _stale_inputs(measurement: Measurement) -> Iterator[Finding]:
    for stale in measurement.stale_inputs:
        named = ", ".join(stale.sources[:_HEAVIEST])
        rest = len(stale.sources) - _HEAVIEST
        more = f" and {rest:,} more" if rest > 0 else ""
        yield Finding(
            "stale-input",
            "warning",
            f"Out of date with its sources: {stale.path} ({named}{more})",
            location=SourceLocation(stale.path, 1),
            details="The sizes are those of older definitions.",
            advice=f"{capitalized(stale.advice)}.",
        )


def _limit_mismatch(measurement: Measurement) -> Iterator[Finding]:
    rx, send = (measurement.environment.setting(name) for name in (limits.RX, limits.SEND))
    if not rx or not send or rx.value is None or send.value is None:
        return
    if limits.is_default(rx) == limits.is_default(send) and rx.value == send.value:
        return

    def shown(setting: Setting) -> str:
        return f"{setting.name} is {int(setting.value or 0):,} ({setting.source})"

    yield Finding(
        "grpc-limit-mismatch",
        "warning",
        f"gRPC limits differ: {shown(rx)} and {shown(send)}",
        location=measurement.definitions_location,
        details="The code server enforces the one and its client the other.",
        advice="Set both to the same number on both ends.",
    )


def _silencing(finding: Finding, measurement: Measurement) -> list[IgnoreComment]:
    """The comments that silence a finding: on assets only, where they are defined."""
    place = finding.location
    if finding.asset is None or place is None:
        return []
    return [c for c in measurement.ignores if c.silences(place, finding.rule)]
