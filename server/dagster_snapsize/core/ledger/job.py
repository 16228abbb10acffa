"""The ledger of a job snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dagster_snapsize.core.dagster_fields import STRUCTURE
from dagster_snapsize.core.json_spans import (
    KEEP,
    SKIP,
    Document,
    Item,
    Plan,
    Spans,
    items_of,
    text_of,
)
from dagster_snapsize.core.ledger.asset_index import AssetIndex
from dagster_snapsize.core.ledger.builder import Book, Claim
from dagster_snapsize.core.ledger.job_config import Schema
from dagster_snapsize.core.ledger.job_nodes import Graph, Invocation, Node, Nodes
from dagster_snapsize.core.model import Ledger

_EACH_KEPT = Plan(each=KEEP)
_INVOCATIONS = Plan(
    named={
        "solid_invocation_snaps": Plan(
            each=Plan(
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
_CONFIG_TYPE = Plan(named={"fields": _EACH_KEPT, "type_param_keys": KEEP, "kind": KEEP}, only=True)
_NAMED = Plan(named={"name": KEEP, "config_field_snap": KEEP})
_JOB = Plan(
    named={
        "name": KEEP,
        "config_schema_snapshot": Plan(named={"all_config_snaps_by_key": Plan(each=_CONFIG_TYPE)}),
        "dagster_type_namespace_snapshot": Plan(
            named={"all_dagster_type_snaps_by_key": _EACH_KEPT}
        ),
        "solid_definitions_snapshot": Plan(
            named={
                "solid_def_snaps": Plan(each=Plan(named=_DEFINITION, only=True)),
                "composite_solid_def_snaps": Plan(
                    each=Plan(
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
        "mode_def_snaps": Plan(
            each=Plan(
                named={
                    "resource_def_snaps": Plan(each=_NAMED),
                    "logger_def_snaps": Plan(each=_NAMED),
                    "root_config_key": KEEP,
                }
            )
        ),
        **dict.fromkeys(("lineage_snapshot", "graph_def_name", "__class__"), Plan()),
    }
)

_WORDS = {
    "__class__": STRUCTURE,
    "graph_def_name": STRUCTURE,
    "name": "name",
    "description": "description",
    "tags": "tags",
    "run_tags": "tags",
    "metadata": "metadata",
    "owners": "owners",
    "automation_condition": "automation",
    "lineage_snapshot": "lineage",
}
_OP_WORDS = {
    "description": "description",
    "tags": "tags",
    "config_field_snap": "config",
    "input_def_snaps": "deps",
    "input_dep_snaps": "deps",
    "input_mapping_snaps": "deps",
}
# The lists of a node or a definition whose elements name an input or an output, and where.
_LISTS = {
    "input_def_snaps": "name",
    "output_def_snaps": "name",
    "input_dep_snaps": "input_name",
    "input_mapping_snaps": "external_input_name",
    "output_mapping_snaps": "external_output_name",
}


def draw_job(
    payload: bytes,
    index: AssetIndex,
    see: Callable[[Document, Spans, Iterable[Spans], Nodes], None] | None = None,
) -> Ledger:
    """Who owns every byte of a serialized job snapshot.

    ``payload`` is the text as UTF-8, ``index`` that of the job's own repository. ValueError where
    the payload is no JSON; any JSON at all has a ledger. ``see`` is given what was read, which is
    gone afterwards: the whole, the definitions of its ops and graphs, whom they serve.
    """
    document = Document(payload)
    root, start, end = document.read(_JOB)
    book = Book()
    known = (*_WORDS, *_JOB.named)
    if not isinstance(root, Spans) or not any(item.name in known for item in root.items):
        book.row("unknown").charge(STRUCTURE, len(payload))
        return book.close(len(payload))
    drawing = _Drawing(document, book, root, index)
    drawing.job.charge(STRUCTURE, len(payload) - (end - start) + root.own)
    for item in root.items:
        drawing.draw(item)
    if see is not None:
        see(document, root, drawing.definitions, drawing.nodes)
    return book.close(len(payload))


class _Drawing:
    """One job snapshot on its way into the book."""

    def __init__(self, document: Document, book: Book, root: Spans, index: AssetIndex) -> None:
        self.book = book
        name = root.text("name")
        self.job = book.row(STRUCTURE) if name is None else book.of("job", name)
        definitions = root.get("solid_definitions_snapshot")
        ops = _elements(definitions, "solid_def_snaps")
        graphs = _elements(definitions, "composite_solid_def_snaps")
        self.nodes = Nodes(
            book,
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
        self.schema = Schema(document, book, self.job, self.nodes, root, self.definitions)

    def draw(self, item: Item) -> None:
        """Enter one field of the snapshot; what it does not give away is the job's own."""
        name, value = item.name or "", item.value
        if name in _WORDS:
            self.job.charge(_WORDS[name], item.size)
        elif name not in _JOB.named:
            self.book.row(name).charge(name, item.size)
        elif name == "config_schema_snapshot":
            self.job.charge(STRUCTURE, item.size - self.schema.draw_config(value))
        elif name == "dagster_type_namespace_snapshot":
            self.job.charge(STRUCTURE, item.size - self.schema.draw_types(value))
        elif name == "dep_structure_snapshot":
            self.job.charge(STRUCTURE, item.size - self._nodes(value))
        elif name == "solid_definitions_snapshot":
            given = sum(
                self._definition(element)
                for field in items_of(value)
                for element in items_of(field.value)
            )
            self.job.charge(STRUCTURE, item.size - given)
        else:
            given = sum(self._mode(mode.value) for mode in items_of(value))
            self.job.charge(STRUCTURE, item.size - given)

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
        served = self.nodes.served(name)
        if served is None:
            self.book.row("unused op definitions").charge("op", element.size)
            return element.size
        self._parts(element, spans, served)
        return element.size

    def _inner_nodes(self, graph: str, item: Item, claim: Claim) -> None:
        """The nodes inside of a graph, each to those that it serves."""
        given = 0
        for field in items_of(item.value):
            for element in items_of(field.value):
                placed = self.nodes.placed(graph, text_of(element.value, "solid_name"))
                if placed is not None and isinstance(element.value, Spans):
                    self._parts(element, element.value, placed)
                    given += element.size
        claim.charge("op", item.size - given)

    def _parts(self, element: Item, spans: Spans, node: Node) -> None:
        """The fields of a node or a definition: inputs and outputs to those that they name."""
        claim, charge = node.claim, node.claim.charge
        rest = element.size
        for item in spans.items:
            name, value = item.name or "", item.value
            if value is None:
                continue
            if name in _LISTS and isinstance(value, Spans):
                for part in value.items:
                    rest -= part.size
                    self._part(name, part, node)
            elif name == "dep_structure_snapshot":
                rest -= item.size
                self._inner_nodes(text_of(spans, "name"), item, claim)
            elif name in _OP_WORDS:
                rest -= item.size
                charge(_OP_WORDS[name], item.size)
        charge("op", rest)

    def _part(self, field: str, part: Item, node: Node) -> None:
        """An element that names an input or an output."""
        name = text_of(part.value, _LISTS[field])
        if field not in _OP_WORDS:
            node.outputs.get(name, node.claim).charge("op", part.size)
            return
        found = node.inputs.get(name)
        claim = found.claim if found else node.claim
        claim.charge("deps", part.size)
        if found is not None and found.upstream is not None:
            self.book.edge(found.upstream, claim, part.size)

    def _mode(self, mode: object) -> int:
        """The resources of a mode, each to its name; returns all bytes given away."""
        given = 0
        for field in items_of(mode):
            if field.name == "resource_def_snaps":
                for element in items_of(field.value):
                    name = text_of(element.value, "name")
                    if name:
                        self.book.of("resource", name).charge("config", element.size)
                        given += element.size
            elif field.name == "logger_def_snaps":
                self.job.charge("loggers config", field.size)
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
