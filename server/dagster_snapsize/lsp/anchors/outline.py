"""The sites of Python text that does not parse, by patterns: someone is typing in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence

from attrs import define

from dagster_snapsize.lsp.anchors.line_map import whole_line
from dagster_snapsize.lsp.anchors.match import Begin, Site, decorator_begins
from dagster_snapsize.lsp.anchors.python_sites import KEY_WORDS

_DEF = re.compile(r"(?:async\s+)?(?:def|class)\s+(?P<name>\w+)")
_DECORATOR = re.compile(r"@\s*(?:\w+\s*\.\s*)*(\w+)")
_LITERAL = r"""(?:AssetKey\(\s*)?(?P<quote>['"])(?P<label>[^'"\n]*)(?P=quote)"""
_KEY_WORD = rf"\b(?:{'|'.join(KEY_WORDS)})\s*=\s*"
_CALL = re.compile(rf"(?<!\w)(?P<name>[A-Za-z_]\w*)\((?:\s*(?:{_KEY_WORD})?{_LITERAL})?")
_LABEL = re.compile(rf"(?:{_KEY_WORD}|@[\w.\s]+\(\s*){_LITERAL}")
_TARGET = re.compile(r"\s*(\w+)\s*=[^=]")


@define
class _Block:
    """A function or class whose lines are being read."""

    indent: int
    path: str


def outline(lines: Sequence[str], heads: Collection[str] | None) -> tuple[Site, ...]:
    """What looks like a function or a call, of these heads or of all, in the order of the text."""
    paths: list[str] = []
    sites = [*_functions(lines, paths), *_calls(lines, paths)]
    wanted = [site for site in sites if heads is None or site.head in heads]
    return tuple(sorted(wanted, key=lambda site: (site.first, site.begins[0].start)))


def _functions(lines: Sequence[str], paths: list[str]) -> Iterator[Site]:
    """The functions and classes; ``paths`` is filled with what is around each line."""
    blocks = [_Block(-1, "")]
    decorators: list[int] = []
    for number, line in enumerate(lines):
        text = line.strip()
        if not text or text[0] in "#)]}":
            paths.append(blocks[-1].path)
            continue
        indent = len(line) - len(line.lstrip())
        under = decorators and indent > _indent(lines[decorators[0]])
        if not under:
            while indent <= blocks[-1].indent:
                blocks.pop()
        paths.append(blocks[-1].path)
        function = _DEF.match(text)
        if text.startswith("@"):
            if not under:
                same = decorators and indent == _indent(lines[decorators[0]])
                decorators = [*decorators, number] if same else [number]
        elif function:
            yield _function(lines, number, function["name"], blocks[-1].path, decorators)
            blocks.append(_Block(indent, f"{blocks[-1].path}.{function['name']}"))
            decorators = []
        elif not under:
            decorators = []


def _function(
    lines: Sequence[str], own: int, name: str, path: str, decorators: Sequence[int]
) -> Site:
    indent = _indent(lines[own])
    end = last = own
    for number in range(own + 1, len(lines)):
        if lines[number].strip():
            if _indent(lines[number]) <= indent and lines[number].strip()[0] not in "#)]}":
                break
            last = number
    end = last + 1
    named = [(_DECORATOR.match(lines[number].strip()), number) for number in decorators]
    begins = decorator_begins((m[1], whole_line(lines, number)) for m, number in named if m)
    column = lines[own].index(name, indent + 3)
    first = decorators[0] if decorators else own
    label = _LABEL.search("\n".join(lines[first:own]))
    return Site(
        head=f"def {name}",
        path=path,
        label=label["label"] if label else "",
        targets="",
        digest=hash(tuple(line.strip() for line in lines[own:end])),
        first=first,
        last=own,
        begins=(*begins, Begin("def", own, column, column + len(name))),
        spans=(
            *(whole_line(lines, n) for n in range(first, own) if lines[n].strip()),
            (own, column, column + len(name)),
        ),
    )


def _calls(lines: Sequence[str], paths: Sequence[str]) -> Iterator[Site]:
    text = "\n".join(lines)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    for found in _CALL.finditer(text):
        number = bisect_right(starts, found.start()) - 1
        line = lines[number]
        if line.lstrip()[:1] in ("#", "@") or _DEF.match(line.strip()):
            continue
        target = _TARGET.match(line)
        whole = whole_line(lines, number)
        begin = Begin("", number, found.start() - starts[number], whole[2])
        yield Site(
            head=f"call {found['name']}",
            path=paths[number],
            label=found["label"] or "",
            targets=target[1] if target else "",
            digest=hash((line.strip(),)),
            first=number,
            last=number,
            begins=(begin,),
            spans=(whole,),
        )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
