"""A dbt project as assets; ``CODE_REFERENCES=1`` has every asset name its model's file."""

import os
from pathlib import Path

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject, dbt_assets

project = DbtProject(project_dir=Path(__file__).parent / "jaffle")
references = bool(os.environ.get("CODE_REFERENCES"))
translator = DagsterDbtTranslator(
    settings=DagsterDbtTranslatorSettings(
        enable_asset_checks=True, enable_code_references=references
    )
)


@dbt_assets(
    manifest=project.manifest_path,
    project=project,
    dagster_dbt_translator=translator,
)
def jaffle(context):
    """All models of the project."""


@dg.asset(deps=[dg.AssetKey("customer_orders")])
def newsletter():
    """After the models."""


assets = [jaffle, newsletter]
if references:
    assets = dg.with_source_code_references(assets)
defs = dg.Definitions(assets=assets, jobs=[dg.define_asset_job("marts", "tag:mart")])
