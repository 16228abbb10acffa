"""Which assets and checks the ops of a job compute.

A job snapshot names nodes (``x``, ``x_2``), definitions and outputs, never assets. The asset nodes
of the repository snapshot name them too, as they are in the first job that Dagster built. Where one
AssetsDefinition uses an op, the name of its definition decides; where several do, Dagster numbers
the nodes in the order of their assets, and so does this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from attrs import define, field, frozen

from dagster_snapsize.core.json_spans import text_of
from dagster_snapsize.core.ledger.asset_index import AssetFacts, AssetIndex, CheckFacts, input_names
from dagster_snapsize.core.ledger.builder import Attribution, LedgerBuilder

_numbered = re.compile(r"(.+)_[0-9]+")


@frozen
class Invocation:
    """A node of a graph; ``inputs`` are lists of serialized upstream outputs by input name."""

    node: str
    definition: str
    inputs: Mapping[str, object]


@frozen
class Graph:
    """A graph's nodes, and which of their inputs and outputs its own are mapped to.

    ``outputs`` maps a name to the inner (node, output), ``inputs`` to all inner (node, input).
    """

    invocations: tuple[Invocation, ...]
    outputs: Mapping[str, tuple[str, str]]
    inputs: Mapping[str, Sequence[tuple[str, str]]]


@frozen
class Input:
    """The attribution of an input, and the upstream asset that it names, if any."""

    attribution: Attribution
    upstream: str | None


@define
class Node:
    """The attribution of a node or definition: as a whole, by output, and by input."""

    attribution: Attribution
    outputs: dict[str, Attribution] = field(factory=dict)
    inputs: dict[str, Input] = field(factory=dict)


@define
class _Facts:
    """The assets or checks that a node computes in this job, and the others that its op could."""

    assets: Sequence[AssetFacts] = ()
    other_assets: Sequence[AssetFacts] = ()
    checks: Sequence[CheckFacts] = ()
    other_checks: Sequence[CheckFacts] = ()


class Nodes:
    """The nodes of one job: ``outer`` by name, ``inner`` ones (in graphs) by the name of the
    outermost node and the rest of the handle."""

    def __init__(
        self,
        builder: LedgerBuilder,
        index: AssetIndex,
        job: str | None,
        invocations: Sequence[Invocation],
        graphs: Mapping[str, Graph],
        outputs: Mapping[str, Sequence[str]],
    ) -> None:
        self.outer: dict[str, Node] = {}
        self.inner: dict[tuple[str, str], Attribution] = {}
        self._served: dict[str, list[Node]] = {}
        self._placed: dict[tuple[str, str], list[Node]] = {}
        self._builder, self._index, self._graphs, self._job = builder, index, graphs, job
        assets = self._assets_by_node(index.assets_by_job.get(job or "", ()), invocations)
        facts: list[_Facts] = []
        for use in invocations:
            names = outputs.get(use.definition, ())
            own = self._facts(use, assets.get(use.node, ()), names)
            self._outer(use, own, names)
            facts.append(own)
        for use, own in zip(invocations, facts, strict=True):
            if use.inputs:
                self._inputs(use, own)
            self._served.setdefault(use.definition, []).append(self.outer[use.node])
            if use.definition in graphs:
                self._enter_graph(use, own.assets)

    def of_definition(self, definition: str) -> Node | None:
        """The attribution of a definition, over all its uses; None where it is not used."""
        return self._merged(self._served.get(definition), definition)

    def of_inner_node(self, graph: str, node: str) -> Node | None:
        """The attribution of a node of a graph, over all uses of the graph."""
        return self._merged(self._placed.get((graph, node)), node)

    def node(self, name: str) -> Attribution | None:
        """The attribution of that node of the job."""
        node = self.outer.get(name)
        return node.attribution if node else None

    def _assets_by_node(
        self, assets: Iterable[AssetFacts], invocations: Sequence[Invocation]
    ) -> dict[str, list[AssetFacts]]:
        nodes: dict[str, list[str]] = {}
        for use in invocations:
            nodes.setdefault(use.definition, []).append(use.node)
        definition_of = {use.node: use.definition for use in invocations}
        computed: dict[str, list[AssetFacts]] = {}
        for asset in assets:
            definition = asset.definition
            if asset.graph:
                numbered = _numbered.fullmatch(asset.graph)
                for name in (asset.graph, numbered.group(1) if numbered else None):
                    if name in self._graphs:
                        definition = name
                        break
                else:
                    definition = definition_of.get(asset.graph)
            if definition in nodes:
                computed.setdefault(str(definition), []).append(asset)
        found: dict[str, list[AssetFacts]] = {}
        for definition, served in computed.items():
            found.update(_spread(served, nodes[definition]))
        return found

    def _facts(
        self, use: Invocation, assets: Sequence[AssetFacts], outputs: Sequence[str]
    ) -> _Facts:
        """The assets and checks of a node. An op that can subset names all that it can compute,
        selected by the job or not."""
        if assets:
            together = self._index.together.get(assets[0].computation)
            keys = {asset.key for asset in assets} if together else ()
            return _Facts(assets, [asset for asset in together or () if asset.key not in keys])
        by_identifier = self._index.checks_by_identifier
        checks = [c for name in outputs for c in by_identifier.get(name, ())]
        checks = checks or list(by_identifier.get(use.definition, ()))
        selected = [check for check in checks if self._job in check.jobs]
        others = [check for check in checks if self._job not in check.jobs] if selected else ()
        return _Facts(checks=selected or checks, other_checks=others)

    def _outer(self, use: Invocation, facts: _Facts, outputs: Sequence[str]) -> None:
        """Set the attribution of a node and of its outputs."""
        builder, assets = self._builder, facts.assets
        if assets:
            attribution = builder.joint([builder.asset(asset.key) for asset in assets], use.node)
        elif facts.checks:
            attribution = builder.joint(
                [builder.check(c.asset, c.name) for c in facts.checks], use.node
            )
        else:
            attribution = builder.owner("op", use.node)
        node = self.outer[use.node] = Node(attribution)
        together = (*assets, *facts.other_assets)
        is_graph = use.definition in self._graphs
        by_output: dict[str | None, list[AssetFacts]] = {}
        for asset in together if not is_graph else ():
            by_output.setdefault(asset.output, []).append(asset)
        for name in outputs:
            its = by_output.get(name, [])
            if is_graph and len(together) > 1:
                its = [asset for asset in together if self._yields(asset, use, name)]
            if its:
                selected = [asset for asset in its if self._job in asset.jobs] or its
                node.outputs[name] = builder.joint(
                    [builder.asset(a.key) for a in selected], use.node
                )
                continue
            checks = self._index.checks_by_identifier.get(name)
            if checks:
                selected_checks = [check for check in checks if self._job in check.jobs] or checks
                node.outputs[name] = builder.joint(
                    [builder.check(c.asset, c.name) for c in selected_checks], use.node
                )

    def _yields(self, asset: AssetFacts, use: Invocation, output: str) -> bool:
        """Whether that output of the node is the asset's."""
        if use.definition not in self._graphs:
            return asset.output == output
        handle: list[str] = []
        definition = use.definition
        while definition in self._graphs and len(handle) < 100:
            graph = self._graphs[definition]
            node, inner = graph.outputs.get(output, ("", ""))
            below = next((i.definition for i in graph.invocations if i.node == node), None)
            if below is None:
                return False
            handle.append(node)
            definition, output = below, inner
        if (asset.definition, asset.output) != (definition, output):
            return False
        return not asset.handles or ".".join(handle) in _inner_handles(asset)

    def _inputs(self, use: Invocation, facts: _Facts) -> None:
        """Set the attribution of inputs: to the assets that depend on the asset an input names."""
        node, builder = self.outer[use.node], self._builder
        named = self._upstreams(use, facts)
        users: dict[str, list[Attribution]] = {}
        if len(node.attribution.owners) > 1 or facts.other_assets or facts.other_checks:
            for asset in (*facts.assets, *facts.other_assets):
                for key in asset.deps:
                    users.setdefault(key, []).append(builder.asset(asset.key))
            for check in (*facts.checks, *facts.other_checks):
                for key in (check.asset, *check.deps):
                    users.setdefault(key, []).append(builder.check(check.asset, check.name))
        for name in use.inputs:
            upstream = named.get(name)
            its = users.get(upstream) if upstream is not None else None
            node.inputs[name] = Input(
                builder.joint(its, use.node) if its else node.attribution, upstream
            )

    def _upstreams(self, use: Invocation, facts: _Facts) -> dict[str, str]:
        """The asset that each input of a node names: by edge, by name, or by elimination."""
        named: dict[str, str] = {}
        for name, upstreams in use.inputs.items():
            for upstream in upstreams if isinstance(upstreams, list) else ():
                key = self._yielded(upstream)
                if key is not None:
                    named[name] = key
                    break
        if len(named) == len(use.inputs):
            return named
        deps = dict.fromkeys(key for a in (*facts.assets, *facts.other_assets) for key in a.deps)
        for check in (*facts.checks, *facts.other_checks):
            deps.update(dict.fromkeys((check.asset, *check.deps)))
        known = set(named.values())
        open_keys = [key for key in deps if key not in known and key in self._index.assets]
        for place in range(3):
            for key in open_keys:
                candidates = input_names(self._index.assets[key].path)
                likely = candidates[place] if place < len(candidates) else ""
                if likely in use.inputs and likely not in named and key not in known:
                    named[likely] = key
                    known.add(key)
        left = [name for name in use.inputs if name not in named]
        keys_left = [key for key in open_keys if key not in known]
        if len(left) == 1 and len(keys_left) == 1:
            named[left[0]] = keys_left[0]
        return named

    def _yielded(self, upstream: object) -> str | None:
        """The asset of an output, or the one that is checked where the output is a check's."""
        node = self.outer.get(text_of(upstream, "solid_name"))
        if node is None:
            return None
        return node.outputs.get(text_of(upstream, "output_name"), node.attribution).asset

    def _enter_graph(self, use: Invocation, assets: Sequence[AssetFacts]) -> None:
        """Note all inner nodes of a graph as uses of their definitions."""
        node = self.outer[use.node]
        handles: dict[str, list[Attribution]] = {}
        for asset in assets if len(assets) > 1 else ():
            for handle in _inner_handles(asset):
                parts = handle.split(".")
                for size in range(1, len(parts) + 1):
                    attributions = handles.setdefault(".".join(parts[:size]), [])
                    attributions.append(self._builder.asset(asset.key))
        seen: set[tuple[str, int, str]] = set()
        todo = [(use.definition, "", node.attribution, node.inputs)]
        while todo:
            definition, prefix, attribution, inputs = todo.pop()
            graph = self._graphs[definition]
            fed = {
                target: inputs[name]
                for name, targets in graph.inputs.items()
                if name in inputs
                for target in targets
            }
            for inner in graph.invocations:
                handle = f"{prefix}{inner.node}"
                users = handles.get(handle)
                own = self._builder.joint(users, use.node) if users else attribution
                self.inner[(use.node, handle)] = own
                its_inputs = {
                    name: fed[(inner.node, name)]
                    for name in inner.inputs
                    if (inner.node, name) in fed
                }
                placed = Node(own, inputs=its_inputs)
                self._placed.setdefault((definition, inner.node), []).append(placed)
                # Each definition once, unless the handle has users of its own.
                key = (inner.definition, id(own), handle if users else "")
                if key in seen:
                    continue
                seen.add(key)
                self._served.setdefault(inner.definition, []).append(placed)
                if inner.definition in self._graphs:
                    todo.append((inner.definition, f"{handle}.", own, its_inputs))

    def _merged(self, uses: list[Node] | None, group: str) -> Node | None:
        """All uses merged into one, which replaces them in the list."""
        if not uses:
            return None
        if len(uses) > 1:
            builder = self._builder
            merged = Node(builder.joint([use.attribution for use in uses], group))
            for name in {name: None for use in uses for name in use.outputs}:
                attributions = [use.outputs.get(name, use.attribution) for use in uses]
                merged.outputs[name] = builder.joint(attributions, group)
            for name in {name: None for use in uses for name in use.inputs}:
                inputs = [use.inputs.get(name, Input(use.attribution, None)) for use in uses]
                upstreams = {its.upstream for its in inputs}
                merged.inputs[name] = Input(
                    builder.joint([its.attribution for its in inputs], group),
                    upstreams.pop() if len(upstreams) == 1 else None,
                )
            uses[:] = [merged]
        return uses[0]


def _inner_handles(asset: AssetFacts) -> set[str]:
    """The handles of an asset's ops, without the outermost node."""
    return {handle.partition(".")[2] for handle in asset.handles if "." in handle}


def _spread(assets: Sequence[AssetFacts], nodes: Sequence[str]) -> dict[str, list[AssetFacts]]:
    """Distribute the assets of one definition over the nodes that use it."""
    if len(nodes) == 1:
        return {nodes[0]: list(assets)}
    groups: list[list[AssetFacts]] = []
    by_root: dict[str | None, list[list[AssetFacts]]] = {}
    for asset in assets:
        for group in by_root.setdefault(asset.root, []):
            if all(
                (other.definition, other.output) != (asset.definition, asset.output)
                and other.unit == asset.unit
                for other in group
            ):
                group.append(asset)
                break
        else:
            group = [asset]
            by_root[asset.root].append(group)
            groups.append(group)
    groups.sort(key=lambda group: min(asset.path for asset in group))
    order = sorted(nodes, key=lambda name: (len(name), name))
    if len(groups) != len(nodes):
        # Some node computes no asset, or a group is split over jobs: go by name where names hold.
        named = {group[0].root: group for group in groups if group[0].root in nodes}
        rest = [group for group in groups if named.get(group[0].root) is not group]
        found = {str(root): group for root, group in named.items()}
        found.update(zip((n for n in order if n not in named), rest, strict=False))
        return found
    return dict(zip(order, groups, strict=True))
