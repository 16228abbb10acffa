"""Assets that measure code locations, their checks, and what starts the runs.

No ``from __future__ import annotations`` here: Dagster refuses a context whose annotation is text.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from dagster import (
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    Definitions,
    Failure,
    MaterializeResult,
    Nothing,
    Out,
    op,
)

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.model import Budgets, Measurement
from dagster_snapsize.core.sizes import counted
from dagster_snapsize.dagster.automation import schedule_of, sensor_of
from dagster_snapsize.project.config import (
    budgets_from,
    load_config,
    server_from,
    webserver_from,
)
from dagster_snapsize.project.servers import RunningServer, ServerSettings, WebserverSettings

NAME = "snapshot_sizes"
WITHIN_BUDGET, GROWTH = CHECKS = ("within_budget", "growth")
_DESCRIPTION = "Exact sizes of snapshots, by dagster-snapsize"
_CENTRAL = "snapshot_sizes_of_servers"
_UNKNOWN = RunningServer("", problem="the webserver has no code location of that name")
_NO_REPOSITORY = (
    "This run has no repository to measure, as materialize() and execute_in_process() have none:"
    " start it from the webserver, a schedule, `dg launch` or `dagster asset materialize`."
)
_SETTINGS_FILES = ("snapsize.toml", "pyproject.toml")


@frozen
class AssetPlan:
    """What to measure and how to judge it.

    ``root`` is the project's folder, or a folder that does not matter where the project's files are
    not deployed. ``budgets`` are None where the settings of the project say them. Without
    ``servers`` and ``webserver`` it is the location itself.
    """

    root: Path
    budgets: Budgets | None
    report_folder: str | None
    servers: Mapping[str, ServerSettings]
    webserver: WebserverSettings | None

    @property
    def is_own(self) -> bool:
        """Whether it measures the location that it is in."""
        return not self.servers and self.webserver is None


def build_snapshot_sizes_definitions(
    budget: Mapping[str, Any] | None = None,
    *,
    servers: Mapping[str, str | Mapping[str, Any]] | None = None,
    webserver: Mapping[str, Any] | None = None,
    batch: int = 25,
    cron: str | None = None,
    trigger: str | None = None,
    report_folder: str | None = None,
    name: str | None = None,
    project: str | Path | None = None,
) -> Definitions:
    """Definitions that measure code locations: for each an asset with two checks.

    Without ``servers`` and ``webserver`` it is the code location that they are in, which needs no
    server: a run has the definitions already.

    Args:
        budget: What ``[tool.dagster-snapsize.budget]`` may hold, with underscores or dashes. What
            the settings of the project say where it is None.
        servers: Running code servers by the name of the location: an address, or what
            ``[tool.dagster-snapsize.server]`` may hold.
        webserver: A webserver that says, in each run, where the servers are: its ``url``, the names
            of the ``locations``, and ``headers`` such as ``{"authorization": "env:TOKEN"}``.
        batch: How many servers one op measures.
        cron: When to measure: a cron expression in UTC.
        trigger: "on_deploy" measures the location itself when it has other definitions than before.
        report_folder: Where to write an HTML report for each measurement: a folder, or an address
            that fsspec knows.
        name: The last part of the asset's key, and what messages call the location itself. The
            top-level module of the caller where it is None.
        project: The folder with the project's settings. The nearest one above the caller's file
            that has any where it is None.

    Raises:
        UserError: the arguments cannot be used.
    """
    caller = sys._getframe(1)
    plan = AssetPlan(
        root=Path(project) if project else _project_of(Path(caller.f_code.co_filename)),
        budgets=budgets_from(budget) if budget is not None else None,
        report_folder=report_folder,
        servers={str(at): server_from(server) for at, server in (servers or {}).items()},
        webserver=webserver_from(webserver) if webserver is not None else None,
    )
    _check(plan, trigger, batch)
    names = [*plan.servers, *(plan.webserver.locations if plan.webserver else ())]
    if plan.is_own:
        names = [name or str(caller.f_globals.get("__name__", "")).split(".")[0]]
    _check_names(names)
    parts = [names[at : at + batch] for at in range(0, len(names), batch)]
    title = NAME if plan.is_own else _CENTRAL
    ops = [title if plan.is_own else f"{title}_{number + 1}" for number in range(len(parts))]
    keys = [_key(name) for name in names]
    return Definitions(
        assets=[_assets(plan, name, part) for name, part in zip(ops, parts, strict=True)],
        schedules=[schedule_of(title, keys, cron)] if cron else [],
        sensors=[sensor_of(keys)] if trigger else [],
    )


def _check(plan: AssetPlan, trigger: str | None, batch: int) -> None:
    """Whether the arguments go together; raises UserError."""
    if plan.servers and plan.webserver is not None:
        raise UserError("`servers` and `webserver` do not go together", "Keep one of them.")
    if trigger not in (None, "on_deploy"):
        raise UserError(f"`trigger` is {trigger!r}, and can be 'on_deploy' only")
    if trigger and not plan.is_own:
        raise UserError(
            "`trigger` sees deploys of the code location that it is in, and not those of servers",
            "Use `cron`, or the component in each of the locations.",
        )
    if batch < 1:
        raise UserError(f"`batch` is {batch}, and must be 1 or more")


def _check_names(names: Sequence[str]) -> None:
    """Whether Dagster tells them apart: it names the outputs of an op after keys."""
    outputs = [re.sub("[.-]", "_", _key(name).path[-1]) for name in names]
    for name, output in zip(names, outputs, strict=True):
        if outputs.count(output) > 1:
            raise UserError(f"another code location has a name too much like `{name}`: rename it")


def _key(name: str) -> AssetKey:
    """The key of the asset that measures the location of that name."""
    return AssetKey([NAME, re.sub("[^A-Za-z0-9_.-]", "_", name)])


def _project_of(file: Path) -> Path:
    """The nearest folder above a file that has settings, else the one it is in."""
    folders = file.absolute().parents
    found = (f for f in folders if any((f / name).is_file() for name in _SETTINGS_FILES))
    return next(found, folders[0])


def _assets(plan: AssetPlan, op_name: str, names: Sequence[str]) -> AssetsDefinition:
    """One op that measures these locations, or those of them that a run selects."""
    keys = {name: _key(name) for name in names}
    assets = {key.to_python_identifier(): key for key in keys.values()}
    # No variable here may be named `check`: Dagster 1.10 takes it for a module of its own.
    specs = [AssetCheckSpec(what, asset=key) for key in keys.values() for what in CHECKS]
    checks = {spec.get_python_identifier(): spec for spec in specs}

    # @multi_asset gives its op a schema of an empty config: 0.6 kB more in every job that has it.
    @op(name=op_name, out=dict.fromkeys((*assets, *checks), Out(Nothing, is_required=False)))  # type: ignore[untyped-decorator, unused-ignore]
    def measure(context: AssetExecutionContext) -> Iterator[Any]:
        checked = {check.asset_key for check in context.selected_asset_check_keys}
        wanted = [n for n, key in keys.items() if key in checked | context.selected_asset_keys]
        failures = {}
        try:
            for name, measurement in _measured(context, plan, wanted):
                if measurement.failure is None:
                    yield from _results(context, plan, measurement, keys[name])
                else:
                    failures[name] = measurement.failure.message
                    context.log.error(f"{name} could not be measured: {failures[name]}")
        except UserError as error:
            place = f"{error.path}:{error.line}: " if error.path else ""
            why = f"{place}{error.message}. {error.hint}".strip()
            raise Failure(why, allow_retries=False) from None
        if failures:
            said = "; ".join(f"{name}: {why}" for name, why in failures.items())
            of = counted(len(wanted), "code location")
            raise Failure(f"{len(failures)} of {of} could not be measured: {said}")

    return AssetsDefinition(
        node_def=measure,
        keys_by_output_name=assets,
        descriptions_by_key=dict.fromkeys(assets.values(), _DESCRIPTION),
        group_names_by_key=dict.fromkeys(assets.values(), NAME),
        check_specs_by_output_name=checks,
        can_subset=True,
    )


def _measured(
    context: Any, plan: AssetPlan, names: Sequence[str]
) -> Iterator[tuple[str, Measurement]]:
    # What only a run needs: code locations load sooner without it.
    from dagster_snapsize.dagster import own_location, running_servers

    if plan.is_own:
        try:
            repository = context.repository_def
        except Exception:  # that it has none is a CheckError of Dagster's
            raise Failure(_NO_REPOSITORY, allow_retries=False) from None
        (name,) = names
        location = own_location.code_location(name, plan.root, load_config(plan.root))
        yield name, own_location.measure_repository(repository, location)
        return
    if plan.webserver is None:
        found = running_servers.configured_servers(plan.servers, plan.root)
    else:
        found = running_servers.named_servers(plan.webserver)
    servers = {name: found.get(name, _UNKNOWN) for name in names}
    yield from running_servers.measure_servers(servers, plan.root)


def _results(
    context: Any, plan: AssetPlan, measurement: Measurement, key: AssetKey
) -> Iterator[Any]:
    from dagster_snapsize.dagster.reports import write_report
    from dagster_snapsize.dagster.results import JudgedSizes

    event = context.instance.get_latest_materialization_event(key)
    last = event.asset_materialization.metadata if event else None
    budgets = plan.budgets or load_config(plan.root).budgets
    judged = JudgedSizes.of(measurement, budgets, last)
    make = {WITHIN_BUDGET: judged.within_budget, GROWTH: judged.growth}
    checks = [check for check in context.selected_asset_check_keys if check.asset_key == key]
    results = [make[check.name](check) for check in checks]
    if key in context.selected_asset_keys:
        metadata = judged.metadata()
        if plan.report_folder is not None:
            file = f"{measurement.name}/{context.run_id}.html"
            findings = judged.findings
            try:
                metadata["report"] = write_report(
                    plan.report_folder, file, measurement, budgets, findings
                )
            except Exception as error:  # of any file system: the sizes are known all the same
                context.log.warning(f"the report was not written to {plan.report_folder}: {error}")
        yield MaterializeResult(asset_key=key, metadata=metadata, check_results=results)
    else:
        yield from results
