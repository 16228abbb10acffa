"""Which folders of a project hold what people write."""

from __future__ import annotations

import pytest

from dagster_snapsize.probe import inputs
from dagster_snapsize.project.layout import is_by_product, is_source_folder, source_folders


@pytest.mark.parametrize(
    ("folders", "files", "expected"),
    [
        (["models", "target", "logs"], [], ["models", "target", "logs"]),
        (["models", "target", "logs", "dbt_packages"], ["dbt_project.yml"], ["models"]),
        (["lib"], ["pyvenv.cfg"], []),
        (["lib", "conda-meta"], [], []),
        ([".github", "__pycache__", "node_modules", "shop.egg-info", "shop"], [], ["shop"]),
    ],
)
def test_folders_with_sources(folders: list[str], files: list[str], expected: list[str]) -> None:
    assert source_folders(folders, [*folders, *files]) == expected


@pytest.mark.parametrize("name", [*inputs.BY_PRODUCTS, f"shop{inputs.EGG_INFO}"])
def test_the_probe_skips_nothing_that_may_be_a_source(name: str) -> None:
    assert is_by_product(name)
    assert not is_source_folder(name)
