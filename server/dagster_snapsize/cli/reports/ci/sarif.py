"""Findings as SARIF 2.1.0, which GitHub code scanning and many editors read.

Names of properties are those of the standard:
https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote

from dagster_snapsize import PACKAGE, VERSION
from dagster_snapsize.cli.reports.ci import checkout_top, finding_place, fingerprints, from_top
from dagster_snapsize.cli.run import Report
from dagster_snapsize.core.model import Finding, Rule, SourceLocation

Json = dict[str, Any]
_RULES = PACKAGE / "rules.md"
_LEVEL = {"error": "error", "warning": "warning", "information": "note"}
_BASE = "%SRCROOT%"
_SECTION = re.compile(r"^## (\S+)\n(.*?)(?=^## |\Z)", re.M | re.S)


def print_report(report: Report, status: int, top: int) -> None:
    """Print one JSON object with one run; ``status`` is the exit status of the program."""
    sys.stdout.write(json.dumps(log(report, status), indent=2) + "\n")


def log(report: Report, status: int) -> Json:
    """The whole log."""
    top = checkout_top()
    rules = _rules()
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    results = []
    for location in report.locations:
        for finding, fingerprint in fingerprints(location):
            place = finding_place(finding, location)
            results.append(
                {
                    "ruleId": finding.rule,
                    "ruleIndex": index[finding.rule],
                    "level": _LEVEL[finding.severity],
                    "message": {"text": finding.text},
                    "locations": [{"physicalLocation": _physical(place, top)}],
                    # GitHub's own goes by the text of the line, which has no sizes in it.
                    "partialFingerprints": {
                        "primaryLocationLineHash": f"{fingerprint}:1",
                        "dagsterSnapsize/v1": fingerprint,
                    },
                    "properties": _properties(finding),
                }
            )
    driver = {
        "name": "dagster-snapsize",
        "version": VERSION,
        "rules": rules,
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": status != 3, "exitCode": status}],
        "originalUriBaseIds": {_BASE: {"description": {"text": "The top of the checkout."}}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }


def _physical(place: SourceLocation, top: Path) -> Json:
    path = from_top(place.path, top)
    if path is None:
        artifact = {"uri": (Path.cwd() / place.path).as_uri()}
    else:
        artifact = {"uri": quote(path, errors="replace"), "uriBaseId": _BASE}
    return {"artifactLocation": artifact, "region": {"startLine": max(1, place.line)}}


def _properties(finding: Finding) -> Json:
    about = {
        "snapshot": finding.snapshot,
        "asset": finding.asset,
        "bytes": finding.bytes,
        "budgetBytes": finding.budget_bytes,
    }
    return {name: value for name, value in about.items() if value is not None}


def _rules() -> list[Json]:
    """Every rule with its help, which is its section of rules.md."""
    sections = dict(_SECTION.findall(_RULES.read_text(encoding="utf-8")))
    return [_rule(name, sections.get(name, name).strip()) for name in get_args(Rule)]


def _rule(name: str, text: str) -> Json:
    paragraph = " ".join(text.split("\n\n")[0].split())
    sentence = re.match(r"(.+?[.:])(?= |$)", paragraph)
    short = sentence[1].rstrip(":") if sentence else paragraph
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "shortDescription": {"text": short if short.endswith(".") else f"{short}."},
        "fullDescription": {"text": paragraph},
        "help": {"text": text, "markdown": text},
    }
