"""Source of the user's -> code that tells when it asks for the time or for randomness.

Neither raises an audit event. So where a source has one of the names below, each expression that
refers to one is preceded by a call of ours: ``datetime.now()`` becomes
``(site() or datetime).now()``. A name in a function that never runs tells nothing. Every node keeps
its position, so that tracebacks and ``inspect`` see the source as it is; the sites are constants of
the code objects, which leaves the user's names alone.
"""

from __future__ import annotations

import ast
import bisect
import copy
import functools
import re
import sys
import typing
from types import CodeType
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

TIME, RANDOM = "asked for the time", "asked for randomness"
PARTITIONS = "partitions"  # asks for the time where they follow the clock
Note = Callable[[str, str, int], None]
Source = Union[str, bytes, bytearray, ast.AST]

_TIME_SURE = frozenset(
    (
        *("now", "utcnow", "today", "localdate", "get_current_datetime", "get_current_timestamp"),
        *("time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"),
        *("process_time", "process_time_ns", "thread_time", "clock_gettime", "clock_gettime_ns"),
        *("gmtime", "localtime", "getmtime", "getctime", "getatime", "st_mtime", "st_mtime_ns"),
        *("st_ctime", "st_ctime_ns", "st_atime", "st_atime_ns", "st_birthtime"),
    )
)
_RANDOM_SURE = frozenset(
    (
        *("uuid1", "uuid4", "uuid6", "uuid7", "urandom", "getrandom", "token_hex", "token_bytes"),
        *("token_urlsafe", "randbelow", "randbits", "getrandbits", "randint", "randrange"),
        *("randbytes", "default_rng", "RandomState", "SystemRandom", "gauss", "normalvariate"),
        *("lognormvariate", "expovariate", "betavariate", "gammavariate", "vonmisesvariate"),
        *("paretovariate", "weibullvariate", "standard_normal", "rand", "randn", "random_sample"),
    )
)
# Words for much else: only where they are called, or belong to a module of _HOMES.
_TIME_ONLY = frozenset(("time", "ctime", "asctime", "strftime"))  # a datetime has such methods
_TIME_AMBIGUOUS = frozenset(("yesterday", "tomorrow", *_TIME_ONLY))
_RANDOM_AMBIGUOUS = frozenset(
    (
        *("random", "choice", "choices", "sample", "shuffle", "uniform", "permutation"),
        *("triangular", "Random", "Faker"),
    )
)
_HOMES = ("time", "random", "secrets", "numpy", "numpy.random", "faker", "pendulum")
# With as many arguments they are told the time, or start from a number.
_GIVEN = {"time": 1, "ctime": 1, "asctime": 1, "strftime": 2, "gmtime": 1, "localtime": 1}
_GIVEN.update({"default_rng": 1, "RandomState": 1, "Random": 1})
_SEEDS = {"random_state", "seed"}
# Dagster looks at the clock for them (dagster._core.definitions.partitions).
_PARTITIONS = frozenset(
    (
        *("get_partition_keys", "get_partitions", "get_num_partitions", "has_partition_key"),
        *("get_first_partition_key", "get_last_partition_key", "get_last_partition_window"),
    )
)
_BY_THE_CLOCK = ("TimeWindowPartitionsDefinition", "MultiPartitionsDefinition")
_WORDS = ("now", "today")  # pandas.Timestamp("now")
# Compilers that read a function's bytecode and know no constants of ours (numba).
_COMPILERS = ("jit", "njit", "vectorize", "guvectorize", "cfunc", "stencil", "generated_jit")

_SURE = _TIME_SURE | _RANDOM_SURE
_AMBIGUOUS = _TIME_AMBIGUOUS | _RANDOM_AMBIGUOUS
_KINDS: Dict[str, str] = {
    **dict.fromkeys(_TIME_SURE | _TIME_AMBIGUOUS, TIME),
    **dict.fromkeys(_RANDOM_SURE | _RANDOM_AMBIGUOUS, RANDOM),
}
_NAMES = rb"(?:" + "|".join(sorted({*_KINDS, *_PARTITIONS})).encode("ascii") + rb")\b"
_ANY = re.compile(rb"\b" + _NAMES)
_ATTRIBUTE = re.compile(rb"\.(?:[\s\\]|#[^\n]*\n)*" + _NAMES)
_IMPORTED = re.compile(
    rb"\bfrom[\s\\]+[\w.]+[\s\\]+import\s*(\*|\((?:[^)#]|#[^\n]*\n)*|(?:[^\n\\]|\\\s*\n)*)"
)
_WORD = re.compile(rb"['\"](?:" + "|".join(_WORDS).encode("ascii") + rb")['\"]")
# ``from time import time as clock``, over several lines too; ``import datetime as dt`` is not it.
_RENAMED = re.compile(_ANY.pattern + rb"\s+as\s")
_PLACEHOLDER = "\0dagster-snapsize site "


class Site:
    """A place in the user's source that asks for something; calling it tells so."""

    __slots__ = ("_note", "_path", "line", "what")

    def __init__(self, note: Note, what: str, path: str, line: int):
        self._note, self.what, self._path, self.line = note, what, path, line

    def __call__(self) -> None:
        self._note(self.what, self._path, self.line)

    def __reduce__(self) -> Any:
        # In another process, where functions are sent to, it is the class dict: dict() is false.
        return (type, ({},))


class PartitionsSite(Site):
    """One that is given what is asked for its partitions, and returns it."""

    __slots__ = ()

    def __call__(self, asked: Any) -> Any:  # type: ignore[override]
        if any(cls.__name__ in _BY_THE_CLOCK for cls in type(asked).__mro__):
            super().__call__()
        return asked

    def __reduce__(self) -> Any:
        return (functools.partial, (typing.cast, None))


def may_ask(source: Source) -> bool:
    """Whether a source may refer to any of the names; cheap."""
    if isinstance(source, ast.AST):
        return True
    text = _as_bytes(source)
    if _ATTRIBUTE.search(text) or _WORD.search(text):
        return True
    return any(m[1] == b"*" or _ANY.search(m[1]) for m in _IMPORTED.finditer(text))


def first_mention(source: Source) -> int:
    """The line of the first of the names, for a source that cannot be parsed."""
    if isinstance(source, ast.AST):
        return 1
    text = _as_bytes(source)
    found = _ATTRIBUTE.search(text) or _ANY.search(text)
    return text.count(b"\n", 0, found.end()) + 1 if found else 1


def _as_bytes(source: Union[str, bytes, bytearray]) -> Union[bytes, bytearray]:
    return source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source


def compile_telling(source: Source, path: str, note: Note, optimize: int = -1) -> CodeType:
    """Compile a module so that ``note`` is called with what it asks for, its path and its line.

    Raises what ``compile`` raises.
    """
    tree = _parse(source, path)
    sites = _Sites(path, note, _lines(source))
    tree = sites.visit(tree)
    code: CodeType = compile(tree, path, "exec", dont_inherit=True, optimize=optimize)
    if not sites.found:
        return code
    return _with_sites(code, {f"{_PLACEHOLDER}{i}": s for i, s in enumerate(sites.found)})


def references(source: Source, path: str = "<string>") -> List[Tuple[str, int]]:
    """What a source asks for and in which lines, whether it will run or not.

    Raises what ``compile`` raises.
    """
    sites = _Sites(path, lambda what, path, line: None, _lines(source))
    sites.visit(_parse(source, path))
    return [(site.what, site.line) for site in sites.found]


def _parse(source: Source, path: str) -> ast.AST:
    if isinstance(source, ast.AST):
        return source
    tree: ast.AST = compile(source, path, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    return tree


def _lines(source: Source) -> Optional[List[int]]:
    """Lines, from 1 on, that have one of the names or an import; None where all are of interest.

    What is imported under another name may be anywhere.
    """
    if isinstance(source, ast.AST):
        return None
    text = bytes(_as_bytes(source))
    if _RENAMED.search(text):
        return None
    lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return [i for i, line in enumerate(lines, 1) if b"import" in line or _ANY.search(line)]


def _with_sites(code: CodeType, sites: Dict[str, Site]) -> CodeType:
    constants = []
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            constant = _with_sites(constant, sites)
        elif isinstance(constant, str):
            constant = sites.get(constant, constant)
        constants.append(constant)
    return code.replace(co_consts=tuple(constants))


class _Sites(ast.NodeTransformer):
    """Puts a placeholder before each expression that refers to one of the names."""

    def __init__(self, path: str, note: Note, lines: Optional[List[int]]):
        self._path, self._note, self._lines = path, note, lines
        self.found: List[Site] = []
        self._imported: Dict[str, str] = {}  # a bare name -> what it was imported as
        self._modules: Dict[str, str] = {}  # a bare name -> the module or class that it is
        self._called: Dict[int, Optional[str]] = {}  # id of a call's function -> what it asks for
        self._lazy_annotations = sys.version_info >= (3, 14)  # PEP 649

    def visit_Module(self, node: ast.Module) -> Any:
        waiting: List[ast.AST] = [node]
        while waiting:
            each = waiting.pop()
            if isinstance(each, ast.Import):
                for alias in each.names:
                    name = alias.asname or alias.name.split(".")[0]
                    self._modules[name] = alias.name if alias.asname else name
            elif isinstance(each, ast.ImportFrom):
                self._note_import(each)
            elif not isinstance(each, ast.expr) and self._is_of_interest(each):
                waiting.extend(ast.iter_child_nodes(each))
        return self.generic_visit(node)

    def visit(self, node: ast.AST) -> Any:
        return super().visit(node) if self._is_of_interest(node) else node

    def _is_of_interest(self, node: ast.AST) -> bool:
        """False for a statement without any of the names: most of a source is passed over."""
        if self._lines is None or not isinstance(node, ast.stmt):
            return True
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        at = bisect.bisect_left(self._lines, first)
        return at < len(self._lines) and self._lines[at] <= (node.end_lineno or first)

    def _note_import(self, node: ast.ImportFrom) -> None:
        home = "" if node.level else node.module or ""
        if home == "__future__":
            self._lazy_annotations |= any(a.name == "annotations" for a in node.names)
        sure = _SURE | _AMBIGUOUS if home in _HOMES else _SURE
        for alias in node.names:
            if alias.name == "*":
                self._imported.update({name: name for name in sure if home in _HOMES})
            elif alias.name in sure:
                self._imported[alias.asname or alias.name] = alias.name
            else:
                self._modules[alias.asname or alias.name] = alias.name

    def visit_Call(self, node: ast.Call) -> Any:
        if isinstance(node.func, (ast.Attribute, ast.Name)):
            self._called[id(node.func)] = self._asked_by_call(node, node.func)
        return self.generic_visit(node)

    def _asked_by_call(
        self, node: ast.Call, function: Union[ast.Attribute, ast.Name]
    ) -> Optional[str]:
        if any(isinstance(a, ast.Constant) and a.value in _WORDS for a in node.args[:1]):
            return TIME
        keywords = {keyword.arg for keyword in node.keywords}
        given = len(node.args) + len(keywords)
        if isinstance(function, ast.Name):
            name = self._imported.get(function.id, "")
        else:
            name = function.attr
            if name in _PARTITIONS:
                return None if "current_time" in keywords else PARTITIONS
            says_time = _last_name(function.value).strip("_") == "time"
            if name in _TIME_ONLY and not says_time and self._home(function) != "time":
                return None
        if given >= _GIVEN.get(name, sys.maxsize) or keywords & _SEEDS:
            return None
        return _KINDS.get(name)

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        self.generic_visit(node)
        if id(node) in self._called:
            what = self._called[id(node)]
        elif node.attr in _SURE or (node.attr in _AMBIGUOUS and self._home(node) in _HOMES):
            what = _KINDS[node.attr]
        else:
            return node
        if what is not None and isinstance(node.ctx, ast.Load):
            # Before the object, not the attribute: a method call keeps its own position.
            node.value = self._preceded(node.value, what, node)
        return node

    def visit_Name(self, node: ast.Name) -> Any:
        what = _KINDS.get(self._imported.get(node.id, ""))
        what = self._called.get(id(node), what)
        if what is None or not isinstance(node.ctx, ast.Load):
            return node
        return self._preceded(node, what, node)

    def _home(self, node: ast.Attribute) -> str:
        value = node.value
        return self._modules.get(value.id, "") if isinstance(value, ast.Name) else ""

    def _preceded(self, expression: ast.expr, what: str, named: ast.expr) -> ast.expr:
        """``site() or expression``, and ``site(expression)`` where partitions are asked for."""
        line = named.end_lineno or named.lineno
        partitions = what == PARTITIONS
        kind, what = (PartitionsSite, TIME) if partitions else (Site, what)
        name = ast.Constant(f"{_PLACEHOLDER}{len(self.found)}")
        self.found.append(kind(self._note, what, self._path, line))
        function = ast.Attribute(name, "__call__", ast.Load())
        call: ast.expr = ast.Call(function, [expression] if partitions else [], [])
        whole = call if partitions else ast.BoolOp(ast.Or(), [call, expression])
        for made in (name, function, call, whole):
            ast.copy_location(made, expression)
        return whole

    def _visit_definition(self, node: Any) -> Any:
        if any(_last_name(decorator) in _COMPILERS for decorator in node.decorator_list):
            sites = _Sites(self._path, self._note, self._lines)
            sites._imported, sites._modules = self._imported, self._modules
            sites.generic_visit(ast.Module(copy.deepcopy(node.body), []))
            if sites.found:
                site, decorator = sites.found[0], node.decorator_list[0]
                node.decorator_list[0] = self._preceded(decorator, site.what, decorator)
            return node
        fields = ["decorator_list", "args", "body"]
        return self._visit_fields(node, fields if self._lazy_annotations else [*fields, "returns"])

    visit_FunctionDef = visit_AsyncFunctionDef = _visit_definition

    def visit_arg(self, node: ast.arg) -> Any:
        return node if self._lazy_annotations else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        fields = ["target", "value"]
        return self._visit_fields(
            node, fields if self._lazy_annotations else [*fields, "annotation"]
        )

    def visit_match_case(self, node: Any) -> Any:
        return self._visit_fields(node, ["guard", "body"])  # a pattern takes names alone

    def visit_TypeAlias(self, node: Any) -> Any:
        return node

    def _visit_fields(self, node: Any, fields: List[str]) -> Any:
        """``generic_visit`` of these fields alone."""
        others = {name: value for name, value in ast.iter_fields(node) if name not in fields}
        for name in others:
            setattr(node, name, None)
        try:
            return self.generic_visit(node)
        finally:
            for name, value in others.items():
                setattr(node, name, value)


def _last_name(decorator: ast.expr) -> str:
    while isinstance(decorator, ast.Call):
        decorator = decorator.func
    if isinstance(decorator, ast.Attribute):
        return decorator.attr
    return decorator.id if isinstance(decorator, ast.Name) else ""
