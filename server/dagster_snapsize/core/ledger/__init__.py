"""Who owns every byte of a snapshot: the two ledgers, drawn from the serialized text alone."""

from dagster_snapsize.core.ledger.asset_index import AssetIndex
from dagster_snapsize.core.ledger.job import attribute_job
from dagster_snapsize.core.ledger.repository import attribute_repository

__all__ = ["AssetIndex", "attribute_job", "attribute_repository"]
