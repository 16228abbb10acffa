"""What can stand at the lines of a YAML file: the entries of its mappings and lists."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from dagster_snapsize.lsp.anchors.line_map import whole_line
from dagster_snapsize.lsp.anchors.match import Begin, Placed, Site
from dagster_snapsize.lsp.anchors.python_sites import KEY_WORDS

# Reading YAML takes 0.1 ms a line. Longer files are anchored by their lines.
MOST_LINES = 600
# The time also grows with the square of open brackets: 12 s for 2,000.
MOST_OPEN = 50
# Line breaks to ruamel.yaml (YAML 1.1), and to no editor.
_NO_BREAKS = str.maketrans("\x85\u2028\u2029", "   ")


def yaml_sites(lines: Sequence[str]) -> list[Placed] | None:
    """The entries in the order of the text, the outer one first; None where it is no YAML."""
    text = "\n".join(lines).translate(_NO_BREAKS)
    if len(lines) > MOST_LINES or _open_brackets(text) > MOST_OPEN:
        return None
    try:
        documents = _documents(text)
        sites = [site for document in documents for site in _entries(document, lines)]
    except (YAMLError, ValueError, RecursionError, IndexError):
        # An IndexError is ruamel.yaml's at directives (%YAML 1.2), which it reads in load() only.
        return None
    return [Placed(site, 0) for site in sorted(sites, key=lambda site: site.first)]


def _open_brackets(text: str) -> int:
    depths = accumulate(1 if found[0] in "[{" else -1 for found in re.finditer(r"[][{}]", text))
    return max(depths, default=0)


def _documents(text: str) -> list[Node]:
    constructor, _ = YAML(typ="safe", pure=True).get_constructor_parser(io.StringIO(text))
    composer = constructor.composer
    documents = []
    while composer.check_node():
        documents.append(composer.get_node())
    return documents


def _entries(document: Node, lines: Sequence[str]) -> Iterator[Site]:
    todo: list[tuple[Node, str, int]] = [(document, "", -1)]
    seen: set[int] = set()
    while todo:
        node, path, around = todo.pop()
        if id(node) in seen:  # an alias: it stands where its anchor does
            continue
        seen.add(id(node))
        if isinstance(node, MappingNode):
            for key, value in node.value:
                name = str(key.value) if isinstance(key, ScalarNode) else ""
                label = _text(value) if name in KEY_WORDS else ""
                yield _site(f"entry {name}", path, label, key, value, around, lines)
                todo.append((value, f"{path}/{name}", key.start_mark.line))
        elif isinstance(node, SequenceNode):
            for item in node.value:
                label = _label(item)
                yield _site("item", path, label, item, item, around, lines)
                todo.append((item, f"{path}/[{label}]", item.start_mark.line))


def _site(
    head: str, path: str, label: str, key: Node, value: Node, around: int, lines: Sequence[str]
) -> Site:
    first = key.start_mark.line
    last = max(first, _last_line(value, lines))
    _, _, end = whole_line(lines, first)
    if value.end_mark.line == first:
        end = value.end_mark.column
    elif key is not value and last > first:
        end = key.end_mark.column
    begin = Begin("", first, key.start_mark.column, end)
    block = lines[first : last + 1]
    return Site(
        head=head,
        path=path,
        label=label,
        targets="",
        digest=hash(tuple(line.strip() for line in block)),
        first=first,
        last=last,
        begins=(begin,),
        spans=tuple(whole_line(lines, n) for n in range(first, last + 1) if lines[n].strip()),
        inner=first == around,
    )


def _last_line(node: Node, lines: Sequence[str]) -> int:
    """The last line with text of a node: the end of a block is where the next thing starts."""
    end = node.end_mark
    last: int = end.line if end.column > 0 else end.line - 1
    if isinstance(node, MappingNode | SequenceNode) and not node.flow_style:
        last = end.line - 1 if end.line > node.start_mark.line else end.line
    last = min(last, len(lines) - 1)
    while last > node.start_mark.line and lines[last].lstrip()[:1] in ("", "#"):
        last -= 1
    return last


def _label(item: Node) -> str:
    """What tells an item of a list from the others: its key or name, or itself."""
    if isinstance(item, MappingNode):
        texts = {k.value: _text(v) for k, v in item.value if isinstance(k, ScalarNode)}
        return next((texts[word] for word in KEY_WORDS if texts.get(word)), "")
    return _text(item)


def _text(node: Node) -> str:
    return str(node.value) if isinstance(node, ScalarNode) else ""
