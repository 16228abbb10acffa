"""dagster-snapsize: exact sizes of Dagster code location snapshots."""

from pathlib import Path

PACKAGE = Path(__file__).parent
"""The folder of the installed package; paths to its own files start here."""
