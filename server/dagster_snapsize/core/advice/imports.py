"""Imports at the top of the project's modules that could wait until a function runs that uses them.

Nothing is claimed that the source does not prove. A function runs later, and not while definitions
load, where a decorator or a class of Dagster's says so, or where only such functions name it. An
import can move where only those functions use what it imports, in every module that imports the
package, and where no distribution that is loaded otherwise requires it.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from attrs import field, frozen

from dagster_snapsize.core.model import LoadTime, SourceLocation, TimeOwner

LEAST = 200_000
"""Microseconds below which nothing is said of an import."""

_RUN_LATER = {
    *("asset", "multi_asset", "observable_source_asset", "multi_observable_source_asset", "op"),
    *("asset_check", "multi_asset_check", "dbt_assets", "dlt_assets", "sling_assets"),
    *("sensor", "asset_sensor", "multi_asset_sensor", "run_status_sensor", "run_failure_sensor"),
    *("schedule", "resource", "io_manager", "logger", "success_hook", "failure_hook"),
}
_RESOURCES = {
    *("ConfigurableResource", "ConfigurableIOManager", "ConfigurableIOManagerFactory"),
    *("IOManager", "ConfigurableLegacyIOManagerAdapter", "ConfigurableResourceFactory"),
}

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Import = ast.Import | ast.ImportFrom


@frozen
class LateImport:
    """Imports of one package that could move, and what the load would take less by that.

    ``places`` are the statements, ``functions`` those that use what they import.
    """

    what: str
    package: str
    places: tuple[SourceLocation, ...]
    functions: tuple[str, ...]
    microseconds: int


@frozen
class _EnclosingFunction:
    """The outermost function around some code, and the name of its class if it is a method."""

    function: _Function
    base_names: frozenset[str] | None

    @property
    def is_later(self) -> bool:
        """Whether Dagster runs it later, by what it is."""
        if self.base_names is None:
            return bool({*map(_last_name, self.function.decorator_list)} & _RUN_LATER)
        is_plain = not self.function.decorator_list and not self.function.name.startswith("__")
        return is_plain and bool(self.base_names & _RESOURCES)


@frozen
class _ParsedModule:
    path: str
    imports: list[tuple[_Import, _EnclosingFunction | None]] = field(factory=list)
    top_imports: list[_Import] = field(factory=list)
    uses: defaultdict[str, list[_EnclosingFunction | None]] = field(
        factory=lambda: defaultdict(list)
    )
    stored: defaultdict[str, int] = field(factory=lambda: defaultdict(int))
    scopes: list[_EnclosingFunction] = field(factory=list)


def late_imports(sources: Mapping[str, str], load_time: LoadTime) -> tuple[LateImport, ...]:
    """The imports that could move, longest first; ``sources`` are all modules of the project."""
    slow: dict[SourceLocation, TimeOwner] = {
        line.location: line
        for line in load_time.lines
        if line.location and line.microseconds >= LEAST and line.distribution
    }
    if not slow:
        return ()
    modules = list(_modules(sources))
    later = _later(modules)
    groups: defaultdict[str, list[tuple[_ParsedModule, _Import, bool]]] = defaultdict(list)
    for module in modules:
        for statement, scope in module.imports:
            if scope is None or id(scope.function) not in later:
                movable = _is_movable(module, statement, modules, later)
                for package in _packages(statement):
                    groups[package].append((module, statement, movable))
    found = []
    for package, statements in groups.items():
        owners = [
            slow[place]
            for m, s, _ in statements
            if (place := SourceLocation(m.path, s.lineno)) in slow
        ]
        saved = _saved(owners, load_time) if owners else 0
        if saved >= LEAST and all(movable for _, _, movable in statements):
            found.append(
                LateImport(
                    max(owners, key=lambda owner: owner.microseconds).what,
                    package,
                    tuple(SourceLocation(m.path, s.lineno) for m, s, _ in statements),
                    tuple(sorted({n for m, s, _ in statements for n in _users(m, s)})),
                    saved,
                )
            )
    return tuple(sorted(found, key=lambda late: (-late.microseconds, late.package)))


def _saved(owners: Iterable[TimeOwner], load_time: LoadTime) -> int:
    """The time of the distributions that nothing else requires."""
    moved = [*owners]
    requires = {part.name: part.requires for part in load_time.distributions}
    needed: set[str] = set()
    left = [name for o in load_time.owners if o not in moved for name in o.running]
    while left:
        name = left.pop()
        if name not in needed:
            needed.add(name)
            left += requires.get(name, ())
    return sum(time for o in moved for name, time in o.running.items() if name not in needed)


def _modules(sources: Mapping[str, str]) -> Iterator[_ParsedModule]:
    for path, source in sources.items():
        module = _ParsedModule(path)
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        module.top_imports.extend(n for n in tree.body if isinstance(n, _Import))
        _walk(tree, module, None, None)
        yield module


def _walk(
    node: ast.AST,
    module: _ParsedModule,
    scope: _EnclosingFunction | None,
    bases: frozenset[str] | None,
) -> None:
    """Note what is imported and used, and by the body of which function."""
    if isinstance(node, ast.If) and _last_name(node.test) == "TYPE_CHECKING":
        for otherwise in node.orelse:
            _walk(otherwise, module, scope, bases)
        return
    if isinstance(node, _Import):
        module.imports.append((node, scope))
    elif isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load):
            module.uses[node.id].append(scope)
        else:
            module.stored[node.id] += 1
    elif isinstance(node, ast.Attribute):
        module.uses[node.attr].append(scope)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        # `__all__`, and annotations in quotes.
        module.uses[node.value].append(scope)
    if isinstance(node, _Function) and scope is None:
        # Its decorators, defaults and annotations are evaluated where it is defined.
        inner = _EnclosingFunction(node, bases)
        module.scopes.append(inner)
        for outside in (*node.decorator_list, node.args, *([node.returns] if node.returns else [])):
            _walk(outside, module, None, None)
        for part in node.body:
            _walk(part, module, inner, None)
        return
    inner_bases = bases
    if isinstance(node, ast.ClassDef):
        inner_bases = frozenset(map(_last_name, node.bases))
    for child in ast.iter_child_nodes(node):
        _walk(child, module, scope, inner_bases)


def _later(modules: list[_ParsedModule]) -> set[int]:
    """Functions, by id, that do not run while definitions load."""
    scopes = [scope for module in modules for scope in module.scopes]
    later = {id(scope.function) for scope in scopes if scope.is_later}
    helpers = [s for s in scopes if s.base_names is None and not s.function.decorator_list]
    while True:
        more = {
            id(scope.function)
            for scope in helpers
            if id(scope.function) not in later and _only_later(scope.function.name, modules, later)
        }
        if not more:
            return later
        later |= more


def _only_later(name: str, modules: Iterable[_ParsedModule], later: set[int]) -> bool:
    uses = [scope for module in modules for scope in module.uses.get(name, ())]
    return bool(uses) and all(scope and id(scope.function) in later for scope in uses)


def _is_movable(
    module: _ParsedModule, statement: _Import, modules: Iterable[_ParsedModule], later: set[int]
) -> bool:
    names = _bound(statement)
    return (
        statement in module.top_imports
        and all(_only_later(name, [module], later) for name in names)
        and not any(module.stored.get(name) for name in names)
        and not any(_takes(other, module, names) for other in modules)
    )


def _takes(other: _ParsedModule, module: _ParsedModule, names: set[str]) -> bool:
    """Whether a module may import one of these names from the other."""
    *_, folder, name = f"/{module.path}".removesuffix(".py").rsplit("/", 2)
    stem = folder if name == "__init__" else name
    return any(
        isinstance(statement, ast.ImportFrom)
        and (statement.module or stem).rpartition(".")[2] == stem
        and {alias.name for alias in statement.names} & {*names, "*"}
        for statement, _ in other.imports
    )


def _bound(statement: _Import) -> set[str]:
    return {alias.asname or alias.name.partition(".")[0] for alias in statement.names}


def _packages(statement: _Import) -> set[str]:
    if isinstance(statement, ast.ImportFrom):
        return set() if statement.level else {(statement.module or "").partition(".")[0]}
    return {alias.name.partition(".")[0] for alias in statement.names}


def _users(module: _ParsedModule, statement: _Import) -> Iterator[str]:
    for name in _bound(statement):
        yield from (f"{s.function.name}()" for s in module.uses.get(name, ()) if s)


def _last_name(node: ast.expr) -> str:
    """``asset`` of ``@dg.asset(...)``."""
    node = node.func if isinstance(node, ast.Call) else node
    node = node.value if isinstance(node, ast.Subscript) else node
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
