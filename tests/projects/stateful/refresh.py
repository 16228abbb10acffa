"""Fetch the state of every state-backed component and store it below the project, as ``dg`` does.

Run with the project's interpreter, in the project's folder.
"""

import asyncio
from pathlib import Path

import dagster as dg
from dagster.components.utils.defs_state import DefsStateConfigArgs
from remote_tables.component import RemoteCatalog

with dg.DagsterInstance.ephemeral():
    component = RemoteCatalog(catalog="shop", defs_state=DefsStateConfigArgs.local_filesystem())
    asyncio.run(component.refresh_state(Path.cwd()))
