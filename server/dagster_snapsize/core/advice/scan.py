"""What a repository's snapshots repeat and what could go from them, seen while ledgers are drawn.

Each snapshot's text is there only while its ledger is drawn, so this is when its values are
compared. Since Dagster 1.12 a job's snapshot holds an op's description, its tags and its config;
before, also the description and the metadata of each of its outputs, the asset's once more.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from dagster_snapsize.core.advice.repeats import Value, ValueId, Values
from dagster_snapsize.core.advice.savings import SQL_ENDS, Savings
from dagster_snapsize.core.dagster_fields import (
    CODE_REFERENCES,
    FIELDS,
    is_needed,
    metadata_label,
)
from dagster_snapsize.core.json_spans import (
    KEEP,
    SKIP,
    Document,
    Item,
    ReadPlan,
    Spans,
    items_of,
    text_of,
)
from dagster_snapsize.core.ledger.asset_index import AssetIndex, key_of
from dagster_snapsize.core.ledger.builder import Attribution
from dagster_snapsize.core.ledger.job_nodes import Nodes
from dagster_snapsize.core.model import Repeat, Saving

_NULL, _EMPTY, _SEPARATOR = len("null"), len("[]"), len(", ")
_SETTABLE = {name for name, field in FIELDS.items() if field.unset is not None}
_KEYS = '"partition_keys": '
_PARTITIONS = ("partitions_def_data", "partitions_def_snapshot")
# Without these in any asset more goes than their values: partition sets, and a sensor.
_NOT_ALONE = ("partitions", "automation")
# Tags that hold the kinds of an asset, which integrations set.
_KIND = "dagster/kind/"
# The sensor that Dagster makes where an asset has a condition and no sensor of the user's has it.
_AUTOMATION_SENSOR = "default_automation_condition_sensor"
_OUTPUT = ReadPlan(
    named={
        "name": KEEP,
        "description": SKIP,
        "metadata_entries": ReadPlan(each=ReadPlan(named={"label": KEEP})),
    },
    only=True,
)


class Scan:
    """What was seen of one repository so far: its own snapshot first, then those of its jobs."""

    def __init__(self, repository: str) -> None:
        self._repository = repository
        self._values = Values()
        self._savings = Savings()
        self._described: dict[str, ValueId] = {}
        self._conditions: dict[str, ValueId] = {}
        self._fields: dict[str, str] = {}
        self._op_tags: set[int] = set()  # hashes of their texts
        self.stub_bytes = 0

    def repeats(self) -> tuple[Repeat, ...]:
        """The values that several assets carry, most bytes first."""
        return self._values.repeats(self._repository)

    def savings(self) -> tuple[Saving, ...]:
        """What else could go, most bytes first."""
        return (
            *self._savings.found(self._repository),
            *self._values.large_values(self._repository),
        )

    def scan_repository(
        self, snapshot: str, document: Document, root: Spans, index: AssetIndex
    ) -> None:
        """See the repository's own snapshot."""
        text = document.text
        record, savings, settable = self._values.record, self._savings, _Settable()
        for key, node in _nodes(root, index):
            if not self.stub_bytes:
                self.stub_bytes = stub_bytes(node)
            for name, _, at, stop, kept in settable(node.items):
                if kept is None or name is None:
                    continue
                if name == "metadata_entries":
                    self._entries(key, text, snapshot, kept)
                    continue
                word = FIELDS[name].label
                end = stop - _SEPARATOR
                value = text[at:end] if text[end:stop] == ", " else _trimmed(text[at:stop])
                if word == "partitions" and _KEYS not in value:
                    continue  # a start and a schedule: nothing that could be said elsewhere
                identity = (name, hash(value))
                removed_bytes = len(value) - len(FIELDS[name].unset or "")
                if word == "tags" and _KIND in value:
                    removed_bytes = _tag_bytes(value)
                    if not removed_bytes:
                        continue
                record(identity, word, key, value, removed_bytes)
                if word not in _NOT_ALONE:
                    savings.field(word, (key,), removed_bytes, snapshot)
                if word == "description":
                    self._described[key] = identity
                    if value.endswith(SQL_ENDS):
                        savings.raw_sql((key,), value, snapshot)
                elif word == "automation":
                    self._conditions[key] = identity
                if "\\u" in value:
                    savings.non_ascii(word, (key,), value, snapshot)
        self._values.end_of_repository(snapshot)
        self._partition_sets(snapshot, text, root, index)
        self._automation_sensor(snapshot, root)
        for job, removed_bytes, started_by in removable_jobs(text, root, index):
            assets = (asset.key for asset in index.assets_by_job[job])
            savings.job(job, assets, removed_bytes, snapshot, started_by)

    def scan_job(
        self,
        snapshot: str,
        document: Document,
        root: Spans,
        definitions: Iterable[Spans],
        nodes: Nodes,
    ) -> None:
        """See the snapshot of a job: the definitions of its ops and graphs, then its nodes."""
        text = document.text
        self._savings.job_itself(root.text("name") or "", snapshot, len(text))
        for definition in definitions:
            name, description, tags, outputs = "", None, None, None
            for item in definition.items:
                field = item[0]
                if field == "name":
                    name = item[4] if isinstance(item[4], str) else ""
                elif field == "output_def_snaps":
                    outputs = item[4]
                elif item[4] is not None and field == "description":
                    description = item
                elif item[4] is not None and field == "tags":
                    tags = item
            node = nodes.of_definition(name)
            if node is None:
                continue
            assets = _assets_of(node.attribution)
            if not assets:
                if description is not None:
                    removed_bytes = len(_text(text, description)) - _NULL
                    self._savings.field("op description", (), removed_bytes, snapshot)
                if tags is not None:
                    value = _text(text, tags)
                    self._op_tags.add(hash(value))
                    self._savings.field("op tags", (), len(value) - _EMPTY, snapshot)
                continue
            if description is not None:
                value = _text(text, description)
                self._op_description(snapshot, name, assets, value)
                if value.endswith(SQL_ENDS):
                    self._savings.raw_sql(assets, value, snapshot)
                if "\\u" in value:
                    self._savings.non_ascii("description", assets, value, snapshot)
            if tags is not None:
                value = _text(text, tags)
                removed_bytes = len(value) - _EMPTY
                self._op_tags.add(hash(value))
                identity = ("op tags", hash(value))
                self._values.record_on_op(identity, name, assets, value, removed_bytes, snapshot)
                self._savings.field("op tags", assets, removed_bytes, snapshot)
                if "\\u" in value:
                    self._savings.non_ascii("op tags", assets, value, snapshot)
            for output in items_of(outputs):
                said = output[4]
                if isinstance(said, dict) and (
                    said.get("description") or said.get("metadata_entries")
                ):
                    attribution = node.outputs.get(text_of(said, "name"), node.attribution)
                    self._output(snapshot, document, output, _assets_of(attribution))
        if self._op_tags:
            for section in items_of(root.get("dep_structure_snapshot")):
                for invocation in items_of(section.value):
                    self._node_tags(snapshot, text, invocation.value, nodes)

    def _node_tags(self, snapshot: str, text: str, invocation: object, nodes: Nodes) -> None:
        """Before Dagster 1.13 a node has the tags of its op once more."""
        for item in items_of(invocation):
            if item.name == "tags" and item.value is not None:
                value = _text(text, item)
                node = nodes.node(text_of(invocation, "solid_name"))
                if hash(value) not in self._op_tags or node is None:
                    continue
                removed_bytes = len(value) - _EMPTY
                self._savings.field("op tags", _assets_of(node), removed_bytes, snapshot)
                found = self._values.known.get(("op tags", hash(value)))
                if found:
                    found.add(snapshot, removed_bytes)

    def _entries(self, key: str, text: str, snapshot: str, entries: object) -> None:
        """The metadata of an asset, entry by entry."""
        items = items_of(entries)
        separator = _SEPARATOR if len(items) > 1 else 0
        for item in items:
            label = text_of(item[4], "label")
            value = _text(text, item)
            field = self._fields.get(label)
            if field is None:
                field = self._fields[label] = metadata_label(label)
            removed_bytes = len(value) + separator
            if label == CODE_REFERENCES:
                self._savings.code_reference((key,), removed_bytes, snapshot)
            elif not is_needed(label):
                self._values.record((field, hash(value)), field, key, value, removed_bytes)
                self._savings.field(field, (key,), removed_bytes, snapshot)
            if "\\u" in value:
                self._savings.non_ascii(field, (key,), value, snapshot)

    def _op_description(
        self, snapshot: str, definition: str, assets: Sequence[str], value: str
    ) -> None:
        """The description of an op: its assets' own once more, or one of the op alone."""
        removed_bytes, same = len(value) - _NULL, hash(value)
        field = "description"
        if not self._repeats_its_assets(snapshot, ("op_description", same), assets, removed_bytes):
            field = "op description"
            self._values.record_on_op(
                (field, same), definition, assets, value, removed_bytes, snapshot
            )
        self._savings.field(field, assets, removed_bytes, snapshot)

    def _output(
        self, snapshot: str, document: Document, output: Item, assets: Sequence[str]
    ) -> None:
        """An output that says again what its asset says."""
        text = document.text
        spans, _ = document.walk(output.at, _OUTPUT)
        for item in items_of(spans):
            if item.name == "description" and item.value is not None:
                value = _text(text, item)
                removed_bytes = len(value) - _NULL
                identity = ("op_description", hash(value))
                if self._repeats_its_assets(snapshot, identity, assets, removed_bytes):
                    self._savings.field("description", assets, removed_bytes, snapshot)
                self._savings.raw_sql(assets, value, snapshot)
                self._savings.non_ascii("description", assets, value, snapshot)
            elif item.name == "metadata_entries":
                entries = items_of(item.value)
                for entry in entries:
                    value = _text(text, entry)
                    label = text_of(entry.value, "label")
                    field = metadata_label(label)
                    # An output without metadata does not have the field either.
                    removed_bytes = len(value) + _SEPARATOR if len(entries) > 1 else item.size
                    self._repeats_its_assets(snapshot, (field, hash(value)), assets, removed_bytes)
                    if label == CODE_REFERENCES:
                        self._savings.code_reference(assets, removed_bytes, snapshot)
                    elif not is_needed(label):
                        self._savings.field(field, assets, removed_bytes, snapshot)
                    self._savings.non_ascii(field, assets, value, snapshot)

    def _repeats_its_assets(
        self, snapshot: str, identity: ValueId, assets: Sequence[str], removed_bytes: int
    ) -> bool:
        """Whether each of these assets says that of itself; counted where it is repeated."""
        found = self._values.known.get(identity)
        if found is None:
            if len(assets) == 1:
                return self._described.get(assets[0]) == identity
            return all(self._described.get(asset) == identity for asset in assets)
        if len(assets) > 1 and not all(asset in found.assets for asset in assets):
            return False
        if assets and assets[0] in found.assets:
            found.add(snapshot, removed_bytes)
            return True
        return False

    def _partition_sets(self, snapshot: str, text: str, root: Spans, index: AssetIndex) -> None:
        """A job of assets has a partition set as long as one of its assets is partitioned."""
        sets = items_of(root.get("external_partition_set_datas"))
        removed_bytes: dict[int, list[int]] = {}
        values: dict[int, Value] = {}
        for element in sets:
            job = text_of(element.value, "name").removesuffix("_partition_set")
            keys = [asset.key for asset in index.assets_by_job.get(job, ())]
            for item in items_of(element.value):
                if item.name != "external_partitions_data" or item.value is None:
                    continue
                same = hash(_text(text, item))
                for name in _PARTITIONS:
                    value = self._values.known.get((name, same))
                    if value is not None and any(key in value.assets for key in keys):
                        values[id(value)] = value
                        removed_bytes.setdefault(id(value), []).append(len(_text(text, element)))
        for number, sizes in removed_bytes.items():
            values[number].add(snapshot, _removed_from_list(sizes, len(sets)))

    def _automation_sensor(self, snapshot: str, root: Spans) -> None:
        """Dagster's own sensor goes with the last asset that has a condition."""
        conditions = set(self._conditions.values())
        value = self._values.known.get(conditions.pop()) if len(conditions) == 1 else None
        sensors = items_of(root.get("external_sensor_datas"))
        for sensor in sensors if value is not None else ():
            if text_of(sensor.value, "name") == _AUTOMATION_SENSOR and value is not None:
                size = sensor.size - (_SEPARATOR if sensor is not sensors[-1] else 0)
                value.add(snapshot, _removed_from_list([size], len(sensors)))


def removable_jobs(
    text: str, root: Spans, index: AssetIndex
) -> Iterable[tuple[str, int, Sequence[str]]]:
    """The jobs of assets that a user has made, the bytes of a repository snapshot that would go
    with each, and the schedules and sensors that start it."""
    names = [job for job in index.assets_by_job if not job.startswith("__")]
    removed_bytes: Counter[str] = Counter()
    lists = Counter(asset.jobs for asset in index.assets.values())
    lists.update(check.jobs for check in index.checks)
    for jobs, count in lists.items():
        separator = _SEPARATOR if len(jobs) > 1 else 0
        for job in jobs:
            removed_bytes[job] += count * (len(json.dumps(job)) + separator)
    for field, suffix in (
        ("external_job_refs", ""),
        ("external_pipeline_datas", ""),
        ("external_partition_set_datas", "_partition_set"),
    ):
        elements = items_of(root.get(field))
        for element in elements:
            job = text_of(element.value, "name").removesuffix(suffix)
            removed_bytes[job] += _removed_from_list([len(_text(text, element))], len(elements))
    for resource in items_of(root.get("external_resource_data")):
        users = resource.value.get("job_ops_using") if isinstance(resource.value, Spans) else None
        # In this list, which has no order, a separator counts with each of several elements.
        for element in items_of(users):
            removed_bytes[text_of(element.value, "job_name")] += element.size
    starters: dict[str, list[str]] = {}
    for kind in ("schedule", "sensor"):
        for element in items_of(root.get(f"external_{kind}_datas")):
            targets = {text_of(element.value, "pipeline_name")}
            if isinstance(element.value, Spans):
                targets.update(i.name or "" for i in items_of(element.value.get("target_dict")))
            for job in targets:
                starters.setdefault(job, []).append(f"{kind} {text_of(element.value, 'name')}")
    for job in names:
        yield job, removed_bytes[job], starters.get(job, ())


def _nodes(root: Spans, index: AssetIndex) -> Iterable[tuple[str, Spans]]:
    """The asset nodes of a repository with their keys."""
    found = [
        item.value
        for item in items_of(root.get("external_asset_graph_data"))
        if isinstance(item.value, Spans)
    ]
    if len(found) == len(index.assets):  # no key twice: the index has them in this order
        return zip(index.assets, found, strict=True)
    keyed = ((key_of(node.get("asset_key")), node) for node in found)
    return ((key, node) for key, node in keyed if key is not None)


def stub_bytes(node: Spans) -> int:
    """What an asset of another location takes of a repository snapshot, without its path.

    It has the fields that every node has in that version of Dagster.
    """
    size = len("{}") + _SEPARATOR
    for name, start, at, stop, _ in node.items:
        known = FIELDS.get(name or "")
        value = known.stub if known else "null"
        size += at - start + (stop - at - _SEPARATOR if name == "__class__" else len(value))
    return size + _SEPARATOR * (len(node.items) - 1)


class _Settable:
    """The fields of an asset node that users may set, found where the last node had them: all nodes
    have the same fields, in the same order."""

    def __init__(self) -> None:
        self._length = 0
        self._at: list[int] = []
        self._names: list[str | None] = []

    def __call__(self, items: list[Item]) -> list[Item]:
        if len(items) == self._length:
            found = [items[at] for at in self._at]
            if [item[0] for item in found] == self._names:
                return found
        self._length = len(items)
        self._at = [at for at, item in enumerate(items) if item[0] in _SETTABLE]
        self._names = [items[at][0] for at in self._at]
        return [items[at] for at in self._at]


def _text(text: str, item: Item) -> str:
    """The value of an item as it stands, without the separator that follows it."""
    _, _, at, stop, _ = item
    end = stop - _SEPARATOR
    return text[at:end] if text[end:stop] == ", " else _trimmed(text[at:stop])


def _tag_bytes(value: str) -> int:
    """How many bytes of the tags of an asset would go if it kept those of its kinds alone."""
    kinds = {name: tag for name, tag in json.loads(value).items() if name.startswith(_KIND)}
    return len(value) - len(json.dumps(kinds))


def _trimmed(value: str) -> str:
    return value.rstrip(", \t\n\r")


def _removed_from_list(sizes: Sequence[int], length: int) -> int:
    """How many bytes go with elements of these sizes, separators included; one that is left has
    none."""
    return sum(sizes) + _SEPARATOR * min(len(sizes), length - 1)


def _assets_of(attribution: Attribution) -> tuple[str, ...]:
    """The assets that hold something; none where others hold it, too."""
    owners = attribution.owners
    if len(owners) == 1:
        return (owners[0].name,) if owners[0].kind == "asset" else ()
    if all(owner.kind == "asset" for owner in owners):
        return tuple(owner.name for owner in owners)
    return ()
