"""Resources that hold other resources, and some that read the environment."""

import dagster as dg


class Credentials(dg.ConfigurableResource):
    user: str = "reader"
    password: str = dg.EnvVar("EVERYTHING_PASSWORD")


class Connection(dg.ConfigurableResource):
    """A connection that needs credentials and an optional proxy."""

    host: str
    port: int = 5432
    credentials: Credentials
    proxy: str | None = None


class Warehouse(dg.ConfigurableResource):
    connection: Connection
    schema_name: str = "public"


class Lake(dg.ConfigurableIOManager):
    bucket: str = dg.EnvVar("EVERYTHING_BUCKET")
    prefix: str = "raw"

    def handle_output(self, context, obj):
        raise NotImplementedError

    def load_input(self, context):
        raise NotImplementedError


@dg.resource(
    config_schema={
        "level": dg.Field(dg.Enum("Level", [dg.EnumValue("low"), dg.EnumValue("high")])),
        "tables": dg.Field([dg.Shape({"name": str, "rows": dg.Field(int, is_required=False)})]),
        "limits": dg.Field(dg.Map(str, int, key_label_name="pool"), is_required=False),
        "where": dg.Selector({"file": str, "service": {"url": str}}),
    },
    description="A resource of the older kind, with a schema of every shape",
)
def legacy_catalog(context):
    return context.resource_config


credentials = Credentials()
connection = Connection(host="warehouse.example", credentials=credentials)

RESOURCES = {
    "credentials": credentials,
    "connection": connection,
    "warehouse": Warehouse(connection=connection),
    "lake": Lake(),
    "catalog": legacy_catalog.configured(
        {"level": "low", "tables": [{"name": "orders"}], "where": {"file": "catalog.json"}}
    ),
    "unused": dg.ResourceDefinition.hardcoded_resource("never read", "nobody asks for it"),
}
