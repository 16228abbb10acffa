"""What pip printed before it gave up -> one sentence, and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dagster_snapsize.core.errors import UserError

_UNREACHABLE = re.compile(
    r"Failed to establish a new connection|NewConnectionError|NameResolutionError|ConnectTimeout"
    r"|Read timed out|ReadTimeoutError|ProxyError|SSLError|Connection(?:Reset|Refused)?Error"
    r"|Max retries exceeded|Could not fetch URL|Temporary failure in name resolution"
)
_NO_VERSION = re.compile(
    r"Could not find a version that satisfies the requirement (\S+?)(?:\s.*?)?"
    r" \(from versions: (.*?)\)"
)
_OTHER_PYTHON = re.compile(r"Requires-Python|requires a different python version", re.I)
_SHOWN = 3


def pip_error(printed: str, wanted: str, environ: Mapping[str, str]) -> UserError:
    """The error to raise where pip could not install ``wanted``."""
    index = environ.get("PIP_INDEX_URL")
    where = f" at {_without_password(index)}" if index else ""
    missing = _NO_VERSION.search(printed)
    versions = re.split(r",\s*", missing[2]) if missing and missing[2] != "none" else []
    if _UNREACHABLE.search(printed) and not versions:
        return UserError(
            f"{wanted} cannot be downloaded: the package index{where} cannot be reached",
            "Is there a network? pip's settings (PIP_INDEX_URL, pip.conf, HTTPS_PROXY) say where it"
            " looks.",
        )
    if missing:
        requirement = missing[1]
        known = f"; its newest are {', '.join(versions[-_SHOWN:])}" if versions else ""
        version = requirement.partition("==")[2]
        if version and _OTHER_PYTHON.search(printed) and version not in versions:
            known += ". Others are not for this Python"
        return UserError(
            f"the package index{where} has no {requirement}{known}",
            "`--dagster latest` takes the newest there is.",
        )
    if "ResolutionImpossible" in printed or "conflicting dependencies" in printed:
        lines = [x.strip() for x in printed.splitlines() if " depends on " in x]
        return UserError(
            f"{wanted} cannot be installed together",
            "\n".join(lines[: 2 * _SHOWN]) or "pip says that they conflict.",
        )
    errors = [line for line in printed.splitlines() if line.startswith("ERROR:")]
    last = errors[-1] if errors else (printed.strip().splitlines() or ["nothing"])[-1]
    return UserError(
        f"{wanted} cannot be installed: {last.removeprefix('ERROR: ')}",
    )


def _without_password(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url)
