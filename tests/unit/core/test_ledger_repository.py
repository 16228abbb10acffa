"""Who owns what in a repository snapshot."""

from __future__ import annotations

import json

import pytest

from dagster_snapsize.core.model import Owner
from support.ledgers import attribute_repository, bracketed, fields_of
from support.snapshot_values import (
    asset,
    check,
    dependency,
    entry,
    entry_size,
    handle,
    key,
    payload,
    repository,
)


def test_an_asset_owns_its_fields_in_the_users_words():
    node = asset("wh/orders", op_description="x" * 100, owners=["team:sales"])
    node["metadata_entries"] = [entry("dagster/column_schema", "y" * 50), entry("rows")]
    drawn, _ = attribute_repository(payload(repository(node)))
    fields = fields_of(drawn, "asset", "wh/orders")
    assert fields["description"] == len('"op_description": "", ') + 100
    assert fields["metadata: dagster/column_schema"] == entry_size(node["metadata_entries"][0])
    assert fields["owners"] > 0
    assert {"group", "key", "op"} <= set(fields)
    assert "automation" not in fields  # it has none: what every asset carries is structure
    assert sum(fields.values()) == len(json.dumps(node))


def test_a_slash_inside_a_part_of_a_key_is_escaped():
    node = {**asset("x"), "asset_key": {"path": ["wh", "a/b"]}}
    drawn, index = attribute_repository(payload(repository(node)))
    assert list(index.assets) == ["wh/a\\/b"]
    assert fields_of(drawn, "asset", "wh/a\\/b")


def test_an_edge_is_its_dependents_and_dangles_from_the_asset_that_it_names():
    up, down = asset("up"), asset("down", "up", "other")
    drawn, _ = attribute_repository(payload(repository(up, down, asset("other"))))
    size = entry_size(dependency("up"))
    assert drawn.dangling_bytes["up"] == size
    assert fields_of(drawn, "asset", "down")["deps"] >= size
    assert "deps" not in fields_of(drawn, "asset", "up")


def test_an_edge_listed_at_its_upstream_by_old_versions_is_the_dependents_too():
    listed = {"__class__": "ExternalAssetDependedBy", "downstream_asset_key": key("down")}
    up = asset("up", depended_by=[listed, listed])
    drawn, _ = attribute_repository(payload(repository(up, asset("down"))))
    both = 2 * entry_size(listed)
    assert fields_of(drawn, "asset", "down")["deps"] == both
    assert drawn.dangling_bytes == {"up": both}


def test_a_dependency_on_itself_dangles_from_nobody():
    drawn, _ = attribute_repository(payload(repository(asset("a", "a"))))
    assert drawn.dangling_bytes == {}


def test_checks_own_their_entries_and_count_for_their_asset():
    first, second = check("a", "one"), check("a", "two", "b")
    snapshot = repository(asset("a"), asset("b"), external_asset_checks=[first, second])
    drawn, _ = attribute_repository(payload(snapshot))
    assert sum(fields_of(drawn, "check", "a:one").values()) == entry_size(first)
    assert drawn.check_bytes == {"a": len(json.dumps([first, second])) - 2}
    assert drawn.dangling_bytes == {"b": len(json.dumps(key("b")))}


def test_keys_in_selections_belong_to_the_assets_named():
    selection = {"operands": [{"selected_keys": [key("a"), key("b"), key("not/there")]}]}
    sensor = {"name": "s", "asset_selection": selection, "description": "z" * 30}
    schedule = {"name": "nightly", "asset_selection": {"selected_keys": [key("a"), key("b")]}}
    snapshot = repository(
        asset("a"),
        asset("b"),
        external_sensor_datas=[sensor],
        external_schedule_datas=[schedule],
    )
    drawn, _ = attribute_repository(payload(snapshot))
    assert fields_of(drawn, "asset", "a")["selections"] == 2 * entry_size(key("a"))
    sensors = fields_of(drawn, "sensor", "s")
    assert sensors["description"] == len('"description": ""') + 30
    assert sensors["selections"] > len(json.dumps(key("not/there")))
    assert fields_of(drawn, "schedule", "nightly")


def test_a_resources_lists_of_users_belong_to_the_users():
    resource = {
        "name": "warehouse",
        "asset_keys_using": [key("a"), key("gone")],
        "job_ops_using": [
            {
                "job_name": "nightly",
                "node_handles": [handle("a"), handle("g.inner"), handle("an_op")],
            }
        ],
        "schedules_using": ["daily"],
        "sensors_using": [],
    }
    graphed = asset("graphed", jobs=("nightly",), graph_name="g", op_names=["g.inner", "g.other"])
    snapshot = repository(asset("a", jobs=("nightly",)), graphed, external_resource_data=[resource])
    drawn, _ = attribute_repository(payload(snapshot))
    assert fields_of(drawn, "asset", "a")["resources"] == entry_size(key("a")) + entry_size(
        handle("a")
    )
    assert fields_of(drawn, "asset", "graphed")["resources"] == entry_size(handle("g.inner"))
    assert fields_of(drawn, "schedule", "daily")["resources"] == len('"daily"')
    # The entry goes with the job, and so does what only the job knows.
    assert fields_of(drawn, "job", "nightly")["resources"] > len(json.dumps(handle("an_op")))
    assert fields_of(drawn, "resource", "warehouse")["users"] >= len(json.dumps(key("gone")))


@pytest.mark.parametrize("times", [1, 2, 3, 4])
def test_a_multi_assets_handle_is_each_members_where_it_is_listed_for_each(times):
    members = [asset(f"m{n}", op="many", jobs=("j",), output_name=f"m{n}") for n in range(3)]
    resource = {
        "name": "io",
        "job_ops_using": [{"job_name": "j", "node_handles": [handle("many")] * times}],
    }
    drawn, _ = attribute_repository(
        payload(repository(*members, external_resource_data=[resource]))
    )
    sizes = [fields_of(drawn, "asset", f"m{n}")["resources"] for n in range(3)]
    assert sum(sizes) == len(json.dumps([handle("many")] * times)) - (2 if times == 1 else 0)
    assert max(sizes) - min(sizes) <= 2
    assert bool(drawn.shared_groups) == (times != 3)


def test_every_other_storage_field_has_a_bracketed_row_of_its_own():
    snapshot = repository(
        asset("a"),
        utilized_env_vars={"PASSWORD": [{"name": "warehouse"}]},
        external_novelties=[1, 2, 3],
        external_job_refs=[{"name": "j", "snapshot_id": "0" * 40}, {"nameless": True}],
        component_tree={"leaf_instances": [{"key": "defs/x"}, {"key": "defs/y"}]},
    )
    drawn, _ = attribute_repository(payload(snapshot))
    rows = bracketed(drawn)
    assert rows["[external_novelties]"] == len('"external_novelties": [1, 2, 3], ')
    assert rows["[utilized_env_vars]"] > 0
    assert rows["[external_job_refs]"] == len('{"nameless": true}')
    assert rows["[component_tree]"] > 0
    assert "[unknown]" not in rows
    assert fields_of(drawn, "job", "j")["snapshot id"] > 40
    assert fields_of(drawn, "component", "defs/x") == {"component": entry_size({"key": "defs/x"})}


@pytest.mark.parametrize("text", ["null", "[]", "3", '"x"', "{}", '{"a": 1}', "  [1]\n"])
def test_what_is_no_snapshot_is_unknown(text):
    drawn, index = attribute_repository(text.encode())
    assert bracketed(drawn) == {"[unknown]": len(text)}
    assert not index.assets


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"name": }', '{"name": 1,}', "{} {}", '{"a" 1}', "[1 2]", "nul", '{"a": "\n"}'],
)
def test_invalid_json_is_a_clear_error(text):
    with pytest.raises(ValueError, match="no valid JSON"):
        attribute_repository(text.encode())


def test_invalid_utf_8_is_a_clear_error():
    with pytest.raises(ValueError, match="UTF-8"):
        attribute_repository(b'{"name": "\xff"}')


@pytest.mark.parametrize(
    "how", [{}, {"ensure_ascii": False}, {"indent": 2}, {"separators": (",", ":")}]
)
def test_names_and_sizes_are_right_however_the_text_is_written(how):
    node = asset("注文/é", op_description="日本" * 10)
    drawn, index = attribute_repository(payload(repository(node, asset("b", "注文/é")), **how))
    assert list(index.assets) == ["注文/é", "b"]
    described = json.dumps(node["op_description"], **how).encode()
    fields = fields_of(drawn, "asset", "注文/é")
    assert fields["description"] >= len(described)
    assert drawn.dangling_bytes["注文/é"] >= 40


def test_a_value_that_nests_too_deep_to_be_read_has_its_owner_all_the_same():
    deep = "[" * 100_000 + "]" * 100_000
    text = payload(repository(asset("a", tags="DEEP"))).replace(b'"DEEP"', deep.encode())
    drawn, _ = attribute_repository(text)
    assert sum(fields_of(drawn, "asset", "a").values()) > len(deep)
    with pytest.raises(ValueError, match="no valid JSON"):
        attribute_repository(text.replace(b"]]", b"]}", 1))


def test_the_state_of_an_integration_is_its_keys() -> None:
    state = {"__class__": "CodeLocationReconstructionMetadataValue", "data": "r" * 900}
    metadata = {"reports": state, "note": "n", "plugin_component_types_json": {"data": []}}
    drawn, _ = attribute_repository(payload({**repository(asset("x")), "metadata": metadata}))
    size = len(json.dumps({"reports": state})) - len("{}") + len(", ")
    assert fields_of(drawn, "definitions_metadata", "reports") == {"value": size}
    assert fields_of(drawn, "definitions_metadata", "note")
    assert Owner("definitions_metadata", "reports").label == "definitions metadata reports"


def test_no_owner_depends_on_the_order_of_a_list_that_may_have_any():
    """Dagster serializes sets: the same definitions have another order in the next process."""

    def drawn(turned: bool) -> object:
        def in_order(values: list[object]) -> list[object]:
            return values[::-1] if turned else values

        keys = in_order([key("a"), key("b")])
        snapshot = repository(
            asset("a", jobs=("j",)),
            asset("b", jobs=("j",)),
            asset("c", dependencies=in_order([dependency("a"), dependency("b")])),
            external_resource_data=[
                {
                    "name": "io",
                    "asset_keys_using": keys,
                    "job_ops_using": [
                        {"job_name": "j", "node_handles": in_order([handle("a"), handle("b")])}
                    ],
                    "schedules_using": in_order(["daily", "hourly"]),
                }
            ],
            external_sensor_datas=[{"name": "s", "asset_selection": {"selected_keys": keys}}],
        )
        return attribute_repository(payload(snapshot))[0]

    assert drawn(turned=True) == drawn(turned=False)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_metadata_of_the_definitions_that_goes_takes_its_bytes_along(count: int) -> None:
    metadata = {f"key {n}": "v" * 10 * n for n in range(count)}
    whole = {**repository(asset("x")), "metadata": metadata}
    drawn, _ = attribute_repository(payload(whole))
    for label in metadata:
        rest = {name: value for name, value in metadata.items() if name != label}
        freed = len(payload(whole)) - len(payload({**whole, "metadata": rest}))
        assert fields_of(drawn, "definitions_metadata", label) == {"value": freed}
