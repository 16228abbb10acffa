"""JSON inside a JSON string: how many bytes of the outer text each entry of the inner one takes."""

from __future__ import annotations

import json
import re
from itertools import accumulate

from dagster_snapsize.core.spans import SKIP, Document, Plan, Spans

_ENTRIES = Plan(each=SKIP)
# What one character of a string may look like in its JSON text, read as Latin-1.
_character = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\\u[0-9a-fA-F]{4}|\\.|[\x00-\x7f]|[\x80-\xff][\x80-\xbf]*",
    re.DOTALL,
)


def escaped_entries(raw: str, value: str) -> list[tuple[str, int]]:
    """The fields of an object that is written as JSON inside a string, each with its outer bytes.

    ``raw`` is the string as it stands in the document, quotes included, ``value`` what it says.
    Keys and separators count with their entries, the brackets with none. Empty where the string
    holds no object.
    """
    if not value.startswith("{"):
        return []
    try:
        # Positions in the inner text are those of characters, in the outer one those of bytes.
        spans, _, _ = Document.of_characters(value).read(_ENTRIES)
    except ValueError:
        return []
    if not isinstance(spans, Spans):
        return []
    if json.dumps(value) == raw:
        sizes = [len(json.dumps(value[i.start : i.stop])) - 2 for i in spans.items]
    else:
        ends = [0, *accumulate(len(m.group()) for m in _character.finditer(raw[1:-1]))]
        if len(ends) != len(value) + 1:
            return []
        sizes = [ends[i.stop] - ends[i.start] for i in spans.items]
    return [(item.name or "", size) for item, size in zip(spans.items, sizes, strict=True)]
