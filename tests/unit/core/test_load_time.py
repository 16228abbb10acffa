"""Who owns the load time: the innermost line of the project's, or else a phase."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dagster_snapsize.core.findings import judge
from dagster_snapsize.core.load_time import (
    PROJECT,
    PYTHON,
    attribute_time,
    heaviest_lines,
)
from dagster_snapsize.core.model import (
    Budgets,
    DistributionTime,
    FoldedStack,
    LoadTime,
    SourceLocation,
    StackEntry,
)
from dagster_snapsize.core.source_lines import SourceLines
from support import report_values


def line(path: str, number: int, name: str = "<module>") -> StackEntry:
    return StackEntry(path, name, number)


def code(distribution: str, name: str = "f") -> StackEntry:
    return StackEntry(f"/lib/{distribution}/{name}.py", name, 1, distribution)


COMPONENT = StackEntry("defs/orders/defs.yaml", "shop.Orders", 3, is_component=True)
DAGSTER = code("dagster")


def grown(time: int) -> int:
    """Some bytes, fewer than none too."""
    return time % 1_000 - 300


def load_time(
    *stacks: tuple[str, tuple[StackEntry, ...], int], grown: Callable[[int], int] = lambda time: 0
) -> LoadTime:
    folded = [FoldedStack(phase, entries, time, grown(time)) for phase, entries, time in stacks]
    return attribute_time(folded, {"pandas": "2.3"}, {}, lambda place: None, is_plain=True)


ENTRIES = st.sampled_from(
    [line("a.py", 1), line("b.py", 7, "f"), DAGSTER, code("pandas"), code(PYTHON), COMPONENT]
)
STACKS = st.lists(
    st.tuples(
        st.sampled_from(["[definitions]", "[job a]"]),
        st.lists(ENTRIES, max_size=6).map(tuple),
        st.integers(1, 10**9),
    )
)


@given(STACKS)
def test_every_microsecond_has_one_owner(
    stacks: list[tuple[str, tuple[StackEntry, ...], int]],
) -> None:
    found = load_time(*stacks, grown=grown)
    whole = sum(time for _, _, time in stacks)
    assert found.microseconds == whole
    assert sum(owner.microseconds for owner in found.owners) == whole
    assert sum(part.microseconds for part in found.distributions) == whole
    for parts in (found.owners, found.distributions):
        assert sum(part.grown_bytes for part in parts) == sum(grown(time) for _, _, time in stacks)
    for node in [found.tree]:
        assert sum(child.microseconds for child in node.children) <= node.microseconds


def test_a_load_time_that_does_not_add_up_is_rejected() -> None:
    whole = load_time(("[definitions]", (line("a.py", 1),), 5))
    with pytest.raises(AssertionError):
        evolve(whole, microseconds=6)


def test_only_lines_that_take_their_part_are_read() -> None:
    def read(*times: int) -> list[str]:
        stacks = [
            FoldedStack("[definitions]", (line("a.py", number, "load"),), time)
            for number, time in enumerate(times)
        ]
        found = attribute_time(stacks, {}, {}, lambda place: f"line {place.line}", is_plain=True)
        return [owner.what for owner in found.owners]

    assert read(9_900, 60, 40) == ["line 0", "line 1", "load()"]
    # However long the others take.
    assert read(90_000_000, 50_000, 49_999) == ["line 0", "line 1", "load()"]


def test_the_innermost_line_owns_the_time_and_names_whom_it_calls() -> None:
    stack = (
        line("definitions.py", 3),
        DAGSTER,
        line("assets.py", 9),
        code("pandas"),
        code("numpy"),
    )
    found = load_time(("[definitions]", stack, 5))
    (owner,) = found.owners
    assert (owner.location, owner.distribution) == (SourceLocation("assets.py", 9), "pandas")
    assert found.distributions == (DistributionTime("numpy", None, "pandas", 5),)


def test_the_standard_library_counts_for_whom_calls_it() -> None:
    found = load_time(
        ("[definitions]", (line("a.py", 1), code("pandas"), code(PYTHON)), 4),
        ("[definitions]", (line("a.py", 2), code(PYTHON)), 3),
        ("[definitions]", (line("a.py", 3),), 2),
    )
    assert [owner.distribution for owner in found.owners] == ["pandas", PYTHON, None]
    assert found.distributions == (
        DistributionTime("pandas", "2.3", None, 4),
        DistributionTime(PYTHON, None, None, 3),
        DistributionTime(PROJECT, None, None, 2),
    )


def test_a_component_owns_what_dagster_and_its_package_do_for_it() -> None:
    stack = (line("definitions.py", 3), DAGSTER, COMPONENT, DAGSTER, code("pandas"))
    (owner,) = load_time(("[definitions]", stack, 5)).owners
    assert (owner.location, owner.distribution) == (COMPONENT.location, "pandas")


def test_what_no_line_does_belongs_to_the_phase() -> None:
    found = load_time(("[repository r]", (DAGSTER,), 3), ("[job a]", (), 2))
    assert [(o.kind, o.what, o.distribution) for o in found.owners] == [
        ("phase", "[repository r]", "dagster"),
        ("phase", "[job a]", "dagster"),
    ]


def test_the_picture_has_lines_and_distributions_as_they_call_each_other() -> None:
    stack = (line("a.py", 1), DAGSTER, code("dagster", "g"), code(PYTHON), line("b.py", 2, "build"))
    node = load_time(("[definitions]", stack, 5)).tree
    names = []
    while node.children:
        (node,) = node.children
        names.append(node.name)
    assert names == ["[definitions]", "top-level code", "dagster", "build()"]


def test_findings_and_reports_name_the_three_heaviest_lines() -> None:
    found = load_time(
        *(("[definitions]", (line("a.py", n),), n * 1_000_000) for n in range(1, 6)),
        ("[definitions]", (), 90_000_000),
    )
    named = heaviest_lines(found)
    assert named.startswith("5 s at a.py:5 (top-level code), 4 s at a.py:4")
    assert named.count("a.py") == 3
    measured = evolve(report_values.measurement(2, 1), load_time=found)
    slow = evolve(measured, seconds=evolve(measured.seconds, total=9.0))
    (finding,) = [
        f for f in judge(slow, Budgets(load_time=3.0)) if f.rule == "load-time-over-budget"
    ]
    assert finding.details and named in finding.details
    assert heaviest_lines(None) == ""


SOURCE = """
import polars as pl, json
from dagster_dbt import (
    DbtProject,
    dbt_assets,
)

@dbt_assets(
    manifest=DbtProject(".").manifest_path,
)
def models(): ...

defs = dg.Definitions(
    assets=load_assets_from_modules([a]),
    jobs=(
        build()
        .jobs()
    ),
)
total = 1 + 1
"""


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (2, "import polars, json"),
        (3, "from dagster_dbt import DbtProject, dbt_assets"),
        (5, "from dagster_dbt import DbtProject, dbt_assets"),
        (8, "@dbt_assets"),
        (9, "DbtProject()"),
        (13, "dg.Definitions()"),
        (14, "load_assets_from_modules()"),
        (20, None),
    ],
)
def test_a_line_is_described_by_its_syntax(number: int, text: str | None) -> None:
    assert SourceLines(textwrap.dedent(SOURCE)).describe(number) == text
