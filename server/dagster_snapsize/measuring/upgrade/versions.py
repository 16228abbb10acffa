"""Which versions of Dagster and of its integrations were released together."""

from __future__ import annotations

import re
from collections.abc import Mapping

_ONE = re.compile(r"1\.(\d+)\.(.+)")
_BELOW_ONE = re.compile(r"0\.(\d+)\.(.+)")
_BEHIND = 16  # 1.M.P of dagster goes with 0.(M+16).P of its integrations
# What every Dagster asks for by itself, in the version that goes with it, if it asks for it at all.
_FOLLOW = ("dagster-pipes", "dagster-shared")
_NAMES = 3


def lockstep(
    distributions: Mapping[str, str], version: str, wanted: str
) -> tuple[list[str], list[str]]:
    """Requirements for what is released with Dagster; and Dagster's other distributions as texts.

    Dagster 1.M.P and its integrations 0.(M+16).P are one release (Dagster's documentation,
    "Versioning").
    """
    same, behind, stay = [], [], []
    for name, has in sorted(distributions.items()):
        folded = folded_name(name)
        if not folded.startswith("dagster") or folded in (*_FOLLOW, "dagster-snapsize"):
            continue
        if has == version:
            same.append(f"{folded}=={wanted}")
        elif has == _library_version(version):
            behind.append(f"{folded}=={_library_version(wanted)}")
        else:
            stay.append(f"{folded} {has}")
    return [*same, *behind], stay


def latest_of_all(newest: Mapping[str, str], has: str) -> tuple[str, list[str]]:
    """The latest Dagster that all of these are released with, and what holds it back, as texts.

    ``newest`` are versions by folded name, ``dagster`` among them. What stays behind the Dagster
    that the user ``has`` is not released any more, and holds nothing back.
    """
    latest = newest["dagster"]
    others = {name: _dagster_version(version) for name, version in newest.items()}
    oldest = min(others.values(), key=numbers)
    if not numbers(has) <= numbers(oldest) < numbers(latest):
        return latest, []
    last = [name for name, version in sorted(others.items()) if version == oldest]
    more = f" and {len(last) - _NAMES} more" if len(last) > _NAMES else ""
    names = ", ".join(last[:_NAMES])
    return oldest, [f"Dagster {latest} is there, but {names}{more} only for {oldest}"]


def _library_version(version: str) -> str | None:
    found = _ONE.fullmatch(version)
    return f"0.{int(found[1]) + _BEHIND}.{found[2]}" if found else None


def _dagster_version(version: str) -> str:
    """The Dagster that an integration of this version is released with."""
    found = _BELOW_ONE.fullmatch(version)
    return f"1.{int(found[1]) - _BEHIND}.{found[2]}" if found else version


def folded_name(name: str) -> str:
    """As package indexes compare names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def numbers(version: str) -> list[int]:
    """The first three numbers of a version, for comparing."""
    return [int(number) for number in re.findall(r"\d+", version)[:3]]
