"""The component: ``type: dagster_snapsize.SnapshotSizes``.

No ``from __future__ import annotations`` here: Dagster reads the annotations of the attributes.
"""

from typing import Any, Literal

from dagster import Component, ComponentLoadContext, Definitions, Model, Resolvable

from dagster_snapsize.dagster.definitions import build_snapshot_sizes_definitions
from dagster_snapsize.project.files.toml_document import read_toml


class SnapshotSizes(Component, Resolvable, Model):  # type: ignore[misc, unused-ignore]
    """Sizes of a code location's snapshots over time, with checks of its budget and its growth."""

    budget: dict[str, Any] | None = None
    location: str | None = None
    cron: str | None = None
    trigger: Literal["on_deploy"] | None = None
    report_folder: str | None = None

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """The assets, with the project's settings and name."""
        return build_snapshot_sizes_definitions(
            self.budget,
            name=self.location or _location_of(context),
            cron=self.cron,
            trigger=self.trigger,
            report_folder=self.report_folder,
            project=context.project_root,
        )


def _location_of(context: ComponentLoadContext) -> str:
    """The name that the project's settings give the code location, else its package's."""
    for name, keys in (("pyproject.toml", ("tool", "dg", "project")), ("dg.toml", ("project",))):
        file = read_toml(context.project_root / name)
        found = file.table(*keys).get("code_location_name") if file else None
        if found:
            return str(found)
    return str(context.defs_module_name).split(".")[0]
