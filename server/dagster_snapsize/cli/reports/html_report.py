"""One file that draws everything: it opens from a disk and fetches nothing.

The drawing (``report_page/``) is built from ``vscode-extension/webview`` by ``npm run page``. What
is known of the user's code is compressed JSON in letters and digits, so that no text of theirs can
be taken for a part of the page; a policy allows that script and that style alone.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import sys
import zlib
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from dagster_snapsize import PACKAGE
from dagster_snapsize.cli.reports.columns import columns
from dagster_snapsize.cli.reports.lines import place
from dagster_snapsize.cli.run import LocationReport, Report
from dagster_snapsize.core.advice import advice_json, advise
from dagster_snapsize.core.findings import exit_status

_FOLDER = PACKAGE / "cli" / "reports" / "report_page"
_LEVEL = 6  # of compression; 9 takes twice as long for 1 % less
_FRAMES = 20


def print_page(report: Report) -> None:
    """Write the page to standard output, in ASCII: whatever reads it reads the same."""
    sys.stdout.write(page(report))


def page(report: Report) -> str:
    """The whole page."""
    script = (_FOLDER / "page.js").read_text(encoding="ascii")
    style = (_FOLDER / "page.css").read_text(encoding="ascii")
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}';"
        " base-uri 'none'; form-action 'none'"
    )
    names = ", ".join(location.measurement.name for location in report.locations)
    title = html.escape(_flat(f"Dagster snapshots: {names}"))
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="referrer" content="no-referrer">\n',
            f"<title>{title.encode('ascii', 'xmlcharrefreplace').decode('ascii')}</title>\n",
            f"<style>{style}</style>\n</head>\n<body>\n",
            "<noscript>A script in this file draws the report, and scripts are switched off.\n"
            "<code>dagster-snapsize measure --format markdown</code> needs none.</noscript>\n",
            *_blocks(report),
            f"<script>{script}</script>\n</body>\n</html>\n",
        ]
    )


def _digest(text: str) -> str:
    """As a policy names a script or a style that stands in the page."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('ascii')).digest()).decode()}"


def _blocks(report: Report) -> Iterator[str]:
    yield _block("locations", [_about(location) for location in report.locations])
    for number, location in enumerate(report.locations):
        if not location.measurement.failure:
            data, details = columns(
                location, [advice_json(x) for x in advise(location.measurement)]
            )
            yield _block(f"data-{number}", data)
            yield _block(f"details-{number}", details)


def _block(name: str, content: Any) -> str:
    plain = json.dumps(content, separators=(",", ":")).encode("ascii")
    packed = base64.b64encode(zlib.compress(plain, _LEVEL)).decode("ascii")
    return f'<script type="application/octet-stream" id="{name}">{packed}</script>\n'


def _about(location: LocationReport) -> dict[str, str | None]:
    measurement = location.measurement
    status = exit_status(location.findings)
    when = location.cached.measured_at or datetime.now(timezone.utc).isoformat()
    about = [f"measured {datetime.fromisoformat(when).astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"]
    if measurement.dagster_version:
        python = f"Python {measurement.python_version}"
        about = [f"Dagster {measurement.dagster_version}", python, *about]
    return {
        "name": measurement.name,
        "state": {0: "", 1: "over budget", 3: "could not be measured"}[status],
        "about": ", ".join(about),
        "failure": _failure(location),
    }


def _failure(location: LocationReport) -> str | None:
    failure = location.measurement.failure
    if failure is None:
        return None
    where = place(failure.location)
    frames = failure.traceback.rstrip().splitlines()[-_FRAMES:]
    first = f"{where}: {failure.message}" if where else failure.message
    return "\n".join([first, *(["", *frames] if frames else [])])


def _flat(text: str) -> str:
    """A text of the user's in one line, without what reorders or hides others."""
    return "".join(c if c.isprintable() else " " for c in text)
