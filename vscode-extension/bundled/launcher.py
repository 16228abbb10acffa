# Starts the packaged tool: its libraries come first on sys.path, and nothing of it in PYTHONPATH,
# which the user's interpreter would inherit. It must be readable by any Python, however old, which rules out what is usual today.
# ruff: noqa
import os
import sys

if sys.version_info < (3, 10):
    sys.stderr.write(
        "The language server of Dagster Snapsize needs Python 3.10 or newer, and %s is Python %d.%d.\n"
        "Name another one in the setting dagsterSnapsize.serverPython.\n"
        % (sys.executable, sys.version_info[0], sys.version_info[1])
    )
    sys.exit(2)

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "server"), os.path.join(here, "libs")]

from dagster_snapsize.cli.main import main

main()
