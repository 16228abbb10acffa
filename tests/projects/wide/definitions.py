"""Some hundred assets with descriptions and schemas: snapshots of several hundred kB."""

import dagster as dg

schema = dg.TableSchema(
    columns=[dg.TableColumn(f"column_{n}", "varchar", description="d" * 20) for n in range(6)]
)


def table(number):
    @dg.asset(
        name=f"table_{number}",
        description=f"Table {number}. " + "A longer text. " * 20,
        deps=[f"table_{number % 10}"] if number >= 10 else [],
        metadata={"dagster/column_schema": schema},
    )
    def build():
        pass

    return build


defs = dg.Definitions(
    assets=[table(number) for number in range(150)],
    jobs=[dg.define_asset_job("some_tables", selection=[f"table_{n}" for n in range(80)])],
)
