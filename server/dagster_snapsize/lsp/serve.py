"""Starts the language server, over standard input and output or on a port of this machine."""

from __future__ import annotations

import gc
import logging
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import NoReturn

from dagster_snapsize.lsp.server import create_server


def serve(port: int | None) -> NoReturn:
    """Serve one client until it leaves. Log lines go to standard error."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("pygls").setLevel(logging.WARNING)
    try:
        own_version = version("dagster-snapsize")
    except PackageNotFoundError:  # run from a folder, as the editor extension does
        own_version = "unknown"
    # Files are anchored in threads while the loop answers: it gets its turn in half a millisecond.
    sys.setswitchinterval(0.0005)
    server = create_server(own_version)
    gc.freeze()  # modules stay: looking through them takes a tenth of a second each time
    if port is None:
        server.start_io()
    else:
        server.start_tcp("127.0.0.1", port)
    # The client is gone. Workers notice the end of their lifelines and end what they started; a
    # thread that still reads our standard input must not keep us.
    os._exit(0)
