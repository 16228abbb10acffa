"""YAML files as the user wrote them, with the line of every key.

Read as Dagster reads them, with PyYAML: YAML 1.1, where ``yes`` is true; the last of equal keys
counts, and dates are strings.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

from dagster_snapsize.core.errors import NotParsed, UserError
from dagster_snapsize.project.files.toml_document import read_text

_LONGEST = 1_000_000  # reading as much takes seconds, and three times as much may take minutes


def read_yaml(path: Path) -> Any:
    """The content of the file: None where it is missing or empty.

    Mappings and lists know their lines (``line_of``). Raises UserError where it is not valid YAML.
    """
    text = read_text(path)
    if text is None:
        return None
    if len(text) > _LONGEST:
        message = f"{path.name} has {len(text):,} characters; more than {_LONGEST:,} are not read"
        raise UserError(message, path=str(path))
    # Imported where there is a file: most projects have none, and start sooner without it.
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import RoundTripConstructor
    from ruamel.yaml.error import YAMLError

    class Constructor(RoundTripConstructor):
        def check_mapping_key(self, *_: Any) -> bool:
            return True  # False would keep the first value

    timestamp = "tag:yaml.org,2002:timestamp"
    Constructor.add_constructor(timestamp, RoundTripConstructor.construct_scalar)
    yaml = YAML()
    yaml.version = (1, 1)
    yaml.Constructor = Constructor
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of ruamel.yaml, about anchors and numbers
            return yaml.load(io.StringIO(text))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise NotParsed(
            f"{path.name} is not valid YAML: {reason}",
            path=str(path),
            line=mark.line + 1 if mark else 1,
        ) from error
    except ValueError as error:
        raise UserError(f"{path.name} is not valid YAML: {error}", path=str(path)) from error
    except RecursionError as error:
        raise UserError(f"{path.name} is nested too deeply", path=str(path)) from error


def line_of(container: Any, key: Any = None) -> int:
    """The 1-based line of a key of a mapping, an item of a list, or the container itself."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    try:
        if isinstance(container, CommentedMap) and key is not None:
            return int(container.lc.key(key)[0]) + 1
        if isinstance(container, CommentedSeq) and key is not None:
            return int(container.lc.item(key)[0]) + 1
        if isinstance(container, (CommentedMap, CommentedSeq)):
            return int(container.lc.line) + 1
    except (KeyError, TypeError, AttributeError):
        pass
    return 1
