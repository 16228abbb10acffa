"""A weighted graph cut into parts of about equal weight with few edges between them.

networkx proposes where to cut, by communities and by bisection; moving single units then makes the
parts more equal and cuts fewer edges. Nothing is left to chance: the same graph gives the same
parts. networkx is imported here alone, when something is split.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_ROUNDS = 50
_SEED = 7


class TooFewUnits(Exception):
    """The graph has fewer units than parts."""


Edges = Mapping[tuple[str, str], int]


def partition(weights: Mapping[str, int], edges: Edges, count: int) -> list[list[str]]:
    """The units in that many parts, the heaviest part first; none is empty.

    ``weights`` are bytes by unit, ``edges`` numbers of dependencies. Raises TooFewUnits.
    """
    if len(weights) < count:
        raise TooFewUnits
    neighbours: dict[str, dict[str, int]] = {unit: {} for unit in sorted(weights)}
    for (one, other), number in sorted(edges.items()):
        neighbours[one][other] = neighbours[one].get(other, 0) + number
        neighbours[other][one] = neighbours[other].get(one, 0) + number
    total = max(1, sum(edges.values()))
    best: tuple[float, dict[str, int]] | None = None
    for start in _starts(weights, neighbours, count):
        found = _improved(start, weights, neighbours, count, total)
        score = _score(found, weights, edges, count, total)
        if best is None or score < best[0] - 1e-12:
            best = score, found
    if best is None:
        raise TooFewUnits
    parts: list[list[str]] = [[] for _ in range(count)]
    for unit in neighbours:
        parts[best[1][unit]].append(unit)
    return sorted(parts, key=lambda part: (-sum(weights[unit] for unit in part), part))


def _starts(
    weights: Mapping[str, int], neighbours: Mapping[str, Mapping[str, int]], count: int
) -> Iterator[dict[str, int]]:
    """Where to begin: by weight alone, by communities, by halves of halves."""
    yield _packed([[unit] for unit in neighbours], weights, count)
    import networkx

    graph: Any = networkx.Graph()
    graph.add_nodes_from(neighbours)
    for unit, others in neighbours.items():
        graph.add_weighted_edges_from((unit, other, n) for other, n in others.items())
    if graph.number_of_edges():
        communities = networkx.community.greedy_modularity_communities(graph, weight="weight")
        yield _packed([sorted(found) for found in communities], weights, count)
        least = networkx.community.greedy_modularity_communities(
            graph, weight="weight", cutoff=count, best_n=max(count, 1)
        )
        yield _packed([sorted(found) for found in least], weights, count)
    parts = [sorted(graph)]
    while len(parts) < count:
        parts.sort(key=lambda part: (-sum(weights[u] for u in part) * (len(part) > 1), part))
        heaviest = parts.pop(0)
        halves = networkx.community.kernighan_lin_bisection(
            graph.subgraph(heaviest), weight="weight", seed=_SEED
        )
        parts += [sorted(half) for half in halves]
    yield {unit: number for number, part in enumerate(parts) for unit in part}


def _packed(groups: list[list[str]], weights: Mapping[str, int], count: int) -> dict[str, int]:
    """Groups put into the lightest part one by one, heaviest first; broken up if they are few."""
    if len(groups) < count:
        groups = [[unit] for group in groups for unit in group]
    groups = sorted(groups, key=lambda group: (-sum(weights[unit] for unit in group), group))
    filled = [0] * count
    found: dict[str, int] = {}
    for group in groups:
        part = min(range(count), key=lambda number: (filled[number], number))
        filled[part] += max(1, sum(weights[unit] for unit in group))
        found.update(dict.fromkeys(group, part))
    return found


def _score(
    found: Mapping[str, int], weights: Mapping[str, int], edges: Edges, count: int, total: int
) -> float:
    sizes = [0] * count
    for unit, part in found.items():
        sizes[part] += weights[unit]
    cut = sum(n for (one, other), n in edges.items() if found[one] != found[other])
    return cut / total + _imbalance(sizes)


def _imbalance(sizes: list[int]) -> float:
    whole = sum(sizes)
    return max(sizes) * len(sizes) / whole - 1 if whole else 0.0


def _improved(
    start: Mapping[str, int],
    weights: Mapping[str, int],
    neighbours: Mapping[str, Mapping[str, int]],
    count: int,
    total: int,
) -> dict[str, int]:
    """Move one unit at a time to where it makes the whole better, until nothing does."""
    found = dict(start)
    sizes, members = [0] * count, [0] * count
    for unit, part in found.items():
        sizes[part] += weights[unit]
        members[part] += 1
    for _ in range(_ROUNDS):
        moved = False
        for unit in neighbours:
            home = found[unit]
            if members[home] == 1:
                continue
            linked = [0] * count
            for other, number in neighbours[unit].items():
                linked[found[other]] += number
            before = _imbalance(sizes)
            best, gain = home, 1e-9
            for part in range(count):
                if part == home:
                    continue
                sizes[home] -= weights[unit]
                sizes[part] += weights[unit]
                after = _imbalance(sizes)
                sizes[home] += weights[unit]
                sizes[part] -= weights[unit]
                better = before - after + (linked[part] - linked[home]) / total
                if better > gain:
                    best, gain = part, better
            if best != home:
                found[unit] = best
                for part, sign in ((home, -1), (best, 1)):
                    sizes[part] += sign * weights[unit]
                    members[part] += sign
                moved = True
        if not moved:
            break
    return found
