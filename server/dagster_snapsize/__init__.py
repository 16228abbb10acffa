"""dagster-snapsize: exact sizes of Dagster code location snapshots."""

import sys

if sys.argv[:1] == ["-m"] and not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    del sys.path[0]  # `python -m` put the current folder there, whose modules are the user's
from pathlib import Path

VERSION = "0.1.0"
PACKAGE = Path(__file__).parent
"""The folder of the installed package; paths to its own files start here."""
