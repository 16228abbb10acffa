"""Findings as GitLab's code quality report, which it shows on merge requests.

The keys are those of https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format.
"""

from __future__ import annotations

import json
import sys

from dagster_snapsize.cli.reports.checkout import checkout_top, finding_place, from_top
from dagster_snapsize.cli.reports.fingerprints import fingerprints
from dagster_snapsize.cli.run import Report
from dagster_snapsize.core.model import Severity

# Whoever reviews a change is told what a text tells; the rest is for editors and programs.
_SEVERITY: dict[Severity, str] = {"error": "critical", "warning": "minor"}


def print_quality(report: Report) -> None:
    """One JSON list, empty where nothing was found."""
    top = checkout_top()
    found = []
    for location in report.locations:
        for finding, fingerprint in fingerprints(location):
            if finding.severity not in _SEVERITY:
                continue
            place = finding_place(finding, location)
            found.append(
                {
                    "description": finding.message,
                    "check_name": finding.rule,
                    "fingerprint": fingerprint,
                    "severity": _SEVERITY[finding.severity],
                    "location": {
                        "path": from_top(place.path, top) or place.path,
                        "lines": {"begin": place.line},
                    },
                }
            )
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
