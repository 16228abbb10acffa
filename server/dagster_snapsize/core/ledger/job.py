"""The ledger of a job snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dagster_snapsize.core.dagster_fields import FIELDS, STRUCTURE
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
from dagster_snapsize.core.ledger.asset_index import AssetIndex
from dagster_snapsize.core.ledger.builder import Attribution, LedgerBuilder
from dagster_snapsize.core.ledger.job_config import ConfigSchema
from dagster_snapsize.core.ledger.job_nodes import Graph, Invocation, Node, Nodes
from dagster_snapsize.core.model import Ledger

_EACH_KEPT = ReadPlan(each=KEEP, unordered=True)
_INVOCATIONS = ReadPlan(
    named={
        "solid_invocation_snaps": ReadPlan(
            each=ReadPlan(
                named={
                    "solid_name": KEEP,
                    "solid_def_name": KEEP,
                    "input_dep_snaps": _EACH_KEPT,
                    "tags": SKIP,
                },
                only=True,
            )
        )
    }
)
_DEFINITION = {
    "name": KEEP,
    "description": SKIP,
    "tags": SKIP,
    "input_def_snaps": _EACH_KEPT,
    "output_def_snaps": _EACH_KEPT,
    "config_field_snap": KEEP,
}
_MAPPINGS = ("input_mapping_snaps", "output_mapping_snaps")
_CONFIG_TYPE = ReadPlan(
    named={"fields": ReadPlan(each=KEEP), "type_param_keys": KEEP, "kind": KEEP}, only=True
)
_NAMED = ReadPlan(named={"name": KEEP, "config_field_snap": KEEP})
_JOB = ReadPlan(
    named={
        "name": KEEP,
        "config_schema_snapshot": ReadPlan(
            named={"all_config_snaps_by_key": ReadPlan(each=_CONFIG_TYPE)}
        ),
        "dagster_type_namespace_snapshot": ReadPlan(
            named={"all_dagster_type_snaps_by_key": ReadPlan(each=KEEP)}
        ),
        "solid_definitions_snapshot": ReadPlan(
            named={
                "solid_def_snaps": ReadPlan(each=ReadPlan(named=_DEFINITION, only=True)),
                "composite_solid_def_snaps": ReadPlan(
                    each=ReadPlan(
                        named={
                            **_DEFINITION,
                            **dict.fromkeys(_MAPPINGS, _EACH_KEPT),
                            "dep_structure_snapshot": _INVOCATIONS,
                        },
                        only=True,
                    )
                ),
            }
        ),
        "dep_structure_snapshot": _INVOCATIONS,
        "mode_def_snaps": ReadPlan(
            each=ReadPlan(
                named={
                    "resource_def_snaps": ReadPlan(each=_NAMED),
                    "logger_def_snaps": ReadPlan(each=_NAMED),
                    "root_config_key": KEEP,
                }
            )
        ),
        **dict.fromkeys(("lineage_snapshot", "graph_def_name", "__class__"), ReadPlan()),
    }
)

# The lists of a node or a definition whose elements name an input or an output, and where.
_INPUTS = {
    "input_def_snaps": "name",
    "input_dep_snaps": "input_name",
    "input_mapping_snaps": "external_input_name",
}
_OUTPUTS = {"output_def_snaps": "name", "output_mapping_snaps": "external_output_name"}
_OP_FIELDS = ("description", "tags", "config_field_snap")


def attribute_job(
    payload: bytes,
    index: AssetIndex,
    inspect: Callable[[Document, Spans, Iterable[Spans], Nodes], None] | None = None,
) -> Ledger:
    """Who owns every byte of a serialized job snapshot.

    ``payload`` is UTF-8, ``index`` that of the job's repository. Any JSON has a ledger; raises
    ValueError where the payload is not valid JSON. ``inspect`` is called with what was read, which
    is not kept: the document, its root, the definitions of its ops and graphs, and its nodes.
    """
    document = Document(payload)
    root, start, end = document.read(_JOB)
    builder = LedgerBuilder()
    if not isinstance(root, Spans) or not any(item.name in FIELDS for item in root.items):
        builder.row("unknown").add(STRUCTURE, len(payload))
        return builder.build(len(payload))
    ledger = JobLedger(document, builder, root, index)
    ledger.job.add(STRUCTURE, len(payload) - (end - start) + root.own)
    for item in root.items:
        ledger.attribute(item)
    if inspect is not None:
        inspect(document, root, ledger.definitions, ledger.nodes)
    return builder.build(len(payload))


class JobLedger:
    """Attributes the bytes of one job snapshot."""

    def __init__(
        self, document: Document, builder: LedgerBuilder, root: Spans, index: AssetIndex
    ) -> None:
        self.builder = builder
        name = root.text("name")
        self.job = builder.row(STRUCTURE) if name is None else builder.owner("job", name)
        definitions = root.get("solid_definitions_snapshot")
        ops = _elements(definitions, "solid_def_snaps")
        graphs = _elements(definitions, "composite_solid_def_snaps")
        self.nodes = Nodes(
            builder,
            index,
            name,
            _invocations(root.get("dep_structure_snapshot")),
            {text_of(graph, "name"): _graph(graph) for graph in graphs},
            {
                text_of(definition, "name"): [
                    text_of(item.value, "name")
                    for item in items_of(definition.get("output_def_snaps"))
                ]
                for definition in (*ops, *graphs)
            },
        )
        self.definitions = [*ops, *graphs]
        self.schema = ConfigSchema(document, builder, self.job, self.nodes, root, self.definitions)

    def attribute(self, item: Item) -> None:
        """Enter one field of the snapshot; what it does not give away is the job's own."""
        name, value = item.name or "", item.value
        if name == "config_schema_snapshot":
            self.job.add(STRUCTURE, item.size - self.schema.attribute_config(value))
        elif name == "dagster_type_namespace_snapshot":
            self.job.add(STRUCTURE, item.size - self.schema.attribute_types(value))
        elif name == "dep_structure_snapshot":
            self.job.add(STRUCTURE, item.size - self._nodes(value))
        elif name == "solid_definitions_snapshot":
            given = sum(
                self._definition(element)
                for field in items_of(value)
                for element in items_of(field.value)
            )
            self.job.add(STRUCTURE, item.size - given)
        elif name == "mode_def_snaps":
            given = sum(self._mode(mode.value) for mode in items_of(value))
            self.job.add(STRUCTURE, item.size - given)
        elif name in FIELDS:
            self.job.add(FIELDS[name].label, item.size)
        else:
            self.builder.row(name).add(name, item.size)

    def _nodes(self, structure: object) -> int:
        """The job's own nodes and the edges that lead to them; returns all bytes given away."""
        given = 0
        for field in items_of(structure):
            for element in items_of(field.value):
                node = self.nodes.outer.get(text_of(element.value, "solid_name"))
                if node is not None and isinstance(element.value, Spans):
                    self._parts(element, element.value, node)
                    given += element.size
        return given

    def _definition(self, element: Item) -> int:
        """An op or a graph: to those that it serves; returns all bytes given away."""
        spans, name = element.value, text_of(element.value, "name")
        if not isinstance(spans, Spans) or not name:
            return 0
        served = self.nodes.of_definition(name)
        if served is None:
            self.builder.row("unused op definitions").add("op", element.size)
            return element.size
        self._parts(element, spans, served)
        return element.size

    def _inner_nodes(self, graph: str, item: Item, attribution: Attribution) -> None:
        """The nodes inside of a graph, each to those that it serves."""
        given = 0
        for field in items_of(item.value):
            for element in items_of(field.value):
                placed = self.nodes.of_inner_node(graph, text_of(element.value, "solid_name"))
                if placed is not None and isinstance(element.value, Spans):
                    self._parts(element, element.value, placed)
                    given += element.size
        attribution.add("op", item.size - given)

    def _parts(self, element: Item, spans: Spans, node: Node) -> None:
        """The fields of a node or a definition: inputs and outputs to those that they name."""
        attribution, add = node.attribution, node.attribution.add
        rest = element.size
        for item in spans.items:
            name, value = item.name or "", item.value
            if value is None:
                continue
            if name in _INPUTS and isinstance(value, Spans):
                for part in value.items:
                    rest -= part.size
                    self._input(text_of(part.value, _INPUTS[name]), part, node)
            elif name in _OUTPUTS and isinstance(value, Spans):
                for part in value.items:
                    rest -= part.size
                    output = text_of(part.value, _OUTPUTS[name])
                    node.outputs.get(output, attribution).add("op", part.size)
            elif name == "dep_structure_snapshot":
                rest -= item.size
                self._inner_nodes(text_of(spans, "name"), item, attribution)
            elif name in _OP_FIELDS:
                rest -= item.size
                add(FIELDS[name].label, item.size)
        add("op", rest)

    def _input(self, name: str, part: Item, node: Node) -> None:
        """An element that names an input: it belongs to the input's asset."""
        found = node.inputs.get(name)
        attribution = found.attribution if found else node.attribution
        attribution.add("deps", part.size)
        if found is not None and found.upstream is not None:
            self.builder.add_edge(found.upstream, attribution, part.size)

    def _mode(self, mode: object) -> int:
        """The resources of a mode, each to its name; returns all bytes given away."""
        given = 0
        for field in items_of(mode):
            if field.name == "resource_def_snaps":
                for element in items_of(field.value):
                    name = text_of(element.value, "name")
                    if name:
                        self.builder.owner("resource", name).add("config", element.size)
                        given += element.size
            elif field.name == "logger_def_snaps":
                self.job.add("loggers config", field.size)
                given += field.size
        return given


def _elements(section: object, name: str) -> list[Spans]:
    """The objects in that list of a section."""
    found = section.get(name) if isinstance(section, Spans) else None
    return [item.value for item in items_of(found) if isinstance(item.value, Spans)]


def _graph(spans: Spans) -> Graph:
    """What a serialized graph is made of."""
    outputs: dict[str, tuple[str, str]] = {}
    for item in items_of(spans.get("output_mapping_snaps")):
        mapped = item.value
        outputs[text_of(mapped, "external_output_name")] = (
            text_of(mapped, "mapped_solid_name"),
            text_of(mapped, "mapped_output_name"),
        )
    inputs: dict[str, list[tuple[str, str]]] = {}
    for item in items_of(spans.get("input_mapping_snaps")):
        mapped = item.value
        inputs.setdefault(text_of(mapped, "external_input_name"), []).append(
            (text_of(mapped, "mapped_solid_name"), text_of(mapped, "mapped_input_name"))
        )
    return Graph(tuple(_invocations(spans.get("dep_structure_snapshot"))), outputs, inputs)


def _invocations(structure: object) -> list[Invocation]:
    """The nodes of a serialized dependency structure, by name; of equal names the last one."""
    found: dict[str, Invocation] = {}
    for spans in _elements(structure, "solid_invocation_snaps"):
        node, definition = spans.text("solid_name"), spans.text("solid_def_name")
        if node is None or definition is None:
            continue
        inputs = {
            text_of(item.value, "input_name"): item.value.get("upstream_output_snaps")
            for item in items_of(spans.get("input_dep_snaps"))
            if isinstance(item.value, dict)
        }
        found[node] = Invocation(node, definition, inputs)
    return list(found.values())
