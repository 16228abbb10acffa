"""Where to look in a repository snapshot, and what it says of its assets and checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dagster_snapsize.core.json_spans import KEEP, Plan, Spans
from dagster_snapsize.core.ledger.asset_index import (
    AssetFacts,
    CheckFacts,
    check_identifier,
    escaped,
    key_of,
    path_of,
    strings,
)

# Selections nest operands in each other; deeper ones than this stay with their sensor or schedule.
_SELECTION_LEVELS = 40

_EACH_KEPT = Plan(each=KEEP)
_NAMED = Plan(each=Plan(named={"name": KEEP}))
_ASSETS = Plan(
    each=Plan(
        named={
            "asset_key": KEEP,
            "dependencies": _EACH_KEPT,
            "depended_by": _EACH_KEPT,
            "metadata_entries": Plan(each=Plan(named={"label": KEEP})),
            **dict.fromkeys(
                (
                    "op_name",
                    "op_names",
                    "graph_name",
                    "node_definition_name",
                    "output_name",
                    "atomic_execution_unit_id",
                    "job_names",
                    "group_name",
                ),
                KEEP,
            ),
        }
    )
)
_CHECKS = Plan(
    each=Plan(
        named={
            "name": KEEP,
            "asset_key": KEEP,
            "job_names": KEEP,
            "additional_asset_keys": _EACH_KEPT,
        }
    )
)
_RESOURCES = Plan(
    each=Plan(
        named={
            "name": KEEP,
            "asset_keys_using": _EACH_KEPT,
            "job_ops_using": Plan(
                each=Plan(named={"job_name": KEEP, "node_handles": _EACH_KEPT}),
            ),
            "schedules_using": _EACH_KEPT,
            "sensors_using": _EACH_KEPT,
        }
    )
)
# The schemas of all component types that are installed, by package: 0.1 MB and more.
_METADATA = Plan(
    named={
        "plugin_component_types_json": Plan(
            named={"data": Plan(each=Plan(named={"componentTypes": _NAMED}))}
        )
    }
)
_SELECTING = Plan(each=Plan(keep=True, levels=_SELECTION_LEVELS))
REPOSITORY = Plan(
    named={
        "external_asset_graph_data": _ASSETS,
        "external_asset_checks": _CHECKS,
        "external_job_refs": _NAMED,
        "external_pipeline_datas": _NAMED,
        "external_partition_set_datas": _NAMED,
        "external_resource_data": _RESOURCES,
        "external_schedule_datas": _SELECTING,
        "external_sensor_datas": _SELECTING,
        "component_tree": Plan(named={"leaf_instances": Plan(each=Plan(named={"key": KEEP}))}),
        "metadata": _METADATA,
        **dict.fromkeys(("__class__", "name", "utilized_env_vars"), Plan()),
    }
)


def _elements(root: Spans, name: str) -> Iterable[Spans]:
    for item in root.items:
        if item.name == name and isinstance(item.value, Spans) and item.value.kind == "list":
            for element in item.value.items:
                if isinstance(element.value, Spans):
                    yield element.value


def assets_of(root: Spans) -> Iterable[AssetFacts]:
    """What the asset nodes say of their assets."""
    for node in _elements(root, "external_asset_graph_data"):
        # As a dict: nodes have thirty fields, and ten of them are asked for.
        fields = {item[0]: item[4] for item in node.items}
        path = path_of(fields.get("asset_key"))
        if path is None:
            continue
        deps = fields.get("dependencies")
        keys = (
            key_of(item.value.get("upstream_asset_key"))
            for item in (deps.items if isinstance(deps, Spans) else ())
            if isinstance(item.value, dict)
        )
        handles = strings(fields.get("op_names"))
        op_name = _text(fields, "op_name")
        yield AssetFacts(
            key=escaped(path),
            path=path,
            handles=handles or ((op_name,) if op_name else ()),
            definition=_text(fields, "node_definition_name"),
            graph=_text(fields, "graph_name"),
            output=_text(fields, "output_name"),
            unit=_text(fields, "atomic_execution_unit_id"),
            deps=tuple(key for key in keys if key is not None),
            jobs=strings(fields.get("job_names")),
            group=_text(fields, "group_name"),
        )


def _text(fields: Mapping[str | None, object], name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) else None


def checks_of(root: Spans) -> Iterable[CheckFacts]:
    """What the check nodes say of their checks."""
    for node in _elements(root, "external_asset_checks"):
        path, name = path_of(node.get("asset_key")), node.text("name")
        if path is None or name is None:
            continue
        more = node.get("additional_asset_keys")
        keys = (key_of(item.value) for item in (more.items if isinstance(more, Spans) else ()))
        yield CheckFacts(
            asset=escaped(path),
            name=name,
            identifier=check_identifier(path, name),
            deps=tuple(key for key in keys if key is not None),
            jobs=strings(node.get("job_names")),
        )
