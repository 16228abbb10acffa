"""One measurement in the user's interpreter: load, serialize, stream frames.

Run as a folder, ``python <this folder> '<JSON>'``, with standard output as the pipe for frames and
standard error as the one for what user code prints. See protocol.py for what is sent. With
``--forkserver`` it keeps an interpreter ready for many (forkserver/server.py), with ``--live`` it
asks a running code server instead (live/session.py).
"""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Any


def _as_package(module: str) -> Any:
    """Import a module of this folder under a name that user code cannot have.

    The user's own ``protocol`` or ``loading`` must not meet ours, in sys.path or in sys.modules.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [p for p in sys.path if os.path.abspath(p or os.curdir) != here]
    spec = importlib.util.spec_from_file_location(
        "_dagster_snapsize_probe",
        os.path.join(here, "__init__.py"),
        submodule_search_locations=[here],
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = package
    spec.loader.exec_module(package)
    return importlib.import_module(f"_dagster_snapsize_probe.{module}")


if __name__ == "__main__":
    if sys.argv[1] == "--forkserver":
        _as_package("forkserver.server").main(sys.argv[2])
    if sys.argv[1] == "--live":
        _as_package("live.session").main(sys.argv[2])
    _as_package("session").main(sys.argv[1])
