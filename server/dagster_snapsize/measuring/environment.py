"""The environment variables that the user's interpreter is started with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

# They would make the user's interpreter look for its library in ours.
_OURS = ("PYTHONHOME", "__PYVENV_LAUNCHER__", "PYTHONEXECUTABLE")
# They say which packages are installed.
_USER_SITE = ("PYTHONUSERBASE", "PYTHONNOUSERSITE")


def interpreter_environ(python: str, environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` as a shell with the interpreter's environment activated would have it.

    Real projects call ``dbt`` and the like at import time: the interpreter's own folder comes first
    on PATH.
    """
    folder = Path(python).parent
    result = {key: value for key, value in environ.items() if key not in _OURS}
    result["PATH"] = os.pathsep.join(filter(None, [str(folder), environ.get("PATH", "")]))
    result.pop("VIRTUAL_ENV", None)
    if (folder.parent / "pyvenv.cfg").is_file():
        result["VIRTUAL_ENV"] = str(folder.parent)
    return result


def isolated_environ(python: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The same for what the tool itself asks of the interpreter: it imports from nowhere else."""
    variables = interpreter_environ(python, environ)
    return {k: v for k, v in variables.items() if not k.startswith("PYTHON") or k in _USER_SITE}
