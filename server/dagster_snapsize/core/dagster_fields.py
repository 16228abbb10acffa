"""The one table of Dagster's fields: what a snapshot stores, and what users call it.

A field of a new Dagster is one more row in ``FIELDS``; a test names each one that has none.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, frozen

from dagster_snapsize.core.json_spans import Item, Spans

STRUCTURE = "structure"

_SHORTER = "Leave it out where it says nothing about this asset alone, or make it shorter."
_METADATA = (
    "Attach it when the asset is materialized: `return dg.MaterializeResult(metadata={...})`."
    " Such metadata is stored with the event, not in a snapshot, and the UI shows it all the same."
    " Keep what an I/O manager reads from the definition, such as `partition_expr`. An asset shows"
    " it from its next materialization on; one that Dagster does not materialize has none."
)
_DBT_METADATA = (
    "dagster-dbt makes it from the manifest: give `@dbt_assets` a subclass of"
    " `DagsterDbtTranslator` whose `get_metadata` leaves it out, and append"
    " `.fetch_column_metadata()` to `dbt.cli(..., context=context).stream()` to attach the columns"
    " of each table when it is materialized."
)
_METADATA_PREFIX = "metadata: "
CODE_REFERENCES = "dagster/code_references"
"""The label of ``dagster._core.definitions.metadata.source_code.CodeReferencesMetadataSet``."""


@frozen
class Label:
    """What holds for all fields that reports show under one label.

    ``noun`` is the label in a sentence. ``arguments`` are the keyword arguments in Python or YAML
    that set it, likeliest first. ``advice`` says how to store fewer bytes, ``dbt_advice`` how with
    assets that dagster-dbt makes, where that is different.
    """

    text: str
    noun: str = Factory(lambda self: self.text, takes_self=True)
    arguments: tuple[str, ...] = ()
    advice: str = _SHORTER
    dbt_advice: str | None = None


LABELS: Mapping[str, Label] = {
    label.text: label
    for label in (
        Label(
            "description",
            arguments=("description",),
            advice="Keep one sentence on each asset, and write the rest once: on a page to link to"
            " with `dg.MetadataValue.url`.",
            dbt_advice="Give `@dbt_assets` a subclass of `DagsterDbtTranslator` whose"
            " `get_description` returns one sentence; the whole text stays in dbt's own docs.",
        ),
        Label(
            "op description",
            advice="It is the docstring or the description of an op, which every job stores once"
            " more: shorten it, or move it into a comment.",
        ),
        Label(
            "tags",
            arguments=("tags", "op_tags", "kinds"),
            advice="Keep the tags that people search or select by; the name of a group already"
            " says what holds for the whole group.",
            dbt_advice="dagster-dbt makes them from the tags of the models in dbt: give"
            " `@dbt_assets` a subclass of `DagsterDbtTranslator` whose `get_tags` returns those"
            " that people search or select by.",
        ),
        Label(
            "op tags",
            advice="Every job stores them for every op. Tags for whole runs are stored once:"
            " `dg.define_asset_job(..., tags=...)`; settings for Kubernetes belong to the"
            " executor or to the run launcher.",
        ),
        Label("metadata", arguments=("metadata", "definition_metadata"), advice=_METADATA),
        Label(
            "metadata: dagster/column_schema",
            "table schema",
            advice=_METADATA,
            dbt_advice=_DBT_METADATA,
        ),
        Label("owners", arguments=("owners",), advice="Name one team instead of its members."),
        Label(
            "partitions",
            "partition keys",
            ("partitions_def",),
            "Every asset stores all keys of `dg.StaticPartitionsDefinition`. The keys of"
            " `dg.DynamicPartitionsDefinition(name=...)` are stored in the instance and not in a"
            " snapshot, for some 100 bytes on each asset.",
        ),
        Label(
            "automation",
            "automation condition",
            ("automation_condition", "auto_materialize_policy"),
            "Every asset stores its whole condition. A shorter one, or a schedule or a sensor over"
            " a selection of assets, takes fewer bytes.",
        ),
        Label("deps", arguments=("deps", "ins", "internal_asset_deps")),
        Label("freshness", arguments=("freshness_policy", "legacy_freshness_policy")),
        Label("backfill policy", arguments=("backfill_policy",)),
        Label("group", arguments=("group_name",)),
        Label("code version", arguments=("code_version",)),
        Label("config", arguments=("config_schema",)),
        Label("resources", arguments=("required_resource_keys", "resource_defs")),
        Label("key", arguments=("key", "name", "key_prefix")),
        Label("op", arguments=("op_tags", "name")),
    )
}


def label_info(label: str) -> Label:
    """What is known of a label, those of single metadata entries included."""
    known = LABELS.get(label)
    if known is not None:
        return known
    entry = entry_label(label)
    return Label(label, f"metadata `{entry}`", advice=_METADATA) if entry else Label(label)


@frozen
class Field:
    """A field of one or several kinds of objects in a snapshot.

    ``name`` is Dagster's storage name, ``label`` what reports show it under. ``unset`` is the JSON
    that an asset without it stores, None where users cannot leave it out. ``stub`` is the JSON in
    the node of an asset that is known only as a dependency of others.
    """

    name: str
    label: str = Factory(lambda self: self.name, takes_self=True)
    unset: str | None = None
    stub: str = "null"


FIELDS: Mapping[str, Field] = {
    field.name: field
    for field in (
        # Assets. What every asset stores, set or not, is structure.
        Field("__class__", STRUCTURE),
        Field("asset_key", "key", stub='{"__class__": "AssetKey", "path": }'),
        Field("atomic_execution_unit_id", STRUCTURE),
        Field("auto_materialize_policy", "automation", unset="null"),
        Field("auto_observe_interval_minutes", "automation"),
        Field("automation_condition", "automation", unset="null"),
        Field("automation_condition_snapshot", "automation", unset="null"),
        Field("backfill_policy", "backfill policy", unset="null"),
        Field("code_version", "code version", unset="null"),
        Field("compute_kind", "op"),
        Field("depended_by", "deps", stub="[]"),
        Field("dependencies", "deps", stub="[]"),
        Field("execution_type", STRUCTURE, stub='{"__enum__": "AssetExecutionType.UNEXECUTABLE"}'),
        Field("freshness_policy", "freshness", unset="null"),
        Field("graph_name", "op"),
        Field("group_name", "group", stub='"default"'),
        Field("internal_freshness_policy", "freshness", unset="null"),
        Field("is_observable", STRUCTURE, stub="false"),
        Field("is_source", STRUCTURE, stub="true"),
        Field("is_virtual", STRUCTURE, stub="false"),
        Field("job_names", "jobs", stub="[]"),
        Field(
            "metadata_entries",
            "metadata",
            unset="[]",
            stub='[{"__class__": "EventMetadataEntry", "description": null, "entry_data":'
            ' {"__class__": "BoolMetadataEntryData", "value": true}, "label":'
            ' "dagster/auto_created_stub_asset"}]',
        ),
        Field("new_freshness_policy", "freshness", unset="null"),
        Field("node_definition_name", "op"),
        Field("op_description", "description", unset="null"),
        Field("op_name", "op"),
        Field("op_names", "op", stub="[]"),
        Field("output_name", "op"),
        Field("owners", unset="[]", stub="[]"),
        Field("partitions_def_data", "partitions", unset="null"),
        Field("partitions_def_snapshot", "partitions", unset="null"),
        Field("pools", "op", stub='{"__set__": []}'),
        Field("required_top_level_resources", "resources", stub="[]"),
        Field("tags", unset="{}", stub="{}"),
        # Checks
        Field("additional_asset_keys", "deps"),
        Field("blocking"),
        # Jobs, schedules, sensors, partition sets
        Field("active_presets", "run config"),
        Field("asset_selection", "selections"),
        Field("cron_schedule", "cron schedule"),
        Field("default_status", "default status"),
        Field("description"),
        Field("environment_vars", "environment variables"),
        Field("execution_timezone", "timezone"),
        Field("external_partitions_data", "partitions"),
        Field("is_legacy_pipeline", STRUCTURE),
        Field("metadata"),
        Field("min_interval", "minimum interval"),
        Field("mode"),
        Field("name"),
        Field("parent_snapshot_id", "snapshot id"),
        Field("partition_set_name", "partitions"),
        Field("pipeline_name", "job"),
        Field("preview_tags", "tags"),
        Field("run_tags", "tags"),
        Field("sensor_type", "sensor type"),
        Field("snapshot_id", "snapshot id"),
        Field("solid_selection", "selections"),
        Field("target_dict", "targets"),
        # Resources
        Field("asset_keys_using", "users"),
        Field("config_field_snaps", "config"),
        Field("config_schema_snap", "config"),
        Field("configured_values", "config"),
        Field("dagster_maintained", STRUCTURE),
        Field("is_top_level", STRUCTURE),
        Field("job_ops_using", "users"),
        Field("nested_resources", "nested resources"),
        Field("parent_resources", "parent resources"),
        Field("resource_snapshot", "config"),
        Field("resource_type", "resource type"),
        Field("schedules_using", "users"),
        Field("sensors_using", "users"),
        # The repository itself, whose fields are rows of their own
        Field("component_tree"),
        Field("defs_state_info"),
        Field("external_asset_checks"),
        Field("external_asset_graph_data"),
        Field("external_job_refs"),
        Field("external_partition_set_datas"),
        Field("external_pipeline_datas"),
        Field("external_resource_data"),
        Field("external_schedule_datas"),
        Field("external_sensor_datas"),
        Field("utilized_env_vars"),
        # The snapshot of a job
        Field("config_schema_snapshot", STRUCTURE),
        Field("dagster_type_namespace_snapshot", STRUCTURE),
        Field("dep_structure_snapshot", STRUCTURE),
        Field("graph_def_name", STRUCTURE),
        Field("lineage_snapshot", "lineage"),
        Field("mode_def_snaps", STRUCTURE),
        Field("solid_definitions_snapshot", STRUCTURE),
        # Its modes
        Field("logger_def_snaps", "loggers config"),
        Field("resource_def_snaps", "config"),
        Field("root_config_key", STRUCTURE),
        # Ops and graphs: their definitions and their nodes
        Field("config_field_snap", "config"),
        Field("input_def_snaps", "deps"),
        Field("input_dep_snaps", "deps"),
        Field("input_mapping_snaps", "deps"),
        Field("is_dynamic_mapped", "op"),
        Field("output_def_snaps", "op"),
        Field("output_mapping_snaps", "op"),
        Field("pool", "op"),
        Field("required_resource_keys", "op"),
        Field("solid_def_name", "op"),
        Field("solid_name", "op"),
    )
}

# Metadata that integrations attach to their assets and read again, such as dagster_dbt/manifest.
_INTEGRATIONS = ("dagster_", "dagster-")
_NEEDED_METADATA = frozenset(
    f"dagster/{name}"
    for name in (
        "asset_execution_type",
        "auto_created_stub_asset",
        "auto_observe_interval_minutes",
        "component_origin",
        "dagster_type",
        "freshness_params",
        "internal_freshness_policy",
        "io_manager_key",
        "storage_kind",  # set by dagster-dbt and others beside what their translators say
    )
)


def is_needed(metadata_label: str) -> bool:
    """Whether Dagster or an integration reads such metadata."""
    return metadata_label in _NEEDED_METADATA or metadata_label.startswith(_INTEGRATIONS)


def label_of(item: Item) -> str:
    """The label of a field; one that is not set is structure."""
    if item.value is None or (isinstance(item.value, Spans) and not item.value.items):
        return STRUCTURE
    name = item.name or ""
    known = FIELDS.get(name)
    return known.label if known else printable(name) or STRUCTURE


def entry_label(label: str) -> str:
    """The metadata entry that such a label names; empty where it names none."""
    return label[len(_METADATA_PREFIX) :] if label.startswith(_METADATA_PREFIX) else ""


def metadata_label(label: str) -> str:
    """The label of one metadata entry: ``metadata: dagster/column_schema``."""
    return f"{_METADATA_PREFIX}{printable(label)}"


def printable(name: str) -> str:
    """The name, with lone surrogates replaced: JSON may hold them, no output can print them."""
    if name.isascii():
        return name
    return name.encode("utf-8", "replace").decode("utf-8")
