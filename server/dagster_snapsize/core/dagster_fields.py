"""What users call the fields of a snapshot."""

from __future__ import annotations

from dagster_snapsize.core.json_spans import Item, Spans

STRUCTURE = "structure"

# What users call the fields that Dagster stores under these names; what every asset carries, set
# or not, is structure.
_WORDS = {
    "__class__": STRUCTURE,
    "op_description": "description",
    "dependencies": "deps",
    "depended_by": "deps",
    "additional_asset_keys": "deps",
    "partitions_def_data": "partitions",
    "partitions_def_snapshot": "partitions",
    "external_partitions_data": "partitions",
    "auto_materialize_policy": "automation",
    "automation_condition": "automation",
    "automation_condition_snapshot": "automation",
    "auto_observe_interval_minutes": "automation",
    "backfill_policy": "backfill policy",
    "freshness_policy": "freshness",
    "new_freshness_policy": "freshness",
    "internal_freshness_policy": "freshness",
    "group_name": "group",
    "job_names": "jobs",
    "asset_key": "key",
    "op_name": "op",
    "op_names": "op",
    "node_definition_name": "op",
    "output_name": "op",
    "graph_name": "op",
    "compute_kind": "op",
    "pools": "op",
    "code_version": "code version",
    "required_top_level_resources": "resources",
    "metadata_entries": "metadata",
    "atomic_execution_unit_id": STRUCTURE,
    "execution_type": STRUCTURE,
    "is_source": STRUCTURE,
    "is_observable": STRUCTURE,
    "is_virtual": STRUCTURE,
    "pipeline_name": "job",
    "solid_selection": "selections",
    "asset_selection": "selections",
    "target_dict": "targets",
    "preview_tags": "tags",
    "active_presets": "run config",
    "config_field_snaps": "config",
    "config_schema_snap": "config",
    "configured_values": "config",
    "resource_snapshot": "config",
    "job_ops_using": "users",
    "asset_keys_using": "users",
    "schedules_using": "users",
    "sensors_using": "users",
}


def word(item: Item) -> str:
    """What a user calls that field; one with nothing in it is structure."""
    if item.value is None or (isinstance(item.value, Spans) and not item.value.items):
        return STRUCTURE
    name = item.name or ""
    return _WORDS.get(name) or printable(name) or STRUCTURE


def printable(name: str) -> str:
    """The name, with lone surrogates replaced: JSON may hold them, no output can print them."""
    if name.isascii():
        return name
    return name.encode("utf-8", "replace").decode("utf-8")
