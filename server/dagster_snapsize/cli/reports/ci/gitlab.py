"""Findings as GitLab's code quality report, which it shows on merge requests.

The keys are those of https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format.
"""

from __future__ import annotations

import json
import sys

from dagster_snapsize.cli.reports.ci import checkout_top, finding_place, fingerprints, from_top
from dagster_snapsize.cli.run import Report
from dagster_snapsize.core.model import Severity

# Findings of level information are for editors and programs.
_SEVERITY: dict[Severity, str] = {"error": "critical", "warning": "minor"}


def print_report(report: Report, status: int, top: int) -> None:
    """Print one JSON list, empty where there are no findings."""
    checkout = checkout_top()
    found = []
    for location in report.locations:
        for finding, fingerprint in fingerprints(location):
            if finding.severity not in _SEVERITY:
                continue
            place = finding_place(finding, location)
            found.append(
                {
                    "description": finding.text,
                    "check_name": finding.rule,
                    "fingerprint": fingerprint,
                    "severity": _SEVERITY[finding.severity],
                    "location": {
                        "path": from_top(place.path, checkout) or place.path,
                        "lines": {"begin": place.line},
                    },
                }
            )
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
