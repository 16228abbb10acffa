"""Findings for services that annotate changes: GitHub, GitLab, and those that read SARIF.

They know files by their path from the top of the checkout, and a finding by a fingerprint.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from dagster_snapsize.cli.run import LocationReport
from dagster_snapsize.core.model import Finding, SourceLocation
from dagster_snapsize.project.layout import repository_root

# GitHub and GitLab say where they checked the repository out.
_TOPS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def checkout_top() -> Path:
    """The folder that the service checked out, else the top of the repository, else this folder."""
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
    """Where to show a finding on a service, which requires a file for each.

    That is its own place, else where the definitions are made, else a file of the location.
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


def fingerprints(location: LocationReport) -> Iterator[tuple[Finding, str]]:
    """Every finding of a location with its fingerprint, 64 hexadecimal digits.

    It stays the same while lines move and sizes change: it is a digest of the rule, the location,
    what the finding is about, and a count where several findings share all of these.
    """
    seen: Counter[tuple[str | None, ...]] = Counter()
    for finding in location.findings:
        about: tuple[str | None, ...]
        if finding.asset is None:
            path = finding.location.path if finding.location else None
            about = (finding.rule, location.measurement.name, finding.snapshot, path)
        else:
            # Not its file and not its heaviest snapshot, which change.
            of = finding.repository
            about = (finding.rule, location.measurement.name, "asset", of, finding.asset)
        text = json.dumps([*about, seen[about]])
        seen[about] += 1
        yield finding, hashlib.sha256(text.encode("ascii")).hexdigest()
