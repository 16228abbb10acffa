"""``.env`` files, read as python-dotenv reads them.

The user's definitions get their variables from the user's own python-dotenv. This one is for what
must be known before an interpreter is chosen: which one ``.env`` names, and ``{env: NAME}`` in
workspace.yaml.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from pathlib import Path

from dagster_snapsize.project.toml_document import read_text

# A binding, or else a line to skip: a comment, or what python-dotenv warns of and drops.
_BINDING = re.compile(
    r"""\s*(?:export[^\S\r\n]+)?
    (?:'(?P<quoted_key>[^']+)'|(?P<key>[^=\#\s]+))
    [^\S\r\n]*
    (?P<equals>=[^\S\r\n]*(?:
        '(?P<single>(?:\\.|[^'\\])*)'
        |"(?P<double>(?:\\.|[^"\\])*)"
        |(?P<bare>[^'"\s][^\r\n]*)?
    ))?
    (?:[^\S\r\n]*\#[^\r\n]*)?[^\S\r\n]*(?:\r\n|\n|\r|\Z)
    |\s*[^\r\n]*(?:\r\n|\n|\r|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_VARIABLE = re.compile(r"\$\{(?P<name>[^}:]*)(?::-(?P<default>[^}]*))?\}")
_DOUBLE_ESCAPE = re.compile(r"\\[\\'\"abfnrtv]")
_SINGLE_ESCAPE = re.compile(r"\\[\\']")


def read_dotenv(path: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of the file; empty where there is none. Raises UserError: cannot be read.

    ``${NAME}`` is looked up in the file so far, then in ``environ``.
    """
    text = read_text(path) or ""
    values: dict[str, str] = {}
    for found in _BINDING.finditer(text):
        value = _value(found)
        if value is not None:
            values[found["quoted_key"] or found["key"]] = _VARIABLE.sub(
                lambda m: values.get(m["name"], environ.get(m["name"], m["default"] or "")), value
            )
    return values


def _value(found: re.Match[str]) -> str | None:
    """None where there is no binding, or one without ``=``."""
    if found["equals"] is None:
        return None
    if found["single"] is not None:
        return _decoded(_SINGLE_ESCAPE, found["single"])
    if found["double"] is not None:
        return _decoded(_DOUBLE_ESCAPE, found["double"])
    bare = found["bare"] or ""
    if bare.startswith("#") and found.string[found.start("bare") - 1].isspace():
        return ""
    return re.sub(r"\s+#.*", "", bare).rstrip()


def _decoded(escape: re.Pattern[str], text: str) -> str:
    return escape.sub(lambda m: codecs.decode(m[0], "unicode-escape"), text)
