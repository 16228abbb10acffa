"""The component: ``type: dagster_snapsize.SnapshotSizes``.

No ``from __future__ import annotations`` here: Dagster reads the annotations of the attributes.
"""

from typing import Any

from dagster import Component, ComponentLoadContext, Definitions, Model, Resolvable
from pydantic import field_validator

from dagster_snapsize.dagster.definitions import build_snapshot_sizes_definitions
from dagster_snapsize.project.files.toml_document import read_toml

_TEXTS = ("cron", "trigger", "location", "report_folder")


class SnapshotSizes(Component, Resolvable, Model):  # type: ignore[misc, unused-ignore]
    """Sizes of snapshots over time, with checks of budget and growth."""

    # Dagster writes the schema of these into the repository snapshot: an empty text is shorter
    # there than a None, and means the same.
    budget: dict[str, Any] | None = None
    cron: str = ""
    trigger: str = ""
    location: str = ""
    servers: dict[str, Any] | None = None
    webserver: dict[str, Any] | None = None
    batch: int = 25
    report_folder: str = ""

    @field_validator(*_TEXTS, mode="before")  # type: ignore[untyped-decorator, unused-ignore]
    @classmethod
    def _text(cls, value: Any) -> Any:
        """A variable that is not set is a None in a template."""
        return "" if value is None else value

    @classmethod
    def model(cls) -> Any:
        """What Dagster reads the attributes with, and writes the schema of into snapshots."""
        model = super().model()
        model.model_config["json_schema_extra"] = _shorten
        return model

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """The assets, with the project's settings and name."""
        return build_snapshot_sizes_definitions(
            self.budget,
            servers=self.servers,
            webserver=self.webserver,
            batch=self.batch,
            cron=self.cron or None,
            trigger=self.trigger or None,
            report_folder=self.report_folder or None,
            name=self.location or _location_of(context),
            project=context.project_root,
        )


def _shorten(schema: dict[str, Any]) -> None:
    """Leave out titles, which repeat the names, and what Dagster adds: a title and an order."""
    for each in (schema, *schema["properties"].values()):
        each.pop("title", None)


def _location_of(context: ComponentLoadContext) -> str:
    """The name that the project's settings give the code location, else its package's."""
    for name, keys in (("pyproject.toml", ("tool", "dg", "project")), ("dg.toml", ("project",))):
        file = read_toml(context.project_root / name)
        found = file.table(*keys).get("code_location_name") if file else None
        if found:
            return str(found)
    return str(context.defs_module_name).split(".")[0]
