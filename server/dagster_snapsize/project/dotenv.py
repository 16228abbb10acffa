"""``.env`` files, read by python-dotenv as Dagster does.

The user's definitions get their variables from the user's own python-dotenv. This is for what must
be known before: the interpreter that ``.env`` names, ``{env: NAME}`` in workspace.yaml, and the
variables of the commands in ``prepare``.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from dagster_snapsize.project.files.toml_document import read_text


def read_dotenv(path: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of the file; empty where there is none.

    ``${NAME}`` is looked up in the file so far, then in ``environ``, which is why this is not
    ``dotenv_values``. Raises UserError where the file cannot be read.
    """
    text = read_text(path)
    if text is None:
        return {}
    # Imported where there is a file: most projects have none, and start sooner without it.
    from dotenv.parser import parse_stream
    from dotenv.variables import parse_variables

    values: dict[str, str | None] = {}
    for binding in parse_stream(io.StringIO(text, newline=None)):
        if binding.key is None:
            continue
        known = {**environ, **values}
        values[binding.key] = binding.value and "".join(
            part.resolve(known) for part in parse_variables(binding.value)
        )
    return {name: value for name, value in values.items() if value is not None}
