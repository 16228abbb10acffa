"""What it costs to measure the running code servers of an organisation from one component.

    python benchmarks/many_servers.py [--servers 500] [--assets 300] [--batch 25]

The servers are stubs in one process, which replay what a real one answers. One in ten is down, one
hangs, and one refuses its job as larger than its limit. Time and memory are those of the run that
measures them, with all processes that it starts. SystemExit where a size differs from that of
``dagster-snapsize measure``, or where a server that answers was not measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from projects import ROOT

sys.path.insert(0, str(ROOT / "tests"))

from processes import run
from support.command import measure_json
from support.deployment import own_variables, runs_command, stub_servers
from support.environments import environment

TIMEOUT = "30 s"  # for the server that hangs
PLAIN = """
import dagster as dg

def build(number):
    @dg.asset(name=f"table_{number}", description="one of many, " * 30, tags={"owner": "sales"})
    def table(): ...
    return table

defs = dg.Definitions(assets=[build(n) for n in range(%d)])
"""
CENTRAL = """
from dagster_snapsize.dagster import build_snapshot_sizes_definitions
defs = build_snapshot_sizes_definitions(
    {}, servers={name: f"unix:%s/{name}" for name in %r}, batch=%d
)
"""
SIZES = ("repository_wire_bytes", "largest_job_wire_bytes")


def measured(folder: Path, file: str) -> Any:
    """The location in a file, by ``measure``."""
    variables = {"PYTHONPATH": own_variables(folder / "home")["PYTHONPATH"]}
    python = str(environment("deployment"))
    return measure_json("--python", python, "-f", file, cwd=folder, env=variables)["locations"][0]


def wire_bytes(location: Any, kind: str) -> int:
    """The size of its only snapshot of that kind."""
    (found,) = (s["wire_bytes"] for s in location["snapshots"] if s["kind"] == kind)
    return int(found)


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=500)
    parser.add_argument("--assets", type=int, default=300)
    parser.add_argument("--batch", type=int, default=25)
    options = parser.parse_args()
    down = max(1, options.servers // 10)
    answering = options.servers - down - 1
    counts = {"ok": answering - 1, "over": 1, "hanging": 1, "down": down}
    names = [f"{kind}-{n}" for kind, count in counts.items() for n in range(count)]
    up = [f"{kind}={count}" for kind, count in counts.items() if kind != "down"]
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        (folder / "plain.py").write_text(PLAIN % options.assets)
        (folder / "snapsize.toml").write_text(f'timeout = "{TIMEOUT}"\n')
        with stub_servers(folder / "plain.py", *up) as sockets:
            (folder / "central.py").write_text(CENTRAL % (sockets, names, options.batch))
            plain, central = measured(folder, "plain.py"), measured(folder, "central.py")
            print(
                f"{options.servers} servers of {options.assets} assets, {options.batch} in each op"
            )
            for kind in ("repository", "job"):
                print(f"  {kind} snapshot of the component: {wire_bytes(central, kind):,} bytes")
            print(f"  loading the component: {central['seconds']['load']:.1f} s", flush=True)
            wanted = {"file": "central.py", "assets": [["snapshot_sizes", n] for n in names]}
            done = run(runs_command([wanted]), folder, own_variables(folder / "home"))
    (found,) = json.loads(done.output.splitlines()[-1])
    sizes = [{asset[kind] for asset in found["assets"].values()} for kind in SIZES]
    if sizes != [{wire_bytes(plain, kind)} for kind in ("repository", "job")]:
        raise SystemExit(f"not the sizes of `measure`: {sizes}")
    if len(found["assets"]) != answering or found["success"]:
        raise SystemExit(f"{len(found['assets'])} of {answering} measured: {found['failures']}")
    print(f"  measured, with a difference of 0: {answering}; failed: {down + 1}")
    print(f"  wall time: {done.seconds:.1f} s")
    print(f"  processor time: {done.cpu_seconds:.1f} s")
    print(f"  memory: {done.pss_bytes / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
