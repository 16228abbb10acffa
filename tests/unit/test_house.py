"""The rules for the layout of the code that no other tool checks; CONTRIBUTING.md explains them."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import grimp  # comes with import-linter
import networkx as nx

from support import ROOT

PACKAGE = ROOT / "server" / "dagster_snapsize"
MODULES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = sorted({path.parent for path in MODULES})
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MOST_FILES = 16
MOST_WITH_ONE_PREFIX = 3


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), path)


def shown(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def files_in(folder: Path) -> list[Path]:
    return [p for p in folder.glob("*.py") if p.name not in ("__init__.py", "__main__.py")]


def test_every_module_has_a_docstring() -> None:
    without = {shown(path) for path in MODULES if not ast.get_docstring(tree(path))}
    assert without == set()


def test_class_names_are_unique() -> None:
    homes = defaultdict(list)
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(shown(path))
    repeated = {name: paths for name, paths in homes.items() if len(paths) > 1}
    assert repeated == {}


def test_folders_are_small() -> None:
    sizes = {shown(folder): len(files_in(folder)) for folder in FOLDERS}
    large = {folder: size for folder, size in sizes.items() if size > MOST_FILES}
    assert large == {}


def test_more_than_three_files_with_a_common_prefix_are_a_package() -> None:
    counts = Counter(
        f"{shown(folder)}/{path.stem.partition('_')[0]}_"
        for folder in FOLDERS
        for path in files_in(folder)
    )
    common = {name: count for name, count in counts.items() if count > MOST_WITH_ONE_PREFIX}
    assert common == {}


def test_files_do_not_import_each_other_in_a_circle() -> None:
    """Imports inside functions count too."""
    graph = grimp.build_graph("dagster_snapsize", cache_dir=None)
    imports = nx.DiGraph(
        (module, imported)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    )
    circles = [sorted(c) for c in nx.strongly_connected_components(imports) if len(c) > 1]
    assert circles == []


def test_paths_in_contributing_exist() -> None:
    """They are relative to the repository or to the package."""
    named = set(re.findall(r"`([\w./-]*/[\w./-]*|[\w-]+\.py)`", CONTRIBUTING))
    assert named
    missing = {
        path
        for path in named
        if not path.startswith((".venv", ".cache"))  # which make creates
        and not any((root / path).exists() for root in (ROOT, PACKAGE))
    }
    assert missing == set()


def test_names_in_contributing_are_in_the_files_beside_them() -> None:
    pairs = re.findall(r"`(\w+)(?:\(\))?`(?: and `\w+\(\)`)?\s+in\s+`([\w/]+\.py)`", CONTRIBUTING)
    assert len(pairs) > 5
    for name, path in pairs:
        file = next(root / path for root in (PACKAGE, ROOT) if (root / path).exists())
        assert re.search(
            rf"^ *(?:(?:def|class) {name}\b|{name} = )", file.read_text("utf-8"), re.M
        ), (name, path)


def test_the_tree_in_contributing_is_complete() -> None:
    """Every package is in it once, below its parent."""
    (tree,) = re.findall(
        r"^```text\nserver/dagster_snapsize/\n(.*?)^```", CONTRIBUTING, re.S | re.M
    )
    found: set[str] = set()
    above: list[str] = []
    for indent, name in re.findall(r"^( +)(\w+)/", tree, re.M):
        above = [*above[: len(indent) // 2 - 1], name]
        found.add("/".join(above))
    packages = {shown(p) for p in FOLDERS if (p / "__init__.py").exists()} - {"."}
    assert found == packages
