"""What is advised, in which order, and which findings come of it."""

from __future__ import annotations

from attrs import evolve

from dagster_snapsize.core.advice import advise, repeated_findings
from dagster_snapsize.core.findings import judge
from dagster_snapsize.core.model import (
    Budgets,
    IgnoreComment,
    Measurement,
    Owner,
    Repeat,
    Saving,
    Share,
    SourceLocation,
)
from support.measurements import full_measurement

PLACE = SourceLocation("/p/é.py", 3)


def repeat(field: str, saved: int, *assets: str) -> Repeat:
    """A value that these assets carry."""
    return Repeat(field, "a value", 500, assets, "r", {"here/r/repository": saved})


def job(name: str, saved: int, *assets: str) -> Saving:
    """A job of these assets."""
    return Saving("job", name, "", assets, "r", {f"here/r/job/{name}": saved})


def with_savings(*found: Repeat | Saving) -> Measurement:
    """A location in which these were seen and nothing else."""
    return evolve(
        full_measurement(),
        repeats=tuple(x for x in found if isinstance(x, Repeat)),
        savings=tuple(x for x in found if isinstance(x, Saving)),
    )


def test_most_bytes_come_first_with_every_place() -> None:
    found = advise(
        with_savings(
            repeat("tags", 2_000, "heavy", "m/two"),
            repeat("metadata: owner_page", 9_000, "heavy", "m/one"),
            Saving("raw-sql", "description", "", ("heavy",), "r", {"here/r/repository": 5_000}),
        )
    )
    assert [(a.kind, a.saved_bytes) for a in found] == [
        ("repeat", 9_000),
        ("raw-sql", 5_000),
        ("repeat", 2_000),
    ]
    first, _, last = found
    assert first.title == "the same metadata `owner_page` on 2 assets"
    assert first.places == (SourceLocation("/p/b.py", 7), PLACE)
    assert "MaterializeResult" in first.how
    assert last.places == (PLACE,)  # the other one is defined nowhere


def test_nothing_to_do_is_no_advice() -> None:
    assert advise(with_savings()) == ()
    assert advise(with_savings(job("all", 900_000, "heavy"), job("other", 5, "m/one"))) == ()


def test_a_job_is_compared_with_the_smallest_that_has_all_of_its_assets() -> None:
    found = advise(
        with_savings(
            job("all", 9_000, "heavy", "m/one", "m/two"),
            job("two", 8_000, "heavy", "m/one"),
            job("again", 7_000, "heavy", "m/one"),
            job("one", 6_000, "m/one"),
            job("empty", 5_000),
        )
    )
    assert [(a.kind, a.title) for a in found] == [
        ("same-job", "job two selects the same 2 assets as job again"),
        ("part-of-job", "job again selects 2 assets, all of them part of job all"),
        ("part-of-job", "job one selects 1 asset, all of them part of job again"),
    ]


def test_many_jobs_that_are_large_together_are_one_line_with_the_heaviest() -> None:
    jobs = [job(f"j{n:02}", 1_000_000 + n, f"a{n}") for n in range(25)]
    measured = with_savings(*jobs)
    (repository, *_) = measured.snapshots
    snapshots = [
        evolve(repository, id=f"here/r/job/j{n:02}", kind="job", name=f"j{n:02}") for n in range(25)
    ]
    rows = {Owner("job", "j"): {"x": Share(1_000_000, 0)}}
    large = evolve(repository.ledger, stored_bytes=1_000_000, owners=rows)
    assert advise(evolve(measured, snapshots=tuple(snapshots))) == ()
    heavy = [evolve(s, stored_bytes=1_000_000, ledger=large) for s in snapshots]
    seconds = evolve(measured.seconds, jobs={s.id: 0.5 for s in snapshots})
    (found,) = advise(evolve(measured, snapshots=tuple(heavy), seconds=seconds))
    assert found.kind == "many-jobs" and found.saved_bytes == 1_000_024
    assert found.title == "25 jobs of 25 MB together, built in 12.5 s: the heaviest is job j24"


def test_many_jobs_are_compared_in_no_time_to_speak_of() -> None:
    """Each with every other would be a hundred million comparisons of keys."""
    jobs = [job(f"j{n}", 100, *(f"a{k}" for k in range(n, n + 30))) for n in range(3_000)]
    assert advise(with_savings(*jobs)) == ()


def test_a_repeat_is_one_finding_at_the_first_asset_that_has_a_place() -> None:
    whole = sum(s.stored_bytes for s in full_measurement().snapshots)
    found = list(
        repeated_findings(
            with_savings(
                repeat("tags", whole // 50, "m/two", "m/one", "heavy"),
                repeat("owners", whole // 200, "heavy", "m/one"),
            )
        )
    )
    assert [(f.rule, f.severity, f.asset, f.bytes) for f in found] == [
        ("repeated-value", "information", "m/one", whole // 50)
    ]
    assert found[0].location == SourceLocation("/p/b.py", 7)
    assert ": m/one and 2 other assets store the same tags (" in found[0].message
    assert found[0].details and found[0].details.startswith("It takes 500 bytes in one place.")


def test_a_comment_silences_it() -> None:
    seen = with_savings(repeat("tags", 90_000, "heavy", "m/one"))
    silenced = evolve(seen, ignores=(IgnoreComment(PLACE, ("repeated-value",), (3,)),))
    rules = [[f.rule for f in judge(one, Budgets())] for one in (seen, silenced)]
    assert "repeated-value" in rules[0]
    assert "repeated-value" not in rules[1]
