"""Assets that measure code locations, their checks, and what starts the runs.

No ``from __future__ import annotations`` here: Dagster refuses a context whose annotation is text.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import frozen
from dagster import (
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    Definitions,
    Failure,
    MaterializeResult,
    multi_asset,
)

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.model import Budgets, Measurement
from dagster_snapsize.dagster.automation import schedule_of, sensor_of
from dagster_snapsize.project.config import budgets_from, load_config

NAME = "snapshot_sizes"
CHECKS = ("within_budget", "growth")
_NO_REPOSITORY = (
    "This run has no repository to measure, as materialize() and execute_in_process() have none:"
    " start it from the webserver, a schedule, `dg launch` or `dagster asset materialize`."
)
_SETTINGS_FILES = ("snapsize.toml", "pyproject.toml")


@frozen
class AssetPlan:
    """What to measure and how to judge it.

    ``root`` is the project's folder, or a folder that does not matter where the project's files are
    not deployed. ``budgets`` are None where the settings of the project say them.
    """

    root: Path
    budgets: Budgets | None
    report_folder: str | None


def build_snapshot_sizes_definitions(
    budget: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    cron: str | None = None,
    trigger: Literal["on_deploy"] | None = None,
    report_folder: str | None = None,
    project: str | Path | None = None,
) -> Definitions:
    """Definitions that measure the code location they are in: an asset with two checks.

    Args:
        budget: What ``[tool.dagster-snapsize.budget]`` may hold, with underscores or dashes. What
            the settings of the project say where it is None.
        name: The last part of the asset's key, and what messages call the location. The top-level
            module of the caller where it is None.
        cron: When to measure: a cron expression in UTC.
        trigger: "on_deploy" measures when the code location was loaded with other definitions.
        report_folder: Where to write an HTML report for each measurement: a folder, or an address
            that fsspec knows.
        project: The folder with the project's settings. The nearest one above the caller's file
            that has any where it is None.

    Raises:
        UserError: the budget or the trigger cannot be used.
    """
    caller = sys._getframe(1)
    plan = AssetPlan(
        root=Path(project) if project else _project_of(Path(caller.f_code.co_filename)),
        budgets=budgets_from(budget) if budget is not None else None,
        report_folder=report_folder,
    )
    if trigger not in (None, "on_deploy"):
        raise UserError(f"trigger is {trigger!r}, and can be 'on_deploy' only")
    own = name or str(caller.f_globals.get("__name__", "")).split(".")[0]
    keys = [AssetKey([NAME, own])]
    return Definitions(
        assets=[_assets(plan, NAME, [own])],
        schedules=[schedule_of(keys, cron)] if cron else [],
        sensors=[sensor_of(keys)] if trigger else [],
    )


def _project_of(file: Path) -> Path:
    """The nearest folder above a file that has settings, else the one it is in."""
    folders = file.absolute().parents
    found = (f for f in folders if any((f / name).is_file() for name in _SETTINGS_FILES))
    return next(found, folders[0])


def _assets(plan: AssetPlan, op: str, names: Sequence[str]) -> AssetsDefinition:
    """One op that measures these locations, each of them or not."""
    keys = {name: AssetKey([NAME, name]) for name in names}

    @multi_asset(  # type: ignore[untyped-decorator, unused-ignore]
        name=op,
        specs=[AssetSpec(key, skippable=True, group_name=NAME) for key in keys.values()],
        check_specs=[AssetCheckSpec(check, asset=key) for key in keys.values() for check in CHECKS],
        can_subset=True,
    )
    def measure(context: AssetExecutionContext) -> Iterator[Any]:
        for name in keys:
            yield from _measured(context, plan, name, keys[name])

    return measure


def _measured(context: Any, plan: AssetPlan, name: str, key: AssetKey) -> Iterator[Any]:
    # What only a run needs: code locations load sooner without it.
    from dagster_snapsize.dagster.own_location import code_location, measure_repository

    is_wanted = key in context.selected_asset_keys
    checks = [c.name for c in context.selected_asset_check_keys if c.asset_key == key]
    if not is_wanted and not checks:
        return
    try:
        repository = context.repository_def
    except Exception as error:  # that it has none is a CheckError of Dagster's
        raise Failure(_NO_REPOSITORY, allow_retries=False) from error
    try:
        location = code_location(name, plan.root, load_config(plan.root))
        measurement = measure_repository(repository, location)
    except UserError as error:
        raise Failure(str(error), allow_retries=False) from error
    budgets = plan.budgets or location.config.budgets
    yield from _results(context, measurement, budgets, key, is_wanted, checks)


def _results(
    context: Any,
    measurement: Measurement,
    budgets: Budgets,
    key: AssetKey,
    is_wanted: bool,
    checks: Sequence[str],
) -> Iterator[Any]:
    from dagster_snapsize.dagster.results import GROWTH, WITHIN_BUDGET, JudgedSizes

    event = context.instance.get_latest_materialization_event(key)
    last = event.asset_materialization.metadata if event else None
    judged = JudgedSizes.of(measurement, budgets, last)
    make = {WITHIN_BUDGET: judged.within_budget, GROWTH: judged.growth}
    results = [make[check](key) for check in checks]
    if is_wanted:
        metadata = judged.metadata()
        yield MaterializeResult(asset_key=key, metadata=metadata, check_results=results)
    else:
        yield from results
