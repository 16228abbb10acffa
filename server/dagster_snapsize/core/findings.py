"""A measurement and the user's budgets in, findings out: the same for every frontend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from attrs import evolve

from dagster_snapsize.core import limits, sizes
from dagster_snapsize.core.advice import repeated_findings
from dagster_snapsize.core.baseline import Baseline
from dagster_snapsize.core.dagster_fields import STRUCTURE
from dagster_snapsize.core.growth import (
    baseline_status,
    explain_command,
    growth_findings,
    snapshot_label,
)
from dagster_snapsize.core.model import (
    AssetCost,
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

CONFIGURATION = "the configuration"
_TIME_WARN_AT = 0.8
_HEAVIEST = 3


def judge(
    measurement: Measurement,
    budgets: Budgets,
    baseline: Baseline | None = None,
    *,
    one_of_several: bool = False,
) -> tuple[Finding, ...]:
    """Every finding that no comment silences, errors first and then by bytes.

    With a failure there is one error and nothing about sizes or times: they are not known. Where
    the location is ``one_of_several``, every message names it.
    """
    found = _all_findings(measurement, budgets, baseline)
    kept = [f for f in found if not _silencing(f, measurement)]
    if one_of_several:
        kept = [
            f if measurement.failure else evolve(f, message=f"{measurement.name}: {f.message}")
            for f in kept
        ]
    severities = ("error", "warning", "information")
    return tuple(sorted(kept, key=lambda f: (severities.index(f.severity), -(f.bytes or 0))))


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
                f"{measurement.name} could not be measured: {measurement.failure.message}",
                location=measurement.failure.location or measurement.definitions_location,
            )
        )
    else:
        for snapshot in measurement.snapshots:
            found += _snapshot_findings(snapshot, measurement, budgets, baseline)
        found += _asset_findings(measurement, budgets)
        if baseline is not None:
            found += growth_findings(measurement, budgets, baseline)
        found += _time_findings(measurement, budgets)
        found += repeated_findings(measurement)
    return found


def exit_status(findings: Sequence[Finding]) -> Literal[0, 1, 3]:
    """3 where something could not be measured, 1 for other errors, 0 for warnings alone."""
    if any(f.rule == "measurement-failed" for f in findings):
        return 3
    return 1 if any(f.severity == "error" for f in findings) else 0


def snapshot_limits(snapshot: Snapshot, measurement: Measurement) -> tuple[Limit, ...]:
    """The limits that Dagster enforces on this snapshot, apart from the user's budgets."""
    environment = measurement.environment
    if snapshot.kind == "repository":
        return environment.repository_limits
    return environment.job_limits


def snapshot_budget(snapshot: Snapshot, measurement: Measurement, budgets: Budgets) -> Limit:
    """The budget of a snapshot: its bytes, which size it limits, and what sets it.

    A user's budget limits ``wire_bytes``. Without one it is the limit that leaves the least room,
    each compared with its own size.
    """
    if snapshot.kind == "repository":
        set_by = ("budget.repository", budgets.repository)
    elif snapshot.name in budgets.jobs:
        set_by = (f"budget.jobs.{snapshot.name}", budgets.jobs[snapshot.name])
    else:
        set_by = ("budget.job", budgets.job)
    name, size = set_by
    if size is not None:
        return Limit(name, "wire", size, CONFIGURATION)
    found = snapshot_limits(snapshot, measurement)
    if not found:
        return Limit("protobuf", "wire", limits.PROTOBUF_MAX_BYTES, "the largest gRPC message")
    return min(found, key=lambda limit: limit.bytes - judged_bytes(snapshot, limit))


def judged_bytes(snapshot: Snapshot, limit: Limit) -> int:
    """The size of the snapshot that this limit is compared with."""
    return snapshot.stored_bytes if limit.judges == "stored" else snapshot.wire_bytes


def _snapshot_findings(
    snapshot: Snapshot, measurement: Measurement, budgets: Budgets, baseline: Baseline | None
) -> Iterator[Finding]:
    budget = snapshot_budget(snapshot, measurement, budgets)
    size = judged_bytes(snapshot, budget)
    head = f"{_capitalized(snapshot_label(snapshot, measurement))} is {sizes.format_size(size)}"
    its_budget = f"its {sizes.format_size(budget.bytes)} budget"
    rule: Rule = "snapshot-near-budget"
    severity: Severity = "warning"
    advice = None
    if size > budget.bytes:
        known = baseline.snapshot(snapshot, measurement) if baseline else None
        status = baseline_status(snapshot, known, budget) if known else None
        rule = "snapshot-over-budget"
        severity = "warning" if status and not status.blocks else "error"
        message = (
            f"{head}, {sizes.format_size(size - budget.bytes)} over {its_budget}"
            f" ({_exact(size, budget)})."
            f"{status.message if status else ''}"
            f"{'' if status and status.blocks else _heaviest(snapshot)}"
        )
        advice = _next_step(snapshot, measurement, budget, status.asset if status else None)
    elif limit := _exceeded_limit(snapshot, measurement):
        # A budget may be above a limit: the deployment may allow more than what is found here.
        over = judged_bytes(snapshot, limit)
        message = (
            f"{_capitalized(snapshot_label(snapshot, measurement))} is {sizes.format_size(over)},"
            f" {sizes.format_size(over - limit.bytes)} over a limit of"
            f" {sizes.format_size(limit.bytes)} ({_exact(over, limit)}), but within {its_budget}"
            f" ({_set_by(budget)})."
        )
        advice = (
            "Lower the budget, or set the variables of your deployment under"
            " [tool.dagster-snapsize.env]."
        )
    elif size > budgets.warn_at * budget.bytes:
        message = (
            f"{head}, {sizes.format_percent(size, budget.bytes)} of {its_budget}"
            f" ({_exact(size, budget)}).{_heaviest(snapshot)}"
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
        advice=advice,
    )


def _exceeded_limit(snapshot: Snapshot, measurement: Measurement) -> Limit | None:
    """The limit that the snapshot exceeds by most, or None."""
    found = [
        x for x in snapshot_limits(snapshot, measurement) if judged_bytes(snapshot, x) > x.bytes
    ]
    return min(found, key=lambda x: x.bytes - judged_bytes(snapshot, x), default=None)


def _exact(size: int, limit: Limit) -> str:
    """``95,453 of 110,000 bytes on the wire; budget.repository``."""
    wire = " on the wire" if limit.judges == "wire" else ""
    return f"{size:,} of {sizes.format_exact(limit.bytes)}{wire}; {_set_by(limit)}"


def _set_by(limit: Limit) -> str:
    return limit.name if limit.source == CONFIGURATION else f"{limit.name}, {limit.source}"


def _capitalized(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _heaviest(snapshot: Snapshot) -> str:
    """The heaviest assets and fields, and before them other owners heavier than any asset."""
    assets: Counter[str] = Counter()
    others: Counter[str] = Counter()
    fields: Counter[str] = Counter()
    for owner, by_field in snapshot.ledger.by_owner().items():
        fields.update(by_field)
        size = sum(by_field.values())
        if owner.kind == "asset":
            assets[owner.name] = size
        elif owner.kind != "structure" and owner != Owner("job", snapshot.name):
            others[owner.label] = size
    del fields[STRUCTURE]  # every object has it, and nobody can make it smaller
    least = max(assets.values(), default=0)
    ranked = {
        "heaviest": [pair for pair in others.most_common(_HEAVIEST) if pair[1] > least],
        _plural("heaviest asset", len(assets)): assets.most_common(_HEAVIEST),
        _plural("heaviest field", len(fields)): fields.most_common(_HEAVIEST),
    }
    text = "; ".join(
        f"{label}: {', '.join(f'{name} {sizes.format_size(size)}' for name, size in rows)}"
        for label, rows in ranked.items()
        if rows
    )
    return f" {_capitalized(text)}." if text else ""


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def _assets_of(snapshot: Snapshot, measurement: Measurement) -> list[AssetCost]:
    return [
        a
        for a in measurement.assets
        if a.repository == snapshot.repository and a.by_snapshot.get(snapshot.id)
    ]


def _next_step(
    snapshot: Snapshot, measurement: Measurement, budget: Limit, grown: str | None
) -> str:
    """What to do; ``grown`` is the key of the asset that grew most, else it is the heaviest."""
    steps = ["split the code location" if snapshot.kind == "repository" else "make the job smaller"]
    if budget.source == CONFIGURATION:
        steps.append(f"raise {budget.name}")
    elif budget.judges == "wire":
        steps.append(f"raise {limits.RX} and {limits.SEND} on both ends")
    rest = ", or ".join(steps)
    assets = _assets_of(snapshot, measurement)
    if not assets:
        return f"{_capitalized(rest)}."
    top = max(assets, key=lambda a: (a.key == grown, a.by_snapshot[snapshot.id]))
    return f"Run `{explain_command(top.key)}` to see what to shorten, or {rest}."


def _asset_findings(measurement: Measurement, budgets: Budgets) -> Iterator[Finding]:
    """One finding for each asset that is too heavy in some snapshot: for its heaviest one."""
    by_id = {s.id: s for s in measurement.snapshots}
    for asset in measurement.assets:
        if not asset.by_snapshot:
            continue
        worst = max(asset.by_snapshot, key=lambda i: asset.by_snapshot[i])
        size = asset.by_snapshot[worst]
        is_error = budgets.asset_max is not None and size > budgets.asset_max
        if not is_error and size <= budgets.asset:
            continue
        budget, name = budgets.asset, "budget.asset"
        if is_error and budgets.asset_max is not None:
            budget, name = budgets.asset_max, "budget.asset-max"
        others = sum(1 for s in asset.by_snapshot.values() if s > budget) - 1
        also = f" and of {sizes.counted(others, 'other snapshot')}" if others > 0 else ""
        message = (
            f"Asset {asset.key} takes {sizes.format_size(size)} of the"
            f" {snapshot_label(by_id[worst], measurement)}{also}, over the"
            f" {sizes.format_size(budget)} limit for one asset ({size:,} of"
            f" {sizes.format_exact(budget)}; {name})."
            f"{_heaviest_field(asset, by_id[worst])}"
        )
        yield Finding(
            "asset-over-budget",
            "error" if is_error else "warning",
            message,
            snapshot=worst,
            asset=asset.key,
            bytes=size,
            budget_bytes=budget,
            location=asset.location,
            advice=f"Run `{explain_command(asset.key)}` to see all of its fields.",
            repository=asset.repository,
        )


def _heaviest_field(asset: AssetCost, snapshot: Snapshot) -> str:
    fields = snapshot.ledger.by_field(Owner("asset", asset.key))
    name = max(fields, key=lambda f: fields[f])
    return f" Its heaviest field is {name}, {sizes.format_size(fields[name])}."


def _time_findings(measurement: Measurement, budgets: Budgets) -> Iterator[Finding]:
    """Each phase against its own timeout, and the whole against the user's ``load-time``."""
    seconds, setting = measurement.seconds, measurement.environment.setting
    labels = {s.id: snapshot_label(s, measurement) for s in measurement.snapshots}
    phases = [
        ("Loading the definitions", None, seconds.load, setting(limits.STARTUP_TIMEOUT)),
        *(
            (f"Making the {labels.get(i, i)}", i, took, setting(timeout))
            for times, timeout in (
                (seconds.repositories, limits.REPOSITORY_TIMEOUT),
                (seconds.jobs, limits.GRPC_TIMEOUT),
            )
            for i, took in times.items()
        ),
    ]
    for what, snapshot_id, took, timeout in phases:
        if timeout is None or not timeout.value or took <= _TIME_WARN_AT * timeout.value:
            continue
        message = (
            f"{what} took {sizes.format_seconds(took)},"
            f" {sizes.format_percent(took, timeout.value)} of the"
            f" {sizes.format_seconds(timeout.value)} timeout {timeout.name} ({timeout.source}): the"
            " code location may fail to load on a slower machine."
        )
        yield Finding(
            "load-time-over-budget",
            "warning",
            message,
            snapshot=snapshot_id,
            location=measurement.definitions_location,
        )
    if budgets.load_time is not None and seconds.total > budgets.load_time:
        message = (
            f"Measuring {measurement.name} took {sizes.format_seconds(seconds.total)}, over the"
            f" {sizes.format_seconds(budgets.load_time)} of budget.load-time:"
            f" {sizes.format_seconds(seconds.load)} to load the definitions,"
            f" {sizes.format_seconds(seconds.build)} to make the snapshots."
        )
        yield Finding(
            "load-time-over-budget",
            "warning",
            message,
            location=measurement.definitions_location,
        )


def _stale_inputs(measurement: Measurement) -> Iterator[Finding]:
    for stale in measurement.stale_inputs:
        named = ", ".join(stale.sources[:_HEAVIEST])
        rest = len(stale.sources) - _HEAVIEST
        more = f" and {rest:,} more" if rest > 0 else ""
        yield Finding(
            "stale-input",
            "warning",
            f"{stale.path} is out of date with its sources ({named}{more}), so the sizes are those"
            " of older definitions.",
            location=SourceLocation(stale.path, 1),
            advice=f"{_capitalized(stale.advice)}.",
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
        f"{shown(rx)} and {shown(send)}: the code server enforces the one and its client the"
        " other.",
        location=measurement.definitions_location,
        advice="Set both to the same number on both ends.",
    )


def _silencing(finding: Finding, measurement: Measurement) -> list[IgnoreComment]:
    """The comments that silence a finding: on assets only, where they are defined."""
    place = finding.location
    if finding.asset is None or place is None:
        return []
    return [c for c in measurement.ignores if c.silences(place, finding.rule)]
