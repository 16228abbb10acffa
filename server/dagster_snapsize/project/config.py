"""``[tool.dagster-snapsize]``: the project's settings, or one clear message of what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar, get_args

from attrs import evolve, field, frozen

from dagster_snapsize.core.errors import UserError, close_names
from dagster_snapsize.core.limits import StorageName
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
from dagster_snapsize.core.model import Budgets, GrowthAgainst
from dagster_snapsize.core.sizes import parse_allowance, parse_seconds, parse_share, parse_size
from dagster_snapsize.project.files.toml_document import TomlDocument, read_toml
from dagster_snapsize.project.servers import (
    ServerSettings,
    WebserverSettings,
    parse_address,
    parse_header,
)

TARGET_KEYS = ("module-name", "python-file", "package-name", "workspace")
DEFAULT_TIMEOUT = 300.0
_PREFIX = ("tool", "dagster-snapsize")
_SIMILAR_TO = ("dagster-snapsize", "snapsize")

CacheMode = Literal["on", "files", "off"]
T = TypeVar("T", int, float)


@frozen
class Config:
    """The settings of one project.

    ``path`` is the file they came from, None where there is none; paths in it (``python``,
    ``python_file``, ``workspace``, ``working_directory``) are as written, relative to its folder.
    ``timeout`` is in seconds. ``dagster_plus`` None means that it depends on dagster_cloud.yaml,
    ``storage`` None that it depends on dagster.yaml; ``storage_limit`` is in bytes.
    ``cache`` "files" means that the definitions depend on files and variables only.
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
    storage: StorageName | None = None
    storage_limit: int | None = None
    prepare: tuple[tuple[str, ...], ...] = ()
    cache: CacheMode = "on"
    env: Mapping[str, str] = field(factory=dict)
    budgets: Budgets = field(factory=Budgets)
    server: ServerSettings = field(factory=ServerSettings)

    @property
    def has_target(self) -> bool:
        """Whether the settings name a code location to measure."""
        return any((self.module_name, self.python_file, self.package_name, self.workspace))


def load_config(folder: Path) -> Config:
    """The settings in the ``pyproject.toml`` or ``snapsize.toml`` of ``folder``.

    Defaults where neither has any. Raises UserError for a file that cannot be read, for
    settings in both files, and for every mistake in them.
    """
    pyproject = read_toml(folder / "pyproject.toml")
    separate = read_toml(folder / "snapsize.toml")
    if pyproject is not None:
        _refuse_misspelled_table(pyproject)
    in_pyproject = pyproject is not None and _PREFIX[1] in pyproject.table(_PREFIX[0])
    if pyproject is not None and in_pyproject and separate is not None:
        raise UserError(
            "there are settings in pyproject.toml and in snapsize.toml",
            hint="Keep one of them: [tool.dagster-snapsize] in pyproject.toml, or snapsize.toml.",
            path=str(pyproject.path),
            line=pyproject.line_of(*_PREFIX),
        )
    if separate is not None:
        return _read_config(separate, ())
    if pyproject is not None and in_pyproject:
        return _read_config(pyproject, _PREFIX)
    return Config()


def line_of_setting(config: Config, *keys: str) -> int:
    """The line of a setting that was read, for errors that are found later."""
    file = read_toml(Path(config.path)) if config.path else None
    if file is None:
        return 1
    return file.line_of(*(_PREFIX if file.path.name == "pyproject.toml" else ()), *keys)


def _refuse_misspelled_table(pyproject: TomlDocument) -> None:
    """Budgets under another name would be ignored without a word."""
    for name in pyproject.table(_PREFIX[0]):
        if name != _PREFIX[1] and close_names(name, _SIMILAR_TO, cutoff=0.9):
            raise UserError(
                f"unknown table [tool.{name}]; did you mean [{'.'.join(_PREFIX)}]?",
                path=str(pyproject.path),
                line=pyproject.line_of(_PREFIX[0], name),
            )


def _read_config(file: TomlDocument, prefix: tuple[str, ...]) -> Config:
    """The settings under ``prefix``. Raises UserError for the first mistake in them."""

    def fail(problem: KeyProblem) -> NoReturn:
        line = file.line_of(*prefix, *problem.keys)
        raise UserError(problem.message, problem.hint, path=str(file.path), line=line)

    def table(spec: Mapping[str, Key] | None, *keys: str) -> dict[str, Any]:
        values = file.table(*prefix, *keys)
        name = ".".join((*prefix, *keys))
        top = f"in [{'.'.join(prefix)}]" if prefix else "at the top of the file"
        elsewhere = {
            (): {f"in [{'.'.join((*prefix, 'budget'))}]": _BUDGET_KEYS},
            ("budget",): {top: _KEYS},
        }
        if spec is None:
            spec = {key: _EACH[keys](key) for key in values}
        return read_mapping(
            values, spec, fail, keys, f"[{name}]" if name else "", elsewhere.get(keys)
        )

    if not prefix and "tool" in file.data:
        example = 'module-name = "my_project.definitions"\n  [budget]\n  repository = "80 MB"'
        message = "snapsize.toml holds the keys without a prefix"
        fail(KeyProblem(("tool",), message, f"For example:\n  {example}"))
    values = table(_KEYS)
    _check_together(values, fail)
    budget = table(_BUDGET_KEYS, "budget")
    named = {key: table(None, "budget", key) for key in _NAMED if key in budget}
    budgets = Budgets(**{_field(k): v for k, v in {**budget, **named}.items()})
    headers = dict(table(None, "server", "headers").values())
    asked = {**table(_SERVER_KEYS, "server"), "headers": headers}
    server = ServerSettings(**{_field(k): v for k, v in asked.items()})
    settings = {_field(k): v for k, v in values.items() if k not in ("budget", "env", "server")}
    return Config(
        path=str(file.path), env=table(None, "env"), budgets=budgets, server=server, **settings
    )


def budgets_from(values: object) -> Budgets:
    """The budgets of a table that is in no file, whose keys may have underscores for dashes.

    Raises UserError for the first mistake in it.
    """
    budget = _table_from(values, _BUDGET_KEYS, "budget")
    for key in _NAMED:
        if key in budget:
            budget[key] = _each_from(budget[key], "budget", key)
    return Budgets(**{_field(k): v for k, v in budget.items()})


def server_from(values: object) -> ServerSettings:
    """A server to ask by its address, or by a table as the one of budgets."""
    values = {"address": values} if isinstance(values, str) else values
    keys = {**_SERVER_KEYS, "address": evolve(_SERVER_KEYS["address"], required=True)}
    server = _table_from(values, keys, "server")
    server["headers"] = dict(_each_from(server.get("headers", {}), "server", "headers").values())
    return ServerSettings(**{_field(k): v for k, v in server.items()})


def webserver_from(values: object) -> WebserverSettings:
    """A webserver to ask, by a table as the one of budgets."""
    table = _table_from(values, _WEBSERVER_KEYS, "webserver")
    headers = _each_from(table.pop("headers", {}), "server", "headers")
    return WebserverSettings(headers=dict(headers.values()), **table)


def _table_from(values: object, spec: Mapping[str, Key], *keys: str) -> dict[str, Any]:
    name = ".".join(keys)
    if not isinstance(values, Mapping):
        raise UserError(f"`{name}` is {shown(values)}, and not a table")
    dashed = {str(key).replace("_", "-"): value for key, value in values.items()}
    return read_mapping(dashed, spec, _refuse, keys, f"`{name}`")


def _each_from(values: object, *keys: str) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise UserError(f"`{'.'.join(keys)}` is {shown(values)}, and not a table")
    return read_mapping(values, {k: _EACH[keys](k) for k in values}, _refuse, keys)


def _refuse(problem: KeyProblem) -> NoReturn:
    raise UserError(problem.message, problem.hint)


def _field(key: str) -> str:
    return key.replace("-", "_")


def _check_together(values: Mapping[str, Any], fail: Callable[[KeyProblem], NoReturn]) -> None:
    """Whether the keys go together."""
    targets = [key for key in values if key in TARGET_KEYS]
    if len(targets) > 1:
        message = f"`{targets[0]}` and `{targets[1]}` both say what to measure"
        fail(KeyProblem((targets[1],), message, "Keep one of them."))
    if "attribute" in values and "workspace" in values:
        hint = "Write the attribute at the location in workspace.yaml."
        message = "`attribute` and `workspace` do not go together"
        fail(KeyProblem(("attribute",), message, hint))
    if "storage-limit" in values and values.get("storage", "mysql") != "mysql":
        message = "`storage-limit` has an effect with MySQL only"
        fail(KeyProblem(("storage-limit",), message, 'For example: storage = "mysql"'))
    for key in ("attribute", "working-directory"):
        if key in values and not targets:
            message = f"`{key}` has no effect without one of {', '.join(TARGET_KEYS[:3])}"
            example = f'module-name = "my_project.definitions"\n  {key} = {shown(values[key])}'
            fail(KeyProblem((key,), message, f"For example:\n  {example}"))


def _above_zero(parse: Callable[[object], T], what: str) -> Callable[[object], T]:
    def read(value: object) -> T:
        parsed = parse(value)
        if parsed == 0:
            raise ValueError(f"{what} allows nothing")
        return parsed

    return read


def _commands(value: object) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list):
        raise ValueError(f"{shown(value)} is not a list of commands")
    if value and all(isinstance(word, str) for word in value):
        raise ValueError(f"each command must be a list: [{shown(value)}]")
    for command in value:
        if not isinstance(command, list) or not command:
            raise ValueError(f"{shown(command)} is not a command, which is a list of strings")
        for word in command:
            if not isinstance(word, str) or "\0" in word:
                raise ValueError(f"{shown(word)} is not a string")
    return tuple(map(tuple, value))


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(x, str) for x in value):
        raise ValueError(f"{shown(value)} is not a list of names")
    return tuple(value)


def _variable(name: str) -> Key:
    def read(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError(f"{shown(value)} is not a string, as each variable must be")
        if not name or "=" in name or "\0" in name + value:
            raise ValueError("no environment variable can have this name or value")
        return value

    return Key(read, f'{name} = "1"')


def _address(value: object) -> str:
    text = string(value)
    parse_address(text, Path())
    return text


_size = _above_zero(parse_size, "a budget of 0 bytes")
_seconds = _above_zero(parse_seconds, "a time of 0 seconds")
_share = number(lambda n: 0 < n <= 1, "a share of the budget, above 0 and up to 1")

_KEYS = {
    "module-name": Key(string, 'module-name = "my_project.definitions"'),
    "python-file": Key(string, 'python-file = "my_project/definitions.py"'),
    "package-name": Key(string, 'package-name = "my_project"'),
    "workspace": Key(string, 'workspace = "workspace.yaml"'),
    "attribute": Key(string, 'attribute = "defs"'),
    "working-directory": Key(string, 'working-directory = "src"'),
    "python": Key(string, 'python = ".venv/bin/python"'),
    "timeout": Key(_seconds, 'timeout = "300 s"'),
    "dagster-plus": Key(boolean, "dagster-plus = true"),
    "storage": Key(choice(get_args(StorageName)), 'storage = "mysql"'),
    "storage-limit": Key(_above_zero(parse_size, "a limit of 0 bytes"), 'storage-limit = "16 MB"'),
    "prepare": Key(_commands, 'prepare = [["dbt", "parse"]]'),
    "cache": Key(choice(get_args(CacheMode)), 'cache = "files"'),
    "budget": Key(anything),
    "env": Key(anything),
    "server": Key(anything),
}
_BUDGET_KEYS = {
    "repository": Key(_size, 'repository = "80 MB"'),
    "job": Key(_size, 'job = "80 MB"'),
    "jobs": Key(anything),
    "asset": Key(_size, 'asset = "64 kB"'),
    "asset-max": Key(_size, 'asset-max = "256 kB"'),
    "assets": Key(anything),
    "owners": Key(anything),
    "warn-at": Key(_share, "warn-at = 0.8"),
    "load-time": Key(_seconds, 'load-time = "120 s"'),
    "growth": Key(parse_allowance, 'growth = "5 %"'),
    "asset-growth": Key(parse_allowance, 'asset-growth = "20 kB"'),
    "load-time-growth": Key(parse_share, 'load-time-growth = "25 %"'),
    "growth-against": Key(choice(get_args(GrowthAgainst)), 'growth-against = "merge-base"'),
}
_SERVER_KEYS = {
    "address": Key(_address, 'address = "code-server.internal:4000"'),
    "ssl": Key(boolean, "ssl = true"),
    "headers": Key(anything),
    "wait": Key(_seconds, 'wait = "180 s"'),
    "inline-jobs": Key(boolean, "inline-jobs = true"),
}
_WEBSERVER_KEYS = {
    "url": Key(string, "url: http://localhost:3000", required=True),
    "locations": Key(_names, "locations: [sales, finance]", required=True),
    "headers": Key(anything),
}
_NAMED = ("jobs", "assets", "owners")
# Tables whose keys the user chooses.
_EACH: Mapping[tuple[str, ...], Callable[[str], Key]] = {
    ("budget", "jobs"): lambda _: Key(_size, 'jobs = { "__ASSET_JOB" = "95 MB" }'),
    ("budget", "assets"): lambda _: Key(_size, 'assets = { "marts/orders" = "96 kB" }'),
    ("budget", "owners"): lambda _: Key(_size, 'owners = { "sensor *" = "100 kB" }'),
    ("env",): _variable,
    ("server", "headers"): lambda name: Key(
        lambda value: parse_header(name, value), f'headers = {{ {name} = "env:TOKEN" }}'
    ),
}
