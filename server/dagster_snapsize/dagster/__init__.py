"""Sizes over time on Dagster: assets that measure code locations, with checks and a schedule."""

from dagster_snapsize.dagster.definitions import build_snapshot_sizes_definitions

__all__ = ["build_snapshot_sizes_definitions"]
