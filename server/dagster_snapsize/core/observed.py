"""What a repository's snapshots repeat and what could go from them, seen while ledgers are drawn.

Each snapshot's text is there only while its ledger is drawn, so this is when its values are
compared. Since Dagster 1.12 a job's snapshot holds an op's description, its tags and its config;
before, also the description and the metadata of each of its outputs, the asset's once more.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from dagster_snapsize.core.ledger_book import Claim, printable
from dagster_snapsize.core.ledger_index import AssetIndex, key_of
from dagster_snapsize.core.ledger_nodes import Nodes
from dagster_snapsize.core.ledger_words import word
from dagster_snapsize.core.levers import Repeat, Saving
from dagster_snapsize.core.repeats import Value, ValueId, Values
from dagster_snapsize.core.savings import CODE_REFERENCES, RAW_SQL, Savings
from dagster_snapsize.core.spans import KEEP, SKIP, Document, Item, Plan, Spans, items_of, text_of

_NULL, _EMPTY, _SEPARATOR = len("null"), len("[]"), len(", ")
# What users may set or leave on each asset, and how many bytes stay where they leave it.
_LEFT = {
    "op_description": _NULL,
    "tags": _EMPTY,
    "owners": _EMPTY,
    "code_version": _NULL,
    "backfill_policy": _NULL,
    **dict.fromkeys(("partitions_def_data", "partitions_def_snapshot"), _NULL),
    **dict.fromkeys(
        ("auto_materialize_policy", "automation_condition", "automation_condition_snapshot"), _NULL
    ),
    **dict.fromkeys(
        ("freshness_policy", "new_freshness_policy", "internal_freshness_policy"), _NULL
    ),
}
_KEYS = '"partition_keys": '
_PARTITIONS = ("partitions_def_data", "partitions_def_snapshot")
_AUTOMATION = ("auto_materialize_policy", "automation_condition", "automation_condition_snapshot")
# The sensor that Dagster makes where an asset has a condition and no sensor of the user's has it.
_AUTOMATION_SENSOR = "default_automation_condition_sensor"
_OUTPUT = Plan(
    named={
        "name": KEEP,
        "description": SKIP,
        "metadata_entries": Plan(each=Plan(named={"label": KEEP})),
    },
    only=True,
)


class Observed:
    """What was seen of one repository so far: its own snapshot first, then those of its jobs."""

    def __init__(self, repository: str) -> None:
        self._repository = repository
        self._values = Values()
        self._savings = Savings()
        self._described: dict[str, ValueId] = {}
        self._conditions: dict[str, ValueId] = {}

    def repeats(self) -> tuple[Repeat, ...]:
        """The values that several assets carry, most bytes first."""
        return self._values.repeats(self._repository)

    def savings(self) -> tuple[Saving, ...]:
        """What else could go, most bytes first."""
        return self._savings.found(self._repository)

    def repository(self, snapshot: str, document: Document, root: Spans, index: AssetIndex) -> None:
        """See the repository's own snapshot."""
        text = document.text
        has_sql, has_letters = RAW_SQL in text, "\\u" in text
        for element in items_of(root.get("external_asset_graph_data")):
            node = element.value
            key = key_of(node.get("asset_key")) if isinstance(node, Spans) else None
            if key is None or not isinstance(node, Spans):
                continue
            for item in node.items:
                name = item.name or ""
                if name == "metadata_entries":
                    self._entries(snapshot, key, text, item.value, has_letters)
                elif name in _LEFT and item.value is not None:
                    value = _text(text, item)
                    if name in _PARTITIONS and _KEYS not in value:
                        continue  # a start and a schedule: nothing that could be said elsewhere
                    identity = (name, hash(value))
                    gone = len(value) - _LEFT[name]
                    self._values.meet(identity, word(item), key, value, gone, snapshot)
                    if name == "op_description":
                        self._described[key] = identity
                        if has_sql:
                            self._savings.raw_sql((key,), value, snapshot)
                    elif name in _AUTOMATION:
                        self._conditions[key] = identity
                    if has_letters:
                        self._savings.letters(word(item), (key,), value, snapshot)
        self._values.forget_single()
        self._partition_sets(snapshot, text, root, index)
        self._automation_sensor(snapshot, root)
        for job, gone, started_by in removable_jobs(text, root, index):
            assets = (asset.key for asset in index.assets_by_job[job])
            self._savings.job(job, assets, gone, snapshot, started_by)

    def job(
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
        has_sql, has_letters = RAW_SQL in text, "\\u" in text
        for definition in definitions:
            name = text_of(definition, "name")
            node = nodes.served(name)
            assets = _assets_of(node.claim) if node else ()
            if node is None or not assets:
                continue
            for item in definition.items:
                if item.value is None:
                    continue
                if item.name == "description":
                    value = _text(text, item)
                    self._op_description(snapshot, name, assets, value)
                    if has_sql:
                        self._savings.raw_sql(assets, value, snapshot)
                    if has_letters:
                        self._savings.letters("description", assets, value, snapshot)
                elif item.name == "tags":
                    value = _text(text, item)
                    self._values.on_op(
                        ("op tags", hash(value)),
                        name,
                        assets,
                        value,
                        len(value) - _EMPTY,
                        snapshot,
                    )
                    if has_letters:
                        self._savings.letters("op tags", assets, value, snapshot)
                elif item.name == "output_def_snaps":
                    for output in items_of(item.value):
                        said = output.value
                        if isinstance(said, dict) and (
                            said.get("description") or said.get("metadata_entries")
                        ):
                            claim = node.outputs.get(text_of(said, "name"), node.claim)
                            self._output(snapshot, document, output, _assets_of(claim))

        structure = root.get("dep_structure_snapshot")
        for field in items_of(structure):
            for invocation in items_of(field.value):
                self._node_tags(snapshot, text, invocation.value, nodes)

    def _node_tags(self, snapshot: str, text: str, invocation: object, nodes: Nodes) -> None:
        """Before Dagster 1.13 a node has the tags of its op once more."""
        for item in items_of(invocation):
            if item.name == "tags" and item.value is not None:
                value = _text(text, item)
                found = self._values.known.get(("op tags", hash(value)))
                if found and nodes.node(text_of(invocation, "solid_name")) is not None:
                    found.charge(snapshot, len(value) - _EMPTY)

    def _entries(
        self, snapshot: str, key: str, text: str, entries: object, has_letters: bool
    ) -> None:
        """The metadata of an asset, entry by entry."""
        items = items_of(entries)
        separator = _SEPARATOR if len(items) > 1 else 0
        for item in items:
            label = text_of(item.value, "label")
            value = _text(text, item)
            field = f"metadata: {printable(label)}"
            gone = len(value) + separator
            if label == CODE_REFERENCES:
                self._savings.code_reference((key,), gone, snapshot)
            self._values.meet((field, hash(value)), field, key, value, gone, snapshot)
            if has_letters:
                self._savings.letters(field, (key,), value, snapshot)

    def _op_description(
        self, snapshot: str, definition: str, assets: Sequence[str], value: str
    ) -> None:
        """The description of an op: its assets' own once more, or one of the op alone."""
        if self._again(snapshot, ("op_description", hash(value)), assets, len(value) - _NULL):
            return
        identity = ("op description", hash(value))
        self._values.on_op(identity, definition, assets, value, len(value) - _NULL, snapshot)

    def _output(
        self, snapshot: str, document: Document, output: Item, assets: Sequence[str]
    ) -> None:
        """An output that says again what its asset says."""
        text = document.text
        spans, _ = document.walk(output.at, _OUTPUT)
        for item in items_of(spans):
            if item.name == "description" and item.value is not None:
                value = _text(text, item)
                self._again(snapshot, ("op_description", hash(value)), assets, len(value) - _NULL)
                self._savings.raw_sql(assets, value, snapshot)
                self._savings.letters("description", assets, value, snapshot)
            elif item.name == "metadata_entries":
                entries = items_of(item.value)
                for entry in entries:
                    value = _text(text, entry)
                    label = text_of(entry.value, "label")
                    field = f"metadata: {printable(label)}"
                    # An output without metadata does not have the field either.
                    gone = len(value) + _SEPARATOR if len(entries) > 1 else item.size
                    self._again(snapshot, (field, hash(value)), assets, gone)
                    if label == CODE_REFERENCES:
                        self._savings.code_reference(assets, gone, snapshot)
                    self._savings.letters(field, assets, value, snapshot)

    def _again(self, snapshot: str, identity: ValueId, assets: Sequence[str], gone: int) -> bool:
        """Whether each of these assets says that of itself; counted where it is repeated."""
        found = self._values.known.get(identity)
        if found is not None and all(asset in found.assets for asset in assets):
            found.charge(snapshot, gone)
            return True
        return all(self._described.get(asset) == identity for asset in assets)

    def _partition_sets(self, snapshot: str, text: str, root: Spans, index: AssetIndex) -> None:
        """A job of assets has a partition set as long as one of its assets is partitioned."""
        sets = items_of(root.get("external_partition_set_datas"))
        gone: dict[int, list[int]] = {}
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
                        gone.setdefault(id(value), []).append(len(_text(text, element)))
        for number, sizes in gone.items():
            values[number].charge(snapshot, _gone_from_list(sizes, len(sets)))

    def _automation_sensor(self, snapshot: str, root: Spans) -> None:
        """Dagster's own sensor goes with the last asset that has a condition."""
        conditions = set(self._conditions.values())
        value = self._values.known.get(conditions.pop()) if len(conditions) == 1 else None
        sensors = items_of(root.get("external_sensor_datas"))
        for sensor in sensors if value is not None else ():
            if text_of(sensor.value, "name") == _AUTOMATION_SENSOR and value is not None:
                size = sensor.size - (_SEPARATOR if sensor is not sensors[-1] else 0)
                value.charge(snapshot, _gone_from_list([size], len(sensors)))


def removable_jobs(
    text: str, root: Spans, index: AssetIndex
) -> Iterable[tuple[str, int, Sequence[str]]]:
    """The jobs of assets that a user has made, the bytes of a repository snapshot that would go
    with each, and the schedules and sensors that start it."""
    names = [job for job in index.assets_by_job if not job.startswith("__")]
    gone: Counter[str] = Counter()
    asset_jobs = (asset.jobs for asset in index.assets.values())
    for jobs in (*asset_jobs, *(check.jobs for check in index.checks)):
        separator = _SEPARATOR if len(jobs) > 1 else 0
        for job in jobs:
            gone[job] += len(json.dumps(job)) + separator
    for field, told in (
        ("external_job_refs", ""),
        ("external_pipeline_datas", ""),
        ("external_partition_set_datas", "_partition_set"),
    ):
        elements = items_of(root.get(field))
        for element in elements:
            job = text_of(element.value, "name").removesuffix(told)
            gone[job] += _gone_from_list([len(_text(text, element))], len(elements))
    for resource in items_of(root.get("external_resource_data")):
        users = resource.value.get("job_ops_using") if isinstance(resource.value, Spans) else None
        elements = items_of(users)
        for element in elements:
            job = text_of(element.value, "job_name")
            gone[job] += _gone_from_list([len(_text(text, element))], len(elements))
    starters: dict[str, list[str]] = {}
    for kind in ("schedule", "sensor"):
        for element in items_of(root.get(f"external_{kind}_datas")):
            targets = {text_of(element.value, "pipeline_name")}
            if isinstance(element.value, Spans):
                targets.update(i.name or "" for i in items_of(element.value.get("target_dict")))
            for job in targets:
                starters.setdefault(job, []).append(f"{kind} {text_of(element.value, 'name')}")
    for job in names:
        yield job, gone[job], starters.get(job, ())


def _text(text: str, item: Item) -> str:
    """The value of an item as it stands, without the separator that follows it."""
    stop = item.stop
    if text.startswith(", ", stop - 2):
        return text[item.at : stop - 2]
    return text[item.at : stop].rstrip(", \t\n\r")


def _gone_from_list(sizes: Sequence[int], length: int) -> int:
    """How many bytes go with elements of these sizes, separators included; one that is left has
    none."""
    return sum(sizes) + _SEPARATOR * min(len(sizes), length - 1)


def _assets_of(claim: Claim) -> tuple[str, ...]:
    """The assets that hold something; none where others hold it, too."""
    if all(owner.kind == "asset" for owner in claim.owners):
        return tuple(owner.name for owner in claim.owners)
    return ()
