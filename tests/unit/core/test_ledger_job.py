"""Who owns what in a job snapshot."""

from __future__ import annotations

import json

import pytest

from dagster_snapsize.core.ledger import AssetIndex
from support.ledgers import (
    attribute_job,
    attribute_repository,
    bracketed,
    exclusive,
    fields_of,
    shared,
)
from support.snapshot_values import (
    asset,
    check,
    config_field,
    entry_size,
    graph,
    job,
    node,
    op,
    payload,
    repository,
    scalar,
    shape,
)

J = ("j",)


def index_of(*assets: dict, checks: tuple[dict, ...] = ()) -> AssetIndex:
    """The index of a repository of these assets and checks."""
    return attribute_repository(payload(repository(*assets, external_asset_checks=list(checks))))[1]


def test_an_op_and_its_node_belong_to_the_asset_that_they_compute():
    index = index_of(asset("up", jobs=J), asset("down", "up", jobs=J))
    ops = [op("down", ("up",), description="d" * 90), op("up")]
    nodes = [node("down", up=("up", "result")), node("up")]
    drawn = attribute_job(payload(job("j", ops, nodes)), index)
    down = fields_of(drawn, "asset", "down")
    assert sum(down.values()) == entry_size(ops[0]) + entry_size(nodes[0])
    assert down["description"] == len('"description": "", ') + 90
    edges = json.dumps(ops[0]["input_def_snaps"]) + json.dumps(nodes[0]["input_dep_snaps"])
    assert down["deps"] == drawn.dangling_bytes["up"] == len(edges) - 4
    assert drawn.dangling_bytes.keys() == {"up"}
    assert not [owner for owner in drawn.owners if owner.kind == "op"]


def test_the_assets_of_another_job_play_no_part():
    index = index_of(asset("a", jobs=("another",)))
    drawn = attribute_job(payload(job("j", [op("a")], [node("a")])), index)
    assert fields_of(drawn, "op", "a")
    assert not fields_of(drawn, "asset", "a")


def test_what_a_job_costs_by_itself_is_the_jobs():
    drawn = attribute_job(
        payload(job("j", [op("o")], [node("o")], tags={"a": "b" * 50})), index_of()
    )
    fields = fields_of(drawn, "job", "j")
    assert fields["tags"] > 50
    assert {"built-in types", "run config", "name"} <= set(fields)
    assert fields_of(drawn, "resource", "io_manager")
    assert bracketed(drawn) == {}


def multi(can_subset_selected: int = 3) -> tuple[AssetIndex, list[dict], list[dict]]:
    """A multi-asset of three, of which the job selects the first ones."""
    deps = {"m0": ("src",), "m1": ("src", "other"), "m2": ()}
    members = [
        asset(
            name,
            *deps[name],
            op="many",
            output_name=name,
            jobs=J if place < can_subset_selected else ("another",),
        )
        for place, name in enumerate(deps)
    ]
    index = index_of(*members, asset("src", op=None), asset("other", op=None))
    outputs = ("m0", "m1", "m2")
    return index, [op("many", ("src", "other"), outputs)], [node("many", src=None, other=None)]


def test_what_names_one_member_of_a_multi_asset_is_its_own_and_the_rest_is_shared():
    index, ops, nodes = multi()
    drawn = attribute_job(payload(job("j", ops, nodes)), index)
    out = ops[0]["output_def_snaps"][0]
    both = entry_size(ops[0]["input_def_snaps"][1]) + entry_size(nodes[0]["input_dep_snaps"][1])
    assert exclusive(drawn, "asset", "m0") == entry_size(out)
    assert exclusive(drawn, "asset", "m1") == entry_size(out) + both
    assert exclusive(drawn, "asset", "m2") == entry_size(out)
    rest = [shared(drawn, "asset", name) for name in ("m0", "m1", "m2")]
    inputs = [group for group in drawn.shared_groups if group.asset_keys == ("m0", "m1")]
    assert len(inputs) == 1
    assert rest[0] > rest[2]
    assert rest[0] - rest[1] <= 6  # remainders: a byte for each field
    assert sum(rest) == sum(group.bytes for group in drawn.shared_groups)
    assert drawn.dangling_bytes["other"] == both
    assert drawn.dangling_bytes["src"] == inputs[0].bytes


@pytest.mark.parametrize("selected", [1, 2])
def test_an_op_names_members_that_the_job_does_not_select(selected):
    index, ops, nodes = multi(selected)
    drawn = attribute_job(payload(job("j", ops, nodes)), index)
    assert exclusive(drawn, "asset", "m2") == entry_size(ops[0]["output_def_snaps"][0])
    assert shared(drawn, "asset", "m2") == 0
    # With one selected, all that is not another's own is its own.
    assert (shared(drawn, "asset", "m0") > len(json.dumps(ops[0])) / 4) == (selected == 2)


def test_checks_in_ops_belong_to_the_checks():
    checks = (
        check("wh/a-b", "inline", jobs=J),
        check("wh/a-b", "alone", jobs=J),
        check("wh/a-b", "many", jobs=J),
        check("c", "many", "wh/a-b", jobs=J),
    )
    index = index_of(asset("wh/a-b", op="a_b", jobs=J), asset("c", jobs=J), checks=checks)
    ops = [
        op("a_b", outputs=("result", "wh__a_b_inline")),
        op("c"),
        op("several", ("wh_a_b", "c"), outputs=("c_many", "wh__a_b_many")),
        op("wh__a_b_alone", ("x",)),
    ]
    nodes = [
        node("a_b"),
        node("c"),
        node("several", wh_a_b=("a_b", "result"), c=("c", "result")),
        node("wh__a_b_alone", x=("a_b", "result")),
    ]
    drawn = attribute_job(payload(job("j", ops, nodes)), index)
    output = ops[0]["output_def_snaps"][1]
    assert exclusive(drawn, "check", "wh/a-b:inline") == entry_size(output)
    alone = len(json.dumps(ops[3])) + len(json.dumps(nodes[3]))
    assert exclusive(drawn, "check", "wh/a-b:alone") == alone
    assert shared(drawn, "check", "c:many") > 0
    assert shared(drawn, "check", "wh/a-b:many") > 0
    assert not [owner for owner in drawn.owners if owner.kind == "op"]
    own = exclusive(drawn, "check", "wh/a-b:many")
    assert drawn.check_bytes["wh/a-b"] == alone + entry_size(output) + own
    # The checks' own inputs are among the check bytes, the other check's dangles.
    assert set(drawn.dangling_bytes) == {"wh/a-b"}


def test_nodes_of_one_op_go_to_their_assets_in_the_order_of_keys():
    assets = [
        asset(name, op="load", jobs=("first", "j"), op_name=root, op_names=[root])
        for name, root in (("b", "load_2"), ("a", "load"), ("c", "load_3"))
    ]
    index = index_of(*assets, asset("last", "c", jobs=J))
    nodes = [
        node("last", c=("load_3", "result")),
        node("load"),
        node("load_2", "load"),
        node("load_3", "load"),
    ]
    drawn = attribute_job(payload(job("j", [op("last", ("c",)), op("load")], nodes)), index)
    for name, place in (("a", 1), ("b", 2), ("c", 3)):
        assert exclusive(drawn, "asset", name) in (
            entry_size(nodes[place]),
            len(json.dumps(nodes[place])),
        )
        assert shared(drawn, "asset", name) > 0
    assert set(drawn.dangling_bytes) == {"c"}


def test_nodes_that_are_numbered_otherwise_in_another_job_are_told_apart():
    # The first job has all three; this one only the last two, which Dagster numbers anew.
    assets = [
        asset(name, op="load", jobs=("first", *also), op_name=root, op_names=[root])
        for name, root, also in (("a", "load", ()), ("b", "load_2", J), ("c", "load_3", J))
    ]
    nodes = [node("load", long_ago=None), node("load_2", "load")]
    drawn = attribute_job(payload(job("j", [op("load")], nodes)), index_of(*assets))
    assert exclusive(drawn, "asset", "b") == entry_size(nodes[0])
    assert exclusive(drawn, "asset", "c") == len(json.dumps(nodes[1]))
    assert not fields_of(drawn, "asset", "a")


def test_all_ops_of_a_graph_asset_are_its_own():
    member = asset("g", op="last", jobs=J, graph_name="g", op_names=["g.first", "g.in.last"])
    inner = graph("inner", node("last"), out=("last", "result"))
    outer = graph("g", node("first"), node("in", "inner"), result=("in", "out"))
    ops = [op("first"), op("last")]
    drawn = attribute_job(payload(job("j", ops, [node("g")], [outer, inner])), index_of(member))
    everything = sum(len(json.dumps(v)) for v in (*ops, outer, inner, node("g")))
    assert exclusive(drawn, "asset", "g") >= everything
    assert shared(drawn, "asset", "g") == 0
    assert bracketed(drawn) == {}


def test_an_op_inside_of_a_graph_multi_asset_is_its_members_that_it_computes():
    members = [
        asset(
            name,
            op=f"make_{name}",
            jobs=J,
            graph_name="both",
            op_names=["both.begin", f"both.make_{name}"],
        )
        for name in ("x", "y")
    ]
    both = graph(
        "both",
        node("begin"),
        node("make_x"),
        node("make_y"),
        x=("make_x", "result"),
        y=("make_y", "result"),
    )
    ops = [op("begin"), op("make_x", description="q" * 70), op("make_y")]
    drawn = attribute_job(payload(job("j", ops, [node("both")], [both])), index_of(*members))
    own = entry_size(ops[1]) + entry_size(both["output_def_snaps"][0]) + entry_size(node("make_x"))
    assert exclusive(drawn, "asset", "x") == own + entry_size(both["output_mapping_snaps"][0])
    assert 0 <= shared(drawn, "asset", "x") - shared(drawn, "asset", "y") <= 6
    assert shared(drawn, "asset", "y") > len(json.dumps(ops[0])) / 2 - 2


def test_ops_of_op_jobs_are_owned_by_their_nodes():
    ops, nodes = [op("say", ("x",)), op("hear")], [node("hear"), node("say", x=("hear", "result"))]
    drawn = attribute_job(payload(job("j", ops, nodes)), index_of(asset("say")))
    assert exclusive(drawn, "op", "say") == entry_size(ops[0]) + len(json.dumps(nodes[1]))
    assert exclusive(drawn, "op", "hear") > 0


def test_a_nodes_config_and_its_default_in_the_escaped_json_are_its_assets():
    index = index_of(asset("a", jobs=J), asset("b", jobs=J), asset("é", op="c", jobs=J))
    own, common = shape(config_field("only", "String", '日本"\\\n')), shape()
    inner = {name: shape(config_field("config", own["key"])) for name in ("a",)}
    inner["b"] = inner["c"] = shape(config_field("config", common["key"], {}))
    defaults = {"a": {"config": {"only": '日本"\\\n'}}, "b": {}, "c": {"config": 1.5}}
    config = {name: (inner[name], defaults[name]) for name in ("a", "b", "c")}
    value = job(
        "j",
        [op("a"), op("b"), op("c")],
        [node("a"), node("b"), node("c")],
        config=config,
        types=[own, common],
    )
    drawn = attribute_job(payload(value), index)
    entry_text = json.dumps('"a": ' + json.dumps(defaults["a"]) + ", ")
    field = config_field("a", inner["a"]["key"], defaults["a"])
    types = sum(len(json.dumps({s["key"]: s})) for s in (own, inner["a"]))
    op_field = len('"config_field_snap": , ') + len(json.dumps(op("a")["config_field_snap"]))
    assert fields_of(drawn, "asset", "a")["config"] == (
        len(entry_text) - 2 + entry_size(field) + types + op_field
    )
    # Two assets reach them: they belong to neither.
    both = len(json.dumps({s["key"]: s for s in (common, inner["b"])}))
    assert bracketed(drawn)["[shared config types]"] == both - 2  # the last one has no separator
    for text in (payload(value, ensure_ascii=False), payload(value, indent=1)):
        again = attribute_job(text, index)
        assert fields_of(again, "asset", "a")["config"] > fields_of(again, "asset", "b")["config"]


def test_types_that_a_resource_alone_reaches_are_the_resources():
    own = shape(config_field("url", "String"))
    value = job("j", [op("o")], [node("o")], types=[own])
    snap = value["mode_def_snaps"][0]["resource_def_snaps"][0]
    snap["config_field_snap"] = config_field("config", own["key"])
    drawn = attribute_job(payload(value), index_of())
    held = len(json.dumps({own["key"]: own})) - len("{}") + len(json.dumps(snap))
    assert fields_of(drawn, "resource", "io_manager")["config"] == held


def test_dagster_types_belong_to_those_who_use_them_alone():
    index = index_of(asset("a", jobs=J), asset("b", jobs=J), asset("c", jobs=J))
    ops = [op("a", dagster_type="A"), op("b"), op("c")]
    for place, name in enumerate(("Own", "Common", "Common")):
        ops[place]["output_def_snaps"][0]["dagster_type_key"] = name
    value = job("j", ops, [node("a"), node("b"), node("c")])
    types = value["dagster_type_namespace_snapshot"]["all_dagster_type_snaps_by_key"]
    types["Own"] = {"key": "Own", "type_param_keys": [], "description": "a" * 40}
    types["Common"] = {"key": "Common", "type_param_keys": []}
    drawn = attribute_job(payload(value), index)
    assert fields_of(drawn, "asset", "a")["types"] == len(json.dumps({"Own": types["Own"]}))
    rows = bracketed(drawn)
    assert rows == {"[shared Dagster types]": len(json.dumps({"Common": types["Common"]})) - 2}


def test_what_no_rule_knows_is_bracketed():
    value = job("j", [op("o"), op("unused")], [node("o")], novelty="n" * 10)
    value["config_schema_snapshot"]["all_config_snaps_by_key"]["Lost"] = {"fields": []}
    drawn = attribute_job(payload(value), index_of())
    assert bracketed(drawn) == {
        "[novelty]": len('"novelty": "nnnnnnnnnn"'),
        "[unused op definitions]": len(json.dumps(op("unused"))),
        "[config_schema_snapshot]": len('"Lost": {"fields": []}'),
    }


def test_a_graph_that_holds_itself_ends():
    endless = graph("g", node("g"), node("h", "g"), result=("g", "result"))
    members = [
        asset(name, op="g", jobs=J, graph_name="g", op_names=["g.g.g", "g.h"])
        for name in ("a", "b")
    ]
    assert attribute_job(payload(job("j", [], [node("g")], [endless])), index_of(*members))


def test_types_that_reach_themselves_end():
    loop = scalar("Loop") | {"kind": None, "fields": [config_field("ops", "Loop", {"ops": {}})]}
    value = job("j", [op("o")], [node("o")], config={"o": (loop, {"ops": {"o": {}}})}, types=[loop])
    assert attribute_job(payload(value), index_of(asset("o", jobs=J)))


@pytest.mark.parametrize("text", ["null", "[]", "{}", '{"a": 1}'])
def test_what_is_no_snapshot_is_unknown(text):
    assert bracketed(attribute_job(text.encode(), index_of())) == {"[unknown]": len(text)}


def test_invalid_json_is_a_clear_error():
    with pytest.raises(ValueError, match="no valid JSON"):
        attribute_job(b'{"name": "j"', index_of())
