"""What stays the same of a finding while lines move and sizes change."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator

from dagster_snapsize.cli.run import LocationReport
from dagster_snapsize.core.model import Finding


def fingerprints(location: LocationReport) -> Iterator[tuple[Finding, str]]:
    """Every finding of a location with 64 hexadecimal digits that are its own.

    They are made of the rule, the location and what it is about; findings that share all of it are
    counted. Neither the line nor the text counts: the text has sizes in it.
    """
    seen: Counter[tuple[str | None, ...]] = Counter()
    for finding in location.findings:
        if finding.asset is None:
            path = finding.location.path if finding.location else None
            about = (finding.rule, location.measurement.name, finding.snapshot, path)
        else:
            # Neither its file nor its heaviest snapshot: both may be others tomorrow.
            about = (finding.rule, location.measurement.name, "asset", finding.asset)
        text = json.dumps([*about, seen[about]])
        seen[about] += 1
        yield finding, hashlib.sha256(text.encode("ascii")).hexdigest()
