"""A component whose assets come from state that was fetched before, and not from its YAML."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

import dagster as dg
from dagster.components.component.state_backed_component import StateBackedComponent
from dagster.components.utils.defs_state import (
    DefsStateConfig,
    DefsStateConfigArgs,
    ResolvedDefsStateConfig,
)


@dataclass
class RemoteCatalog(StateBackedComponent, dg.Resolvable):
    catalog: str
    defs_state: ResolvedDefsStateConfig = field(
        default_factory=DefsStateConfigArgs.local_filesystem
    )

    @property
    def defs_state_config(self) -> DefsStateConfig:
        return DefsStateConfig.from_args(
            self.defs_state, default_key=f"RemoteCatalog[{self.catalog}]"
        )

    def write_state_to_path(self, state_path: Path) -> None:
        state_path.write_text(json.dumps({"tables": ["orders", "customers", "products"]}))

    def build_defs_from_state(
        self,
        context: dg.ComponentLoadContext,
        state_path: Optional[Path],  # noqa: UP045  (older Dagsters resolve it by value)
    ) -> dg.Definitions:
        if state_path is None:
            return dg.Definitions()
        tables = json.loads(state_path.read_text())["tables"]
        return dg.Definitions(
            assets=[
                dg.AssetSpec([self.catalog, table], description=f"Table {table}")
                for table in tables
            ]
        )
