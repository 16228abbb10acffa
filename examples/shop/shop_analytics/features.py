"""One wide table for the recommendation model, with every column documented."""

import dagster as dg

CHANNELS = ("web", "app", "store", "phone")
WINDOWS = (1, 3, 7, 14, 28, 56, 90, 180, 270, 365)
MEASURES = ("orders", "items", "amount_eur", "discount_eur", "returns", "days_since_last_order")

COLUMNS = {
    f"{channel}_{measure}_{days}d": (
        f"{measure.replace('_', ' ')} through {channel} over the last {days} days"
    )
    for channel in CHANNELS
    for days in WINDOWS
    for measure in MEASURES
}

SQL = "select\n  customer_id,\n{}\nfrom orders\ngroup by customer_id".format(
    ",\n".join(
        f"  sum({measure}) filter (where channel = '{channel}' and age_days <= {days})"
        f" as {channel}_{measure}_{days}d"
        for channel in CHANNELS
        for days in WINDOWS
        for measure in MEASURES
    )
)


@dg.asset(
    group_name="features",
    deps=["orders", "customers"],
    description=f"What the model knows about a customer. From:\n\n```sql\n{SQL}\n```",
    metadata={
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(name, "numeric", description=text) for name, text in COLUMNS.items()
            ]
        )
    },
)
def customer_features() -> None: ...
