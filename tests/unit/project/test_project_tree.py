"""Which projects the folder of an editor has, and what may change that."""

from __future__ import annotations

from pathlib import Path

from dagster_snapsize.project.project_tree import project_tree
from support.files import write
from support.lsp_projects import git


def projects(folder: Path, *excluded: str) -> list[str]:
    found = project_tree(folder, {}, lambda path: path in excluded).projects
    return [Path(place).relative_to(folder).as_posix() for place in found]


def test_a_package_is_a_project_only_with_settings_of_its_own(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    write(shop / "definitions.py")
    write(shop / "__init__.py")
    assert projects(tmp_path) == []
    write(shop / "workspace.yaml", "load_from:\n- python_file: definitions.py\n")
    assert projects(shop) == ["."]
    assert projects(tmp_path) == ["shop"]


def test_all_projects_of_a_tree_are_found_at_any_depth(tmp_path: Path) -> None:
    """But none in environments, in what tools write, and in what git ignores."""
    config = '[tool.dagster-snapsize]\nmodule-name = "x"\n'
    places = [f"{top}{number}" for number in range(4) for top in ("", "a/", "a/b/c/d/")]
    for name in places:
        write(tmp_path / name / "pyproject.toml", config)
    git(tmp_path, "init", "-q")
    write(tmp_path / ".gitignore", "scratch/\n")
    for skipped in ("scratch", "node_modules/x", ".tox/x", "env", "env/lib", "kept", "cache"):
        write(tmp_path / skipped / "pyproject.toml", config)
    write(tmp_path / "env/pyvenv.cfg")
    write(tmp_path / "cache/CACHEDIR.TAG")
    # A repository in the repository has rules of its own.
    write(tmp_path / "cloned/pyproject.toml", config)
    write(tmp_path / "cloned/build/pyproject.toml", config)
    write(tmp_path / "cloned/.gitignore", "build\n")
    git(tmp_path / "cloned", "init", "-q")
    found = projects(tmp_path, "kept")
    assert sorted(found) == sorted([*places, "cloned"])


def test_what_a_project_around_it_measures_is_no_project_of_its_own(tmp_path: Path) -> None:
    write(tmp_path / "workspace.yaml", "load_from:\n- python_file: one/definitions.py\n")
    for name in ("one", "two", "two/examples", "two/inner", "broken"):
        write(tmp_path / name / "definitions.py", "import dagster")
    # These are not Dagster's.
    write(tmp_path / "other/definitions.py", "COLOURS = {}")
    write(tmp_path / "monorepo/workspace.yaml", "packages: []")
    write(tmp_path / "untold/pyproject.toml", "[project")
    write(tmp_path / "two/inner/pyproject.toml", "[tool.dagster]\nmodule_name = 'definitions'\n")
    write(tmp_path / "two/pyproject.toml", "")
    write(tmp_path / "one/pyproject.toml", "[tool.dagster-snapsize]\nmistaken = 1\n")
    for name in ("alpha", "beta"):
        mistake = "[tool.dagster-snapsize]\nmistaken = 1\n" if name == "beta" else ""
        text = f'[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "{name}"\n'
        write(tmp_path / "dg/projects" / name / "pyproject.toml", f"{text}{mistake}")
    paths = "".join(f'[[workspace.projects]]\npath = "projects/{n}"\n' for n in ("alpha", "beta"))
    write(tmp_path / "dg/dg.toml", f'directory_type = "workspace"\n{paths}')
    write(tmp_path / "broken/pyproject.toml", "[tool.dagster-snapsize\n")
    write(tmp_path / "template/pyproject.toml", "{% if x %}")
    assert projects(tmp_path) == [".", "broken", "dg", "two", "two/inner"]


def test_which_changes_may_make_other_projects(tmp_path: Path) -> None:
    write(tmp_path / "one/definitions.py", "import dagster")
    empty = write(tmp_path / "two/definitions.py")
    tree = project_tree(tmp_path, {})
    assert tree.projects == (str(tmp_path / "one"),)
    assert not tree.may_change([str(tmp_path.parent / "dg.toml")])
    no_matter = [
        "one",
        "two",
        "one/definitions.py",
        "one/x.py",
        "two/x.py",
        "new.py",
    ]
    assert not tree.may_change(str(tmp_path / path) for path in no_matter)
    for path in ("one/new", "new/x/deep"):
        (tmp_path / path).mkdir(parents=True)
    for name in (
        "two/definitions.py",
        "three/definitions.py",
        "one/dg.toml",
        "one",
        "one/new",
        "new",
    ):
        assert tree.may_change([str(tmp_path / name)]), name
    empty.write_text("import dagster")
    assert project_tree(tmp_path, {}).projects == tuple(str(tmp_path / n) for n in ("one", "two"))
