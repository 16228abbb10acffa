"""What could be done about a location's size, each with what it saves, most bytes first.

Every saving is counted alone. Two of them may be about the same bytes: a job that goes takes along
its copy of a description that many assets repeat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from attrs import frozen

from dagster_snapsize.core.advice.savings import large_savings
from dagster_snapsize.core.dagster_fields import entry_label, label_info, metadata_label
from dagster_snapsize.core.model import (
    Finding,
    Measurement,
    Repeat,
    Saves,
    Saving,
    SourceLocation,
)
from dagster_snapsize.core.sizes import (
    counted,
    format_both,
    format_exact,
    format_seconds,
    format_size,
)

AdviceKind = Literal[
    "repeat",
    "code-references",
    "raw-sql",
    "non-latin",
    "field",
    "one-value",
    "resource",
    "definitions-metadata",
    "same-job",
    "part-of-job",
    "many-jobs",
]

_HANDLED_APART = ("job", "field", "one-value")
_OF_DBT = metadata_label("dagster_dbt/")
_LISTED = 100  # assets and places
_MUCH = 64_000  # bytes, as one asset may take of a snapshot unless the user says otherwise
# So many jobs of so many bytes together take about ten seconds to build, at every load.
_MANY_JOBS = 20
_MANY_BYTES = 20_000_000
_HOW: Mapping[str, str] = {
    "resource": "Every job stores the schema of every resource's configuration, and so does the"
    " repository snapshot. A function without a `config_schema` has none. Let one make it:"
    " `@dg.resource`, or `@dg.io_manager` for an I/O manager, over `def engine(_):`, and below it"
    " `with Engine(...).process_config_and_initialize_cm() as made: yield made` for a"
    " `dg.ConfigurableResource`, else what the resource's own function returns. Nobody can then"
    " configure it in the launchpad.",
    "code-references": "Add code references only where they are of use: paths of the machine that"
    " built the location lead nowhere from elsewhere. Call `dg.with_source_code_references` only in"
    " development, and set `enable_code_references=False` in `DagsterDbtTranslatorSettings`.",
    "raw-sql": "Give `@dbt_assets` a translator of yours whose `get_description` returns"
    ' `dbt_resource_props.get("description", "")`, without the SQL: it stays in the dbt project.',
    "non-latin": "Snapshots are stored as ASCII, where such a letter takes six bytes and a Latin"
    " one one. Keep long texts on a page to link to with `dg.MetadataValue.url`. What is said to be"
    " saved is what as many Latin letters save.",
    "definitions-metadata": "An integration keeps there what it fetched when the code server"
    " started, for the processes that run assets; `dg.Definitions(..., metadata=...)` adds to it."
    " Let the integration fetch only what is used, by its selector or filter. A state-backed"
    " component, from Dagster 1.12 on, stores its state elsewhere with `management_type:"
    " VERSIONED_STATE_STORAGE` or `LOCAL_FILESYSTEM` in its `defs_state`.",
    "same-job": "Keep one of the two, and let the schedules and sensors of both start it.",
    "many-jobs": "Every job is a snapshot of its own, which Dagster builds whenever the code"
    " location loads. What is said to be saved is the heaviest of them alone. A schedule or a"
    " sensor can start a part of one large job instead: `dg.RunRequest(asset_selection=[...])`.",
    "part-of-job": "Every job is a snapshot of its own. A schedule or a sensor can start a part of"
    " the larger job instead: `dg.RunRequest(asset_selection=[...])`.",
}


@frozen
class Advice(Saves):
    """One thing that could be done.

    ``assets`` are those that it is about and ``places`` where they are defined, both sorted.
    ``how`` says it in Dagster's own terms, ``preview`` shows what it is about.
    """

    kind: AdviceKind
    title: str
    by_snapshot: Mapping[str, int]
    field: str | None
    assets: tuple[str, ...]
    places: tuple[SourceLocation, ...]
    how: str
    preview: str


def advise(measurement: Measurement) -> tuple[Advice, ...]:
    """What could be done about a location, most bytes first; nothing where there is nothing."""
    several = len({s.repository for s in measurement.snapshots}) > 1
    how = _Recipes(measurement)
    places = {(a.repository, a.key): a.location for a in measurement.assets}
    found = [
        *(_repeated(repeat, places, how) for repeat in measurement.repeats),
        *(
            _saved(saving, places, how)
            for saving in measurement.savings
            if saving.kind not in _HANDLED_APART
        ),
        *(_saved(saving, places, how) for saving in large_savings(measurement)),
        *_jobs([s for s in measurement.savings if s.kind == "job"], places, several),
        *_many_jobs(measurement, places),
    ]
    return tuple(sorted(found, key=lambda a: (-a.saved_bytes, a.kind, a.title, a.assets[:1])))


def advice_json(advice: Advice) -> dict[str, Any]:
    """What every face gives to programs; thousands of assets and places are not listed."""
    return {
        "kind": advice.kind,
        "title": advice.title,
        "saved_bytes": advice.saved_bytes,
        "by_snapshot": dict(advice.by_snapshot),
        "field": advice.field,
        "assets": list(advice.assets[:_LISTED]),
        "asset_count": len(advice.assets),
        "places": [{"path": place.path, "line": place.line} for place in advice.places[:_LISTED]],
        "place_count": len(advice.places),
        "how": advice.how,
        "preview": advice.preview,
    }


def repeated_findings(measurement: Measurement) -> Iterator[Finding]:
    """One finding for each repeat that saves a hundredth of all stored bytes, or 64 kB.

    It stands at the first of its assets that is defined somewhere.
    """
    whole = sum(snapshot.stored_bytes for snapshot in measurement.snapshots)
    places = {(a.repository, a.key): a.location for a in measurement.assets}
    for repeat in measurement.repeats:
        if repeat.saved_bytes < min(_MUCH, whole / 100):
            continue
        asset = next((a for a in repeat.assets if places.get((repeat.repository, a))), None)
        asset = asset or repeat.assets[0]
        others = len(repeat.assets) - 1
        yield Finding(
            "repeated-value",
            "information",
            f"{format_size(repeat.saved_bytes)} of repeats: {asset} and"
            f" {counted(others, 'other asset')} store the same {label_info(repeat.field).noun}"
            f" ({repeat.preview})",
            asset=asset,
            bytes=repeat.saved_bytes,
            location=places.get((repeat.repository, asset)),
            details=f"It takes {format_exact(repeat.value_bytes)} in one place. Without it"
            f" {counted(len(repeat.by_snapshot), 'snapshot')} would be"
            f" {format_both(repeat.saved_bytes)} smaller.",
            advice="Run `dagster-snapsize advise` to see what to do.",
            repository=repeat.repository,
        )


_Places = Mapping[tuple[str, str], SourceLocation | None]


class _Recipes:
    """How to store less of a field, by what makes it and by what reads it."""

    def __init__(self, measurement: Measurement) -> None:
        self._dbt = {
            (asset.repository, asset.key)
            for asset in measurement.assets
            if any(field.startswith(_OF_DBT) for field in asset.fields)
        }
        self._readers = {reader.label: reader for reader in measurement.metadata_readers}

    def of(self, found: Repeat | Saving) -> str:
        """What to do about the field of a value that assets have."""
        label = label_info(found.field)
        of_dbt = sum((found.repository, asset) in self._dbt for asset in found.assets)
        by_dbt = label.dbt_advice is not None and 2 * of_dbt > len(found.assets)
        how = label.dbt_advice if by_dbt and label.dbt_advice else label.advice
        reader = self._readers.get(entry_label(found.field))
        if reader is None:
            return how
        place = f"{reader.location.path}:{reader.location.line}"
        if reader.integration:
            return f"{reader.integration} reads it from the definition ({place}): keep it there."
        return f"{place} reads it from the definition: change that first. {how}"


def _repeated(repeat: Repeat, places: _Places, how: _Recipes) -> Advice:
    return Advice(
        kind="repeat",
        title=f"the same {label_info(repeat.field).noun} on {counted(len(repeat.assets), 'asset')}",
        by_snapshot=repeat.by_snapshot,
        field=repeat.field,
        assets=repeat.assets,
        places=_places(repeat, places),
        how=how.of(repeat),
        preview=repeat.preview,
    )


def _saved(saving: Saving, places: _Places, how: _Recipes) -> Advice:
    kind: AdviceKind = saving.kind if saving.kind != "job" else "part-of-job"
    titles = {
        "code-references": f"code references on {counted(len(saving.assets), 'asset')}",
        "raw-sql": f"SQL in the descriptions of {counted(len(saving.assets), 'asset')}",
        "non-latin": f"{saving.preview} that are not ASCII in the"
        f" {label_info(saving.field).noun} of {counted(len(saving.assets), 'asset')}",
        "field": f"the {label_info(saving.field).noun} of "
        + (counted(len(saving.assets), "asset") if saving.assets else "ops"),
        "one-value": f"the {label_info(saving.field).noun} of {''.join(saving.assets)}",
        "resource": f"the configuration schema of resource {saving.field} in"
        f" {counted(len(saving.by_snapshot), 'snapshot')}",
        "definitions-metadata": f"the metadata {saving.field} of the definitions",
    }
    return Advice(
        kind=kind,
        title=titles[kind],
        by_snapshot=saving.by_snapshot,
        field=saving.field,
        assets=saving.assets,
        places=_places(saving, places),
        how=_HOW[kind] if kind in _HOW else how.of(saving),
        preview="" if kind == "non-latin" else saving.preview,
    )


def _jobs(jobs: Sequence[Saving], places: _Places, several: bool) -> Iterator[Advice]:
    """Jobs whose assets another job of the same repository has, all of them.

    Of several with the same assets the first one by name is kept.
    """
    by_repository: dict[str, list[Saving]] = {}
    for job in jobs:
        if job.assets:
            by_repository.setdefault(job.repository, []).append(job)
    for repository, own in by_repository.items():
        of = f" of {repository}" if several else ""
        for job, larger in _contained(own):
            kind: AdviceKind = (
                "same-job" if len(larger.assets) == len(job.assets) else "part-of-job"
            )
            relation = {
                "same-job": f"selects the same {counted(len(job.assets), 'asset')} as",
                "part-of-job": f"selects {counted(len(job.assets), 'asset')}, all of them part of",
            }[kind]
            yield Advice(
                kind=kind,
                title=f"job {job.field}{of} {relation} job {larger.field}",
                by_snapshot=job.by_snapshot,
                field=job.field,
                assets=job.assets,
                places=_places(job, places),
                how=_HOW[kind],
                preview=job.preview,
            )


def _many_jobs(measurement: Measurement, places: _Places) -> Iterator[Advice]:
    """Jobs that are large together, though none is near its budget, with the heaviest of them."""
    jobs_read = [s for s in measurement.snapshots if s.kind == "job" and not s.is_refused]
    sizes = [job.stored_bytes for job in jobs_read]
    jobs = [saving for saving in measurement.savings if saving.kind == "job"]
    if len(sizes) < _MANY_JOBS or sum(sizes) < _MANY_BYTES or not jobs:
        return
    heaviest = max(jobs, key=lambda job: (job.saved_bytes, job.field))
    seconds = format_seconds(sum(measurement.seconds.jobs.values()))
    yield Advice(
        kind="many-jobs",
        title=f"{counted(len(sizes), 'job')} of {format_size(sum(sizes))} together, built in"
        f" {seconds}: the heaviest is job {heaviest.field}",
        by_snapshot=heaviest.by_snapshot,
        field=heaviest.field,
        assets=heaviest.assets,
        places=_places(heaviest, places),
        how=_HOW["many-jobs"],
        preview="",
    )


def _contained(jobs: Sequence[Saving]) -> Iterator[tuple[Saving, Saving]]:
    """Each job that another one contains, with the smallest that does.

    Only jobs that have the job's rarest asset can contain it, so not all pairs are compared.
    """
    order = sorted(jobs, key=lambda job: (len(job.assets), job.field))
    with_asset: dict[str, list[int]] = {}
    for number, job in enumerate(order):
        for asset in job.assets:
            with_asset.setdefault(asset, []).append(number)
    sets = [frozenset(job.assets) for job in order]
    kept: dict[frozenset[str], int] = {}
    for number in range(len(order)):
        kept.setdefault(sets[number], number)
    for number, job in enumerate(order):
        first = kept[sets[number]]
        if first != number:
            yield job, order[first]
            continue
        rarest = min(job.assets, key=lambda asset: len(with_asset[asset]))
        for other in with_asset[rarest]:
            if len(sets[other]) > len(sets[number]) and sets[number] <= sets[other]:
                yield job, order[other]
                break


def _places(found: Repeat | Saving, places: _Places) -> tuple[SourceLocation, ...]:
    there = {p for key in found.assets if (p := places.get((found.repository, key))) is not None}
    return tuple(sorted(there, key=lambda place: (place.path, place.line)))
