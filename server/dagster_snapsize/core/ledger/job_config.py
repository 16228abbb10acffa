"""Attributes the config schema and the Dagster types of a job snapshot to owners."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from attrs import define, frozen

from dagster_snapsize.core.json_spans import (
    KEEP,
    SKIP,
    Document,
    Escaped,
    Item,
    ReadPlan,
    Spans,
    escaped,
    items_of,
    text_of,
)
from dagster_snapsize.core.ledger.asset_index import strings
from dagster_snapsize.core.ledger.builder import Attribution, LedgerBuilder
from dagster_snapsize.core.ledger.job_nodes import Input, Nodes

_DEFAULT = ReadPlan(named={"default_value_as_json_str": KEEP})
# Defaults nest as graphs do: {"node": {"ops": {"inner": ...}}}; deeper ones go with their graph.
_FLAT = ReadPlan(each=SKIP)
_NODES, _CONFIG = SKIP, SKIP
for _ in range(8):
    _CONFIG = ReadPlan(named={"ops": _NODES}) if _NODES.descends else _FLAT
    _NODES = ReadPlan(each=_CONFIG)
_BUILT_IN, _RUN_CONFIG = "built-in types", "run config"


@define
class Holder:
    """The attribution of a type and its field there. A ``fixed`` one is never shared."""

    attribution: Attribution
    field: str
    fixed: bool = False


class ConfigField(NamedTuple):
    """A field of a config type, and the type of its values."""

    name: str
    type_key: str | None


class ConfigTypes:
    """The config types of one job, by key."""

    def __init__(self, builder: LedgerBuilder, types: Mapping[str, Spans]) -> None:
        self._builder = builder
        self._shared = builder.row("shared config types")
        self._types = types
        self._fields: dict[str, list[ConfigField]] = {}
        self.holders: dict[str, Holder] = {}

    def fields(self, key: str | None) -> list[ConfigField]:
        """The fields of a shape or a selector; empty for other types."""
        if key is None or key not in self._types:
            return []
        fields = self._fields.get(key)
        if fields is None:
            found = self._types[key].get("fields")
            fields = self._fields[key] = [
                ConfigField(item.value["name"], type_key_of(item.value))
                for item in items_of(found)
                if isinstance(item.value, dict) and isinstance(item.value.get("name"), str)
            ]
        return fields

    def scalars(self) -> list[str]:
        """The keys of the scalar types, which every job carries."""
        return [
            key
            for key, spans in self._types.items()
            if _enum_of(spans.get("kind")) in ("ConfigTypeKind.SCALAR", "ConfigTypeKind.ANY")
        ]

    def fix(self, keys: Iterable[str | None], attribution: Attribution, field: str) -> None:
        """Attribute all that these types reach to one owner, even where others reach it."""
        self._reach(keys, Holder(attribution, field, fixed=True))

    def fix_one(self, key: str | None, attribution: Attribution, field: str) -> list[ConfigField]:
        """Attribute that type alone, not what it reaches, to one owner. Returns its fields."""
        if key is not None and key in self._types:
            self._take(key, Holder(attribution, field, fixed=True))
        return self.fields(key)

    def reach(self, keys: Iterable[str | None], attribution: Attribution) -> None:
        """Attribute all that these types reach, shared with others that reach it."""
        self._reach(keys, Holder(attribution, "config"))

    def hold(self, key: str | None, attribution: Attribution) -> list[ConfigField]:
        """Attribute that type alone, not what it reaches. Returns its fields."""
        if key is not None and key in self._types:
            self._take(key, Holder(attribution, "config"))
        return self.fields(key)

    def _reach(self, keys: Iterable[str | None], holder: Holder) -> None:
        todo = [key for key in keys if key is not None]
        while todo:
            key = todo.pop()
            spans = self._types.get(key)
            if spans is None or not self._take(key, holder):
                continue
            todo.extend(strings(spans.get("type_param_keys")))
            todo.extend(f.type_key for f in self.fields(key) if f.type_key is not None)

    def _take(self, key: str, holder: Holder) -> bool:
        """Set the holder of a type, or share the type with it. False where nothing changed."""
        before = self.holders.get(key)
        if before is None or (holder.fixed and not before.fixed):
            self.holders[key] = holder
            return True
        if (
            before.fixed
            or before.attribution is holder.attribution
            or before.attribution is self._shared
        ):
            return False
        asset = before.attribution.asset
        if asset is not None and asset == holder.attribution.asset:
            # Reached by an asset and its checks alone: it goes when the asset goes.
            attribution = self._builder.asset(asset)
            if before.attribution is attribution:
                return False
        else:
            attribution = self._shared
        self.holders[key] = Holder(attribution, holder.field)
        return True


def type_key_of(value: object) -> str | None:
    """The type that a serialized config field names."""
    key = value.get("type_key") if isinstance(value, dict) else None
    return key if isinstance(key, str) else None


def _enum_of(value: object) -> object:
    return value.get("__enum__") if isinstance(value, dict) else None


class DagsterTypes:
    """The Dagster types of one job, and whose inputs and outputs use each."""

    def __init__(self, builder: LedgerBuilder, types: Mapping[str, Mapping[str, object]]) -> None:
        self._builder = builder
        self._types = types
        self._built_in = {k for k, v in types.items() if v.get("is_builtin") is True}
        self._users: dict[str, dict[int, Attribution]] = {}

    def use(self, key: object, attribution: Attribution) -> None:
        """Note that this attribution has an input or output of the type."""
        todo = [key]
        while todo:
            name = todo.pop()
            if not isinstance(name, str) or name not in self._types:
                continue
            users = self._users.setdefault(name, {})
            if id(attribution) not in users:
                users[id(attribution)] = attribution
                todo.extend(strings(self._types[name].get("type_param_keys")))

    @property
    def keys(self) -> list[str]:
        """The keys of all types."""
        return list(self._types)

    def is_built_in(self, key: str) -> bool:
        """Whether every job carries the type."""
        return key in self._built_in

    def loader(self, key: str) -> str | None:
        """The config type from which values of the type are loaded."""
        loader = self._types.get(key, {}).get("loader_schema_key")
        return loader if isinstance(loader, str) else None

    def holder(self, key: str) -> Attribution | None:
        """The only user of the type; a bracketed row where several use it; None where none does."""
        users = list(self._users.get(key, {}).values())
        if len(users) < 2:
            return users[0] if users else None
        assets = {attribution.asset for attribution in users}
        asset = assets.pop()
        if assets or asset is None:
            return self._builder.row("shared Dagster types")
        return self._builder.asset(asset)


@frozen
class _Parts:
    """A config type with fields that belong to other owners than the type itself.

    ``attribution`` is the type's, ``of`` finds that of a field. ``inner`` attributes what is inside
    the default of a field to further owners and returns its bytes.
    """

    attribution: Attribution
    of: Callable[[str], Input | None]
    inner: Callable[[str, Escaped], int] | None = None
    plan: ReadPlan = _FLAT


class ConfigSchema:
    """The config types and Dagster types of one job, each with its attribution."""

    def __init__(
        self,
        document: Document,
        builder: LedgerBuilder,
        job: Attribution,
        nodes: Nodes,
        root: Spans,
        definitions: Sequence[Spans],
    ) -> None:
        self._document, self._builder, self._job, self._nodes = document, builder, job, nodes
        namespace = root.get("dagster_type_namespace_snapshot")
        self.types = DagsterTypes(
            builder, {k: v for k, v in _snaps(namespace) if isinstance(v, dict)}
        )
        schema = root.get("config_schema_snapshot")
        self.config = ConfigTypes(
            builder, {k: v for k, v in _snaps(schema) if isinstance(v, Spans)}
        )
        self._parts: dict[str, _Parts] = {}
        self._root_keys: set[str] = set()
        self._has_parts: dict[str | None, bool] = {}
        self._use_types(definitions)
        modes = [mode.value for mode in items_of(root.get("mode_def_snaps"))]
        self._fix(modes)
        self._reach(modes, definitions)

    def attribute_config(self, section: object) -> int:
        """Attribute all config types. Returns their bytes."""
        attributed = 0
        for item in _members(section):
            attributed += item.size
            key = item.name or ""
            holder = self.config.holders.get(key)
            if holder is None or not isinstance(item.value, Spans):
                self._builder.row("config_schema_snapshot").add("config", item.size)
                continue
            rest = item.size
            if key in self._root_keys:
                rest -= self._attribute_root(item.value)
            elif key in self._parts and self._parts[key].attribution is holder.attribution:
                rest -= self._attribute_parts(item.value, self._parts[key])
            holder.attribution.add(holder.field, rest)
        # They refer back to this object and so to the whole text. With the garbage collector off,
        # as while ledgers are made, the cycle would keep it in memory.
        self._parts.clear()
        return attributed

    def attribute_types(self, section: object) -> int:
        """Attribute all Dagster types. Returns their bytes."""
        attributed = 0
        for item in _members(section):
            attributed += item.size
            key = item.name or ""
            attribution = self.types.holder(key)
            if self.types.is_built_in(key):
                self._job.add(_BUILT_IN, item.size)
            elif attribution is None:
                self._builder.row("dagster_type_namespace_snapshot").add("types", item.size)
            else:
                attribution.add("types", item.size)
        return attributed

    def _use_types(self, definitions: Sequence[Spans]) -> None:
        """Note which input and output uses which Dagster type."""
        for definition in definitions:
            served = self._nodes.of_definition(text_of(definition, "name"))
            if served is None:
                continue
            for item in items_of(definition.get("input_def_snaps")):
                key = text_of(item.value, "dagster_type_key")
                if not self.types.is_built_in(key):
                    found = served.inputs.get(text_of(item.value, "name"))
                    self.types.use(key, found.attribution if found else served.attribution)
            for item in items_of(definition.get("output_def_snaps")):
                key = text_of(item.value, "dagster_type_key")
                if not self.types.is_built_in(key):
                    name = text_of(item.value, "name")
                    self.types.use(key, served.outputs.get(name, served.attribution))

    def _fix(self, modes: Sequence[object]) -> None:
        """Attribute what every job carries to the job, even where others reach it."""
        config, job = self.config, self._job
        config.fix(config.scalars(), job, _BUILT_IN)
        built_in = [key for key in self.types.keys if self.types.is_built_in(key)]
        config.fix((self.types.loader(key) for key in built_in), job, _BUILT_IN)
        for mode in modes:
            root = text_of(mode, "root_config_key")
            self._root_keys.add(root)
            for field in config.fix_one(root, job, _RUN_CONFIG):
                if field.name in ("ops", "solids", "resources"):
                    config.fix_one(field.type_key, job, _RUN_CONFIG)
                    if field.type_key is not None and field.name == "resources":
                        self._parts[field.type_key] = _Parts(job, self._of_resource)
                    elif field.type_key is not None:
                        self._parts[field.type_key] = _Parts(
                            job, self._of_node, self._attribute_node_default, _CONFIG
                        )
                elif field.name in ("execution", "loggers"):
                    config.fix([field.type_key], job, f"{field.name} config")
                else:
                    config.fix([field.type_key], job, _RUN_CONFIG)
            loggers = mode.get("logger_def_snaps") if isinstance(mode, Spans) else None
            config.fix(_config_keys(loggers), job, "loggers config")

    def _reach(self, modes: Sequence[object], definitions: Sequence[Spans]) -> None:
        """Attribute what resources, nodes, definitions and Dagster types reach."""
        config, builder = self.config, self._builder
        for mode in modes:
            for field in config.fields(text_of(mode, "root_config_key")):
                for inner in config.fields(field.type_key) if field.name == "resources" else ():
                    config.reach([inner.type_key], builder.owner("resource", inner.name))
                for inner in config.fields(field.type_key) if field.name != "resources" else ():
                    self._reach_node(inner)
            resources = mode.get("resource_def_snaps") if isinstance(mode, Spans) else None
            for item in items_of(resources):
                key = type_key_of(_get(item.value, "config_field_snap"))
                config.reach([key], builder.owner("resource", text_of(item.value, "name")))
        for definition in definitions:
            served = self._nodes.of_definition(text_of(definition, "name"))
            if served is not None:
                config.reach([type_key_of(definition.get("config_field_snap"))], served.attribution)
        for key in self.types.keys:
            holder = self.types.holder(key)
            if holder is not None:
                config.reach([self.types.loader(key)], holder)

    def _reach_node(self, field: ConfigField) -> None:
        """Attribute the types of one node's config."""
        node = self._nodes.outer.get(field.name)
        if node is None:
            self.config.fix([field.type_key], self._job, _RUN_CONFIG)
            return
        if not self._splits(field.type_key):
            self.config.reach([field.type_key], node.attribution)
            return
        for part in self.config.hold(field.type_key, node.attribution):
            if part.name == "inputs":
                self._hold(part.type_key, node.attribution, node.inputs.get)
            elif part.name == "outputs":
                outputs = {
                    name: Input(attribution, None) for name, attribution in node.outputs.items()
                }
                self._hold(part.type_key, node.attribution, outputs.get)
            elif part.name == "ops":
                self._reach_inner(field.name, "", part.type_key, node.attribution)
                self._parts[str(field.type_key)] = _Parts(
                    node.attribution,
                    _nobody,
                    lambda name, default, outer=field.name, attribution=node.attribution: (  # type: ignore[misc]
                        self._attribute_nodes(outer, "", default.spans, default, attribution)
                        if name == "ops"
                        else 0
                    ),
                    _NODES,
                )
            else:
                self.config.reach([part.type_key], node.attribution)

    def _reach_inner(
        self, outer: str, prefix: str, key: str | None, attribution: Attribution
    ) -> None:
        """Attribute the types of the nodes of a graph that compute for others than the graph."""
        own = {
            field.name: self._nodes.inner.get((outer, f"{prefix}{field.name}"), attribution)
            for field in self.config.fields(key)
        }
        if all(inner is attribution for inner in own.values()):
            self.config.reach([key], attribution)
            return
        fields = self.config.hold(key, attribution)
        self._parts[str(key)] = _Parts(attribution, {n: Input(c, None) for n, c in own.items()}.get)
        for field in fields:
            inner = own[field.name]
            if len(inner.owners) < 2 or (outer, f"{prefix}{field.name}") not in self._nodes.inner:
                self.config.reach([field.type_key], inner)
                continue
            for part in self.config.hold(field.type_key, inner):
                if part.name == "ops":
                    self._reach_inner(outer, f"{prefix}{field.name}.", part.type_key, inner)
                else:
                    self.config.reach([part.type_key], inner)

    def _hold(
        self, key: str | None, attribution: Attribution, part: Callable[[str], Input | None]
    ) -> None:
        """Attribute a type whose fields are named for inputs or outputs, field by field."""
        for field in self.config.hold(key, attribution):
            found = part(field.name)
            self.config.reach([field.type_key], found.attribution if found else attribution)
        if key is not None:
            self._parts[key] = _Parts(attribution, part)

    def _splits(self, key: str | None) -> bool:
        """Whether parts of a node's config may belong to other owners than the node."""
        known = self._has_parts.get(key)
        if known is None:
            names = {field.name for field in self.config.fields(key)}
            known = self._has_parts[key] = bool(names & {"inputs", "outputs", "ops"})
        return known

    def _of_node(self, name: str) -> Input | None:
        attribution = self._nodes.node(name)
        return Input(attribution, None) if attribution else None

    def _of_resource(self, name: str) -> Input | None:
        return Input(self._builder.owner("resource", name), None)

    def _attribute_root(self, spans: Spans) -> int:
        """Attribute the fields of a job's run config. Returns the bytes attributed."""
        attributed = 0
        for field in self._fields_of(spans):
            name = text_of(field.value, "name")
            if name in ("execution", "loggers"):
                self._job.add(f"{name} config", field.size)
                attributed += field.size
            elif name in ("ops", "solids"):
                default = self._default(field, _NODES)
                attributed += self._attribute_node_defaults(default) if default else 0
            elif name == "resources":
                default = self._default(field, _FLAT)
                for item in default.spans.items if default else ():
                    size = default.size(item) if default else 0
                    self._builder.owner("resource", item.name or "").add("config", size)
                    attributed += size
        return attributed

    def _default(self, field: Item, plan: ReadPlan) -> Escaped | None:
        """The default of a field, which is JSON in a string; None where it has none."""
        spans, _ = self._document.walk(field.at, _DEFAULT)
        for item in items_of(spans):
            if item.name == "default_value_as_json_str" and isinstance(item.value, str):
                end = self._document.scan(item.at)[1]
                return escaped(self._document.text[item.at : end], item.value, plan)
        return None

    def _attribute_node_defaults(self, default: Escaped) -> int:
        """Attribute the default of all nodes, each node's part to its owners."""
        attributed = 0
        for item in default.spans.items:
            attribution = self._nodes.node(item.name or "")
            if attribution is not None:
                size = default.size(item)
                inside = self._attribute_config(
                    item.name or "", "", item.value, default, attribution
                )
                attribution.add("config", size - inside)
                attributed += size
        return attributed

    def _attribute_node_default(self, name: str, default: Escaped) -> int:
        """Attribute what belongs to inner nodes in the default of a node of the job."""
        attribution = self._nodes.node(name)
        return (
            self._attribute_config(name, "", default.spans, default, attribution)
            if attribution
            else 0
        )

    def _attribute_config(
        self, outer: str, prefix: str, config: object, default: Escaped, attribution: Attribution
    ) -> int:
        """Attribute what belongs to inner nodes in a node's default. Returns its bytes."""
        if len(attribution.owners) < 2:
            return 0
        return sum(
            self._attribute_nodes(outer, prefix, part.value, default, attribution)
            for part in items_of(config)
            if part.name == "ops"
        )

    def _attribute_nodes(
        self, outer: str, prefix: str, nodes: object, default: Escaped, attribution: Attribution
    ) -> int:
        attributed = 0
        for item in items_of(nodes):
            handle = f"{prefix}{item.name}"
            own = self._nodes.inner.get((outer, handle))
            if own is not None and own is not attribution:
                size = default.size(item)
                inside = self._attribute_config(outer, f"{handle}.", item.value, default, own)
                own.add("config", size - inside)
                attributed += size
        return attributed

    def _attribute_parts(self, spans: Spans, parts: _Parts) -> int:
        """Attribute the fields of a type that belong to others. Returns the bytes attributed."""
        attributed = 0
        for field in self._fields_of(spans):
            name = text_of(field.value, "name")
            found = parts.of(name)
            inside = 0
            if parts.inner and (found is None or len(found.attribution.owners) > 1):
                default = self._default(field, parts.plan)
                inside = parts.inner(name, default) if default else 0
            attributed += inside
            if found is not None:
                found.attribution.add("config", field.size - inside)
                if found.upstream is not None:
                    self._builder.add_edge(found.upstream, found.attribution, field.size)
                attributed += field.size - inside
        return attributed

    def _fields_of(self, spans: Spans) -> list[Item]:
        return [f for item in spans.items if item.name == "fields" for f in items_of(item.value)]


def _nobody(_name: str) -> Input | None:
    """The owner of a field where all fields belong to the type's owner."""
    return None


def _members(section: object) -> list[Item]:
    """The types by key of a namespace section."""
    return [
        item
        for field in items_of(section)
        if field.name in ("all_config_snaps_by_key", "all_dagster_type_snaps_by_key")
        for item in items_of(field.value)
    ]


def _snaps(section: object) -> list[tuple[str, object]]:
    return [(item.name or "", item.value) for item in _members(section)]


def _get(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, (Spans, dict)) else None


def _config_keys(snaps: object) -> list[str | None]:
    """The config types of a list of definitions."""
    return [type_key_of(_get(item.value, "config_field_snap")) for item in items_of(snaps)]
