"""dagster_cloud.yaml: the code locations of a Dagster+ deployment.

The schema is that of ``dagster_cloud_cli/config/models.py``. Its paths are those of the image that
is deployed, so what is not on this machine is left out, and a note says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.project.files.workspace_yaml import Workspace
from dagster_snapsize.project.files.yaml_document import line_of, read_yaml
from dagster_snapsize.project.layout import DAGSTER_CLOUD_FILES
from dagster_snapsize.project.targets import TARGET_KINDS, Target, absolute

_EXAMPLE = (
    "For example:\n  locations:\n    - location_name: my_project\n      code_source:\n"
    "        module_name: my_project.definitions"
)


def find_dagster_cloud(folder: Path, last: Path) -> Path | None:
    """The file in ``folder`` or in one of the folders above it, up to ``last``."""
    for place in (folder, *folder.parents):
        for name in DAGSTER_CLOUD_FILES:
            if (place / name).is_file():
                return place / name
        if place == last:
            break
    return None


def read_dagster_cloud(path: Path) -> Workspace:
    """The locations of the file. Raises UserError where it is not one that Dagster+ takes."""
    content = read_yaml(path)
    locations = content.get("locations") if isinstance(content, dict) else None
    if not isinstance(locations, list):
        line = line_of(content, "locations")
        raise UserError(
            f"{path.name} has no list of `locations`", _EXAMPLE, path=str(path), line=line
        )
    defaults = content.get("defaults") or {}
    notes: list[str] = []
    targets = [
        _target(path, line_of(locations, index), location, defaults, notes)
        for index, location in enumerate(locations)
    ]
    return Workspace(tuple(targets), tuple(notes))


def _target(
    path: Path, line: int, location: Any, defaults: Mapping[str, Any], notes: list[str]
) -> Target:
    def error(message: str) -> UserError:
        return UserError(message, _EXAMPLE, path=str(path), line=line)

    if not isinstance(location, dict) or not isinstance(location.get("location_name"), str):
        raise error("a location of `locations` has no `location_name`")
    name = location["location_name"]
    code_source = location.get("code_source")
    code_source = code_source if isinstance(code_source, dict) else {}
    kinds = [k for k in TARGET_KINDS if isinstance(code_source.get(k), str)]
    if len(kinds) != 1:
        raise error(f"`code_source` of {name} needs exactly one of {', '.join(TARGET_KINDS)}")

    def text(key: str) -> str | None:
        value = location.get(key) or defaults.get(key)
        return value if isinstance(value, str) else None

    folder = path.parent
    build = location.get("build") or defaults.get("build")
    if isinstance(build, dict) and isinstance(build.get("directory"), str):
        folder = absolute(build["directory"], folder)
    directory = absolute(text("working_directory") or ".", folder)
    if not directory.is_dir():
        notes.append(
            f"{path.name}:{line}: working_directory {directory} of {name} is not on this machine;"
            f" {folder} was taken"
        )
        directory = folder
    target = {kinds[0]: code_source[kinds[0]]}
    if kinds[0] == "python_file":
        target["python_file"] = str(absolute(target["python_file"], directory))
    if attribute := text("attribute"):
        target["attribute"] = attribute
    python = text("executable_path")
    if python and not (Path(python).is_absolute() and Path(python).is_file()):
        notes.append(
            f"{path.name}:{line}: executable_path {python} of {name} is not on this machine"
        )
        python = None
    return Target(
        name=name,
        target=target,
        working_directory=directory,
        cwd=directory,
        source=f"{path.name}:{line}",
        executable_path=python,
    )
