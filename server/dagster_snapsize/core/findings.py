"""A measurement and the user's budgets in, findings out: the same for every face."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from dagster_snapsize.core import limits, sizes
from dagster_snapsize.core.advice import repeated_findings
from dagster_snapsize.core.baseline import Baseline
from dagster_snapsize.core.growth import baseline_status, explain_command, growth_findings
from dagster_snapsize.core.model import (
    AssetCost,
    Budgets,
    Finding,
    IgnoreComment,
    Limit,
    Measurement,
    Owner,
    Setting,
    Snapshot,
    SourceLocation,
    UnusedIgnore,
)

CONFIGURATION = "the configuration"
_TIME_WARN_AT = 0.8
_HEAVIEST = 3


def judge(
    measurement: Measurement, budgets: Budgets, baseline: Baseline | None = None
) -> tuple[Finding, ...]:
    """Every finding, errors first and then by bytes; ``ignores`` of the measurement are heeded.

    With a failure there is one error and nothing about sizes or times: they are not known.
    """
    found = _all_findings(measurement, budgets, baseline)
    kept = [f for f in found if not _silencing(f, measurement)]
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
    """The limits that bind this snapshot, whatever the user's budgets say."""
    environment = measurement.environment
    if snapshot.kind == "repository":
        return environment.repository_limits
    return environment.job_limits


def snapshot_budget(snapshot: Snapshot, measurement: Measurement, budgets: Budgets) -> Limit:
    """What the snapshot may weigh, which of its sizes that judges, and what set it.

    A budget of the user's judges ``wire_bytes``. Without one it is the limit that leaves the least
    room, each judging its own size.
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
    what = f"{snapshot.kind} snapshot {snapshot.id}"
    is_size = f"is {sizes.format_both(size)}{' on the wire' if budget.judges == 'wire' else ''}"
    may_be = f"{sizes.format_both(budget.bytes)}, set by {_set_by(budget)}"
    place = measurement.definitions_location
    if size > budget.bytes:
        over = sizes.format_both(size - budget.bytes)
        known = baseline.snapshot(snapshot, measurement) if baseline else None
        status = baseline_status(snapshot, known, budget) if known else None
        message = (
            f"{what} {is_size}, {over} over its budget of {may_be}."
            f"{status.message if status else ''}"
            f"{'' if status and status.blocks else _heaviest(snapshot)}"
            f"{_next_step(snapshot, measurement, budget, status.asset if status else None)}"
        )
        yield Finding(
            "snapshot-over-budget",
            "warning" if status and not status.blocks else "error",
            message,
            snapshot=snapshot.id,
            bytes=size,
            budget_bytes=budget.bytes,
            location=place,
        )
        return
    # A budget above a real limit is the user's to set (the deployment may allow more), not ours to
    # be silent about.
    beyond = [
        x for x in snapshot_limits(snapshot, measurement) if judged_bytes(snapshot, x) > x.bytes
    ]
    if beyond:
        limit = min(beyond, key=lambda x: x.bytes - judged_bytes(snapshot, x))
        message = (
            f"{what} {is_size}: within its budget of {may_be}, but over the limit found here, "
            f"{sizes.format_both(limit.bytes)} by {_set_by(limit)}."
            " Lower the budget, or set what is deployed under [tool.dagster-snapsize.env]."
        )
    elif size > budgets.warn_at * budget.bytes:
        message = (
            f"{what} {is_size}, {sizes.format_percent(size, budget.bytes)} of its budget of"
            f" {may_be}.{_heaviest(snapshot)}"
        )
    else:
        return
    yield Finding(
        "snapshot-near-budget",
        "warning",
        message,
        snapshot=snapshot.id,
        bytes=size,
        budget_bytes=budget.bytes,
        location=place,
    )


def _set_by(limit: Limit) -> str:
    if limit.source == CONFIGURATION:
        return f"{limit.name} of the configuration"
    return f"{limit.name} ({limit.source})"


def _heaviest(snapshot: Snapshot) -> str:
    """The heaviest assets and fields, and before them what is heavier than any asset."""
    assets: Counter[str] = Counter()
    others: Counter[str] = Counter()
    fields: Counter[str] = Counter()
    for owner, owner_fields in snapshot.ledger.owners.items():
        for name, share in owner_fields.items():
            fields[name] += share.bytes
        size = sum(share.bytes for share in owner_fields.values())
        if owner.kind == "asset":
            assets[owner.name] = size
        elif owner.kind != "structure" and owner != Owner("job", snapshot.name):
            others[owner.label] = size
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
    return f" {text[0].upper()}{text[1:]}." if text else ""


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
    """What can be done; it begins with the asset that has ``grown`` most, else the heaviest."""
    steps = ["split the code location" if snapshot.kind == "repository" else "make the job smaller"]
    if budget.source == CONFIGURATION:
        steps.append(f"raise {budget.name}")
    elif budget.judges == "wire":
        steps.append(f"raise {limits.RX} and {limits.SEND} on both ends")
    rest = ", or ".join(steps)
    assets = _assets_of(snapshot, measurement)
    if not assets:
        return f" {rest[0].upper()}{rest[1:]}."
    top = max(assets, key=lambda a: (a.key == grown, a.by_snapshot[snapshot.id]))
    return f" `{explain_command(top.key)}` shows where its bytes are: shorten them; or {rest}."


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
        message = (
            f"asset {asset.key} takes {sizes.format_both(size)} of {worst}, over the"
            f" {sizes.format_both(budget)} that one asset may take ({name}){_also_in(others)};"
            f"{_heaviest_field(asset, by_id.get(worst))}"
            f" `{explain_command(asset.key)}` shows all of it."
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
        )


def _also_in(others: int) -> str:
    if others <= 0:
        return ""
    return f", and is over it in {sizes.counted(others, 'other snapshot')}"


def _heaviest_field(asset: AssetCost, snapshot: Snapshot | None) -> str:
    shares = snapshot.ledger.owners.get(Owner("asset", asset.key), {}) if snapshot else {}
    fields: Mapping[str, int] = {k: s.bytes for k, s in shares.items()} or asset.fields
    if not fields:
        return ""
    name = max(fields, key=lambda f: fields[f])
    return f" its heaviest field is {name} with {sizes.format_both(fields[name])};"


def _time_findings(measurement: Measurement, budgets: Budgets) -> Iterator[Finding]:
    """Each phase against its own timeout, and the whole against the user's ``load-time``."""
    seconds, setting = measurement.seconds, measurement.environment.setting
    phases = [
        ("loading the definitions", None, seconds.load, setting(limits.STARTUP_TIMEOUT)),
        *(
            (f"making the snapshot {i}", i, took, setting(limits.REPOSITORY_TIMEOUT))
            for i, took in seconds.repositories.items()
        ),
        *(
            (f"making the snapshot {i}", i, took, setting(limits.GRPC_TIMEOUT))
            for i, took in seconds.jobs.items()
        ),
    ]
    for what, snapshot_id, took, timeout in phases:
        if timeout is None or not timeout.value or took <= _TIME_WARN_AT * timeout.value:
            continue
        message = (
            f"{what} took {sizes.format_seconds(took)}, more than 80 % of the"
            f" {sizes.format_seconds(timeout.value)} that {timeout.name} allows"
            f" ({timeout.source}): the location may not load where the machine is slower."
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
            f"measuring {measurement.name} took {sizes.format_seconds(seconds.total)}, longer than"
            f" the {sizes.format_seconds(budgets.load_time)} of budget.load-time: loading the"
            f" definitions took {sizes.format_seconds(seconds.load)} and making the snapshots"
            f" {sizes.format_seconds(seconds.build)}."
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
            f"{stale.path} does not match what it was made from ({named}{more}), so the sizes are"
            f" those of older definitions: {stale.advice}.",
            location=SourceLocation(stale.path, 1),
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
        f"{shown(rx)} and {shown(send)}: the code server and whoever asks it each enforce their"
        " own, so set both to the same number on both ends.",
        location=measurement.definitions_location,
    )


def _silencing(finding: Finding, measurement: Measurement) -> list[IgnoreComment]:
    """The comments that silence a finding: on assets only, where they are defined."""
    place = finding.location
    if finding.asset is None or place is None:
        return []
    return [c for c in measurement.ignores if c.silences(place, finding.rule)]
