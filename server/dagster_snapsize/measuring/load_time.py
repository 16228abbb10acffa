"""Build a LoadTime from what the probe has seen, with distributions and the source of lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from dagster_snapsize.core.load_time import PYTHON, attribute_time, phase_name
from dagster_snapsize.core.model import (
    FoldedStack,
    LoadTime,
    PhaseMemory,
    SourceLocation,
    StackEntry,
)
from dagster_snapsize.core.source_lines import SourceLines
from dagster_snapsize.measuring.distributions import InstalledDistributions

_FOREIGN, _USERS, _COMPONENT = range(3)  # as in probe/load_profile.py
_TYPE = re.compile(r"^type: *(\S+)", re.M)


def load_time(
    header: Mapping[str, Any], spelled: Callable[[str], str], python_version: str, is_plain: bool
) -> LoadTime:
    """The load time that the frame ``load_profile`` tells of; all paths are absolute.

    ``spelled`` gives the user's paths the spelling in which their project was opened.
    """
    installed = InstalledDistributions(header["folders"])
    distribution_of = cache(installed.of)
    versions = {PYTHON: python_version}
    entries: list[StackEntry] = []
    for path, name, line, kind in header["entries"]:
        if kind == _FOREIGN:
            distribution, version = distribution_of(path) or (PYTHON, python_version)
            if version is not None:
                versions[distribution] = version
            entries.append(StackEntry(Path(path).as_posix(), name, line, distribution))
        else:
            place = Path(spelled(path)).as_posix()
            if kind == _COMPONENT:
                name, line = _component(place, int(name))
            entries.append(StackEntry(place, name, line, is_component=kind == _COMPONENT))
    stacks = [
        FoldedStack(phase_name(phase, name), tuple(entries[n] for n in numbers), time, grown)
        for phase, name, numbers, time, grown in header["stacks"]
        if time or grown
    ]
    components = {(e.path, e.line): e.name for e in entries if e.is_component}
    files = cache(_source_lines)

    def describe(place: SourceLocation) -> str | None:
        component = components.get((place.path, place.line))
        if component is not None:
            return component
        lines = files(place.path)
        return lines.describe(place.line) if lines else None

    requires = {name: installed.requires(name) for name in versions}
    phases = [
        PhaseMemory(phase_name(kind, name), *sizes)
        for kind, name, *sizes in header["phases"]
        if any(sizes)
    ]
    return attribute_time(stacks, versions, requires, describe, is_plain, phases)


def _component(path: str, number: int) -> tuple[str, int]:
    """The type of a component and the line that names it, by which document of its file it is."""
    text = _read(path) or ""
    documents = [*_TYPE.finditer(text)]
    if number < len(documents):
        found = documents[number]
        return found[1], text.count("\n", 0, found.start()) + 1
    return "component", 1


def _source_lines(path: str) -> SourceLines | None:
    text = _read(path)
    try:
        return None if text is None else SourceLines(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
