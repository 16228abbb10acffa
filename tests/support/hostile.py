"""User code that prints, exits, hangs, crashes and forks.

A line that ends in ``# here`` is where the failure must be shown.
"""

from __future__ import annotations

from pathlib import Path

DEFINITIONS = """
import dagster as dg

@dg.asset
def orders(): ...

defs = dg.Definitions(assets=[orders])
"""

FAILS = {
    "sys.exit before": """
        import sys
        sys.exit(0)  # here
    """,
    "sys.exit after": DEFINITIONS + "import sys\nsys.exit()  # here\n",
    "os._exit before": """
        import os
        os._exit(0)  # here
    """,
    "os._exit after": DEFINITIONS + "import os\nos._exit(0)  # here\n",
    "exception": """
        def connect():
            raise RuntimeError("no vault today")  # here
        connect()
    """,
    "BaseException": """
        class Stop(BaseException): ...
        raise Stop("now")  # here
    """,
    "KeyboardInterrupt": "raise KeyboardInterrupt  # here\n",
    "segfault": """
        import ctypes
        ctypes.string_at(0)  # here
    """,
    "abort": """
        import os
        os.abort()  # here
    """,
    "killed": """
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
    """,
    "sleep": """
        import time
        time.sleep(1000)  # here
    """,
    "a loop in C that holds the GIL": """
        import itertools
        sum(itertools.repeat(0))  # here
    """,
    "SIGTERM ignored": """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(1)  # here
    """,
    "deadlock": """
        import threading
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()  # here
    """,
    "deep recursion": """
        def f(n):
            return f(n + 1)  # here
        f(0)
    """,
    "syntax error": """
        import dagster
        def broken(:  # here
            pass
    """,
    "reading stdin": """
        answer = input("password: ")  # here
    """,
    "import of a missing module": """
        import no_such_module_anywhere  # here
    """,
    "error inside Dagster": """
        import dagster as dg
        @dg.asset
        def a(): ...
        @dg.asset(name="a")
        def b(): ...
        defs = dg.Definitions(assets=[a, b])  # here
    """,
    "a fork that comes back": """
        import os
        os.fork()
        raise RuntimeError("both")  # here
    """,
    "200 MB of prints, then an error": """
        import os
        for _ in range(200):
            os.write(1, bytes(range(256)) * 4096)
        raise RuntimeError("after much talk")  # here
    """,
}

HANGS = {"sleep", "a loop in C that holds the GIL", "SIGTERM ignored", "deadlock"}
"""Those of them that only a timeout ends."""

LOADS = {
    "prints": "print('x' * 10_000_000)\n",
    "raw bytes on descriptor 1": "import os\nos.write(1, bytes(range(256)) * 400_000)\n",
    "closed descriptors": "import os\nos.close(1)\nos.close(2)\n",
    "non-daemon thread": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()\n"
    ),
    "hanging atexit": "import atexit, time\natexit.register(time.sleep, 1000)\n",
    "failing atexit": "import atexit\natexit.register(lambda: 1 / 0)\n",
    "children in their own session": """
        import subprocess, sys
        for _ in range(3):
            subprocess.Popen(
                [sys.executable, "-c", "import time; time.sleep(1000)"], start_new_session=True
            )
    """,
    "a grandchild that detached itself": """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(1000)
            os._exit(0)
        os.wait()
    """,
    "a fork that comes back": "import os\nos.fork()\n",
    "chdir": "import os\nos.chdir('/')\n",
    "a gigabyte of garbage in cycles": """
        for _ in range(10_000):
            cycle = [bytearray(100_000)]
            cycle.append(cycle)
    """,
    "open replaced": "import builtins\nbuiltins.open = None\n",
    "json.dumps replaced": """
        import functools, json
        json.dumps = functools.partial(json.dumps, indent=1)
    """,
    "SystemExit in a thread": (
        "import sys, threading\nt = threading.Thread(target=sys.exit)\nt.start()\nt.join()\n"
    ),
    "sys.argv parsed": "import argparse\nargparse.ArgumentParser().parse_known_args()\n",
}


def marked_line(folder: Path) -> int | None:
    text = (folder / "pipeline.py").read_text(encoding="utf-8")
    return next((n for n, line in enumerate(text.splitlines(), 1) if line.endswith("# here")), None)
