"""Hand-made results of a small shop, for tests of what an editor shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen
from lsprotocol.types import Position, Range

from dagster_snapsize.core.model import Budgets, Failure, Finding, SourceLocation, UnusedIgnore
from dagster_snapsize.lsp.documents.edits import FileEdits
from dagster_snapsize.lsp.documents.places import DetailOf, Places, View
from dagster_snapsize.lsp.settings import HintSettings, Settings
from dagster_snapsize.lsp.state import LocationState, ProjectState
from dagster_snapsize.measuring.worker.results import (
    AssetBytes,
    AssetDetail,
    AssetRow,
    BaselineUse,
    FieldBytes,
    LocationResult,
    SharedWith,
    SnapshotRow,
)

FOLDER = "/shop"
ASSETS = "/shop/assets.py"
DEFINITIONS = "/shop/definitions.py"
BASELINE = "/shop/snapsize-baseline.jsonl"
REPOSITORY = "shop/__repository__/repository"
NIGHTLY = "shop/__repository__/job/nightly"
ALL_JOB = "shop/__repository__/job/__ASSET_JOB"


@frozen
class FixedPlaces(Places):
    """Every measured line (from 1) is where it was, but for those that ``moved`` or are gone.

    Each line has ``width`` columns, of which a hover answers on the first ``name``.
    """

    moved: Mapping[int, int | None]
    width: int = 40
    name: int = 40

    def range_of(self, location: SourceLocation) -> Range | None:
        now = self.moved.get(location.line, location.line)
        return None if now is None else line_range(now - 1, self.width)

    def is_at(self, location: SourceLocation, position: Position) -> bool:
        now = self.moved.get(location.line, location.line)
        return now is not None and position.line == now - 1 and position.character <= self.name

    def line_range(self, path: str, line: int) -> Range:
        return line_range(line, self.width)

    def uri_of(self, path: str) -> str:
        return f"file://{path}"

    def is_same_file(self, path: str, other: str) -> bool:
        return path.replace("/link/", "/shop/") == other


def places(
    moved: Mapping[int, int | None] | None = None, *, width: int = 40, name: int = 40
) -> FixedPlaces:
    return FixedPlaces(moved or {}, width, name)


def view(
    state: ProjectState,
    path: str,
    where: Places | None = None,
    *,
    minimum: int = 0,
    information: bool = True,
    detail_of: DetailOf = lambda good, row: None,
    edits: FileEdits | None = None,
    **others: Any,
) -> View:
    """A file of the shop, with lenses and hints for assets of ``minimum`` bytes and more."""
    hints = HintSettings(True, minimum)
    return View(
        state=state,
        settings=Settings(information=information, code_lens=hints, inlay_hints=hints),
        places=where or places(),
        edits=edits or files({}),
        detail_of=detail_of,
        path=path,
        **{"home": "/shop/pyproject.toml", **others},
    )


def line_range(line: int, width: int = 40) -> Range:
    """A whole line, from 0."""
    return Range(Position(line, 0), Position(line, width))


def whole_file() -> Range:
    return Range(Position(0, 0), Position(9999, 0))


def snapshot(
    snapshot_id: str = REPOSITORY,
    *,
    stored: int = 100_000,
    budget: int = 80_000_000,
    budget_name: str = "DAGSTER_GRPC_MAX_RX_BYTES",
    budget_source: str = "Dagster's default",
    heaviest: Sequence[tuple[str, int]] = (),
    growth: int | None = None,
) -> SnapshotRow:
    parts = snapshot_id.split("/")
    return SnapshotRow(
        id=snapshot_id,
        kind="job" if parts[2] == "job" else "repository",
        name=parts[3] if parts[2] == "job" else parts[1],
        repository=parts[1],
        stored_bytes=stored,
        wire_bytes=stored + 4,
        used_bytes=stored + 4,
        budget_bytes=budget,
        budget_name=budget_name,
        budget_source=budget_source,
        heaviest=tuple(AssetBytes(key, size) for key, size in heaviest),
        growth_bytes=growth,
    )


def asset(
    key: str,
    line: int | None,
    largest_bytes: int,
    total_bytes: int | None = None,
    *,
    path: str = ASSETS,
    repository: str = "__repository__",
    growth: int = 0,
) -> AssetRow:
    return AssetRow(
        key=key,
        repository=repository,
        total_bytes=total_bytes or largest_bytes,
        largest_bytes=largest_bytes,
        location=SourceLocation(path, line) if line else None,
        offset=0,
        length=0,
        growth_bytes=growth,
    )


def result(
    *,
    name: str = "shop",
    assets: Sequence[AssetRow] = (),
    snapshots: Sequence[SnapshotRow] = (),
    findings: Sequence[Finding] = (),
    budgets: Budgets | None = None,
    config_path: str | None = "/shop/pyproject.toml",
    definitions: SourceLocation | None = SourceLocation(DEFINITIONS, 5),  # noqa: B008
    failure: Failure | None = None,
    unused_ignores: Sequence[UnusedIgnore] = (),
    baseline: BaselineUse = BaselineUse(BASELINE),  # noqa: B008
) -> LocationResult:
    ranked = sorted(assets, key=lambda a: (-a.total_bytes, a.key))
    return LocationResult(
        name=name,
        root=FOLDER,
        config_path=config_path,
        python="/shop/.venv/bin/python",
        python_source=".venv",
        python_version="3.11.7",
        dagster_version="1.13.28",
        seconds=3.2,
        budgets=budgets or Budgets(),
        snapshots=tuple(snapshots) or (snapshot(),),
        assets=tuple(ranked),
        findings=tuple(findings),
        unused_ignores=tuple(unused_ignores),
        definitions_location=definitions,
        definition_files=(ASSETS, DEFINITIONS),
        folders=(),
        rows="",
        failure=failure,
        baseline=baseline,
    )


def project(*locations: LocationState | LocationResult) -> ProjectState:
    return ProjectState(
        FOLDER,
        locations=tuple(
            x if isinstance(x, LocationState) else LocationState(x.name, x.root, good=x)
            for x in locations
        ),
    )


def detail(
    row: AssetRow,
    cells: Mapping[tuple[str, str], int | tuple[int, int]],
    *,
    dangling: int = 0,
    checks: int = 0,
    shared_with: Sequence[SharedWith] = (),
) -> AssetDetail:
    """``cells`` are bytes by (snapshot, field): own ones, or own and shared ones."""
    both = {at: size if isinstance(size, tuple) else (size, 0) for at, size in cells.items()}
    fields: dict[str, int] = {}
    by_snapshot: dict[str, int] = {}
    for (snapshot_id, name), (own, shared) in both.items():
        fields[name] = fields.get(name, 0) + own + shared
        by_snapshot[snapshot_id] = by_snapshot.get(snapshot_id, 0) + own + shared
    exclusive = sum(own for own, _ in both.values())
    return AssetDetail(
        key=row.key,
        repository=row.repository,
        group="default",
        location=row.location,
        total_bytes=sum(fields.values()),
        exclusive_bytes=exclusive,
        shared_bytes=sum(fields.values()) - exclusive,
        dangling_bytes=dangling,
        check_bytes=checks,
        fields=fields,
        by_snapshot=by_snapshot,
        cells=tuple(FieldBytes(s, f, own, shared) for (s, f), (own, shared) in both.items()),
        shared_with=tuple(shared_with),
    )


def no_detail(good: LocationResult, row: AssetRow) -> AssetDetail | None:
    return None


def files(
    texts: Mapping[str, str],
    *,
    units_of: Callable[[str], int] = len,
    document_changes: bool = True,
    creates_files: bool = True,
) -> FileEdits:
    return FileEdits(
        text_of=texts.get,
        version_of=lambda path: 7 if path in texts else None,
        uri_of=lambda path: f"file://{path}",
        units_of=units_of,
        document_changes=document_changes,
        creates_files=creates_files,
    )


def over_asset_budget(
    key: str,
    line: int | None,
    size: int,
    *,
    budget: int = 64_000,
    severity: str = "warning",
    path: str = ASSETS,
    snapshot_id: str = REPOSITORY,
) -> Finding:
    return Finding(
        "asset-over-budget",
        "error" if severity == "error" else "warning",
        f"asset {key} takes {size:,} bytes of {snapshot_id}",
        snapshot=snapshot_id,
        asset=key,
        bytes=size,
        budget_bytes=budget,
        location=SourceLocation(path, line) if line else None,
        advice=f"Run `dagster-snapsize explain {key}`.",
        repository="__repository__",
    )


def grown(
    key: str, line: int | None, by: int, *, severity: str = "information", now: int = 9_000
) -> Finding:
    return Finding(
        "asset-grew",
        "error" if severity == "error" else "information",
        f"asset {key} takes {now:,} bytes of 2 snapshots, {by:,} more than in the baseline",
        asset=key,
        repository="__repository__",
        bytes=now,
        location=SourceLocation(ASSETS, line) if line else None,
    )


def over_budget(
    size: int = 90_000_000, budget: int = 80_000_000, *, snapshot_id: str = REPOSITORY
) -> Finding:
    return Finding(
        "snapshot-over-budget",
        "error",
        f"snapshot {snapshot_id} is over its budget",
        snapshot=snapshot_id,
        bytes=size,
        budget_bytes=budget,
        location=SourceLocation(DEFINITIONS, 5),
    )
