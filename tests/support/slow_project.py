"""A project in which six lines take known times while it is loaded; it records them itself.

Each line whose time is known ends in ``# takes: NAME``. An installed package, ``slow_wheel`` 1.2,
is slow to import, keeps ``HELD_BYTES`` in memory, and has a slow component.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

_DEFINITIONS = """
import ctypes
import json
import time
from pathlib import Path

import dagster as dg

clock = time.perf_counter
truth = {}

began = clock()
while clock() < began + 0.3: pass  # takes: busy Python
truth["busy Python"] = clock() - began

began = clock()
time.sleep(0.4)  # takes: sleep
truth["sleep"] = clock() - began

began = clock()
ctypes.PyDLL(None).usleep(500_000)  # takes: C that holds the interpreter
truth["C that holds the interpreter"] = clock() - began

began = clock()
import slow_wheel  # takes: import
truth["import"] = clock() - began

specs = [dg.AssetSpec(f"table_{number}") for number in range(5_000)]
began = clock()
@dg.multi_asset(specs=specs)  # takes: decorator
def tables():
    pass
truth["decorator"] = clock() - began


@dg.definitions
def defs():
    loaded = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    truth["component"] = sum(slow_wheel.TOOK)
    Path("truth.json").write_text(json.dumps(truth))
    return loaded
"""

HELD_BYTES = 40_000_000
_WHEEL = (
    f"HELD_BYTES = {HELD_BYTES}"
    + """
import time

HELD = b"x" * HELD_BYTES  # so that memory grows by it
time.sleep(0.6)
TOOK = []


def __getattr__(name):
    if name != "SlowComponent":
        raise AttributeError(name)
    import dagster as dg

    class SlowComponent(dg.Component, dg.Model, dg.Resolvable):
        table: str

        def build_defs(self, context):
            began = time.perf_counter()
            time.sleep(0.8)
            TOOK.append(time.perf_counter() - began)
            return dg.Definitions(assets=[dg.AssetSpec(self.table)])

    globals()[name] = SlowComponent
    return SlowComponent
"""
)

_COMPONENT = """
# A comment, so that the type is on the third line.
type: slow_wheel.SlowComponent  # takes: component
attributes:
  table: orders
"""

_PYPROJECT = """
[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "slow"
"""


@frozen
class SlowProject:
    """The project's folder, and the variables for which its package is an installed one."""

    folder: Path
    env: Mapping[str, str]

    def lines(self) -> dict[str, tuple[str, int]]:
        """Path and line by the name of what takes its time there."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            if path.suffix in (".py", ".yaml"):
                for number, text in enumerate(path.read_text().splitlines(), 1):
                    if mark := re.search(r"# takes: (.+)", text):
                        found[mark[1]] = (path.relative_to(self.folder).as_posix(), number)
        return found

    def truth(self) -> dict[str, float]:
        """The seconds that each of them took when the project was last loaded."""
        truth: dict[str, float] = json.loads((self.folder / "truth.json").read_text())
        return truth


def write_slow_project(folder: Path, python: Path) -> SlowProject:
    """Write the project, and the package into a folder for packages of the user's own."""
    base = folder / "packages"
    env = {"PYTHONUSERBASE": str(base)}
    ask = "import site; print(site.getusersitepackages())"
    asked = subprocess.run(
        [python, "-c", ask], env={**os.environ, **env}, capture_output=True, text=True, check=True
    )
    site = Path(asked.stdout.strip())
    project = folder / "project"
    for path, text in {
        site / "slow_wheel" / "__init__.py": _WHEEL,
        site / "slow_wheel-1.2.dist-info" / "METADATA": "Name: slow-wheel\nVersion: 1.2\n",
        site / "slow_wheel-1.2.dist-info" / "RECORD": "slow_wheel/__init__.py,,\n",
        project / "pyproject.toml": _PYPROJECT,
        project / "slow" / "__init__.py": "",
        project / "slow" / "definitions.py": _DEFINITIONS,
        project / "slow" / "defs" / "__init__.py": "",
        project / "slow" / "defs" / "orders" / "defs.yaml": _COMPONENT,
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return SlowProject(project, {**env, "PYTHONPATH": str(site)})
