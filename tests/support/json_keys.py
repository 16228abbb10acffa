"""The keys of the tool's JSON, and whether docs/json.md describes each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from support import ROOT


def keys_of(value: Any, path: str = "") -> Iterator[str]:
    """Every key of a JSON value, as the documentation writes it."""
    if isinstance(value, dict):
        named = path.endswith((".target", ".by_snapshot", ".fields"))
        if named:
            yield path + "{}"
            return
        if path:
            yield path
        for key, inner in value.items():
            yield from keys_of(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        yield path + "[]"
        for inner in value:
            yield from keys_of(inner, path + "[]")
    else:
        yield path


def documented(section: str) -> set[str]:
    """The keys in the tables of docs/json.md, from one heading of the second level to the next."""
    text = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    (part,) = re.findall(rf"^## {re.escape(section)}$(.*?)(?=^## |\Z)", text, re.S | re.M)
    tables = [t for t in re.split(r"\n\n", part) if t.lstrip().startswith("| key |")]
    return {key for table in tables for key in re.findall(r"^\| `([^`]+)` \|", table, re.M)}


def bare(keys: set[str]) -> set[str]:
    """Keys without their marks, so that a list, its elements and null are one."""
    return {re.sub(r"[\[\]{}]", "", key) for key in keys}


def inner_nodes(keys: set[str]) -> set[str]:
    """Objects that stand in other rows by their keys alone."""
    return {key for key in keys if any(other.startswith(key + ".") for other in keys)}


def check_documented(found: set[str], described: set[str]) -> None:
    found, described = bare(found), bare(described)
    assert found - described - inner_nodes(found) == set(), "not documented"
    assert described - found == set(), "documented, but not there"
