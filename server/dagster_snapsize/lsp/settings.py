"""The editor's settings: typed, each with a default, and a readable message for every bad one.

They come as ``initializationOptions`` and as section ``dagsterSnapsize`` of
``workspace/configuration``, the same keys in both.
"""

from __future__ import annotations

import difflib
import json
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from attrs import field, frozen

from dagster_snapsize.core.sizes import parse_seconds, parse_size

SECTION = "dagsterSnapsize"
Measure = Literal["onSave", "onOpen", "manual"]
LogLevel = Literal["error", "warning", "info", "debug"]

_MEASURE: tuple[Measure, ...] = ("onSave", "onOpen", "manual")
_LOG_LEVELS: tuple[LogLevel, ...] = ("error", "warning", "info", "debug")
_LONGEST_DELAY = 60_000
_POWER = Path("/sys/class/power_supply")

T = TypeVar("T")


@frozen
class Hints:
    """Whether a kind of hint is shown, and from how many bytes on."""

    enable: bool
    minimum_bytes: int


@frozen
class Settings:
    """What the editor's user chose.

    ``interpreter`` is the Python that runs the user's code, ``timeout`` is in seconds; None leaves
    both to the project. ``editor_interpreter`` is what the editor's own Python tooling chose: the
    project's configuration comes before it. ``measure`` says when: ``onOpen`` is on open and on
    save, ``onSave`` on save only. ``information`` shows findings of that severity. ``watch`` holds
    globs of more files whose change asks for a measurement, relative to the project. ``warm`` keeps
    processes ready between measurements.
    """

    enable: bool = True
    interpreter: str | None = None
    editor_interpreter: str | None = None
    measure: Measure = "onOpen"
    debounce_milliseconds: int = 100
    information: bool = True
    code_lens: Hints = field(factory=lambda: Hints(True, 1000))
    inlay_hints: Hints = field(factory=lambda: Hints(False, 1000))
    watch: tuple[str, ...] = ()
    timeout: float | None = None
    low_priority: bool = True
    warm: bool = True
    pause_when_unfocused: bool = False
    pause_on_battery: bool = False
    log_level: LogLevel = "info"


class _Wrong(Exception):
    """What is accepted instead of a value that is not."""


def read_settings(data: object) -> tuple[Settings, tuple[str, ...]]:
    """The settings in ``data``, and a message for each thing in it that cannot be used.

    A bad value leaves its default. ``data`` may be anything that JSON holds; null is no settings,
    and one object under ``dagsterSnapsize`` is taken for the settings themselves.
    """
    reader = _Reader()
    if isinstance(data, dict) and set(data) == {SECTION}:
        data = data[SECTION]
    table = reader.table("", data, _KEYS)
    default = Settings()
    settings = Settings(
        enable=reader.value(table, "enable", _boolean, default.enable),
        interpreter=reader.value(table, "interpreter", _optional_text, default.interpreter),
        editor_interpreter=reader.value(
            table, "editorInterpreter", _optional_text, default.editor_interpreter
        ),
        measure=reader.value(table, "measure", _one_of(_MEASURE), default.measure),
        debounce_milliseconds=reader.value(
            table, "debounceMilliseconds", _milliseconds, default.debounce_milliseconds
        ),
        information=reader.value(table, "information", _boolean, default.information),
        code_lens=reader.hints(table, "codeLens", default.code_lens),
        inlay_hints=reader.hints(table, "inlayHints", default.inlay_hints),
        watch=reader.value(table, "watch", _globs, default.watch),
        timeout=reader.value(table, "timeout", _timeout, default.timeout),
        low_priority=reader.value(table, "lowPriority", _boolean, default.low_priority),
        warm=reader.value(table, "warm", _boolean, default.warm),
        pause_when_unfocused=reader.value(
            table, "pauseWhenUnfocused", _boolean, default.pause_when_unfocused
        ),
        pause_on_battery=reader.value(table, "pauseOnBattery", _boolean, default.pause_on_battery),
        log_level=reader.value(table, "logLevel", _one_of(_LOG_LEVELS), default.log_level),
    )
    return settings, tuple(reader.messages)


def on_battery(folder: Path = _POWER) -> bool:
    """Whether the machine runs on its battery; False where that cannot be told.

    Read from ``/sys/class/power_supply`` of Linux: a battery of the machine itself (not of a
    mouse) discharges, and no mains or USB supply is online.
    """
    if folder == _POWER and not sys.platform.startswith("linux"):
        return False
    discharging = False
    try:
        supplies = sorted(folder.iterdir())
    except OSError:
        return False
    for supply in supplies:
        kind = _word(supply / "type")
        if kind in ("Mains", "USB") and _word(supply / "online") not in ("", "0"):
            return False
        if kind == "Battery" and _word(supply / "scope") != "Device":
            discharging = discharging or _word(supply / "status") == "Discharging"
    return discharging


def _word(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


class _Reader:
    def __init__(self) -> None:
        self.messages: list[str] = []

    def table(self, path: str, data: object, keys: tuple[str, ...]) -> Mapping[str, Any]:
        """The object ``data``, whose unknown keys are told of; empty where it is none."""
        if data is None:
            return {}
        if not isinstance(data, dict):
            what = f"{SECTION}.{path}" if path else SECTION
            self._say(what, data, f"an object with {', '.join(keys)}", "the defaults are used")
            return {}
        for key in data:
            if key not in keys:
                self.messages.append(_unknown(f"{path}." if path else "", str(key), keys))
        return data

    def value(
        self, table: Mapping[str, Any], key: str, read: Callable[[Any], T], default: T, at: str = ""
    ) -> T:
        if key not in table:
            return default
        try:
            return read(table[key])
        except _Wrong as wrong:
            used = "nothing" if default is None or default == () else _shown(default)
            self._say(f"{SECTION}.{at}{key}", table[key], str(wrong), f"{used} is used")
            return default

    def hints(self, table: Mapping[str, Any], key: str, default: Hints) -> Hints:
        if isinstance(table.get(key), bool):
            return Hints(table[key], default.minimum_bytes)
        inner = self.table(key, table.get(key), _HINT_KEYS)
        both = "minimum" in inner and "minimumBytes" in inner
        if both:
            self.messages.append(
                f"{SECTION}.{key}: minimum and minimumBytes say the same thing;"
                " minimum is used, remove the other"
            )
        name = "minimum" if "minimum" in inner else "minimumBytes"
        return Hints(
            enable=self.value(inner, "enable", _boolean, default.enable, f"{key}."),
            minimum_bytes=self.value(inner, name, _size, default.minimum_bytes, f"{key}."),
        )

    def _say(self, key: str, value: object, accepted: str, instead: str) -> None:
        self.messages.append(f"{key}: {_shown(value)} is not {accepted}; {instead}")


def _unknown(prefix: str, key: str, keys: tuple[str, ...]) -> str:
    if not prefix and key in _HINT_KEYS:
        return f"{SECTION}.{key}: there is no such setting; it belongs under codeLens or inlayHints"
    folded = {known.casefold(): known for known in keys}
    plain = key.replace("-", "").replace("_", "").casefold()[:100]
    near = difflib.get_close_matches(plain, list(folded), n=1, cutoff=0.6)
    guess = f"did you mean {prefix}{folded[near[0]]}?" if near else f"there is {', '.join(keys)}"
    return f"{SECTION}.{prefix}{_short(key)}: there is no such setting; {guess}"


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _Wrong("true or false")


def _optional_text(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None  # how editors clear a setting
    if isinstance(value, str) and "\0" not in value:
        return value.strip()
    raise _Wrong('the path of a Python interpreter, like ".venv/bin/python"')


def _one_of(words: tuple[Any, ...]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if isinstance(value, str):
            for word in words:
                if word.casefold() == value.casefold():
                    return word
            near = difflib.get_close_matches(value[:100], words, n=1)
            if near:
                raise _Wrong(f'one of {_choices(words)} (did you mean "{near[0]}"?)')
        raise _Wrong(f"one of {_choices(words)}")

    return read


def _choices(words: tuple[Any, ...]) -> str:
    return ", ".join(f'"{word}"' for word in words)


def _milliseconds(value: Any) -> int:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and math.isfinite(value) and 0 <= value <= _LONGEST_DELAY:
        milliseconds: int = round(value)
        return milliseconds
    raise _Wrong(f"a number of milliseconds from 0 to {_LONGEST_DELAY}")


def _size(value: Any) -> int:
    try:
        size = parse_size(int(value) if _is_whole(value) else value)
    except (ValueError, ArithmeticError) as error:
        raise _Wrong('a size, like "1 kB" or 1000') from error
    return size


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def _timeout(value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        seconds = parse_seconds(value)
    except (ValueError, ArithmeticError) as error:
        raise _Wrong('a time above 0, like "300 s", "5 min" or 300') from error
    if seconds <= 0 or not math.isfinite(seconds):
        raise _Wrong('a time above 0, like "300 s", "5 min" or 300')
    return seconds


def _globs(value: Any) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if isinstance(texts, list) and all(_is_glob(text) for text in texts):
        return tuple(dict.fromkeys(texts))
    raise _Wrong('a list of globs, like ["config/**/*.json"]')


def _is_glob(text: object) -> bool:
    return isinstance(text, str) and bool(text.strip()) and "\0" not in text


def _shown(value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        text = "this value"
    return _short(text)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


_HINT_KEYS = ("enable", "minimum", "minimumBytes")
_KEYS = (
    "enable",
    "interpreter",
    "editorInterpreter",
    "measure",
    "debounceMilliseconds",
    "information",
    "codeLens",
    "inlayHints",
    "watch",
    "timeout",
    "lowPriority",
    "warm",
    "pauseWhenUnfocused",
    "pauseOnBattery",
    "logLevel",
)
