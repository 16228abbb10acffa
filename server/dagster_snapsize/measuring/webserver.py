"""Ask a webserver of Dagster, or ``dagster dev``, where its code servers are."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from dagster_snapsize.core.errors import NotMeasured, UserError
from dagster_snapsize.core.mapping_reader import shown
from dagster_snapsize.project.servers import RunningServer

PATIENCE = 60.0
"""Seconds for a webserver, which may have much to load."""

# Of displayMetadata only the address is used: it may also have the values of headers.
_QUERY = """{ workspaceOrError { __typename
  ... on Workspace { locationEntries {
    name displayMetadata { key value }
    locationOrLoadError { __typename ... on PythonError { message } } } }
  ... on PythonError { message } } }"""
_NOT_DAGSTER = "give the URL of Dagster's webserver, such as http://localhost:3000"


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Headers are for the server that was named, and for no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def find_code_servers(
    url: str, headers: Mapping[str, str], timeout: float
) -> dict[str, RunningServer]:
    """The code servers of a webserver, by the names of their locations.

    ``headers`` are sent to the webserver alone, ``timeout`` is in seconds. A location that has no
    address is there too, with the problem that the webserver has with it.

    Raises:
        UserError: ``url`` is none.
        NotMeasured: the webserver cannot be asked.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.username:
        raise UserError(f"--webserver: {shown(parts.hostname or url)} is no URL", _NOT_DAGSTER)
    answer = _ask(url.rstrip("/").removesuffix("/graphql") + "/graphql", headers, timeout)
    try:
        workspace = answer["data"]["workspaceOrError"]
        if workspace["__typename"] == "PythonError":
            message = str(workspace["message"]).strip()
            raise NotMeasured(f"{url} cannot load its workspace: {message}")
        return {str(entry["name"]): _server(entry) for entry in workspace["locationEntries"]}
    except (KeyError, TypeError):
        raise NotMeasured(f"{url} does not answer as Dagster does", _NOT_DAGSTER) from None


def _ask(url: str, headers: Mapping[str, str], timeout: float) -> Any:
    request = urllib.request.Request(
        url,
        json.dumps({"query": _QUERY}).encode(),
        {"content-type": "application/json", **headers},
    )
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(request, timeout=timeout) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        what = f"answers with status {error.code}"
        if 300 <= error.code < 400:
            what = f"leads to {error.headers.get('location')}"
        hint = _NOT_DAGSTER
        if error.code in (401, 403):
            hint = "It asks for a header: add --header NAME=env:VARIABLE."
        raise NotMeasured(f"{url} {what}", hint) from None
    except OSError as error:
        why = getattr(error, "reason", error)
        raise NotMeasured(f"{url} cannot be reached: {why}", "Is the webserver up?") from None
    except (ValueError, http.client.HTTPException):
        raise NotMeasured(f"{url} does not answer as Dagster does", _NOT_DAGSTER) from None


def _server(entry: Any) -> RunningServer:
    about = {item["key"]: item["value"] for item in entry["displayMetadata"]}
    if socket := about.get("socket"):
        return RunningServer(f"unix:{socket}")
    if port := about.get("port"):
        return RunningServer(f"{about.get('host') or 'localhost'}:{port}")
    failed = entry["locationOrLoadError"] or {}
    why = str(failed.get("message") or "it has no code server that can be asked").strip()
    return RunningServer("", problem=f"the webserver says: {why}")
