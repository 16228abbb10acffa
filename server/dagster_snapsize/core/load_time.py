"""Where the load time of a code location goes: every microsecond has one owner.

The owner is the innermost line of the user's code that runs, or the phase that Dagster is in where
none does. Times are whole microseconds, so that sums are exact.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import asdict

from dagster_snapsize.core.model import (
    DistributionTime,
    FoldedStack,
    LoadTime,
    PhaseMemory,
    SourceLocation,
    StackEntry,
    TimeNode,
    TimeOwner,
)
from dagster_snapsize.core.sizes import format_seconds

PROJECT = "[project]"
"""What the project's own code takes itself, among the distributions."""
PYTHON = "[Python]"
"""Python's standard library, where the project's own code calls it."""
DAGSTER = "dagster"

_PHASES = {
    "import": "[import of Dagster]",
    "definitions": "[definitions]",
    "repository": "[repository {}]",
    "job": "[job {}]",
    "composing": "[composing job {}]",
}
WORTH_SHOWING = 0.05
"""Seconds of a line from which on an editor speaks of it."""
_LEAST = 0.1  # seconds of a line that is named
_WORTH_READING = 0.005  # of the whole: to read what is on a line takes some milliseconds too
_SMALLEST = 0.001  # of the whole: parts of the picture below it are left to what they are in
_DEEPEST = 60  # steps below each other in the picture


def phase_name(kind: str, name: str) -> str:
    """``[job nightly]``."""
    return _PHASES[kind].format(name)


def attribute_time(
    stacks: Sequence[FoldedStack],
    versions: Mapping[str, str],
    requires: Mapping[str, Sequence[str]],
    describe: Callable[[SourceLocation], str | None],
    is_plain: bool,
    phases: Sequence[PhaseMemory] = (),
) -> LoadTime:
    """Give every stack's time, and the growth of memory in it, to its owner.

    ``versions`` are those of distributions, ``requires`` the names of others in their metadata.
    ``describe`` says what is on a line, or None where its file cannot be read.
    """
    by_owner: defaultdict[tuple[str, int], Counter[str | None]] = defaultdict(Counter)
    running: defaultdict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    functions: dict[tuple[str, int], StackEntry] = {}
    by_distribution: defaultdict[str, Counter[str | None]] = defaultdict(Counter)
    grown: Counter[tuple[str, int]] = Counter()
    grown_by_distribution: Counter[str] = Counter()
    for stack in stacks:
        entry = None if stack.nearest is None else stack.entries[stack.nearest]
        called, runs = _called(stack), _running(stack)
        key = (entry.path, entry.line) if entry else (stack.phase, 0)
        if entry:
            functions.setdefault(key, entry)
        by_owner[key][called] += stack.microseconds
        by_distribution[runs][called] += stack.microseconds
        running[key][runs] += stack.microseconds
        grown[key] += stack.grown_bytes
        grown_by_distribution[runs] += stack.grown_bytes
    whole = sum(stack.microseconds for stack in stacks)
    owners = []
    for key, parts in by_owner.items():
        entry = functions.get(key)
        location = entry.location if entry else None
        what = key[0]
        if entry and location:
            is_read = parts.total() >= min(_WORTH_READING * whole, WORTH_SHOWING * 1_000_000)
            what = (describe(location) if is_read else None) or entry.function
        mine = dict(running[key])
        longest = _longest(parts)
        owners.append(TimeOwner(what, location, longest, parts.total(), mine, grown[key]))
    distributions = [
        DistributionTime(
            name,
            versions.get(name),
            through if (through := _longest(parts)) != name else None,
            parts.total(),
            tuple(r for r in requires.get(name, ()) if r in by_distribution),
            grown_by_distribution[name],
        )
        for name, parts in by_distribution.items()
    ]
    return LoadTime(
        whole,
        tuple(sorted(owners, key=lambda o: (-o.microseconds, o.location is None, str(o)))),
        tuple(sorted(distributions, key=lambda d: (-d.microseconds, d.name))),
        is_plain,
        _time_tree(stacks, whole),
        tuple(phases),
        tuple(stacks),
    )


def _called(stack: FoldedStack) -> str | None:
    """The distribution that the project's innermost line called, None where it called none.

    Dagster is between a component and its package.
    """
    if stack.nearest is None:
        return DAGSTER
    is_component = stack.entries[stack.nearest].is_component
    inside = [entry.distribution for entry in stack.entries[stack.nearest + 1 :]]
    passed = (PYTHON, DAGSTER, "dagster-shared") if is_component else (PYTHON,)
    called = next((name for name in inside if name not in passed), None)
    if called is None and is_component:
        return DAGSTER
    return called or (PYTHON if inside else None)


def _running(stack: FoldedStack) -> str:
    """The distribution whose code ran; the standard library counts for whom calls it."""
    nearest = -1 if stack.nearest is None else stack.nearest
    for entry in reversed(stack.entries[nearest + 1 :]):
        if entry.distribution not in (None, PYTHON):
            return str(entry.distribution)
    return _called(stack) or PROJECT


def _longest(parts: Counter[str | None]) -> str | None:
    return max(parts, key=lambda name: (parts[name], name or ""))


def heaviest_lines(load_time: LoadTime | None, most: int = 3) -> str:
    """``5.7 s at assets/dbt.py:59 (@dbt_assets), 1.6 s at ...``: the lines that take longest.

    Nothing where no line takes a tenth of a second.
    """
    lines = [line for line in (load_time.lines if load_time else ()) if line.seconds >= _LEAST]
    return ", ".join(
        f"{format_seconds(line.seconds)} at {line.location.path}:{line.location.line} ({line.what})"
        for line in lines[:most]
        if line.location
    )


# -- the picture ---------------------------------------------------------------------------------


def _time_tree(stacks: Iterable[FoldedStack], whole: int) -> TimeNode:
    """The stacks as a tree: phases, in them lines and distributions as one calls the other."""
    paths: list[_Path] = [
        (((stack.phase, None), *_steps(stack.entries)), stack.microseconds) for stack in stacks
    ]
    return TimeNode("all", None, whole, _children(paths, 0, int(whole * _SMALLEST)))


_Step = tuple[str, SourceLocation | None]
_Path = tuple[tuple[_Step, ...], int]


def _steps(entries: Iterable[StackEntry]) -> Iterator[_Step]:
    """Entries of one distribution that follow each other are one step."""
    last: _Step | None = None
    for entry in entries:
        if entry.distribution == PYTHON:
            continue
        if entry.distribution is not None:
            step: _Step = (entry.distribution, None)
        else:
            step = (entry.function, entry.location)
        if step != last:
            yield step
        last = step


def _children(paths: Sequence[_Path], depth: int, least: int) -> tuple[TimeNode, ...]:
    if depth == _DEEPEST:
        return ()
    groups: defaultdict[_Step, list[_Path]] = defaultdict(list)
    for path in paths:
        if len(path[0]) > depth:
            groups[path[0][depth]].append(path)
    found = []
    for (name, location), inside in groups.items():
        took = sum(microseconds for _, microseconds in inside)
        if took >= least:
            found.append(TimeNode(name, location, took, _children(inside, depth + 1, least)))
    return tuple(sorted(found, key=lambda node: (-node.microseconds, node.name)))


def load_time_json(load_time: LoadTime) -> dict[str, Any]:
    """What the tab "Load time" of the report shows, in microseconds."""
    return {
        "microseconds": load_time.microseconds,
        "isPlain": load_time.is_plain,
        "knowsMemory": bool(load_time.phases),
        "owners": [
            {
                "what": owner.what,
                "location": owner.location and asdict(owner.location),
                "distribution": owner.distribution,
                "microseconds": owner.microseconds,
                "grownBytes": owner.grown_bytes,
            }
            for owner in load_time.owners
        ],
        "distributions": [
            {
                "name": " ".join(filter(None, [part.name, part.version])),
                "through": part.through,
                "microseconds": part.microseconds,
                "grownBytes": part.grown_bytes,
            }
            for part in load_time.distributions
        ],
        "tree": _node_json(load_time.tree),
    }


def _node_json(node: TimeNode) -> dict[str, Any]:
    return {
        "name": node.name,
        "location": node.location and asdict(node.location),
        "microseconds": node.microseconds,
        "children": [_node_json(child) for child in node.children],
    }
