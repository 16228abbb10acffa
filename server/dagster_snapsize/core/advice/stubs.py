"""What an asset of another location takes in the snapshot of one that depends on it."""

from __future__ import annotations

from dagster_snapsize.core.json_spans import Spans

_SEPARATOR = len(", ")
# What an asset has where it is only known as a dependency of others; all else is null.
_STUB = {
    "asset_key": '{"__class__": "AssetKey", "path": }',
    "execution_type": '{"__enum__": "AssetExecutionType.UNEXECUTABLE"}',
    "group_name": '"default"',
    "is_observable": "false",
    "is_source": "true",
    "is_virtual": "false",
    "metadata_entries": '[{"__class__": "EventMetadataEntry", "description": null, "entry_data":'
    ' {"__class__": "BoolMetadataEntryData", "value": true}, "label":'
    ' "dagster/auto_created_stub_asset"}]',
    "pools": '{"__set__": []}',
    "tags": "{}",
    **dict.fromkeys(
        (
            "depended_by",
            "dependencies",
            "job_names",
            "op_names",
            "owners",
            "required_top_level_resources",
        ),
        "[]",
    ),
}


def stub_bytes(node: Spans) -> int:
    """What an asset of another location takes of a repository snapshot, without its path.

    It has the fields that every node has in that version of Dagster.
    """
    size = len("{}") + _SEPARATOR
    for name, start, at, stop, _ in node.items:
        value = _STUB.get(name or "", "null")
        size += at - start + (stop - at - _SEPARATOR if name == "__class__" else len(value))
    return size + _SEPARATOR * (len(node.items) - 1)
