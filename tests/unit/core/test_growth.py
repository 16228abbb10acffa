"""A measurement beside its baseline: the decision table of docs/growth.md, and what is said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dagster_snapsize.core.baseline import (
    Baseline,
    KnownSeconds,
    baseline_of,
    with_local_paths,
    with_seconds,
)
from dagster_snapsize.core.baseline_text import UnreadableBaseline, from_text, to_text
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.findings import judge, unused_ignores
from dagster_snapsize.core.growth import baseline_mismatch, differences, growth_by_owner
from dagster_snapsize.core.ledger.project_path import ProjectPath, project_path_bytes
from dagster_snapsize.core.load_time import attribute_time
from dagster_snapsize.core.model import (
    Budgets,
    Finding,
    FoldedStack,
    IgnoreComment,
    Ledger,
    Measurement,
    Owner,
    Seconds,
    Share,
    Snapshot,
    SourceLocation,
    StackEntry,
)
from dagster_snapsize.core.sizes import Allowance, parse_allowance
from dagster_snapsize.project.config import load_config
from support import ROOT
from support.measurements import ASSET_PLACE, HERE, JOB, REPOSITORY, measurement, snapshot

PAGE = ROOT / "docs" / "growth.md"
WRAPPER = 4


def said(found: tuple[Finding, ...]) -> str:
    """Findings as the table has them."""
    return ", ".join(f"{f.severity} `{f.rule}`" for f in found) or "nothing"


def rows() -> Iterator[tuple[str, ...]]:
    """The rows of the first table of the page."""
    (table,) = re.findall(
        r"^\| the snapshot .*\n\| ---.*\n((?:\|.*\n)+)", PAGE.read_text("utf-8"), re.M
    )
    for row in table.splitlines():
        yield tuple(cell.strip() for cell in row.strip("|").split("|"))


def table() -> Iterator[tuple[str, str, str, str, str]]:
    for now, before, since, there, missing, other in rows():
        for baseline, expected in (("there", there), ("missing", missing), ("mismatch", other)):
            yield now, before, since, baseline, expected


# Sizes before and now, on the wire; the budget is 100,000 and growth 5 % is allowed.
SIZES = {
    ("within", "within", "shrinks"): (90_000, 80_000),
    ("within", "within", "same"): (90_000, 90_000),
    ("within", "within", "grows as allowed"): (90_000, 94_500),
    ("within", "within", "grows beyond it"): (90_000, 94_501),
    ("within", "over", "shrinks"): (100_001, 100_000),
    ("over", "within", "grows as allowed"): (100_000, 100_001),
    ("over", "within", "grows beyond it"): (90_000, 100_001),
    ("over", "over", "shrinks"): (120_000, 119_999),
    ("over", "over", "same"): (120_000, 120_000),
    ("over", "over", "grows as allowed"): (120_000, 120_001),
    ("over", "over", "grows beyond it"): (120_000, 126_001),
}
BUDGETS = Budgets(repository=100_000, asset=10**9, warn_at=1.0, growth=parse_allowance("5 %"))


def weighing(size: int) -> Measurement:
    return measurement(snapshot({"orders": {"description": size - WRAPPER}}))


def test_the_table_has_every_case_once() -> None:
    assert sorted(row[:3] for row in rows()) == sorted(SIZES)


@pytest.mark.parametrize(("now", "before", "since", "there", "expected"), [*table()])
def test_what_is_found_is_what_the_table_says(
    now: str, before: str, since: str, there: str, expected: str
) -> None:
    old, new = SIZES[now, before, since]
    baseline: Baseline | None = baseline_of(weighing(old))
    if there == "mismatch":
        baseline = baseline_of(evolve(weighing(old), dagster_version="1.12.22"))
    found = judge(weighing(new), BUDGETS, None if there == "missing" else baseline)
    found = tuple(f for f in found if f.asset is None)  # they have a table of their own
    assert said(found) == expected


@pytest.mark.parametrize(
    ("allowed", "before", "now", "severity"),
    [
        (None, 1_000, 900, None),
        (None, 1_000, 1_001, "information"),
        ("2 kB", 1_000, 3_000, "information"),
        ("2 kB", 1_000, 3_001, "error"),
        ("5 %", 1_000, 1_050, "information"),
        ("5 %", 1_000, 1_051, "error"),
        ("0 %", 1_000, 1_000, None),
        ("0 %", 1_000, 1_001, "error"),
        ("0 %", None, 1_000, None),
    ],
)
def test_one_asset_may_grow_by_what_is_allowed(
    allowed: str | None, before: int | None, now: int, severity: str | None
) -> None:
    of_both = {"users": {"tags": 5}}
    old = of_both if before is None else {**of_both, "orders": {"tags": before}}
    budgets = Budgets(asset_growth=parse_allowance(allowed) if allowed else None)
    found = judge(
        measurement(snapshot({**of_both, "orders": {"tags": now}})),
        budgets,
        baseline_of(measurement(snapshot(old))),
    )
    of_assets = [(f.rule, f.severity, f.asset) for f in found if f.asset]
    assert of_assets == ([("asset-grew", severity, "orders")] if severity else [])


def test_a_new_job_is_no_growth_of_the_assets_in_it_nor_one_that_is_gone_room_to_grow() -> None:
    def at(size: int, job: str) -> Measurement:
        return measurement(
            snapshot({"orders": {"tags": size, "op": 1}}),
            snapshot({"orders": {"op": 900}}, f"shop/__repository__/job/{job}"),
        )

    budgets = Budgets(asset_growth=parse_allowance("5 B"))
    assert judge(at(100, "new"), budgets, baseline_of(at(100, "old"))) == ()
    grown, _ = judge(at(106, "new"), budgets, baseline_of(at(100, "old")))
    assert (grown.rule, grown.severity) == ("asset-grew", "error")
    assert grown.message.startswith("Asset grew by 6 bytes (5.9 %) since the baseline, over ")
    assert grown.message.endswith(": orders, tags +6 B")
    assert grown.details == "107 bytes in 1 snapshot."


def test_messages_name_who_grew_by_how_much_and_in_which_field() -> None:
    old = measurement(
        snapshot(
            {"orders": {"description": 2_000, "tags": 10}, "gone": {"tags": 700}, "x": {"a": 1}}
        ),
        snapshot({"orders": {"op": 50}}, JOB),
    )
    new = measurement(
        snapshot(
            {"orders": {"description": 9_500, "tags": 30}, "returns": {"tags": 900}, "x": {"a": 1}}
        ),
        snapshot({"orders": {"op": 51}}, JOB),
    )
    budgets = Budgets(repository=5_000, asset=10**9, growth=parse_allowance("1 kB"))
    budgets = evolve(budgets, asset_growth=parse_allowance("1 kB"))
    over, snapshot_grew, asset_grew, job = judge(new, budgets, baseline_of(old))
    assert over.message == (
        "Repository at 209 % of 5 kB: orders 9.5 kB; 7.7 kB more than in the baseline"
    )
    assert over.details == (
        "10,435 of 5,000 bytes on the wire, 5.4 kB too many (budget.repository)."
        " It was within the limit in the baseline and has grown by 7.7 kB (7,720 bytes) since."
        " Grown: orders by 7.5 kB (description 7.5 kB); new: returns 900 B (tags 900 B);"
        " smaller or gone: 1, by 700 B."
    )
    assert snapshot_grew.message == (
        "Repository grew by 7.7 kB (7,720 bytes, 284 %) since the baseline, over the 1 kB"
        " (1,000 bytes) that budget.growth allows: orders by 7.5 kB (description 7.5 kB)"
    )
    assert snapshot_grew.details == (
        "10,435 bytes on the wire."
        " Grown: orders by 7.5 kB (description 7.5 kB); new: returns 900 B (tags 900 B);"
        " smaller or gone: 1, by 700 B."
    )
    assert snapshot_grew.advice == (
        "Run `dagster-snapsize explain orders` to see its bytes. If this is intended, record the"
        " current sizes with `dagster-snapsize baseline`."
    )
    assert (snapshot_grew.bytes, snapshot_grew.budget_bytes) == (10_435, 3_715)
    assert (snapshot_grew.snapshot, snapshot_grew.location) == (REPOSITORY, HERE)
    assert asset_grew.text == (
        "Asset grew by 7.5 kB (7,521 bytes, 365 %) since the baseline, over the 1 kB (1,000 bytes)"
        " that budget.asset-growth allows: orders, description +7.5 kB, tags +20 B, op +1 B."
        " 9,581 bytes in 2 snapshots. If this is intended, record the current sizes with"
        " `dagster-snapsize baseline`."
    )
    assert (asset_grew.asset, asset_grew.location) == ("orders", ASSET_PLACE)
    assert (job.rule, job.severity) == ("snapshot-grew", "information")
    assert job.message.startswith(
        "Job __ASSET_JOB grew by 1 byte (1.9 %) since the baseline, within the 1 kB (1,000 bytes)"
    )


def test_of_an_inherited_size_it_is_said_that_it_does_not_block() -> None:
    budgets = evolve(BUDGETS, growth=None)
    (same,) = judge(weighing(120_000), budgets, baseline_of(weighing(120_000)))
    assert same.message.endswith(": orders 120 kB; no larger than in the baseline")
    assert "was already over the limit in the baseline and has not grown since" in same.text
    (less,) = judge(weighing(119_000), budgets, baseline_of(weighing(120_000)))
    assert "is 1 kB (1,000 bytes) smaller now: it does not block." in less.text
    assert less.text.count("orders") == 2  # the fact, and what to run


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"dagster_version": "1.12.22"}, "of Dagster 1.12.22, and this is 1.13.28. Sizes"),
        ({"python_version": "3.12.1"}, "of Python 3.12, and this is 3.11. Sizes"),
        ({"python_version": "3.11.2"}, None),
    ],
)
def test_a_baseline_of_another_dagster_or_python_says_why(
    other: dict[str, object], words: str | None
) -> None:
    baseline = baseline_of(evolve(weighing(1_000), **other))
    baseline = evolve(baseline, place=SourceLocation("snapsize-baseline.jsonl", 3))
    found = judge(weighing(2_000), Budgets(), baseline)
    mismatches = [f for f in found if f.rule == "baseline-mismatch"]
    if words is None:
        assert mismatches == []
        return
    (finding,) = mismatches
    assert words in finding.text
    assert finding.advice == "Run `dagster-snapsize baseline` to update it."
    assert (finding.severity, finding.location) == ("warning", baseline.place)
    # The same to the byte: nothing to explain.
    assert baseline_mismatch(weighing(1_000), baseline) == ()


def at_path(path: str, description: str = "") -> Measurement:
    """A measurement of two assets, one of which holds the path of its project twice."""
    texts = {"orders": f"{path}/a.py {path}/b.py {description}", "users": "all"}
    fields = {key: {"description": len(text)} for key, text in texts.items()}
    bare = {key: {"description": len(text.replace(path, ""))} for key, text in texts.items()}
    whole = snapshot(fields)
    return measurement(evolve(whole, paths=project_path_bytes(whole.ledger, snapshot(bare).ledger)))


def test_the_projects_own_path_is_no_growth() -> None:
    short, long = at_path("/p"), at_path("/home/somebody/elsewhere")
    assert baseline_of(short) == baseline_of(long)
    assert judge(long, Budgets(), with_local_paths(baseline_of(short), long)) == ()
    assert judge(short, Budgets(), with_local_paths(baseline_of(long), short)) == ()
    grown = at_path("/home/somebody/elsewhere", "12345")
    budgets = Budgets(growth=parse_allowance("4 B"))
    found = judge(grown, budgets, with_local_paths(baseline_of(short), grown))
    assert [(f.rule, f.severity) for f in found] == [
        ("snapshot-grew", "error"),
        ("asset-grew", "information"),
    ]
    assert (
        " 5 bytes (" in found[0].message and "orders by 5 B (description 5 B)" in found[0].message
    )


def test_the_path_is_found_as_it_is_written_and_nowhere_else() -> None:
    own = ProjectPath.of(["/srv/shop", "C:\\shop"])
    text = (
        rb'"/srv/shop/x" "file:///srv/shop" "{\"a\": \"/srv/shop\"}"'
        rb' "C:\\shop\\x" "C:\\\\shop\\\\x"'
        rb' "/srv/shops" "/srv/shop.bak" "/srv/shop-2" "/opt/srv/shop"'
    )
    assert own.removed_from(text) == (
        rb'"/x" "file://" "{\"a\": \"\"}" "\\x" "\\\\x"'
        rb' "/srv/shops" "/srv/shop.bak" "/srv/shop-2" "/opt/srv/shop"'
    )
    assert ProjectPath.of(["/"]).removed_from(text) is text
    assert ProjectPath.of(["/srv/\u00e4"]).removed_from(rb'"/srv/\u00e4/x"') == b'"/x"'


def test_growth_is_silenced_where_an_asset_is_defined() -> None:
    ignore = IgnoreComment(ASSET_PLACE, ("asset-grew",), (ASSET_PLACE.line,))
    grown = evolve(weighing(90_001), ignores=(ignore,))
    budgets = evolve(BUDGETS, asset_growth=parse_allowance("0 B"))
    assert [f.rule for f in judge(grown, budgets, baseline_of(weighing(90_000)))] == [
        "snapshot-grew"
    ]
    assert unused_ignores(grown, budgets, baseline_of(weighing(90_000))) == ()
    assert [u.rules for u in unused_ignores(grown, budgets)] == [("asset-grew",)]


NAMES = st.sampled_from(["a", "b/c", 'x"y', "\u00e9\\/z", "[structure]", "job", "\ud800"])
FIELDS = st.dictionaries(NAMES, st.integers(0, 10**6), min_size=1, max_size=4)
OWNERS = st.dictionaries(
    st.builds(Owner, st.sampled_from(["asset", "check", "job", "structure"]), NAMES),
    FIELDS,
    max_size=5,
)


@st.composite
def locations(draw: st.DrawFn) -> Measurement:
    """Measurements with several repositories and jobs, whose owners may be the same."""
    found: list[Snapshot] = []
    for repository in draw(st.lists(st.sampled_from(["r", "s t"]), min_size=1, unique=True)):
        names = draw(st.lists(NAMES, max_size=3, unique=True))
        shared = draw(OWNERS)
        for job in [None, *names]:
            owned = shared if job and draw(st.booleans()) else draw(OWNERS)
            stored = sum(sum(fields.values()) for fields in owned.values())
            shares = {o: {f: Share(n) for f, n in fields.items()} for o, fields in owned.items()}
            kind = "repository" if job is None else f"job/{job}"
            found.append(
                Snapshot(
                    id=f"shop/{repository}/{kind}",
                    kind="repository" if job is None else "job",
                    name=job or repository,
                    repository=repository,
                    stored_bytes=stored,
                    wire_bytes=stored + draw(st.integers(0, 200)),
                    ledger=Ledger(stored, shares, {}, {}),
                )
            )
    return measurement(*found, assets=())


@given(locations(), locations())
def test_a_baseline_is_read_as_it_was_written_and_sums_add_up(
    one: Measurement, other: Measurement
) -> None:
    text = to_text({"shop": baseline_of(one), "other": baseline_of(other)})
    assert text.isascii()
    read = from_text(text)
    assert read == {"shop": baseline_of(one), "other": baseline_of(other)}
    assert to_text(read) == text
    assert from_text("\n\n".join(text.replace("\n\n", "\r\n").split("\r\n"))) == read
    for now in one.snapshots:
        known = read["shop"].snapshot(now, one)
        assert known is not None
        assert (known.stored_bytes, known.wire_bytes) == (now.stored_bytes, now.wire_bytes)
        assert growth_by_owner(known, now) == ()
        before = read["other"].snapshot(now, one)
        if before is not None:
            found = growth_by_owner(before, now)
            assert sum(c.bytes for c in found) == now.stored_bytes - before.stored_bytes
            assert all(sum(c.fields.values()) == c.bytes for c in found)
    assert judge(one, Budgets(), read["shop"]) == judge(one, Budgets())


GOOD = to_text({"shop": baseline_of(weighing(1_000))})
NAME = '{"asset":"orders"}'
BYTES = '{"fields":{"description":996}}'


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "empty"),
        ("\n\n", 1, "empty"),
        ("hello\n", 1, "not a line of a baseline"),
        ("[1]\n", 1, "not a line of a baseline"),
        ('{"a":1}\n', 1, "first line of a baseline"),
        ('{"snapsize-baseline":2}\n', 1, "of format 2"),
        ('{"snapsize-baseline":true}\n', 1, "of format true"),
        (GOOD.replace(NAME, f"<<<<<<< HEAD\n{NAME}"), 7, "merge conflict"),
        (GOOD + NAME, 11, "asset orders appears twice"),
        (
            GOOD.replace(BYTES, BYTES + "\n" + BYTES),
            9,
            "asset orders appears twice in the baseline",
        ),
        (GOOD.replace(NAME + "\n", ""), 7, "does not say whose bytes these are"),
        (GOOD.replace(BYTES, ""), 10, "bytes of asset orders are missing"),
        (GOOD.replace(BYTES, '{"asset":"x"}'), 8, "bytes of asset orders are missing before it"),
        (GOOD.replace("996", "-996"), 8, "-996 is not a number of bytes"),
        (GOOD.replace("996", "9.5"), 8, "9.5 is not a number of bytes"),
        (GOOD.replace("996", "NaN"), 8, "NaN is not a number of bytes"),
        (GOOD.replace("996", "true"), 8, "true is not a number of bytes"),
        (GOOD.replace("996", "9" * 30), 8, "999 is not a number of bytes"),
        (GOOD.replace("996", "9" * 5000), 8, "not a line of a baseline"),
        (GOOD.replace('{"description":996}', "[1]"), 8, "are by field"),
        (GOOD.replace('"asset"', '"planet"'), 7, "not a line of a baseline"),
        (GOOD.replace('"orders"', "7"), 7, "`asset`: 7 is not a string"),
        (GOOD.replace('"wrapper":4', '"wrapper":"4"'), 5, "is not a number of bytes"),
        (GOOD.replace(',"wrapper":4', ""), 8, "the repository has no line of its own"),
        (GOOD.replace('"fields"', '"jobs"'), 8, "jobs of an owner are a list"),
        (GOOD.replace(BYTES, '{"jobs":[["j"]]}'), 8, "a list of names"),
        (GOOD.replace(BYTES, '{"jobs":[[[7],{}]]}'), 8, "the name of a job is a string"),
        (GOOD.replace(BYTES, '{"jobs":[[["j"],{}]]}'), 8, "job j has no line of its own"),
        (
            GOOD.replace(BYTES, '{"jobs":[[["j"],{}],[["j"],{}]]}')
            + '{"snapshot":"j","wrapper":1}',
            8,
            "asset orders appears twice in the baseline",
        ),
        (GOOD + '{"location":"shop","dagster":"1","python":"3"}', 11, "location shop appears"),
        (GOOD + '{"repository":"__repository__","wrapper":4}', 11, "appears twice in its location"),
        *(
            (GOOD.replace('"3.11"', f'"3.11","seconds":{wrong}'), 3, "not the seconds of load and")
            for wrong in ("7", '{"load":1}', '{"load":-1,"build":0}', '{"load":NaN,"build":true}')
        ),
        (GOOD.split("\n\n")[0] + "\n" + NAME, 2, "no location above"),
        ("\n".join(GOOD.split("\n\n")[:2]) + "\n" + NAME, 3, "no repository above"),
        (GOOD + "[" * 100_000, 11, "not a line of a baseline"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_baseline_that_cannot_be_used_is_told_by_its_line(
    text: str, line: int, words: str
) -> None:
    with pytest.raises(UnreadableBaseline) as raised:
        from_text(text)
    assert words in str(raised.value)
    assert raised.value.line == line
    assert "dagster-snapsize baseline" in raised.value.hint
    assert raised.value.is_damaged == ("of format" not in words)


def test_lines_may_stand_in_any_order_of_their_repository() -> None:
    job = snapshot({"orders": {"op": 5}, "users": {"op": 7}}, JOB)
    whole = {"shop": baseline_of(measurement(snapshot({"orders": {"tags": 1}}), job))}
    version, location, repository, *rest, end = to_text(whole).strip().split("\n\n")
    turned = "\r\n".join([version, location, repository, *reversed(rest), end])
    assert from_text(turned) == whole


def test_differences_are_most_first_and_leave_out_what_is_the_same() -> None:
    found = differences({"a": 1, "b": 5, "c": 3}, {"b": 9, "c": 3, "d": 20})
    assert list(found.items()) == [("d", 20), ("b", 4), ("a", -1)]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"5 %"', Allowance(millionths=50_000)),
        ('"0%"', Allowance(millionths=0)),
        ('"2.5 %"', Allowance(millionths=25_000)),
        ('"500 kB"', Allowance(500_000)),
        ("1024", Allowance(1024)),
        ('"-5 %"', '"-5 %" is not a share; write it like "5 %" or "2.5 %"'),
        ('"2,5 %"', '"2,5 %" is not a share'),
        ('"5 percent"', "has no unit known here"),
        ("0.05", '0.05 is neither a share nor a size; write "5 %" or "500 kB"'),
        ("true", "true is not a size"),
    ],
)
def test_what_may_grow_is_a_share_or_a_size(
    tmp_path: Path, written: str, read: Allowance | str
) -> None:
    (tmp_path / "snapsize.toml").write_text(f"[budget]\nasset-growth = {written}\n")
    if isinstance(read, Allowance):
        assert load_config(tmp_path).budgets == Budgets(asset_growth=read)
        return
    with pytest.raises(UserError) as raised:
        load_config(tmp_path)
    assert "`budget.asset-growth`: " in raised.value.message and read in raised.value.message
    assert raised.value.line == 2


# -- the load time -------------------------------------------------------------------------------

TOLERANT = Budgets(load_time_growth=parse_allowance("25 %"))
TOOK = KnownSeconds(8.3, 1.8)


def loading(load: float, build: float, **changes: Any) -> Measurement:
    """A measurement that was made by loading from nothing, in so many seconds."""
    stack = FoldedStack("[definitions]", (StackEntry("assets.py", "<module>", 9),), 7_000_000)
    took = attribute_time([stack], {}, {}, lambda place: "import polars", is_plain=False)
    seconds = Seconds(load, build, 2 * (load + build))
    return evolve(weighing(1_000), seconds=seconds, load_time=took, **changes)


def test_a_load_time_beyond_the_tolerance_is_a_warning_with_the_phases_and_the_lines() -> None:
    baseline = evolve(baseline_of(weighing(1_000)), seconds=TOOK)
    (finding,) = judge(loading(12.84, 1.53), TOLERANT, baseline)
    assert (finding.rule, finding.severity) == ("load-time-grew", "warning")
    assert finding.location == HERE
    assert finding.message == (
        "4.2 s longer to load than the baseline's 10.1 s, over the 25 % of"
        " budget.load-time-growth: 4.5 s more to load the definitions, 0.30 s less to make the"
        " snapshots"
    )
    assert finding.details == "What takes longest: 7 s at assets.py:9 (import polars)."
    assert finding.advice == (
        "`dagster-snapsize profile` shows where all of it goes. If this is intended, record the"
        " current times with `dagster-snapsize baseline`."
    )


@pytest.mark.parametrize(
    ("now", "known", "budgets"),
    [
        (loading(20, 2), TOOK, Budgets()),
        (loading(20, 2), None, TOLERANT),
        (loading(10.8, 1.8), TOOK, TOLERANT),  # to a tenth of a second what is allowed
        (loading(2.4, 1.3), KnownSeconds(1.5, 1.3), TOLERANT),  # by less than a second
        (loading(1, 1), TOOK, TOLERANT),
        (evolve(loading(20, 2), load_time=None), TOOK, TOLERANT),  # forked
        (loading(20, 2, dagster_version="1.13.29"), TOOK, TOLERANT),
        (loading(20, 2, python_version="3.12.1"), TOOK, TOLERANT),
    ],
)
def test_a_load_time_is_not_judged_where_it_may_differ_for_another_reason(
    now: Measurement, known: KnownSeconds | None, budgets: Budgets
) -> None:
    assert judge(now, budgets, evolve(baseline_of(weighing(1_000)), seconds=known)) == ()


@pytest.mark.parametrize(
    ("now", "changes", "written"),
    [
        ((9.14, 2.02), {}, TOOK),  # within the tolerance
        ((12.84, 1.53), {}, KnownSeconds(12.8, 1.5)),
        ((2.04, 1.53), {}, KnownSeconds(2.0, 1.5)),  # faster
        ((12.84, 1.53), {"load_time": None}, TOOK),  # forked
        ((9.14, 2.02), {"dagster_version": "1.13.29"}, KnownSeconds(9.1, 2.0)),
        ((9.14, 2.02), {"dagster_version": "1.13.29", "load_time": None}, None),
    ],
)
def test_the_seconds_of_a_baseline_change_only_by_more_than_the_tolerance(
    now: tuple[float, float], changes: dict[str, Any], written: KnownSeconds | None
) -> None:
    old = evolve(baseline_of(weighing(1_000)), seconds=TOOK)
    measured = evolve(loading(*now), **changes)
    new = with_seconds(baseline_of(measured), old, measured, TOLERANT.load_time_growth)
    assert new.seconds == written
    assert from_text(to_text({"shop": new})) == {"shop": new}
    assert with_seconds(baseline_of(measured), old, measured, None).seconds is None


def test_the_load_time_may_grow_by_a_share_only(tmp_path: Path) -> None:
    file = tmp_path / "snapsize.toml"
    file.write_text('[budget]\nload-time-growth = "25 %"\n')
    assert load_config(tmp_path).budgets == TOLERANT
    for written in ('"5 s"', "5", "[5]"):
        file.write_text(f"[budget]\nload-time-growth = {written}\n")
        with pytest.raises(UserError, match=r"is not a share; write it like"):
            load_config(tmp_path)
