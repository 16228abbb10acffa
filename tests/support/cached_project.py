"""A small project whose measurements go through the cache, and what is in them compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from support.command import Result, check_sums, snapsize
from support.lsp_projects import git

DEFINITIONS = """\
import json
import os
import sqlite3
from pathlib import Path

import dagster as dg

from shop import listed

HERE = Path(__file__).parent.parent


@dg.asset(description=json.loads((HERE / "generated" / "texts.json").read_text())["orders"])
def orders() -> None: ...


@dg.asset(deps=[orders], description=os.environ.get("CUSTOMERS", "none"))
def customers() -> None: ...


def rows() -> list[str]:
    connection = sqlite3.connect(HERE / "generated" / "shop.db")
    try:
        return [row[0] for row in connection.execute("select text from texts")]
    finally:
        connection.close()


def extra() -> str:
    try:
        return (HERE.parent / "outside" / "extra.txt").read_text()
    except FileNotFoundError:
        return ""


@dg.asset(description=" ".join(rows()) + extra())
def payments() -> None: ...


defs = dg.Definitions(assets=[orders, customers, payments, *listed.assets()])
"""
LISTED = """\
import os
from pathlib import Path

import dagster as dg

MARK = "<al>"
PLACES = [Path(__file__).parent / "tables", Path(__file__).parents[2] / "outside"]


def assets() -> list[dg.AssetsDefinition]:
    found = []
    for place in PLACES:
        for name in sorted(os.listdir(place)):
            if name.endswith(".table"):

                @dg.asset(name=name.removesuffix(".table"), description=MARK + str(place)[-5:])
                def table() -> None: ...

                found.append(table)
    return found
"""
PYPROJECT = """\
[tool.dagster-snapsize]
module-name = "shop.definitions"
"""


@frozen
class CachedProject:
    """A git repository with a project, a folder beside it that it reads, and a cache."""

    folder: Path
    outside: Path
    cache: Path
    env: dict[str, str] = field(factory=dict)

    def run(self, *arguments: str, env: Mapping[str, str] | None = None, **more: Any) -> Result:
        """Run a command in the project, with the cache on."""
        variables = {**self.cache_on, **self.env, **(env or {})}
        return snapsize(*arguments, cwd=self.folder, env=variables, **more)

    @property
    def cache_on(self) -> dict[str, str]:
        """The variables that make the tool use this cache."""
        return {"SNAPSIZE_NO_CACHE": "", "SNAPSIZE_CACHE_DIR": str(self.cache)}

    def measure(self, *arguments: str, env: Mapping[str, str] | None = None) -> Any:
        """The one location of ``measure --format json``."""
        result = self.run("measure", "--format", "json", *arguments, env=env)
        assert result.status in (0, 1), result.stdout + result.stderr
        check_sums(result.json)
        (location,) = result.json["locations"]
        return location

    def hits(self, env: Mapping[str, str] | None = None) -> bool:
        """Whether a measurement now is from the cache."""
        return bool(self.measure(env=env)["cache"]["hit"])

    def entries(self) -> list[Path]:
        """The files of the cache."""
        return sorted(self.cache.rglob("*.measurement"))


def cached_project(folder: Path, python: Path) -> CachedProject:
    """Write the project below ``folder``; ``python`` runs it."""
    project = CachedProject(folder / "project", folder / "outside", folder / "cache")
    files = {
        "shop/__init__.py": "",
        "shop/definitions.py": DEFINITIONS,
        "shop/listed.py": LISTED,
        "shop/tables/first.table": "",
        "pyproject.toml": PYPROJECT,
        ".gitignore": "generated/\n.venv\n__pycache__/\n",
        "generated/texts.json": '{"orders": "all orders <al>"}',
    }
    for name, text in files.items():
        path = project.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    project.outside.mkdir()
    (project.outside / "seen.table").touch()
    write_database(project, "a row")
    (project.folder / ".venv").symlink_to(python.parents[1])
    git(project.folder, "init", "-q")
    git(project.folder, "add", "-A")
    git(project.folder, "commit", "-qm", "start")
    return project


def write_database(project: CachedProject, text: str) -> None:
    """Replace the database by one with this text, as programs that write safely do."""
    import sqlite3

    path = project.folder / "generated" / "new.db"
    connection = sqlite3.connect(path)
    connection.execute("create table texts (text)")
    connection.execute("insert into texts values (?)", (text,))
    connection.commit()
    connection.close()
    path.replace(path.with_name("shop.db"))


def sizes(location: Any) -> Any:
    """What two measurements of the same must have in common: all but times and memory."""
    return {k: v for k, v in location.items() if k not in ("cache", "seconds", "peak_rss_bytes")}
