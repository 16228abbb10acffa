"""The client's settings: typed, each with a default, and a readable message for every bad one.

They come as ``initializationOptions`` and as section ``dagsterSnapsize`` of
``workspace/configuration``, the same keys in both.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from attrs import evolve, field, frozen
from lsprotocol import types
from pygls.lsp.server import LanguageServer

from dagster_snapsize.core.mapping_reader import (
    Key,
    KeyProblem,
    anything,
    boolean,
    choice,
    number,
    read_mapping,
    shown,
    string,
)
from dagster_snapsize.core.sizes import parse_seconds, parse_size
from dagster_snapsize.lsp.documents.positions import to_uri

SECTION = "dagsterSnapsize"
Measure = Literal["onSave", "onOpen", "manual"]
LogLevel = Literal["error", "warning", "info", "debug"]

_LONGEST_DELAY = 60_000
_SHOWN = 5  # mistakes in one message
_POWER = Path("/sys/class/power_supply")
_log = logging.getLogger(__name__)


@frozen
class HintSettings:
    """Whether a kind of hint is shown, and from how many bytes of an asset on at the earliest."""

    enable: bool
    minimum_bytes: int


@frozen
class LoadTimeSettings:
    """Whether lenses say how long lines take to load, and from how many seconds on a hint does."""

    code_lens: bool = False
    hint: float | None = None


@frozen
class Settings:
    """What the editor's user chose.

    ``interpreter`` is the Python that runs the user's code, ``timeout`` is in seconds; None leaves
    both to the project. ``editor_interpreter`` is what the editor's own Python tooling chose: the
    project's configuration comes before it. ``measure`` says when: ``onOpen`` is on open and on
    save, ``onSave`` on save only. ``information`` shows findings of that severity. ``watch`` holds
    globs of more files whose change asks for a measurement, relative to the project, and
    ``exclude`` of folders in which no projects are looked for, relative to the workspace folder.
    ``fork_server`` keeps an interpreter ready between measurements.
    """

    enable: bool = True
    interpreter: str | None = None
    editor_interpreter: str | None = None
    measure: Measure = "onOpen"
    debounce_milliseconds: int = 100
    information: bool = True
    code_lens: HintSettings = field(factory=lambda: HintSettings(True, 0))
    inlay_hints: HintSettings = field(factory=lambda: HintSettings(False, 0))
    load_time: LoadTimeSettings = LoadTimeSettings()
    watch: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    timeout: float | None = None
    low_priority: bool = True
    fork_server: bool = True
    pause_when_unfocused: bool = False
    pause_on_battery: bool = False
    log_level: LogLevel = "info"


def read_settings(data: object) -> tuple[Settings, tuple[str, ...]]:
    """The settings in ``data``, and a message for each thing in it that cannot be used.

    A bad value leaves its default. ``data`` may be anything that JSON holds; null is no settings.
    Where it has a section ``dagsterSnapsize``, the others are not ours.
    """
    problems: list[KeyProblem] = []
    if isinstance(data, dict) and SECTION in data:
        data = data[SECTION]
    values = _read_object(data, _KEYS, problems, SECTION)
    for name in _HINTS:
        if name in values:
            values[name] = _hint_settings(values[name], getattr(_DEFAULTS, name), problems, name)
    if _LOAD_TIME in values:
        read = _read_object(values[_LOAD_TIME], _LOAD_TIME_KEYS, problems, SECTION, "loadTime")
        values[_LOAD_TIME] = evolve(_DEFAULTS.load_time, **read)
    return evolve(_DEFAULTS, **values), tuple(problem.message for problem in problems)


def _read_object(
    data: object, spec: dict[str, Key], problems: list[KeyProblem], *at: str
) -> dict[str, Any]:
    """The values by the names of their attributes; null is an empty object."""
    if data is None:
        return {}
    if isinstance(data, dict):
        values = read_mapping(data, spec, problems.append, at, f"`{'.'.join(at)}`", _ELSEWHERE)
        return {_attribute(key): value for key, value in values.items()}
    message = f"`{'.'.join(at)}`: {shown(data)} is not an object; the defaults are used"
    problems.append(KeyProblem(at, message))
    return {}


def _hint_settings(
    data: object, default: HintSettings, problems: list[KeyProblem], name: str
) -> HintSettings:
    """From a switch alone, or from an object."""
    if isinstance(data, bool):
        return evolve(default, enable=data)
    values = _read_object(data, _hint_keys(default), problems, SECTION, _key(name))
    if "minimum" in values and "minimum_bytes" in values:
        both = f"`{SECTION}.{_key(name)}`: `minimum` and `minimumBytes` are the same setting"
        problems.append(KeyProblem((), f"{both}; `minimum` is used, remove the other"))
    return HintSettings(
        enable=values.get("enable", default.enable),
        minimum_bytes=values.get("minimum", values.get("minimum_bytes", default.minimum_bytes)),
    )


def _key(attribute: str) -> str:
    """``codeLens`` of ``code_lens``."""
    return re.sub("_(.)", lambda match: match[1].upper(), attribute)


def _attribute(key: str) -> str:
    return re.sub("([A-Z])", lambda match: f"_{match[1].lower()}", key)


def _setting(read: Callable[[Any], Any], default: object) -> Key:
    instead = "it is ignored" if default in (None, ()) else f"{shown(default)} is used"

    def checked(value: Any) -> Any:
        try:
            return read(value)
        except ValueError as error:
            raise ValueError(f"{error}; {instead}") from None

    return Key(checked)


def _or_none(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Editors clear a setting with null or an empty text."""

    def read_any(value: Any) -> Any:
        cleared = value is None or (isinstance(value, str) and not value.strip())
        return None if cleared else read(value)

    return read_any


def _path(value: object) -> str:
    return string(value).strip()


def _milliseconds(value: object) -> int:
    what = f"a number of milliseconds from 0 to {_LONGEST_DELAY}"
    return round(number(lambda n: 0 <= n <= _LONGEST_DELAY, what)(value))


def _size(value: object) -> int:
    # JSON of some editors has 1000.0 for 1000.
    return parse_size(int(value) if isinstance(value, float) and value.is_integer() else value)


def _timeout(value: object) -> float:
    seconds = parse_seconds(value)
    if seconds == 0:
        raise ValueError("a time of 0 seconds allows nothing")
    return seconds


def _globs(value: object) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list):
        raise ValueError(f'{shown(value)} is not a list of globs, like ["config/**/*.json"]')
    return tuple(dict.fromkeys(map(string, texts)))


_DEFAULTS = Settings()
_READ: dict[str, Callable[[Any], Any]] = {
    "enable": boolean,
    "interpreter": _or_none(_path),
    "editor_interpreter": _or_none(_path),
    "measure": choice(get_args(Measure)),
    "debounce_milliseconds": _milliseconds,
    "information": boolean,
    "code_lens": anything,
    "inlay_hints": anything,
    "load_time": anything,
    "watch": _globs,
    "exclude": _globs,
    "timeout": _or_none(_timeout),
    "low_priority": boolean,
    "fork_server": boolean,
    "pause_when_unfocused": boolean,
    "pause_on_battery": boolean,
    "log_level": choice(get_args(LogLevel)),
}
_KEYS = {_key(name): _setting(read, getattr(_DEFAULTS, name)) for name, read in _READ.items()}
_HINTS = ("code_lens", "inlay_hints")
_LOAD_TIME = "load_time"
_LOAD_TIME_KEYS = {"codeLens": _setting(boolean, False), "hint": _setting(_or_none(_timeout), None)}


def _hint_keys(default: HintSettings) -> dict[str, Key]:
    size = _setting(_size, default.minimum_bytes)
    return {"enable": _setting(boolean, default.enable), "minimum": size, "minimumBytes": size}


def _are_foreign(data: dict[str, Any]) -> bool:
    """Whether these are sections of other servers, and none is ours."""
    is_ours = not data or {SECTION, *_KEYS}.intersection(data)
    return not is_ours and all(isinstance(section, dict) for section in data.values())


_ELSEWHERE = {f"in `{_key(name)}`": ("minimum", "minimumBytes") for name in _HINTS}


def on_battery(folder: Path = _POWER) -> bool:
    """Whether the machine runs on its battery; False where that is not known.

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


class ClientSettings:
    """The settings that the client sent last; its user is shown each mistake in them once."""

    def __init__(self, server: LanguageServer):
        self._server = server
        self._window = Settings()
        self._folders: dict[str, Settings] = {}
        self._said: frozenset[str] = frozenset()

    def of(self, folder: str) -> Settings:
        """Those of a project's folder."""
        return self._folders.get(folder, self._window)

    async def fetch(self, folders: Sequence[str]) -> None:
        """Ask the client for its settings, and for those of each of these folders."""
        scopes = [None, *map(to_uri, folders)]
        items = [types.ConfigurationItem(scope_uri=uri, section=SECTION) for uri in scopes]
        try:
            answers = await self._server.workspace_configuration_async(
                types.ConfigurationParams(items)
            )
        except Exception as error:  # a client that cannot after all
            _log.warning("the client gave no settings: %s", error)
            return
        given = dict(zip([None, *folders], answers or [], strict=False))
        self._use({folder: data for folder, data in given.items() if data is not None})

    def apply(self, data: object) -> None:
        """Use settings that are the same for every folder, unless they are other servers' alone."""
        if isinstance(data, dict) and _are_foreign(data):
            return
        self._folders.clear()
        self._use({None: data})

    def _use(self, given: dict[str | None, object]) -> None:
        messages: dict[str, None] = {}
        for folder, data in given.items():
            settings, wrong = read_settings(data)
            messages.update(dict.fromkeys(wrong))
            if folder is None:
                self._window = settings
            else:
                self._folders[folder] = settings
        news = [message for message in messages if message not in self._said]
        if news:
            more = [f"and {len(news) - _SHOWN} more"] if len(news) > _SHOWN else []
            text = "\n".join([*news[:_SHOWN], *more])
            self._server.window_show_message(
                types.ShowMessageParams(types.MessageType.Warning, f"dagster-snapsize: {text}")
            )
        self._said = frozenset(messages)
        logging.getLogger("dagster_snapsize").setLevel(self._window.log_level.upper())
