"""``dagsterSnapsize.updateBaseline``: the sizes that are shown become those to compare with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import evolve
from lsprotocol import types

from dagster_snapsize.lsp.features.words import flat
from dagster_snapsize.lsp.project import Project
from dagster_snapsize.lsp.session import Session
from dagster_snapsize.lsp.state import LocationState
from dagster_snapsize.lsp.workers.process import own_command
from dagster_snapsize.measuring.worker.results import LocationResult, unstructure

_WITHIN = 120.0  # seconds
_REFUSED = "The baseline was not written: "


class _Refused(Exception):
    """Why a baseline cannot be written now."""


async def update_baseline(session: Session, of: Sequence[str]) -> str:
    """Write the baseline of a location's project, or of all; tell the user and return the words.

    ``of`` is the location's name and the project's folder, or nothing.
    """
    location, folder = (of[0], of[1]) if len(of) == 2 else (None, None)
    said, is_good = [], True
    for project in list(session.projects.values()):
        if folder is None or project.folder == folder:
            for root in _roots(project, location):
                try:
                    said.append(await _renew(session, root, _ready(project, root)))
                except _Refused as refused:
                    is_good = False
                    said.append(f"{_REFUSED}{refused}")
    if not said:
        is_good = False
        said.append(f"{_REFUSED}there is no such location.")
    text = "\n".join(said)
    kind = types.MessageType.Info if is_good else types.MessageType.Warning
    session.server.window_show_message(types.ShowMessageParams(kind, f"dagster-snapsize: {text}"))
    return text


def _roots(project: Project, location: str | None) -> Iterable[str]:
    """The folders with a baseline each; one for every location where none is named."""
    found = project.state.locations
    return dict.fromkeys(x.root for x in found if location is None or x.name == location)


def _ready(project: Project, root: str) -> list[LocationResult]:
    """What is to be written: a baseline holds all locations of its folder, or none is true."""
    if project.state.config_error is not None:
        raise _Refused(project.state.config_error.message)
    return [_good(location) for location in project.state.locations if location.root == root]


def _good(location: LocationState) -> LocationResult:
    name = flat(location.name)
    if location.failed is not None or location.config_error is not None:
        raise _Refused(f"{name} could not be measured. Mend that first.")
    if location.good is None:
        raise _Refused(f"{name} has not been measured yet.")
    if location.stale:
        raise _Refused(
            f"the sizes of {name} are from before the last edit. Save, wait until they are"
            " measured, and try again."
        )
    return location.good


async def _renew(session: Session, root: str, results: Sequence[LocationResult]) -> str:
    """What the process says that writes it: measuring/renewal.py."""
    slim = [unstructure(evolve(result, assets=(), findings=())) for result in results]
    process = await asyncio.create_subprocess_exec(
        *own_command("dagster_snapsize.measuring.worker.write_baseline"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    request = json.dumps({"root": root, "results": slim}).encode("utf-8")
    try:
        printed, noise = await asyncio.wait_for(process.communicate(request), _WITHIN)
    except asyncio.TimeoutError:
        process.kill()
        raise _Refused(f"it took longer than {_WITHIN:.0f} s.") from None
    try:
        said: dict[str, Any] = json.loads(printed)
    except ValueError:
        words = noise.decode("utf-8", "replace").strip().splitlines()
        raise _Refused(f"{words[-1] if words else 'its process ended'}.") from None
    if "error" in said:
        raise _Refused(str(said["error"]))
    await session.files_changed([results[0].baseline.path])
    return str(said["text"])
