"""A component that makes several assets from a few lines of YAML."""

from typing import Optional

import dagster as dg


class Table(dg.Model):
    name: str
    description: Optional[str] = None  # noqa: UP045  (pydantic reads it, on Python 3.9 too)
    upstream: list[str] = []  # noqa: RUF012  (pydantic copies it)


class TableSet(dg.Component, dg.Model, dg.Resolvable):
    """Tables of one schema, all made by one op."""

    schema_name: str
    tables: list[Table]

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        specs = [
            dg.AssetSpec(
                [self.schema_name, table.name],
                description=table.description,
                deps=[dg.AssetKey([self.schema_name, name]) for name in table.upstream],
                group_name=self.schema_name,
            )
            for table in self.tables
        ]

        @dg.multi_asset(name=f"build_{self.schema_name}", specs=specs, can_subset=True)
        def build(context):
            pass

        selection = [spec.key for spec in specs]
        job = dg.define_asset_job(f"{self.schema_name}_job", selection=selection)
        return dg.Definitions(assets=[build], jobs=[job])
