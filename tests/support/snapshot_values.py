"""Small snapshots as plain values, in the form in which Dagster serializes them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

JSON = dict[str, Any]


def key(name: str) -> JSON:
    """A serialized asset key."""
    return {"__class__": "AssetKey", "path": name.split("/")}


def dependency(name: str) -> JSON:
    """A serialized edge to an upstream asset."""
    return {
        "__class__": "ExternalAssetDependency",
        "input_name": None,
        "upstream_asset_key": key(name),
    }


def entry(label: str, text: str = "a value") -> JSON:
    """A serialized metadata entry."""
    return {
        "__class__": "EventMetadataEntry",
        "description": None,
        "entry_data": {"__class__": "TextMetadataEntryData", "text": text},
        "label": label,
    }


def asset(
    name: str, *deps: str, op: str | None = "", jobs: tuple[str, ...] = (), **more: Any
) -> JSON:
    """A serialized asset node; its op is called like the last part of the key unless said."""
    op = name.split("/")[-1] if op == "" else op
    return {
        "__class__": "ExternalAssetNode",
        "asset_key": key(name),
        "atomic_execution_unit_id": None,
        "auto_materialize_policy": None,
        "dependencies": [dependency(dep) for dep in deps],
        "graph_name": None,
        "group_name": "default",
        "job_names": list(jobs),
        "metadata_entries": [],
        "node_definition_name": op,
        "op_description": None,
        "op_name": op,
        "op_names": [op] if op else [],
        "output_name": "result" if op else None,
        "tags": {},
        **more,
    }


def check(asset_name: str, name: str, *more_deps: str, jobs: tuple[str, ...] = ()) -> JSON:
    """A serialized asset check."""
    return {
        "__class__": "ExternalAssetCheck",
        "additional_asset_keys": [key(dep) for dep in more_deps],
        "asset_key": key(asset_name),
        "description": "must hold",
        "job_names": list(jobs),
        "name": name,
    }


def repository(*assets: JSON, **more: Any) -> JSON:
    """A serialized repository."""
    return {
        "__class__": "ExternalRepositoryData",
        "external_asset_checks": [],
        "external_asset_graph_data": list(assets),
        "name": "__repository__",
        **more,
    }


def handle(name: str) -> JSON | None:
    """A serialized node handle, of ``graph.op``."""
    parent, _, last = name.rpartition(".")
    return {"__class__": "SolidHandle", "name": last, "parent": handle(parent) if parent else None}


def op(
    name: str, inputs: tuple[str, ...] = (), outputs: tuple[str, ...] = ("result",), **more: Any
) -> JSON:
    """A serialized op definition."""
    return {
        "__class__": "SolidDefSnap",
        "config_field_snap": config_field("config", "Any"),
        "description": None,
        "input_def_snaps": [
            {"__class__": "InputDefSnap", "dagster_type_key": "Nothing", "name": i} for i in inputs
        ],
        "name": name,
        "output_def_snaps": [
            {"__class__": "OutputDefSnap", "dagster_type_key": "Any", "name": o} for o in outputs
        ],
        "tags": {},
        **more,
    }


def node(name: str, definition: str = "", **inputs: tuple[str, str] | None) -> JSON:
    """A serialized use of a definition; inputs are (node, output) upstream of them, or None."""
    return {
        "__class__": "SolidInvocationSnap",
        "input_dep_snaps": [
            {
                "__class__": "InputDependencySnap",
                "input_name": i,
                "upstream_output_snaps": []
                if upstream is None
                else [{"output_name": upstream[1], "solid_name": upstream[0]}],
            }
            for i, upstream in inputs.items()
        ],
        "solid_def_name": definition or name,
        "solid_name": name,
        "tags": {},
    }


def graph(name: str, *nodes: JSON, **outputs: tuple[str, str]) -> JSON:
    """A serialized graph definition; outputs are the inner (node, output) that they map to."""
    return {
        **op(name, outputs=tuple(outputs)),
        "__class__": "CompositeSolidDefSnap",
        "dep_structure_snapshot": {
            "__class__": "DependencyStructureSnapshot",
            "solid_invocation_snaps": list(nodes),
        },
        "input_mapping_snaps": [],
        "output_mapping_snaps": [
            {"external_output_name": o, "mapped_output_name": inner, "mapped_solid_name": n}
            for o, (n, inner) in outputs.items()
        ],
    }


def config_field(name: str, type_key: str, default: object = None, **more: Any) -> JSON:
    """A serialized config field; a default makes it optional."""
    return {
        "__class__": "ConfigFieldSnap",
        "default_value_as_json_str": None if default is None else json.dumps(default),
        "description": None,
        "name": name,
        "type_key": type_key,
        **more,
    }


def scalar(name: str) -> JSON:
    """A serialized built-in config type."""
    return {"fields": None, "key": name, "kind": {"__enum__": "ConfigTypeKind.SCALAR"}}


def shape(*fields: JSON) -> JSON:
    """A serialized shape; its key is a hash of its fields, as with Dagster."""
    digest = hashlib.sha1(json.dumps(fields).encode()).hexdigest()
    return {
        "__class__": "ConfigTypeSnap",
        "fields": list(fields),
        "key": f"Shape.{digest}",
        "kind": {"__enum__": "ConfigTypeKind.STRICT_SHAPE"},
        "type_param_keys": None,
    }


def job(
    name: str,
    ops: list[JSON],
    nodes: list[JSON],
    graphs: list[JSON] | None = None,
    config: dict[str, tuple[JSON, object]] | None = None,
    types: list[JSON] | None = None,
    **more: Any,
) -> JSON:
    """A serialized job. ``config`` is, by node, the shape of its config and the default."""
    config = config or {}
    root_ops = shape(*(config_field(n, s["key"], default) for n, (s, default) in config.items()))
    defaults = {n: default for n, (_, default) in config.items()}
    root = shape(config_field("ops", root_ops["key"], defaults))
    shapes = [*(s for s, _ in config.values()), root_ops, root, *(types or ())]
    return {
        "__class__": "PipelineSnapshot",
        "config_schema_snapshot": {
            "all_config_snaps_by_key": {
                "Any": scalar("Any"),
                "String": scalar("String"),
                **{s["key"]: s for s in shapes},
            }
        },
        "dagster_type_namespace_snapshot": {
            "all_dagster_type_snaps_by_key": {
                built_in: {"is_builtin": True, "key": built_in, "type_param_keys": []}
                for built_in in ("Any", "Nothing")
            }
        },
        "dep_structure_snapshot": {"solid_invocation_snaps": nodes},
        "mode_def_snaps": [
            {
                "logger_def_snaps": [],
                "resource_def_snaps": [
                    {"config_field_snap": None, "description": None, "name": "io_manager"}
                ],
                "root_config_key": root["key"],
            }
        ],
        "name": name,
        "solid_definitions_snapshot": {
            "composite_solid_def_snaps": graphs or [],
            "solid_def_snaps": ops,
        },
        "tags": {},
        **more,
    }


def payload(value: object, **how: Any) -> bytes:
    """The serialized snapshot, as Dagster writes it unless said otherwise."""
    return json.dumps(value, **how).encode()


def entry_size(value: object) -> int:
    """Bytes of one of several elements of a list, but not of the last one where order counts."""
    return len(json.dumps(value)) + len(", ")
