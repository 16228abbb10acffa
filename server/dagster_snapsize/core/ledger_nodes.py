"""Which assets and checks the ops of a job compute.

A job snapshot names nodes (``x``, ``x_2``), definitions and outputs, never assets. The asset nodes
of the repository name the same things as they are in the job that Dagster saw first. Where one op
serves one AssetsDefinition, the name of its definition decides; where the same op serves several,
Dagster numbers the nodes in the order of their assets, and so do we.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from attrs import define, field, frozen

from dagster_snapsize.core.ledger_book import Book, Claim
from dagster_snapsize.core.ledger_index import AssetFacts, AssetIndex, CheckFacts, input_names

_Key = TypeVar("_Key")
_numbered = re.compile(r"(.+)_[0-9]+")


@frozen
class Invocation:
    """A node as its graph uses it; ``inputs`` are upstream (node, output) pairs by input."""

    node: str
    definition: str
    inputs: Mapping[str, Sequence[tuple[str, str]]]


@frozen
class Graph:
    """A graph's nodes, and to which of their inputs and outputs its own are mapped.

    ``outputs`` maps a name to the inner (node, output), ``inputs`` to all inner (node, input).
    """

    invocations: tuple[Invocation, ...]
    outputs: Mapping[str, tuple[str, str]]
    inputs: Mapping[str, Sequence[tuple[str, str]]]


@frozen
class Input:
    """Whose an input is, and the asset that it names, where it names one."""

    claim: Claim
    upstream: str | None


@define
class Node:
    """Whom a node serves: as a whole, by output, and by input."""

    claim: Claim
    outputs: dict[str, Claim] = field(factory=dict)
    inputs: dict[str, Input] = field(factory=dict)


@define
class Served:
    """Whom a definition serves, over all of its uses."""

    claims: list[Claim] = field(factory=list)
    outputs: dict[str, list[Claim]] = field(factory=dict)
    inputs: dict[str, list[Input]] = field(factory=dict)

    def input(self, name: str, claim: Claim, book: Book) -> Input:
        """Whose an input of the definition is; ``claim`` where nothing is known of it."""
        found = self.inputs.get(name)
        if not found:
            return Input(claim, None)
        upstream = {use.upstream for use in found}
        return Input(
            book.joint(use.claim for use in found), upstream.pop() if len(upstream) == 1 else None
        )

    def output(self, name: str, claim: Claim, book: Book) -> Claim:
        """Whose an output of the definition is; ``claim`` where nothing is known of it."""
        found = self.outputs.get(name)
        return book.joint(found, claim.group) if found else claim


@define
class _Facts:
    """What is known of one node: the assets or the checks that it computes in this job, those that
    it could compute beside them, and its outputs that are named like checks."""

    assets: list[AssetFacts]
    others: Sequence[AssetFacts] = ()
    checks: list[CheckFacts] = field(factory=list)
    other_checks: Sequence[CheckFacts] = ()
    by_output: Mapping[str, Sequence[CheckFacts]] = field(factory=dict)

    @property
    def any_others(self) -> bool:
        """Whether the job selects only a part of what the node could compute."""
        return bool(self.others or self.other_checks)


class Nodes:
    """The nodes of one job.

    ``outer`` are the job's own nodes by name, ``inner`` those inside of graphs by outermost node
    and the rest of the handle, ``served`` is by name of definition, ``placed`` by graph and node.
    """

    def __init__(
        self,
        book: Book,
        index: AssetIndex,
        job: str | None,
        invocations: Sequence[Invocation],
        graphs: Mapping[str, Graph],
        outputs: Mapping[str, Sequence[str]],
    ) -> None:
        self.outer: dict[str, Node] = {}
        self.inner: dict[tuple[str, str], Claim] = {}
        self.served: dict[str, Served] = {}
        self.placed: dict[tuple[str, str], Served] = {}
        self._book, self._index, self._graphs = book, index, graphs
        # An op that can subset names all of its assets and checks, selected or not.
        checks = _by_identifier(index.checks)
        checks.update(_by_identifier(index.checks_by_job.get(job or "", ())))
        assets = self._assets_by_node(index.assets_by_job.get(job or "", ()), invocations)
        facts: dict[str, _Facts] = {}
        for use in invocations:
            names = outputs.get(use.definition, ())
            by_output = {name: checks[name] for name in names if name in checks}
            own = _Facts(assets.get(use.node, []), by_output=by_output)
            if own.assets:
                together = index.together.get(own.assets[0].computation, ())
                own.others = [asset for asset in together if asset not in own.assets]
            else:
                found = list(by_output.values()) or [checks.get(use.definition, [])]
                all_checks = [check for same in found for check in same]
                own.checks = [c for c in all_checks if job in c.jobs] or all_checks
                own.other_checks = [c for c in all_checks if c not in own.checks]
            facts[use.node] = own
            self._outer(use, own, names)
        for use in invocations:
            self._inputs(use, facts[use.node])
        for use in invocations:
            self._uses(use, facts[use.node].assets)

    def node(self, name: str) -> Claim | None:
        """Whose that node of the job is."""
        node = self.outer.get(name)
        return node.claim if node else None

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

    def _outer(self, use: Invocation, facts: _Facts, outputs: Sequence[str]) -> None:
        """Whose a node and its outputs are."""
        book, assets = self._book, facts.assets
        if assets:
            claim = book.joint((book.asset(asset.key) for asset in assets), use.node)
        elif facts.checks:
            claim = book.joint((book.check(c.asset, c.name) for c in facts.checks), use.node)
        else:
            claim = book.of("op", use.node)
        node = self.outer[use.node] = Node(claim)
        several = len(assets) > 1 or bool(facts.others)
        for name in outputs if several or facts.by_output else ():
            its = [asset for asset in assets if self._yields(asset, use, name)]
            its = its or [asset for asset in facts.others if self._yields(asset, use, name)]
            if its:
                node.outputs[name] = book.joint((book.asset(a.key) for a in its), use.node)
            elif name in facts.by_output:
                found = facts.by_output[name]
                node.outputs[name] = book.joint(book.check(c.asset, c.name) for c in found)

    def _yields(self, asset: AssetFacts, use: Invocation, output: str) -> bool:
        """Whether that output of the node is the asset."""
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
        """Whose the inputs of a node are: its assets' that depend on what the input names."""
        node, book = self.outer[use.node], self._book
        named = self._upstreams(use, facts)
        for name in use.inputs:
            upstream = named.get(name)
            claim = node.claim
            if upstream is not None and (len(claim.owners) > 1 or facts.any_others):
                users = [
                    book.asset(asset.key)
                    for asset in (*facts.assets, *facts.others)
                    if upstream in asset.deps
                ] or [
                    book.check(check.asset, check.name)
                    for check in (*facts.checks, *facts.other_checks)
                    if upstream == check.asset or upstream in check.deps
                ]
                claim = book.joint(users, use.node) if users else claim
            node.inputs[name] = Input(claim, upstream)

    def _upstreams(self, use: Invocation, facts: _Facts) -> dict[str, str]:
        """The assets that the inputs of a node name: by edge, else by name, else by elimination."""
        named: dict[str, str] = {}
        for name, upstreams in use.inputs.items():
            keys = [self._yielded(node, output) for node, output in upstreams]
            key = next((key for key in keys if key is not None), None)
            if key is not None:
                named[name] = key
        if len(named) == len(use.inputs):
            return named
        deps = dict.fromkeys(key for a in (*facts.assets, *facts.others) for key in a.deps)
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

    def _yielded(self, node: str, output: str) -> str | None:
        """The asset that an output of a node yields, or that the check behind it checks."""
        found = self.outer.get(node)
        return found.outputs.get(output, found.claim).asset if found else None

    def _uses(self, use: Invocation, assets: Sequence[AssetFacts]) -> None:
        """Enter a node of the job, and all that it is made of, as uses of their definitions."""
        node = self.outer[use.node]
        served = self._use(self.served, use.definition, node.claim, node.inputs)
        for name, claim in node.outputs.items():
            served.outputs.setdefault(name, []).append(claim)
        if use.definition not in self._graphs:
            return
        handles: dict[str, list[Claim]] = {}
        for asset in assets if len(assets) > 1 else ():
            for handle in _inner_handles(asset):
                parts = handle.split(".")
                for size in range(1, len(parts) + 1):
                    claims = handles.setdefault(".".join(parts[:size]), [])
                    claims.append(self._book.asset(asset.key))
        seen: set[tuple[str, int, str]] = set()
        todo = [(use.definition, "", node.claim, node.inputs)]
        while todo:
            definition, prefix, claim, inputs = todo.pop()
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
                own = self._book.joint(users, use.node) if users else claim
                self.inner[(use.node, handle)] = own
                its_inputs = {
                    name: fed[(inner.node, name)]
                    for name in inner.inputs
                    if (inner.node, name) in fed
                }
                self._use(self.placed, (definition, inner.node), own, its_inputs)
                # Without users of its own a handle says nothing new: each definition once.
                key = (inner.definition, id(own), handle if users else "")
                if key in seen:
                    continue
                seen.add(key)
                self._use(self.served, inner.definition, own, its_inputs)
                if inner.definition in self._graphs:
                    todo.append((inner.definition, f"{handle}.", own, its_inputs))

    def _use(
        self, uses: dict[_Key, Served], key: _Key, claim: Claim, inputs: Mapping[str, Input]
    ) -> Served:
        served = uses.get(key)
        if served is None:
            served = uses[key] = Served()
        served.claims.append(claim)
        for name, its_input in inputs.items():
            served.inputs.setdefault(name, []).append(its_input)
        return served


def _by_identifier(checks: Iterable[CheckFacts]) -> dict[str, list[CheckFacts]]:
    found: dict[str, list[CheckFacts]] = {}
    for check in checks:
        found.setdefault(check.identifier, []).append(check)
    return found


def _inner_handles(asset: AssetFacts) -> set[str]:
    """The handles of an asset's ops, without the outermost node."""
    return {handle.partition(".")[2] for handle in asset.handles if "." in handle}


def _spread(assets: Sequence[AssetFacts], nodes: Sequence[str]) -> dict[str, list[AssetFacts]]:
    """The assets of one definition on the nodes that use it."""
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
