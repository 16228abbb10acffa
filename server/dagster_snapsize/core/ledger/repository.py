"""The ledger of a repository snapshot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from dagster_snapsize.core.dagster_fields import STRUCTURE, label_of, metadata_label
from dagster_snapsize.core.json_spans import Document, Item, Spans, items_of, text_of
from dagster_snapsize.core.ledger.asset_index import (
    REPOSITORY,
    AssetIndex,
    assets_of,
    checks_of,
    escaped,
    key_of,
)
from dagster_snapsize.core.ledger.builder import Attribution, LedgerBuilder
from dagster_snapsize.core.model import Ledger, OwnerKind

_COMPONENT_TYPES = "plugin_component_types_json"
_LISTS: dict[str, OwnerKind] = {
    "external_job_refs": "job",
    "external_pipeline_datas": "job",
    "external_partition_set_datas": "partition_set",
    "external_schedule_datas": "schedule",
    "external_sensor_datas": "sensor",
}


def attribute_repository(
    payload: bytes, inspect: Callable[[Document, Spans, AssetIndex], None] | None = None
) -> tuple[Ledger, AssetIndex]:
    """Who owns every byte of a serialized repository snapshot, and what job ledgers need of it.

    ``payload`` is the text as UTF-8. ValueError where it is no JSON; any JSON at all has a ledger.
    ``inspect`` is given what was read, which is gone afterwards.
    """
    document = Document(payload)
    root, start, end = document.read(REPOSITORY)
    builder = LedgerBuilder()
    if not isinstance(root, Spans) or not any(i.name in REPOSITORY.named for i in root.items):
        builder.row("unknown").add(STRUCTURE, len(payload))
        return builder.build(len(payload)), AssetIndex.of((), ())
    ledger = RepositoryLedger(builder, root)
    builder.row(STRUCTURE).add(STRUCTURE, len(payload) - (end - start) + root.own)
    for item in root.items:
        ledger.attribute(item)
    if inspect is not None:
        inspect(document, root, ledger.index)
    return builder.build(len(payload)), ledger.index


class RepositoryLedger:
    """Attributes the bytes of one repository snapshot."""

    def __init__(self, builder: LedgerBuilder, root: Spans) -> None:
        self.builder = builder
        self.index = AssetIndex.of(assets_of(root), checks_of(root))
        self._users: dict[str, dict[str, list[Attribution]]] = {}

    def attribute(self, item: Item) -> None:
        """Enter one field of the snapshot."""
        name, value = item.name or "", item.value
        if name in ("__class__", "name"):
            self.builder.row(STRUCTURE).add(STRUCTURE, item.size)
        elif isinstance(value, Spans) and value.kind == "list" and name in _METHODS:
            self.builder.row(STRUCTURE).add(STRUCTURE, item.size - value.inside)
            row = self.builder.row(name)
            for element in value.items:
                if not _METHODS[name](self, name, element):
                    row.add(name, element.size)
        elif isinstance(value, Spans) and name == "component_tree":
            self._components(item, value)
        elif isinstance(value, Spans) and name == "metadata":
            self._metadata(item, value)
        else:
            self.builder.row(name).add(name, item.size)

    def asset(self, _name: str, element: Item) -> bool:
        """An asset node, to its asset."""
        if not isinstance(element.value, Spans):
            return False
        key = key_of(element.value.get("asset_key"))
        if key is None:
            return False
        attribution = self.builder.asset(key)
        self._fields(attribution, element, element.value)
        return True

    def check(self, _name: str, element: Item) -> bool:
        """A check node, to its check; what it depends on beside its asset is an edge."""
        if not isinstance(element.value, Spans):
            return False
        key, name = key_of(element.value.get("asset_key")), element.value.text("name")
        if key is None or name is None:
            return False
        self._fields(self.builder.check(key, name), element, element.value)
        return True

    def named(self, field: str, element: Item) -> bool:
        """Anything that has nothing but a name: to an owner of that name."""
        spans = element.value
        name = spans.text("name") if isinstance(spans, Spans) else None
        if name is None or not isinstance(spans, Spans):
            return False
        self._fields(self.builder.owner(_LISTS[field], name), element, spans)
        return True

    def selecting(self, field: str, element: Item) -> bool:
        """A schedule or a sensor; the keys in its selections belong to the assets named."""
        spans = element.value
        name = spans.text("name") if isinstance(spans, Spans) else None
        if name is None or not isinstance(spans, Spans):
            return False
        attribution = self.builder.owner(_LISTS[field], name)
        attribution.add(STRUCTURE, element.size - spans.inside)
        for item in spans.items:
            given = self._selected(item.value) if isinstance(item.value, Spans) else 0
            attribution.add(label_of(item), item.size - given)
        return True

    def resource(self, _name: str, element: Item) -> bool:
        """A resource; the lists of its users belong to them."""
        spans = element.value
        name = spans.text("name") if isinstance(spans, Spans) else None
        if name is None or not isinstance(spans, Spans):
            return False
        attribution = self.builder.owner("resource", name)
        attribution.add(STRUCTURE, element.size - spans.inside)
        for item in spans.items:
            given = 0
            if isinstance(item.value, Spans):
                given = sum(self._user(item.name, user) for user in item.value.items)
            attribution.add(label_of(item), item.size - given)
        return True

    def _fields(self, attribution: Attribution, element: Item, spans: Spans) -> None:
        """The fields of a node, each to the node's owner except for the edges of others."""
        # Most fields of a node are not set: they are structure, all at once.
        given = [item for item in spans.items if item[4] is not None]
        attribution.add(STRUCTURE, element.size - sum([item[3] - item[1] for item in given]))
        for item in given:
            name = label_of(item)
            if not isinstance(item.value, Spans) or item.value.kind != "list":
                attribution.add(name, item.size)
            elif item.name == "metadata_entries":
                attribution.add(STRUCTURE, item.size - item.value.inside)
                for entry in item.value.items:
                    label = entry.value.text("label") if isinstance(entry.value, Spans) else None
                    name = "metadata" if label is None else metadata_label(label)
                    attribution.add(name, entry.size)
            else:
                attribution.add(name, item.size - self._edges(attribution, item.name, item.value))

    def _edges(self, attribution: Attribution, field: str | None, spans: Spans) -> int:
        """Note what the entries of a list of dependencies name; returns what others own of it."""
        given = 0
        for entry in spans.items:
            fields = entry.value if isinstance(entry.value, dict) else {}
            if field == "depended_by":
                # Of old snapshots: the edge of the asset named, listed again at its upstream.
                key = key_of(fields.get("downstream_asset_key"))
                if key is not None and key in self.index.assets and attribution.asset:
                    dependent = self.builder.asset(key)
                    dependent.add("deps", entry.size)
                    self.builder.add_edge(attribution.asset, dependent, entry.size)
                    given += entry.size
                continue
            key = key_of(fields.get("upstream_asset_key") or fields)
            if key is not None and key in self.index.assets:
                self.builder.add_edge(key, attribution, entry.size)
        return given

    def _selected(self, spans: Spans) -> int:
        """Give the elements of key lists to what they name; returns how many bytes that were."""
        given = 0
        for item in spans.items:
            if not isinstance(item.value, Spans):
                continue
            attribution = self._named_by(item.value) if spans.kind == "list" else None
            if attribution is None:
                given += self._selected(item.value)
            else:
                attribution.add("selections", item.size)
                given += item.size
        return given

    def _named_by(self, spans: Spans) -> Attribution | None:
        """The asset or the check whose serialized key this is, if there is such a one."""
        key = _walked_key(spans)
        if key is not None:
            return self.builder.asset(key) if key in self.index.assets else None
        asset, name = spans.get("asset_key"), spans.text("name")
        key = _walked_key(asset) if isinstance(asset, Spans) else None
        if key is None or name is None or key not in self.index.assets:
            return None
        return self.builder.check(key, name)

    def _user(self, field: str | None, user: Item) -> int:
        """Give an entry of a resource's list of users to them; returns how many bytes that were."""
        value = user.value
        if field == "asset_keys_using":
            key = key_of(value)
            if key is None or key not in self.index.assets:
                return 0
            self.builder.asset(key).add("resources", user.size)
        elif field in ("schedules_using", "sensors_using") and isinstance(value, str):
            kind: OwnerKind = "schedule" if field == "schedules_using" else "sensor"
            self.builder.owner(kind, value).add("resources", user.size)
        elif field == "job_ops_using" and isinstance(value, Spans):
            job = value.text("job_name")
            if job is None:
                return 0
            attribution = self.builder.owner("job", job)
            attribution.add(
                "resources", user.size - self._handles_of(job, value.get("node_handles"))
            )
        else:
            return 0
        return user.size

    def _handles_of(self, job: str, handles: object) -> int:
        """Give a job's node handles to what they compute; returns how many bytes that were."""
        given = 0
        items = items_of(handles)
        names = [_handle(item.value) for item in items]
        counts = Counter(names)
        dealt: dict[str, Iterator[Attribution]] = {}
        for item, handle in zip(items, names, strict=True):
            attribution = self._computed(job, handle)
            if attribution is None:
                continue
            if len(attribution.owners) > 1 or counts[handle] > 1:
                if handle not in dealt:
                    dealt[handle] = iter(self._each_of(job, handle, counts[handle]))
                attribution = next(dealt[handle], attribution)
            attribution.add("resources", item.size)
            given += item.size
        return given

    def _each_of(self, job: str, handle: str, count: int) -> list[Attribution]:
        """The assets of a handle that is listed once for each of them, as io managers list it."""
        there = [a for a in self.index.assets_by_job.get(job, ()) if handle in a.handles]
        together = list(self.index.together.get(there[0].computation, ())) if there else []
        for assets in (together, there):
            if 1 < len(assets) <= count:
                return [self.builder.asset(asset.key) for asset in assets]
        return []

    def _computed(self, job: str, handle: str) -> Attribution | None:
        """The assets, or the checks, that the op of that handle computes in that job."""
        users = self._users.get(job)
        if users is None:
            users = self._users[job] = self._users_of(job)
        for name in (handle, handle.split(".")[0]):
            if name in users:
                return self.builder.joint(users[name], name)
        return None

    def _users_of(self, job: str) -> dict[str, list[Attribution]]:
        """The attributions of a job's assets and checks by the name of what computes them."""
        users: dict[str, list[Attribution]] = {}
        for asset in self.index.assets_by_job.get(job, ()):
            names = {*asset.handles, asset.root or "", asset.definition or ""} - {""}
            for name in names:
                users.setdefault(name, []).append(self.builder.asset(asset.key))
        for check in self.index.checks_by_job.get(job, ()):
            users.setdefault(check.identifier, [self.builder.check(check.asset, check.name)])
        return users

    def _components(self, item: Item, tree: Spans) -> None:
        """The tree of components: each leaf to its own name."""
        leaves = tree.get("leaf_instances")
        named = 0
        if isinstance(leaves, Spans):
            for leaf in leaves.items:
                key = leaf.value.text("key") if isinstance(leaf.value, Spans) else None
                if key is not None:
                    self.builder.owner("component", key).add("component", leaf.size)
                    named += leaf.size
        self.builder.row("component_tree").add("component_tree", item.size - named)

    def _metadata(self, item: Item, metadata: Spans) -> None:
        """The metadata of the definitions: each entry to its key, such as an integration's for the
        state that it keeps there, and each schema of a component type to its own name."""
        listed = metadata.get(_COMPONENT_TYPES)
        named = 0
        for entry in metadata.items:
            if entry.name and entry.name != _COMPONENT_TYPES:
                size = entry.size
                if entry is metadata.items[-1] and len(metadata.items) > 1:
                    size += len(", ")  # of the brackets' bytes: whichever goes takes one along
                self.builder.owner("definitions_metadata", entry.name).add("value", size)
                named += size
        for package in items_of(listed.get("data") if isinstance(listed, Spans) else None):
            types = (
                package.value.get("componentTypes") if isinstance(package.value, Spans) else None
            )
            for element in items_of(types):
                name = text_of(element.value, "name")
                if name:
                    self.builder.owner("component", name).add("type schema", element.size)
                    named += element.size
        self.builder.row("metadata").add("metadata", item.size - named)


_METHODS = {
    "external_asset_graph_data": RepositoryLedger.asset,
    "external_asset_checks": RepositoryLedger.check,
    "external_resource_data": RepositoryLedger.resource,
    "external_job_refs": RepositoryLedger.named,
    "external_pipeline_datas": RepositoryLedger.named,
    "external_partition_set_datas": RepositoryLedger.named,
    "external_schedule_datas": RepositoryLedger.selecting,
    "external_sensor_datas": RepositoryLedger.selecting,
}


def _walked_key(spans: Spans) -> str | None:
    """A key that was walked by hand, in its escaped form; None where it is none."""
    path = spans.get("path")
    if not isinstance(path, Spans) or path.kind != "list" or not path.items:
        return None
    parts = tuple(item.value for item in path.items if isinstance(item.value, str))
    return escaped(parts) if len(parts) == len(path.items) else None


def _handle(value: object) -> str:
    """A serialized node handle as ``graph.op``."""
    names: list[str] = []
    while isinstance(value, dict) and isinstance(value.get("name"), str):
        names.append(value["name"])
        value = value.get("parent")
    return ".".join(reversed(names))
