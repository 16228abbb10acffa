"""Imports that could wait: claimed only where the source proves it."""

from __future__ import annotations

import textwrap

import pytest

from dagster_snapsize.core.advice.imports import late_imports
from dagster_snapsize.core.load_time import attribute_time
from dagster_snapsize.core.model import FoldedStack, LoadTime, StackEntry

ASSETS = """
import dagster as dg
import pandas as pd

@dg.asset
def orders():
    return clean(pd.DataFrame())

def clean(frame):
    return pd.concat([frame])

class Frames(dg.ConfigurableResource):
    def read(self):
        return pd.read_csv("x")
"""
LINE = 3  # of the import


def load_time(**requires: list[str]) -> LoadTime:
    """`import pandas` takes 1.5 s, of which numpy takes 0.5 s; another line calls pyarrow."""

    def code(name: str) -> StackEntry:
        return StackEntry(f"/lib/{name}.py", "<module>", 1, name)

    top = StackEntry("assets.py", "<module>", LINE)
    stacks = [
        FoldedStack("[definitions]", (top, code("pandas")), 1_000_000),
        FoldedStack("[definitions]", (top, code("pandas"), code("numpy")), 500_000),
        FoldedStack(
            "[definitions]", (StackEntry("other.py", "<module>", 1), code("pyarrow")), 400_000
        ),
    ]
    return attribute_time(stacks, {}, requires, lambda place: "import pandas", is_plain=False)


def late(assets: str = ASSETS, other: str = "import pyarrow\npyarrow.go()", **requires: list[str]):
    sources = {"assets.py": textwrap.dedent(assets), "other.py": other}
    return late_imports(sources, load_time(**requires))


def test_an_import_for_functions_that_run_later_could_wait() -> None:
    (found,) = late()
    assert (found.what, found.package, found.microseconds) == ("import pandas", "pandas", 1_500_000)
    assert [(place.path, place.line) for place in found.places] == [("assets.py", LINE)]
    assert found.functions == ("clean()", "orders()", "read()")


@pytest.mark.parametrize(
    "more",
    [
        "EMPTY = pd.DataFrame()",
        "def now(frame=pd.DataFrame()): ...",
        "def now() -> pd.DataFrame: ...",
        "def now() -> 'pd.DataFrame': ...\n__all__ = ['pd']",
        "class Row(pd.Series): ...",
        "rows = lambda: pd.DataFrame()",
        "clean(None)",
        "tables = [clean]",
        "def helper():\n    return pd.NA",  # called by nobody: perhaps by a framework
        "@dg.definitions\ndef defs():\n    return pd.NA",
        "@dg.graph\ndef steps():\n    return pd.NA",
        "@dg.asset(metadata={'rows': pd.NA})\ndef lines(): ...",
        "pd = None",
    ],
)
def test_no_import_is_claimed_that_may_be_used_while_definitions_load(more: str) -> None:
    assert late(f"{ASSETS}\n{more}\n") == ()


@pytest.mark.parametrize(
    "other",
    [
        "import pandas\npandas.NA",
        "from pandas import NA\nNA",
        "from assets import pd",
        "from assets import *",
        "def build():\n    import pandas\nbuild()",
        "from assets import clean\nclean(1)",
    ],
)
def test_no_import_is_claimed_that_another_module_needs(other: str) -> None:
    assert late(other=other) == ()


def test_imports_of_one_package_move_together() -> None:
    other = "import dagster as dg\nfrom pandas import NA\n@dg.op\ndef f():\n    return NA"
    (found,) = late(other=other)
    assert [place.path for place in found.places] == ["assets.py", "other.py"]
    for unused in (
        "if TYPE_CHECKING:\n    import pandas",
        "import dagster as dg\n@dg.op\ndef g():\n    import pandas",
    ):
        assert len(late(other=unused)) == 1


def test_what_another_distribution_requires_is_loaded_all_the_same() -> None:
    (found,) = late(pyarrow=["numpy"])
    assert found.microseconds == 1_000_000
    assert late(pyarrow=["pandas"], pandas=["numpy"]) == ()
