"""Who owns every byte of a snapshot: the two ledgers, drawn from the serialized text alone."""

from dagster_snapsize.core.ledger.asset_index import AssetIndex
from dagster_snapsize.core.ledger.job import draw_job
from dagster_snapsize.core.ledger.repository import draw_repository

__all__ = ["AssetIndex", "draw_job", "draw_repository"]
