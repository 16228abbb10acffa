"""``[tool.dagster-snapsize]``: what the user says, typed, or one clear message of what is wrong."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from attrs import field, frozen

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.model import Budgets
from dagster_snapsize.core.sizes import Allowance, parse_allowance, parse_seconds, parse_size
from dagster_snapsize.project.toml_document import TomlFile, read_toml

TARGET_KEYS = ("module-name", "python-file", "package-name", "workspace")
DEFAULT_TIMEOUT = 300.0
_PREFIX = ("tool", "dagster-snapsize")
_MEANT = ("dagster-snapsize", "snapsize")

CacheUse = Literal["on", "files", "off"]
T = TypeVar("T")
D = TypeVar("D")


@frozen
class Config:
    """The settings of one project.

    ``path`` is the file they came from, None where there is none; paths in it (``python``,
    ``python_file``, ``workspace``, ``working_directory``) are as written, relative to its folder.
    ``timeout`` is in seconds. ``dagster_plus`` None means: find out. ``cache`` "files" takes files
    and variables for all that the definitions depend on.
    """

    path: str | None = None
    module_name: str | None = None
    python_file: str | None = None
    package_name: str | None = None
    workspace: str | None = None
    attribute: str | None = None
    working_directory: str | None = None
    python: str | None = None
    timeout: float = DEFAULT_TIMEOUT
    dagster_plus: bool | None = None
    prepare: tuple[tuple[str, ...], ...] = ()
    cache: CacheUse = "on"
    env: Mapping[str, str] = field(factory=dict)
    budgets: Budgets = field(factory=Budgets)

    @property
    def has_target(self) -> bool:
        """Whether it says which code location to measure."""
        return any((self.module_name, self.python_file, self.package_name, self.workspace))


def load_config(folder: Path) -> Config:
    """The settings in the ``pyproject.toml`` or ``snapsize.toml`` of ``folder``.

    Defaults where neither says anything. Raises UserError for a file that cannot be read, for
    settings in both files, and for every mistake in them.
    """
    pyproject = read_toml(folder / "pyproject.toml")
    own = read_toml(folder / "snapsize.toml")
    if pyproject is not None:
        _refuse_misspelled_table(pyproject)
    in_pyproject = pyproject is not None and _PREFIX[1] in pyproject.table(_PREFIX[0])
    if pyproject is not None and in_pyproject and own is not None:
        raise UserError(
            "there are settings in pyproject.toml and in snapsize.toml",
            hint="Keep one of them: [tool.dagster-snapsize] in pyproject.toml, or snapsize.toml.",
            path=str(pyproject.path),
            line=pyproject.line_of(*_PREFIX),
        )
    if own is not None:
        return _Reader(own, ()).config()
    if pyproject is not None and in_pyproject:
        return _Reader(pyproject, _PREFIX).config()
    return Config()


def line_of_setting(config: Config, *keys: str) -> int:
    """Where a setting that was read stands in its file; for errors that show up later."""
    file = read_toml(Path(config.path)) if config.path else None
    if file is None:
        return 1
    return file.line_of(*(_PREFIX if file.path.name == "pyproject.toml" else ()), *keys)


def _refuse_misspelled_table(pyproject: TomlFile) -> None:
    """Budgets under another name would be passed over in silence."""
    for name in pyproject.table(_PREFIX[0]):
        folded = name.replace("_", "-").lower()
        if name != _PREFIX[1] and difflib.get_close_matches(folded, _MEANT, n=1, cutoff=0.9):
            raise UserError(
                f"unknown table [tool.{name}]; did you mean [{'.'.join(_PREFIX)}]?",
                path=str(pyproject.path),
                line=pyproject.line_of(_PREFIX[0], name),
            )


class _Wrong(Exception):
    """A value that cannot be used; the message goes after the key, the example is one to paste."""

    def __init__(self, message: str, example: str):
        super().__init__(message)
        self.example = example


class _Reader:
    """Reads the tables of one file; remembers nothing but where they are."""

    def __init__(self, file: TomlFile, prefix: tuple[str, ...]):
        self._file = file
        self._prefix = prefix

    def config(self) -> Config:
        table = self._table((), _KEYS)
        targets = [key for key in table if key in TARGET_KEYS]
        if len(targets) > 1:
            raise self._error(
                (targets[1],),
                f"`{targets[0]}` and `{targets[1]}` both say what to measure",
                "Keep one of them.",
            )
        if "attribute" in table and "workspace" in table:
            raise self._error(
                ("attribute",),
                "`attribute` and `workspace` do not go together",
                "Write the attribute at the location in workspace.yaml.",
            )
        for key in ("attribute", "working-directory"):
            if key in table and not targets:
                raise self._error(
                    (key,),
                    f"`{key}` says nothing without one of {', '.join(TARGET_KEYS[:3])}",
                    f'For example:\n  module-name = "my_project.definitions"\n'
                    f"  {key} = {_toml(table[key])}",
                )

        def text(key: str) -> str | None:
            return self._value((key,), table, _text(f'{key} = "{_EXAMPLES[key]}"'), None)

        return Config(
            path=str(self._file.path),
            module_name=text("module-name"),
            python_file=text("python-file"),
            package_name=text("package-name"),
            workspace=text("workspace"),
            attribute=text("attribute"),
            working_directory=text("working-directory"),
            python=text("python"),
            timeout=self._value(
                ("timeout",), table, _seconds('timeout = "300 s"'), DEFAULT_TIMEOUT
            ),
            dagster_plus=self._value(("dagster-plus",), table, _boolean, None),
            prepare=self._value(("prepare",), table, _commands, ()),
            cache=self._value(("cache",), table, _cache_use, "on"),
            env=self._env(),
            budgets=self._budgets(),
        )

    def _budgets(self) -> Budgets:
        table = self._table(("budget",), _BUDGET_KEYS)

        def size(key: str) -> int | None:
            read = _size(f'{key} = "{_BUDGET_KEYS[key]}"')
            return self._value(("budget", key), table, read, None)

        jobs = self._table(("budget", "jobs"), None)
        read_job = _size('jobs = { "__ASSET_JOB" = "95 MB" }')
        return Budgets(
            repository=size("repository"),
            job=size("job"),
            jobs={name: self._value(("budget", "jobs", name), jobs, read_job, 0) for name in jobs},
            asset=size("asset") or Budgets().asset,
            asset_max=size("asset-max"),
            warn_at=self._value(("budget", "warn-at"), table, _share, Budgets().warn_at),
            load_time=self._value(
                ("budget", "load-time"), table, _seconds('load-time = "120 s"'), None
            ),
            growth=self._value(("budget", "growth"), table, _allowance, None),
            asset_growth=self._value(("budget", "asset-growth"), table, _allowance, None),
        )

    def _env(self) -> dict[str, str]:
        table = self._table(("env",), None)
        return {name: self._value(("env", name), table, _variable(name), "") for name in table}

    def _table(self, keys: tuple[str, ...], valid: Mapping[str, str] | None) -> dict[str, Any]:
        """The table under ``keys``; with ``valid``, any other key in it is an error."""
        table = self._file.table(*self._prefix, *keys)
        for key in table:
            if valid is not None and key not in valid:
                raise self._unknown(keys, key, valid)
        return table

    def _value(
        self, keys: tuple[str, ...], table: Mapping[str, Any], read: Callable[[Any], T], default: D
    ) -> T | D:
        if keys[-1] not in table:
            return default
        try:
            return read(table[keys[-1]])
        except _Wrong as wrong:
            name = ".".join(keys)
            raise self._error(keys, f"`{name}`: {wrong}", f"For example: {wrong.example}") from None

    def _unknown(self, keys: tuple[str, ...], key: str, valid: Mapping[str, str]) -> UserError:
        where = ".".join((*self._prefix, *keys))
        if not keys and not self._prefix and key == "tool":
            return self._error(
                (key,),
                "snapsize.toml holds the keys without a prefix",
                'For example:\n  module-name = "my_project.definitions"\n'
                '  [budget]\n  repository = "80 MB"',
            )
        folded = key.replace("_", "-").lower()
        nearest = difflib.get_close_matches(folded, valid, n=1, cutoff=0.5)
        elsewhere = [t for t, known in _TABLES.items() if folded in known and t != ".".join(keys)]
        if folded in valid or not elsewhere:
            guess = f"; did you mean `{nearest[0]}`?" if nearest else ""
        else:
            place = ".".join((*self._prefix, elsewhere[0])).strip(".")
            guess = (
                f"; `{folded}` belongs under [{place}]"
                if place
                else (f"; `{folded}` belongs at the top of the file")
            )
        inside = f" in [{where}]" if where else ""
        return self._error(
            (*keys, key),
            f"unknown key `{key}`{inside}{guess}",
            f"The keys there are: {', '.join(valid)}.",
        )

    def _error(self, keys: tuple[str, ...], message: str, hint: str) -> UserError:
        line = self._file.line_of(*self._prefix, *keys)
        return UserError(message, hint, path=str(self._file.path), line=line)


_EXAMPLES = {
    "module-name": "my_project.definitions",
    "python-file": "my_project/definitions.py",
    "package-name": "my_project",
    "workspace": "workspace.yaml",
    "attribute": "defs",
    "working-directory": "src",
    "python": ".venv/bin/python",
}
_KEYS = {
    **_EXAMPLES,
    "timeout": "300 s",
    "dagster-plus": "true",
    "prepare": "",
    "cache": "on",
    "budget": "",
    "env": "",
}
_BUDGET_KEYS = {
    "repository": "80 MB",
    "job": "80 MB",
    "jobs": "",
    "asset": "64 kB",
    "asset-max": "256 kB",
    "warn-at": "0.8",
    "load-time": "120 s",
    "growth": "5 %",
    "asset-growth": "20 kB",
}
_TABLES = {"": _KEYS, "budget": _BUDGET_KEYS}


def _text(example: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise _Wrong(f"expected a text, got {_toml(value)}", example)
        return value

    return read


def _variable(name: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str):
            shown = _toml(value).strip('"')
            raise _Wrong(
                f"a variable is a text in quotes, got {_toml(value)}", f'{name} = "{shown}"'
            )
        if not name or "=" in name or "\0" in name + value:
            raise _Wrong("no environment variable can be like this", 'MY_FLAG = "1"')
        return value

    return read


def _size(example: str) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        try:
            size = parse_size(value)
        except ValueError as error:
            raise _Wrong(str(error), example) from None
        if size == 0:
            raise _Wrong("a budget of 0 bytes allows nothing", example)
        return size

    return read


def _allowance(value: Any) -> Allowance:
    try:
        return parse_allowance(value)
    except ValueError as error:
        raise _Wrong(str(error), 'growth = "5 %"') from None


def _seconds(example: str) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        try:
            seconds = parse_seconds(value)
        except ValueError as error:
            raise _Wrong(str(error), example) from None
        if seconds == 0:
            raise _Wrong("a time of 0 seconds allows nothing", example)
        return seconds

    return read


def _share(value: Any) -> float:
    example = "warn-at = 0.8"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _Wrong(f"expected a number from 0 to 1, got {_toml(value)}", example)
    if not math.isfinite(value) or not 0 < value <= 1:
        raise _Wrong(f"expected a share of the budget, above 0 and up to 1, got {value}", example)
    return float(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(f"expected true or false, got {_toml(value)}", "dagster-plus = true")
    return value


def _cache_use(value: Any) -> CacheUse:
    for known in get_args(CacheUse):
        if value == known:
            return known  # type: ignore[no-any-return]
    choices = ", ".join(map(_toml, get_args(CacheUse)))
    raise _Wrong(f"expected one of {choices}, got {_toml(value)}", 'cache = "files"')


def _commands(value: Any) -> tuple[tuple[str, ...], ...]:
    example = 'prepare = [["dbt", "parse"]]'
    if not isinstance(value, list):
        raise _Wrong(f"expected a list of commands, got {_toml(value)}", example)
    if value and all(isinstance(word, str) for word in value):
        raise _Wrong("each command is a list of its own", f"prepare = [{_toml(value)}]")
    return tuple(_command(command, example) for command in value)


def _command(command: Any, example: str) -> tuple[str, ...]:
    if not isinstance(command, list) or not command:
        raise _Wrong(f"expected a list of words for each command, got {_toml(command)}", example)
    for word in command:
        if not isinstance(word, str):
            raise _Wrong(f"expected words in quotes, got {_toml(word)}", example)
    return tuple(command)


def _toml(value: Any) -> str:
    """The value much as it stands in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Mapping):
        return "a table"
    return str(value)
