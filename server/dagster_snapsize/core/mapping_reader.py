"""Read a mapping that a user wrote: every key known, every value of its type and in its range.

The caller has the text and so the lines: problems name the keys that lead to them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from attrs import frozen

from dagster_snapsize.core.errors import close_names, did_you_mean

T = TypeVar("T", bound=str)
_MOST_SHOWN = 60  # characters of a value in a message


@frozen
class Key:
    """A key that a mapping may have.

    ``read`` returns the value, or raises ValueError with a sentence that says what is wrong with
    it. ``example`` is the key with a value, to paste.
    """

    read: Callable[[Any], Any]
    example: str = ""
    required: bool = False


@frozen
class KeyProblem:
    """What is wrong at one key, or with the mapping itself. ``keys`` lead to it from the top."""

    keys: tuple[str, ...]
    message: str
    hint: str = ""


def read_mapping(
    mapping: Mapping[Any, Any],
    spec: Mapping[str, Key],
    report: Callable[[KeyProblem], None],
    at: tuple[str, ...] = (),
    name: str = "",
    others: Mapping[str, Iterable[str]] | None = None,
) -> dict[str, Any]:
    """The values by key; what cannot be used is reported and left out.

    ``at`` are the keys that lead to the mapping, and ``name`` is what a message calls it.
    ``others`` are other places of the document, such as "in [budget]", with the keys that belong
    there.
    """
    values: dict[str, Any] = {}
    for key, value in mapping.items():
        if key not in spec:
            report(_unknown(str(key), spec, at, name, others or {}))
            continue
        try:
            values[key] = spec[key].read(value)
        except ValueError as error:
            example = spec[key].example
            hint = f"For example: {example}" if example else ""
            report(KeyProblem((*at, key), f"`{'.'.join((*at, key))}`: {error}", hint))
    for key, known in spec.items():
        if known.required and key not in mapping:
            hint = f"For example: {known.example}" if known.example else ""
            report(KeyProblem(at, f"{name or 'it'} has no `{key}`", hint))
    return values


def _unknown(
    key: str,
    spec: Mapping[str, Key],
    at: tuple[str, ...],
    name: str,
    others: Mapping[str, Iterable[str]],
) -> KeyProblem:
    homes = [other for other, keys in others.items() if close_names(key, keys, cutoff=1)]
    if homes and not close_names(key, spec, cutoff=1):
        guess = f"; it belongs {' or '.join(homes)}"
    else:
        guess = did_you_mean(key, spec)
    where = f" in {name}" if name else ""
    shown = key if len(key) <= _MOST_SHOWN else f"{key[:_MOST_SHOWN]}..."
    hint = f"The keys there are: {', '.join(spec)}."
    return KeyProblem((*at, key), f"unknown key `{shown}`{where}{guess}", hint)


def shown(value: object) -> str:
    """A value in a message: as JSON, which is much as TOML and YAML have it, and not too long."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return "this value"
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."


# -- values --------------------------------------------------------------------------------------


def anything(value: object) -> object:
    """Any value; for keys that are read elsewhere."""
    return value


def boolean(value: object) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    raise ValueError(f"{shown(value)} is not true or false")


def any_text(value: object) -> str:
    """Any string, as user code may name things."""
    if isinstance(value, str):
        return value
    raise ValueError(f"{shown(value)} is not a string")


def string(value: object) -> str:
    """A string with something in it."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"{shown(value)} is not a string")
    if not value.strip():
        raise ValueError("it is empty")
    return value


def choice(choices: tuple[T, ...]) -> Callable[[object], T]:
    """One of these, in upper or lower case."""
    listed = ", ".join(map(shown, choices))

    def read(value: object) -> T:
        if isinstance(value, str):
            for known in choices:
                if known.casefold() == value.casefold():
                    return known
        guess = did_you_mean(value, choices) if isinstance(value, str) else ""
        raise ValueError(f"{shown(value)} is not one of {listed}{guess}")

    return read


def number(is_right: Callable[[float], bool], what: str) -> Callable[[Any], float]:
    """A finite number for which ``is_right`` holds; ``what`` describes it."""

    def read(value: Any) -> float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_number and math.isfinite(value) and is_right(value):
            return value  # type: ignore[no-any-return]
        raise ValueError(f"{shown(value)} is not {what}")

    return read
