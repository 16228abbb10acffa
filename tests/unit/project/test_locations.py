"""Which code locations there are, in the order in which Dagster's own files are asked."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.project.discovery import Flags
from dagster_snapsize.project.locations import CodeLocation, Found, find_locations
from support.files import write


def find(folder: Path, environ: dict[str, str] | None = None, **flags: object) -> Found:
    return find_locations(folder, Flags(**flags), environ or {})  # type: ignore[arg-type]


def only(folder: Path, environ: dict[str, str] | None = None, **flags: object) -> CodeLocation:
    [location] = find(folder, environ, **flags).locations
    return location


def refused(folder: Path, **flags: object) -> UserError:
    with pytest.raises(UserError) as raised:
        find(folder, **flags)
    return raised.value


ALL_FILES = {
    "pyproject.toml": '[tool.dagster-snapsize]\nmodule-name = "by_settings"\n',
    "workspace.yaml": "load_from:\n  - python_module: by_workspace\n",
    "dg.toml": 'directory_type = "project"\n[project]\nroot_module = "by_dg"\n',
    "tool.dagster": '[tool.dagster]\nmodule_name = "by_tool_dagster"\n',
    "dagster_cloud.yaml": "locations:\n  - location_name: by_cloud\n    code_source:\n"
    "      package_name: by_cloud\n",
    "definitions.py": "",
}


def test_the_order_is_the_documented_one(tmp_path: Path) -> None:
    for name, text in ALL_FILES.items():
        if name != "tool.dagster":
            write(tmp_path / name, text)
    assert only(tmp_path, module_name=("by_flag",)).target == {"module_name": "by_flag"}
    assert only(tmp_path).target == {"module_name": "by_settings"}
    write(tmp_path / "pyproject.toml", ALL_FILES["tool.dagster"])
    assert only(tmp_path).target == {"module_name": "by_workspace"}
    (tmp_path / "workspace.yaml").rename(tmp_path / "workspace.yml")
    assert only(tmp_path).target == {"module_name": "by_workspace"}
    (tmp_path / "workspace.yml").unlink()
    assert only(tmp_path).target == {"module_name": "by_dg.definitions"}
    (tmp_path / "dg.toml").unlink()
    assert only(tmp_path).target == {"module_name": "by_tool_dagster"}
    (tmp_path / "pyproject.toml").unlink()
    assert only(tmp_path).target == {"package_name": "by_cloud"}
    (tmp_path / "dagster_cloud.yaml").unlink()
    location = only(tmp_path)
    assert location.target == {"python_file": str(tmp_path / "definitions.py")}
    assert location.name == "definitions.py"
    (tmp_path / "definitions.py").unlink()
    assert "no code location found in" in refused(tmp_path).message


def test_flags_name_locations_as_dagster_does(tmp_path: Path) -> None:
    write(tmp_path / "src" / "repo.py")
    assert only(tmp_path, module_name=("shop.definitions",)).name == "shop.definitions"
    assert only(tmp_path, package_name=("shop",), attribute="defs").name == "shop:defs"
    location = only(tmp_path, python_file=("src/repo.py",), attribute="x")
    assert location.name == "repo.py:x"
    assert location.target == {"python_file": str(tmp_path / "src/repo.py"), "attribute": "x"}
    assert location.working_directory == tmp_path
    assert location.source == "-f"
    moved = only(tmp_path, python_file=("src/repo.py",), working_directory="src")
    assert moved.working_directory == tmp_path / "src"
    assert len(find(tmp_path, module_name=("a", "b")).locations) == 2


def test_two_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path / "a/defs.py")
    write(tmp_path / "b/defs.py")
    found = find(tmp_path, python_file=("a/defs.py", "b/defs.py"))
    assert [x.name for x in found.locations] == ["a/defs.py", "b/defs.py"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"module_name": ("a",), "python_file": ("a.py",)}, "-f and -m do not go together"),
        ({"module_name": ("a", "b"), "attribute": "x"}, "-a does not go with several -m"),
        ({"attribute": "x"}, "-a names an attribute"),
        ({"workspace": ("w.yaml",), "attribute": "x"}, "do not go with -w"),
        ({"workspace": ("w.yaml",)}, "w.yaml does not exist"),
        ({"python_file": ("gone.py",)}, "gone.py of -f does not exist"),
        ({"python_file": (".",)}, "is a folder"),
        ({"module_name": ("a",), "working_directory": "gone"}, "working directory of -d"),
        ({"working_directory": "gone"}, "there is no folder"),
    ],
)
def test_flags_that_make_no_sense_are_refused(
    tmp_path: Path, flags: dict[str, object], said: str
) -> None:
    assert said in refused(tmp_path, **flags).message


def test_a_folder_alone_is_looked_into(tmp_path: Path) -> None:
    write(tmp_path / "sub/definitions.py")
    location = only(tmp_path, working_directory="sub")
    assert location.working_directory == location.root == location.cwd == tmp_path / "sub"


def test_paths_of_the_settings_start_at_their_file(tmp_path: Path) -> None:
    write(
        tmp_path / "snapsize.toml",
        'python-file = "src/repo.py"\nattribute = "defs"\nworking-directory = "src"\n',
    )
    assert "`working-directory` of the configuration" in refused(tmp_path).message
    (tmp_path / "src").mkdir()
    assert "repo.py of [tool.dagster-snapsize]" in refused(tmp_path).message
    write(tmp_path / "src/repo.py")
    location = only(tmp_path)
    assert location.working_directory == tmp_path / "src"
    assert location.root == tmp_path
    assert location.config.attribute == "defs"
    write(tmp_path / "snapsize.toml", 'workspace = "deploy/all.yaml"\n')
    write(tmp_path / "deploy/all.yaml", "load_from: [{python_module: shop}]\n")
    assert only(tmp_path).source == "all.yaml:1"


WORKSPACE = """
load_from:
  - python_file: a/repo.py
  - python_file:
      relative_path: a/repo.py
      location_name: second
      attribute: defs
      working_directory: a
      executable_path: envs/a/bin/python
  - python_module:
      module_name: shop.definitions
      working_directory: b
      executable_path: ~/env/bin/python
  - python_package: {package_name: {env: PACKAGE}, executable_path: python3.11}
  - autoload_defs_module: {module_name: shop.defs}
  - grpc_server: {host: localhost, port: 4266, location_name: elsewhere}
"""


def test_workspace_yaml_means_what_it_means_to_dagster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/of/user")
    write(tmp_path / "ws/workspace.yaml", WORKSPACE)
    write(tmp_path / "ws/a/repo.py")
    write(tmp_path / "ws/a/pyproject.toml")
    found = find(tmp_path, {"PACKAGE": "packed"}, workspace=("ws/workspace.yaml",))
    plain, full, module, package, autoload = found.locations
    assert [x.name for x in found.locations] == [
        "repo.py",
        "second",
        "shop.definitions",
        "packed",
        "shop.defs",
    ]
    # As in Dagster: files start at the workspace file, imports of the rest where it is run.
    assert plain.target == {"python_file": str(tmp_path / "ws/a/repo.py")}
    assert plain.working_directory == tmp_path
    assert full.working_directory == tmp_path / "ws/a"
    assert full.target["attribute"] == "defs"
    assert full.executable_path == str(tmp_path / "envs/a/bin/python")
    assert plain.root == full.root == tmp_path / "ws/a"
    assert module.working_directory == tmp_path / "b"
    assert module.executable_path == "/home/of/user/env/bin/python"
    assert package.executable_path == "python3.11"
    assert autoload.target == {"autoload_defs_module_name": "shop.defs"}
    assert {x.cwd for x in found.locations} == {tmp_path}
    assert plain.source == "workspace.yaml:3"
    [note] = found.notes
    assert note.startswith("workspace.yaml:16: elsewhere is a running gRPC server and was skipped")


def test_variables_of_a_workspace_come_from_the_env_file_too(tmp_path: Path) -> None:
    write(tmp_path / "workspace.yaml", "load_from:\n- python_module: {module_name: {env: MOD}}\n")
    error = refused(tmp_path)
    assert error.line == 2
    assert "`module_name`: the environment variable MOD is not set" in error.message
    write(tmp_path / ".env", "# modules\nexport MOD='shop'\n")
    assert only(tmp_path).name == "shop"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "is empty"),
        ("- a\n", 1, "is not a mapping"),
        ("load_form: []\n", 1, "unknown key `load_form`; did you mean `load_from`?"),
        ("\nload_from: shop\n", 2, "is not a list"),
        ("load_from:\n  - shop\n", 2, "each entry of `load_from` is one of"),
        ("load_from:\n  - python_modul: shop\n", 2, "did you mean `python_module`?"),
        (
            "load_from:\n  - python_module:\n      modul_name: shop\n",
            3,
            "did you mean `module_name`?",
        ),
        ("load_from:\n  - python_module: {attribute: x}\n", 2, "has no `module_name`"),
        ("load_from:\n  - python_module: 3\n", 2, "neither a string nor a mapping"),
        (
            "load_from:\n  - python_module:\n      module_name: shop\n      attribute: 3\n",
            4,
            "neither a string nor {env: NAME}",
        ),
        ("load_from:\n  - python_file: gone.py\n", 2, "there is no file"),
        ("load_from:\n  - python_module: a\n  - python_module: a\n", 3, "two locations have"),
        ("load_from: [\n", 2, "is not valid YAML"),
    ],
)
def test_a_workspace_that_dagster_refuses_is_an_error(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    path = write(tmp_path / "workspace.yaml", text)
    error = refused(tmp_path)
    assert said in error.message
    assert (error.path, error.line) == (str(path), line)


def test_a_workspace_of_servers_alone_does_not_end_the_search(tmp_path: Path) -> None:
    write(tmp_path / "workspace.yaml", "load_from:\n  - grpc_server: {port: 4266}\n")
    write(tmp_path / "pyproject.toml", '[tool.dagster]\nmodule_name = "shop.definitions"\n')
    found = find_locations(tmp_path, Flags(), {})
    assert [one.name for one in found.locations] == ["shop.definitions"]
    (note,) = found.notes
    assert "grpc:localhost:4266 is a running gRPC server and was skipped" in note


def test_only_servers_elsewhere_cannot_be_measured(tmp_path: Path) -> None:
    write(tmp_path / "workspace.yaml", "load_from:\n  - grpc_server: {port: 4266}\n")
    error = refused(tmp_path)
    assert "can be measured" in error.message
    assert "grpc:localhost:4266 is a running gRPC server" in error.hint


DG_PROJECT = """
[tool.dg]
directory_type = "project"
[tool.dg.project]
root_module = "{module}"
"""


def test_a_dg_project_has_the_name_that_dg_gives_it(tmp_path: Path) -> None:
    project = tmp_path / "my-shop"
    write(project / "pyproject.toml", DG_PROJECT.format(module="my_shop"))
    location = only(project)
    assert location.name == "my-shop"
    assert location.target == {"module_name": "my_shop.definitions"}
    write(
        project / "pyproject.toml",
        DG_PROJECT.format(module="my_shop")
        + 'code_location_name = "shop"\ncode_location_target_module = "my_shop.other"\n',
    )
    assert only(project).name == "shop"
    assert only(project).target == {"module_name": "my_shop.other"}
    write(
        project / "pyproject.toml", DG_PROJECT.format(module="my_shop") + "autoload_defs = true\n"
    )
    assert only(project).target == {"autoload_defs_module_name": "my_shop.defs"}
    write(project / "dg.toml", '[project]\nroot_module = "hides_pyproject"\n')
    assert only(project).target == {"module_name": "hides_pyproject.definitions"}


def test_a_dg_workspace_has_one_location_for_each_project(tmp_path: Path) -> None:
    write(
        tmp_path / "dg.toml",
        'directory_type = "workspace"\n[workspace]\n'
        'projects = [{ path = "projects/one" }, { path = "projects/two" }]\n',
    )
    write(tmp_path / "snapsize.toml", '[budget]\nrepository = "1 MB"\n')
    for name in ("one", "two"):
        write(tmp_path / f"projects/{name}/pyproject.toml", DG_PROJECT.format(module=name))
    write(tmp_path / "projects/two/snapsize.toml", '[budget]\nrepository = "2 MB"\n')
    write(tmp_path / "projects/two/.env", "DG_PROJECT_PYTHON_EXECUTABLE=../../env/bin/python\n")
    one, two = find(tmp_path).locations
    assert (one.name, one.root) == ("one", tmp_path / "projects/one")
    assert one.config.budgets.repository == 1_000_000  # those of the workspace
    assert two.config.budgets.repository == 2_000_000
    assert (one.executable_path, two.executable_path) == (None, str(tmp_path / "env/bin/python"))
    assert only(tmp_path / "projects/one").name == "one"


def test_mistakes_in_dg_files_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "dg.toml", '[workspace]\nprojects = ["one"]\n')
    error = refused(tmp_path)
    assert (error.path, error.line) == (str(path), 2)
    write(tmp_path / "dg.toml", '[workspace]\nprojects = [{path = "one"}]\n')
    assert "there is no folder one" in refused(tmp_path).message
    (tmp_path / "one").mkdir()
    assert "has no [tool.dg]" in refused(tmp_path).message
    write(tmp_path / "dg.toml", '[project]\nname = "x"\n')
    assert "has no `root_module`" in refused(tmp_path).message


def test_tool_dagster_modules(tmp_path: Path) -> None:
    write(
        tmp_path / "pyproject.toml",
        '[tool.dagster]\nmodules = [{type = "module", name = "a"}, {type = "module", name = "b"}]\n'
        'code_location_name = "shop"\n',
    )
    assert [x.name for x in find(tmp_path).locations] == ["a", "b"]
    write(
        tmp_path / "pyproject.toml",
        '[tool.dagster]\nmodule_name = "a"\ncode_location_name = "shop"\n',
    )
    assert only(tmp_path).name == "shop"
    write(tmp_path / "pyproject.toml", '[tool.dagster]\nmodules = ["a"]\n')
    assert refused(tmp_path).line == 2


CLOUD = """
defaults:
  working_directory: src
locations:
  - location_name: shop
    code_source: {python_file: repo.py}
    attribute: defs
    build: {directory: shop}
    executable_path: /venvs/shop/bin/python
  - location_name: other
    code_source: {module_name: other}
    working_directory: /opt/app
"""


def test_dagster_cloud_yaml(tmp_path: Path) -> None:
    write(tmp_path / "dagster_cloud.yaml", CLOUD)
    write(tmp_path / "shop/src/repo.py")
    found = find(tmp_path)
    shop, other = found.locations
    assert shop.target == {"python_file": str(tmp_path / "shop/src/repo.py"), "attribute": "defs"}
    assert shop.working_directory == tmp_path / "shop/src"
    assert shop.executable_path is None
    assert other.working_directory == tmp_path
    assert len(found.notes) == 2  # neither the executable nor the folder is on this machine
    assert shop.dagster_plus == "dagster_cloud.yaml"
    write(tmp_path / "dagster_cloud.yaml", "locations:\n  - location_name: x\n")
    assert "needs exactly one of" in refused(tmp_path).message


def test_whether_the_limit_of_dagster_plus_applies(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    write(tmp_path / "shop/definitions.py")
    assert only(tmp_path / "shop").dagster_plus is None
    write(tmp_path / "dagster_cloud.yaml", CLOUD)  # of the repository as a whole
    assert only(tmp_path / "shop").dagster_plus == "dagster_cloud.yaml"
    write(tmp_path / "shop/snapsize.toml", "dagster-plus = false")
    assert only(tmp_path / "shop").dagster_plus is None
    (tmp_path / "dagster_cloud.yaml").unlink()
    write(tmp_path / "shop/snapsize.toml", "dagster-plus = true")
    assert only(tmp_path / "shop").dagster_plus == "[tool.dagster-snapsize] dagster-plus"


def test_nothing_found_says_what_was_tried_and_what_is_near(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for skipped in (".hidden", "node_modules/x", "env"):
        write(tmp_path / skipped / "definitions.py")
    write(tmp_path / "env/pyvenv.cfg")
    error = refused(tmp_path)
    for name in ("snapsize.toml", "workspace.yaml", "dg.toml", "[tool.dagster]", "definitions.py"):
        assert name in error.hint
    assert "measure -m my_project.definitions" in error.hint
    write(tmp_path / "data/shop/definitions.py")
    assert "dagster-snapsize measure -d data/shop" in refused(tmp_path).hint
    write(tmp_path / "data/shop/src/x.py")
    assert "dagster-snapsize measure -d .." in refused(tmp_path / "data/shop/src").hint
    for number in range(6):
        write(tmp_path / f"more{number}/definitions.py")
    assert refused(tmp_path).hint.splitlines()[-2:] == [
        "  dagster-snapsize measure -d more4",
        "and 2 more",
    ]


def test_links_are_kept_as_given(tmp_path: Path) -> None:
    write(tmp_path / "real/definitions.py")
    (tmp_path / "link").symlink_to("real")
    assert only(tmp_path / "link").working_directory == tmp_path / "link"
    assert only(tmp_path / "real/../link").working_directory == tmp_path / "link"
