"""Code locations in a project's TOML: ``[tool.dg]`` or dg.toml, and ``[tool.dagster]``.

As ``dagster/_core/workspace/load_target.py`` and ``dagster_dg_core/config.py`` read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.project.dotenv import read_dotenv
from dagster_snapsize.project.files.toml_document import TomlDocument, read_toml
from dagster_snapsize.project.targets import Target, absolute, default_name

_DG_PYTHON = "DG_PROJECT_PYTHON_EXECUTABLE"


def dg_project_folders(folder: Path) -> tuple[Path, ...] | None:
    """The folders of the projects of a dg workspace; None where ``folder`` is not one."""
    found = _dg_table(folder)
    if found is None:
        return None
    file, prefix = found
    workspace = file.table(*prefix, "workspace")
    if not workspace and file.table(*prefix).get("directory_type") != "workspace":
        return None
    keys = (*prefix, "workspace", "projects")
    projects = workspace.get("projects", [])
    if not isinstance(projects, list) or not all(
        isinstance(p, dict) and isinstance(p.get("path"), str) for p in projects
    ):
        raise _error(
            file,
            keys,
            f"`{'.'.join(keys)}` is not a list of paths",
            'For example: projects = [{ path = "projects/my-project" }]',
        )
    folders = tuple(absolute(p["path"], folder) for p in projects)
    for project, path in zip(projects, folders, strict=True):
        if not path.is_dir():
            raise _error(file, keys, f"there is no folder {project['path']}, which it names", "")
    return folders


def dg_project(folder: Path, environ: Mapping[str, str]) -> Target | None:
    """The project in ``folder``, under the name that ``dg`` gives it; None where there is none."""
    found = _dg_table(folder)
    if found is None:
        return None
    file, prefix = found
    project = file.table(*prefix, "project")
    if not project:
        return None
    keys = (*prefix, "project")

    def text(key: str) -> str | None:
        return _text(file, (*keys, key), project)

    root_module = text("root_module")
    if not root_module:
        hint = 'For example: root_module = "my_project"'
        raise _error(file, keys, f"`{'.'.join(keys)}` has no `root_module`", hint)
    if project.get("autoload_defs"):
        target = {"autoload_defs_module_name": text("defs_module") or f"{root_module}.defs"}
    else:
        target = {
            "module_name": text("code_location_target_module") or f"{root_module}.definitions"
        }
    python = read_dotenv(folder / ".env", environ).get(_DG_PYTHON)
    where = "dg.toml" if not prefix else "[tool.dg]"
    name = text("code_location_name")
    return Target(
        name=name or folder.name,
        target=target,
        working_directory=folder,
        cwd=folder,
        source=f"{where} of {file.path.name}" if prefix else where,
        executable_path=str(absolute(python, folder)) if python else None,
        root=folder,
        named_by_folder=not name,
    )


def tool_dagster(folder: Path) -> tuple[Target, ...]:
    """The modules of ``[tool.dagster]`` in pyproject.toml."""
    file = read_toml(folder / "pyproject.toml")
    table = file.table("tool", "dagster") if file else {}
    if file is None or not ("module_name" in table or "modules" in table):
        return ()
    keys = ("tool", "dagster")
    name = _text(file, (*keys, "code_location_name"), table)
    module = _text(file, (*keys, "module_name"), table)
    if module and table.get("modules"):
        message = "`module_name` and `modules` do not go together"
        raise _error(file, (*keys, "modules"), message, "Keep one of them.")
    modules = [module] if module else _modules(file, table)
    named = name is not None and len(modules) == 1
    return tuple(
        Target(
            name=name if named and name else default_name({"module_name": module}),
            target={"module_name": module},
            working_directory=folder,
            cwd=folder,
            source="[tool.dagster] of pyproject.toml",
            root=folder,
        )
        for module in modules
    )


def _modules(file: TomlDocument, table: Mapping[str, Any]) -> list[str]:
    modules = table.get("modules")
    if (
        not isinstance(modules, list)
        or not modules
        or not all(isinstance(m, dict) and isinstance(m.get("name"), str) for m in modules)
    ):
        raise _error(
            file,
            ("tool", "dagster", "modules"),
            "`tool.dagster.modules` is not a list of modules",
            'For example: modules = [{ type = "module", name = "my_project.definitions" }]',
        )
    return [m["name"] for m in modules if m.get("type") == "module"]


def _dg_table(folder: Path) -> tuple[TomlDocument, tuple[str, ...]] | None:
    """The file with dg's settings and where they are in it; a dg.toml hides a pyproject.toml."""
    separate = read_toml(folder / "dg.toml")
    if separate is not None:
        return separate, ()
    pyproject = read_toml(folder / "pyproject.toml")
    if pyproject is not None and pyproject.table("tool", "dg"):
        return pyproject, ("tool", "dg")
    return None


def _text(file: TomlDocument, keys: tuple[str, ...], table: Mapping[str, Any]) -> str | None:
    value = table.get(keys[-1])
    if value is None or isinstance(value, str):
        return value
    hint = f'For example: {keys[-1]} = "my_project"'
    raise _error(file, keys, f"`{'.'.join(keys)}` is not a string", hint)


def _error(file: TomlDocument, keys: tuple[str, ...], message: str, hint: str) -> UserError:
    return UserError(message, hint, path=str(file.path), line=file.line_of(*keys))
