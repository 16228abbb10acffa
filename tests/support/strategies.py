"""JSON in the form of snapshots: right names with any values, right snapshots with mutations."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from support.snapshot_values import (
    asset,
    check,
    config_field,
    graph,
    handle,
    job,
    key,
    node,
    op,
    shape,
)

NAMES = st.sampled_from(
    ["a", "b", "wh/c", "op", "op_2", "g", "g.op", "é", "注文", "", "x-y.z", '"\\']
)
_FIELDS = st.sampled_from(
    [
        "__class__", "name", "asset_key", "path", "dependencies", "depended_by", "label",
        "upstream_asset_key", "downstream_asset_key", "metadata_entries", "job_names", "op_names",
        "op_name", "graph_name", "node_definition_name", "output_name", "additional_asset_keys",
        "external_asset_graph_data", "external_asset_checks", "external_sensor_datas",
        "external_schedule_datas", "external_resource_data", "external_job_refs", "component_tree",
        "leaf_instances", "key", "asset_keys_using", "job_ops_using", "node_handles", "job_name",
        "parent", "config_schema_snapshot", "all_config_snaps_by_key", "fields", "type_key", "kind",
        "default_value_as_json_str", "type_param_keys", "dagster_type_namespace_snapshot",
        "all_dagster_type_snaps_by_key", "is_builtin", "loader_schema_key", "mode_def_snaps",
        "root_config_key", "resource_def_snaps", "config_field_snap", "solid_definitions_snapshot",
        "solid_def_snaps", "composite_solid_def_snaps", "dep_structure_snapshot",
        "solid_invocation_snaps", "solid_name", "solid_def_name", "input_dep_snaps", "input_name",
        "upstream_output_snaps", "output_mapping_snaps", "mapped_solid_name", "ops", "description",
    ]
)  # fmt: skip
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    NAMES,
    st.sampled_from(["{}", '{"op": {"ops": {}}}', "[1", "Any", "ConfigTypeKind.SCALAR"]),
)
ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(_FIELDS, NAMES), inner, max_size=6)
    ),
    max_leaves=30,
)
_JOBS = st.sampled_from([(), ("j",), ("j", "k")])
_ASSETS = st.builds(
    lambda name, deps, op_name, jobs, graph_name, output: asset(
        name or "a", *deps, op=op_name, jobs=jobs, graph_name=graph_name, output_name=output
    ),
    NAMES,
    st.lists(NAMES, max_size=3),
    NAMES,
    _JOBS,
    st.none() | NAMES,
    NAMES,
)
_CHECKS = st.builds(
    lambda name, check_name, jobs: check(name, check_name, "a", jobs=jobs), NAMES, NAMES, _JOBS
)
_FIELD = st.builds(config_field, NAMES | st.just("ops"), NAMES, ANYTHING)
_SHAPES = st.lists(_FIELD, max_size=3).map(lambda fields: shape(*fields))


@st.composite
def repositories(draw: st.DrawFn) -> Any:
    """A repository, most of it right."""
    users = {
        "name": draw(NAMES),
        "asset_keys_using": [key(draw(NAMES))],
        "job_ops_using": [{"job_name": "j", "node_handles": [handle(draw(NAMES)) for _ in "123"]}],
    }
    selecting = {"name": draw(NAMES), "selection": [key(draw(NAMES)), key("a"), draw(ANYTHING)]}
    value = {
        "__class__": "ExternalRepositoryData",
        "external_asset_graph_data": draw(st.lists(_ASSETS, max_size=5)),
        "external_asset_checks": draw(st.lists(_CHECKS, max_size=3)),
        "external_resource_data": [users],
        "external_sensor_datas": [selecting],
        "external_job_refs": draw(st.lists(st.builds(lambda n: {"name": n}, NAMES), max_size=2)),
        "component_tree": draw(ANYTHING),
    }
    return mutated(draw, value)


@st.composite
def jobs(draw: st.DrawFn) -> Any:
    """A job, most of it right."""
    names = st.lists(NAMES, max_size=3).map(tuple)
    ops = draw(st.lists(st.builds(op, NAMES, names, names), max_size=4))
    uses = st.builds(
        lambda n, d, i, up: node(n, d, **{i: up}), NAMES, NAMES, NAMES, st.tuples(NAMES, NAMES)
    )
    nodes = draw(st.lists(uses, max_size=5))
    graphs = draw(
        st.lists(st.builds(lambda n, inner, o: graph(n, *inner, result=o), NAMES,
                           st.lists(uses, max_size=3), st.tuples(NAMES, NAMES)), max_size=2)
    )  # fmt: skip
    config = draw(st.dictionaries(NAMES, st.tuples(_SHAPES, ANYTHING), max_size=3))
    return mutated(draw, job("j", ops, nodes, graphs, config, draw(st.lists(_SHAPES, max_size=3))))


def mutated(draw: st.DrawFn, value: Any) -> Any:
    """The value, with a few of its parts replaced, taken out or doubled."""
    for _ in range(draw(st.integers(0, 3))):
        places = list(_places(value))
        if not places:
            break
        container, place = draw(st.sampled_from(places))
        how = draw(st.sampled_from(["replace", "drop", "double"]))
        if how == "replace":
            container[place] = draw(ANYTHING)
        elif how == "drop":
            del container[place]
        elif isinstance(container, list):
            container.append(container[place])
    return value


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for place, inner in items if isinstance(value, (dict, list)) else ():
        yield value, place
        if isinstance(inner, (dict, list)):
            yield from _places(inner)


@st.composite
def texts(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> bytes:
    """The value as JSON in any layout, fields in any order, some of them twice."""
    text = json.dumps(
        draw(values),
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from([None, None, 0, 2, "\t"])),
        separators=draw(st.sampled_from([None, (",", ":"), (" ,", " : "), (",\r\n", ":\n")])),
        sort_keys=draw(st.booleans()),
    )
    if text.startswith("{") and text != "{}" and draw(st.booleans()):
        text = text[:-1] + "," + text[1:]  # every field twice
    return (draw(st.sampled_from(["", " \n"])) + text + draw(st.sampled_from(["", "\n"]))).encode(
        "utf-8", "replace"
    )
