"""What a hover says of an asset beside its bytes: growth, and what others carry too."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_snapsize.core.sizes import counted, format_both
from dagster_snapsize.lsp.features.asset_groups import Group
from dagster_snapsize.lsp.features.markup import MarkupBuilder
from dagster_snapsize.lsp.features.words import short_size
from dagster_snapsize.measuring.worker.results import AssetDetail, BaselineUse, RepeatedValue

_FIELDS = 3
_REPEATS = 3


def growth_of_asset(
    baseline: BaselineUse, detail: AssetDetail, markup: MarkupBuilder
) -> str | None:
    """``Since the baseline: +1.2 kB (1,213 bytes): description +1.0 kB, ...``."""
    growth = detail.growth
    if growth is None or (growth.before is not None and not growth.fields):
        return None
    if growth.before is None:
        return f"New since the baseline.{_foreign(baseline, markup)}"
    rows = [f"{markup.name(name)} {signed(by)}" for name, by in growth.fields.items()]
    rest = list(growth.fields.values())[_FIELDS:]
    if rest:
        rows = [*rows[:_FIELDS], f"{counted(len(rest), 'other field')} {signed(sum(rest))}"]
    by = _by(detail.total_bytes - growth.before)
    return f"Since the baseline: {by}: {', '.join(rows)}.{_foreign(baseline, markup)}"


def growth_of_group(group: Group, markup: MarkupBuilder) -> str | None:
    """The same of all assets of a line."""
    changed = [row.growth_bytes for row in group.rows if row.growth_bytes]
    if not changed:
        return None
    by = _by(sum(changed))
    of = f"in {len(changed):,} of {counted(len(group.rows), 'asset')}"
    return f"Since the baseline: {by}, {of}.{_foreign(group.good.baseline, markup)}"


def snapshot_growth(growth_bytes: int | None) -> str:
    """A cell of a table: bytes, or that the baseline has no such snapshot."""
    return "new" if growth_bytes is None else f"{growth_bytes:+,}"


def carried(detail: AssetDetail, markup: MarkupBuilder) -> Iterator[str]:
    """A line for each of the few values that others carry too and that take most."""
    for repeat in detail.repeats[:_REPEATS]:
        yield _carried(repeat, markup)
    rest = len(detail.repeats) - _REPEATS
    if rest > 0:
        yield "`dagster-snapsize advise` lists more of its values that others have, too."


def _carried(repeat: RepeatedValue, markup: MarkupBuilder) -> str:
    everywhere = "both" if repeat.others == 1 else f"all {repeat.others + 1:,}"
    return (
        f"{markup.name(repeat.field)} is the same on {counted(repeat.others, 'other asset')}:"
        f" removing it from {everywhere} saves {format_both(repeat.saved_bytes)}."
    )


def signed(size: int) -> str:
    """``+1.2 kB``, ``-300 B``."""
    return f"{'+' if size >= 0 else '-'}{short_size(abs(size))}"


def _by(size: int) -> str:
    return f"{'+' if size >= 0 else '-'}{format_both(abs(size))}" if size else "as many bytes"


def _foreign(baseline: BaselineUse, markup: MarkupBuilder) -> str:
    if not baseline.mismatch:
        return ""
    why = "; and of ".join(map(markup.text, baseline.mismatch))
    return f" The baseline is of {why}: sizes may differ for that reason alone."
