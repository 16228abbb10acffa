"""What can stand at the lines of Python text that parses: functions, classes, calls, statements."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence

from dagster_snapsize.lsp.anchors.line_map import whole_line
from dagster_snapsize.lsp.anchors.match import Begin, Site, Span, decorator_begins

# What gives an asset its key, where it is called with a literal.
KEY_WORDS = ("key", "name", "asset_key")
_LABEL_LENGTH = 200
# What most nodes are, and what nothing of ours is inside of.
_FLAT = frozenset({ast.Name, ast.Constant, ast.alias, ast.arg, ast.Load, ast.Store, ast.Del})
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def python_sites(lines: Sequence[str], heads: Collection[str] | None) -> tuple[Site, ...]:
    """The sites of these heads, or all, in the order of the text, the outer one first.

    Raises what ``ast.parse`` does: SyntaxError, ValueError, RecursionError, MemoryError.
    """
    return _Reader(lines, heads).read(ast.parse("\n".join(lines)))


class _Reader:
    def __init__(self, lines: Sequence[str], heads: Collection[str] | None):
        self._lines = lines
        self._heads = heads
        self._found: list[tuple[int, int, Site]] = []

    def read(self, tree: ast.Module) -> tuple[Site, ...]:
        # A stack of our own: code may be nested more deeply than Python calls may be. With each
        # node what is around it: functions, what is assigned to, the line of the call it is in.
        todo: list[tuple[ast.AST, str, str, int]] = [(tree, "", "", -1)]
        while todo:
            node, path, targets, line = todo.pop()
            inside = _inside(node)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self._function(node, path)
                for child in inside:
                    mark = "." if isinstance(child, ast.stmt) else "@"
                    todo.append((child, f"{path}{mark}{node.name}", "", -1))
                continue
            if isinstance(node, ast.stmt):
                targets = _targets(node)
                self._statement(node, path, targets)
            elif isinstance(node, ast.Call):
                self._call(node, path, targets, line)
                todo.append((node.func, path, targets, line))
                line = _line(node)
                inside = [child for child in inside if child is not node.func]
            todo += [(child, path, targets, line) for child in inside]
        # Not the sites themselves, which may be equal up to what cannot be compared.
        self._found.sort(key=lambda found: found[:2])
        return tuple(site for _, _, site in self._found)

    def _wants(self, head: str) -> bool:
        return self._heads is None or head in self._heads

    def _function(self, node: _Function, path: str) -> None:
        head = f"def {node.name}"
        if not self._wants(head):
            return
        own = node.lineno - 1
        decorators = [(_callee(d), d.lineno - 1, _end(d) - 1) for d in node.decorator_list]
        first = min([own, *(start for _, start, _ in decorators)])
        # The header goes on to the body, which may begin with a decorator.
        last = max(own, _start(node.body[0]) - 2)
        named = self._name(own, node.name)
        begins = decorator_begins((name, self._whole(start)) for name, start, _ in decorators)
        spans = [self._whole(n) for _, start, end in decorators for n in range(start, end + 1)]
        site = Site(
            head=head,
            path=path,
            label=next((label for d in node.decorator_list if (label := _label(d))), ""),
            targets="",
            digest=self._digest(own, _end(node)),
            first=first,
            last=last,
            begins=(*begins, Begin("def", *named)),
            spans=(*spans, named),
        )
        self._found.append((first, 0, site))

    def _statement(self, node: ast.stmt, path: str, targets: str) -> None:
        head = f"stmt {type(node).__name__}"
        if not self._wants(head):
            return
        first = node.lineno - 1
        body = [*getattr(node, "body", ()), *(c.pattern for c in getattr(node, "cases", ()))]
        last = max(first, _start(body[0]) - 2) if body else _end(node) - 1
        begin = self._whole(first)
        site = Site(
            head=head,
            path=path,
            label="",
            targets=targets,
            digest=self._digest(first, last + 1),
            first=first,
            last=last,
            begins=(Begin("", *begin),),
            spans=(begin,),
        )
        self._found.append((first, self._column(first, node.col_offset), site))

    def _call(self, node: ast.Call, path: str, targets: str, around: int) -> None:
        head = f"call {_callee(node.func)}"
        if not self._wants(head):
            return
        start, line, end = node.lineno - 1, _line(node), _end(node) - 1
        begins = [self._call_begin(node, "", line)]
        if line != start:
            begins.append(self._call_begin(node, "start", start))
        header = {start, line}
        literal = _literal_argument(node)
        if literal is not None:
            header.add(literal.lineno - 1)
        site = Site(
            head=head,
            path=path,
            label=_label(node),
            targets=targets,
            digest=self._segment(node),
            first=start,
            last=end,
            begins=tuple(begins),
            spans=tuple(self._whole(n) for n in sorted(header)),
            inner=line == around or _is_chained(node, line),
        )
        self._found.append((start, self._column(start, node.col_offset), site))

    def _call_begin(self, node: ast.Call, name: str, line: int) -> Begin:
        _, start, end = self._whole(line)
        if line == node.lineno - 1:
            start = self._column(line, node.col_offset)
        if line == _end(node) - 1:
            end = self._column(line, node.end_col_offset or 0)
        return Begin(name, line, start, end)

    def _name(self, line: int, name: str) -> Span:
        """The name behind ``def`` or ``class``."""
        _, start, end = self._whole(line)
        text = self._lines[line]
        column = text.find(name, text.find(" ", start))
        return (line, start, end) if column < 0 else (line, column, column + len(name))

    def _whole(self, line: int) -> Span:
        return whole_line(self._lines, line)

    def _column(self, line: int, offset: int) -> int:
        """An offset in UTF-8, as ast gives it, as an index into the line."""
        text = self._lines[line]
        if text.isascii():
            return offset
        return len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "replace"))

    def _digest(self, start: int, end: int) -> int:
        return hash(tuple(line.strip() for line in self._lines[start:end]))

    def _segment(self, node: ast.Call) -> int:
        """A digest of a call's own text, wherever it is indented to."""
        start, end = node.lineno - 1, _end(node) - 1
        lines = list(self._lines[start : end + 1])
        lines[-1] = lines[-1][: self._column(end, node.end_col_offset or 0)]
        lines[0] = lines[0][self._column(start, node.col_offset) :]
        return hash(tuple(line.strip() for line in lines))


def _inside(node: ast.AST) -> list[ast.AST]:
    """``ast.iter_child_nodes`` in half the time, without those that hold nothing."""
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        children = value if isinstance(value, list) else (value,)
        found += [x for x in children if type(x) not in _FLAT and isinstance(x, ast.AST)]
    return found


def _start(node: ast.AST) -> int:
    """The line (from 1) of a statement or its first decorator."""
    lines: list[int] = [getattr(node, "lineno", 1)]
    lines += [d.lineno for d in getattr(node, "decorator_list", ())]
    return min(lines)


def _end(node: ast.stmt | ast.expr) -> int:
    return node.end_lineno or node.lineno


def _line(node: ast.Call) -> int:
    """The line (from 0) that Python has for a call: of a chained one the line of its name."""
    return _end(node.func) - 1


def _is_chained(node: ast.Call, line: int) -> bool:
    """Whether it is called on what another call on the same line gave."""
    func: ast.expr = node.func
    while isinstance(func, ast.Attribute | ast.Subscript):
        func = func.value
    return isinstance(func, ast.Call) and _line(func) == line


def _callee(node: ast.expr) -> str:
    """The last name of what is called or decorates: ``asset`` of ``dg.asset(...)``."""
    while not isinstance(node, ast.Name | ast.Attribute):
        if isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            return ""
    return node.id if isinstance(node, ast.Name) else node.attr


def _label(node: ast.expr) -> str:
    """The literal key or name that a call is given, else nothing."""
    literal = _literal_argument(node) if isinstance(node, ast.Call) else None
    return (_literal(literal) or "")[:_LABEL_LENGTH] if literal is not None else ""


def _literal_argument(node: ast.Call) -> ast.expr | None:
    by_name = {word.arg: word.value for word in node.keywords}
    for candidate in (*(by_name.get(word) for word in KEY_WORDS), *node.args[:1]):
        if candidate is not None and _literal(candidate) is not None:
            return candidate
    return None


def _literal(node: ast.expr) -> str | None:
    """A string, or a key in parts: ``["wh", "orders"]``, ``AssetKey(["wh", "orders"])``."""
    if isinstance(node, ast.Call) and _callee(node.func) == "AssetKey" and len(node.args) == 1:
        node = node.args[0]
    parts = node.elts if isinstance(node, ast.List | ast.Tuple) else [node]
    words = [x.value for x in parts if isinstance(x, ast.Constant) and isinstance(x.value, str)]
    return "/".join(words) if words and len(words) == len(parts) else None


def _targets(node: ast.stmt) -> str:
    """The plain names that a statement assigns to or imports."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return " ".join(sorted(alias.asname or alias.name for alias in node.names))
    targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
    return " ".join(x.id for t in targets if t for x in ast.walk(t) if isinstance(x, ast.Name))
