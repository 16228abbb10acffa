"""Files as services know them: by their path from the top of the checkout."""

from __future__ import annotations

import os
from pathlib import Path

from dagster_snapsize.cli.run import LocationReport
from dagster_snapsize.core.model import Finding, SourceLocation
from dagster_snapsize.project.layout import repository_root

# GitHub and GitLab say where they checked the repository out.
_TOPS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def checkout_top() -> Path:
    """The top of the checkout: what the service says, else of the repository, else this folder."""
    here = Path.cwd()
    for name in _TOPS:
        if os.environ.get(name) and here.is_relative_to(os.environ[name]):
            return Path(os.environ[name])
    return repository_root(here) or here


def from_top(path: str, top: Path) -> str | None:
    """A path from the top of the checkout, with forward slashes; None where it lies elsewhere."""
    file = Path(os.path.normpath(Path.cwd() / path))
    return file.relative_to(top).as_posix() if file.is_relative_to(top) else None


def finding_place(finding: Finding, location: LocationReport) -> SourceLocation:
    """Where to show a finding to a service that knows none without a file.

    Its own place, else where the definitions are made, else the configuration or what is nearest.
    """
    measurement = location.measurement
    if finding.location or measurement.definitions_location:
        return finding.location or measurement.definitions_location  # type: ignore[return-value]
    code_location = location.code_location
    files = (
        *measurement.definition_files,
        code_location.target.get("python_file"),
        code_location.config.path,
    )
    found = next((str(file) for file in files if file), None)
    return SourceLocation(found or str(code_location.root / "pyproject.toml"), 1)
