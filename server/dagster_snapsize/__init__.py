"""dagster-snapsize: exact sizes of Dagster code location snapshots."""

import sys

if sys.argv[:1] == ["-m"] and not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    del sys.path[0]  # `python -m` put the current folder there, whose modules are the user's
from importlib import import_module
from pathlib import Path

VERSION = "0.1.0"
PACKAGE = Path(__file__).parent
"""The folder of the installed package; paths to its own files start here."""


def __getattr__(name: str) -> object:
    """``dagster_snapsize.SnapshotSizes``, the component: Dagster is imported only for it."""
    if name == "SnapshotSizes":
        # By its name, since an import statement here would be one of every module of the tool.
        return import_module("dagster_snapsize.dagster.component").SnapshotSizes
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """dg finds components by their names in the module."""
    return [*globals(), "SnapshotSizes"]
