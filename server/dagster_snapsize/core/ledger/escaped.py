"""JSON inside a JSON string: how many bytes of the outer text each entry of the inner one takes."""

from __future__ import annotations

import json
import re
from itertools import accumulate

from dagster_snapsize.core.json_spans import Document, Item, Plan, Spans

# What one character of a string may look like in its JSON text, read as Latin-1.
_character = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\\u[0-9a-fA-F]{4}|\\.|[\x00-\x7f]|[\x80-\xff][\x80-\xbf]*",
    re.DOTALL,
)


class Escaped:
    """An object that is written as JSON inside a string."""

    def __init__(self, spans: Spans, value: str, ends: list[int] | None) -> None:
        self.spans = spans
        self._value = value
        self._ends = ends

    def size(self, item: Item) -> int:
        """Bytes of the outer text that an item takes, key and separator included."""
        if self._ends is None:
            return len(json.dumps(self._value[item.start : item.stop])) - 2
        return self._ends[item.stop] - self._ends[item.start]


def escaped(raw: str, value: str, plan: Plan) -> Escaped | None:
    """The object inside a string, walked by the plan; None where there is none.

    ``raw`` is the string as it stands in the document, quotes included, ``value`` what it says.
    """
    if not value.startswith("{"):
        return None
    try:
        # Positions in the inner text are those of characters, in the outer one those of bytes.
        spans, _, _ = Document.of_characters(value).read(plan)
    except ValueError:
        return None
    if not isinstance(spans, Spans):
        return None
    if json.dumps(value) == raw:
        return Escaped(spans, value, None)
    ends = [0, *accumulate(len(match.group()) for match in _character.finditer(raw[1:-1]))]
    return Escaped(spans, value, ends) if len(ends) == len(value) + 1 else None
