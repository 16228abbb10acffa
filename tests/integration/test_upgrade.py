"""`advise --dagster`: what it says of an upgrade is what a real environment of it gives."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagster_snapsize.measuring.upgrade.environment import pip_error
from dagster_snapsize.measuring.upgrade.versions import latest_of_all, lockstep
from support import ROOT, environments
from support.command import Result, measure_json, snapsize

OLDER = "1.12.22"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example."""
    folder = tmp_path / "shop"
    shutil.copytree(ROOT / "examples" / "shop", folder)
    return folder


def advise(project: Path, python: Path, *arguments: str, **environ: str) -> Result:
    """Run `advise`; its environments are beside the project."""
    env = {"SNAPSIZE_CACHE_DIR": str(project.with_name("cache")), **environ}
    return snapsize("advise", "--python", python, *arguments, cwd=project, env=env, timeout=300)


def state(folder: Path) -> str:
    """Everything in an environment but what Python compiles by itself."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            status = path.stat()
            whole.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return whole.hexdigest()


def sizes(project: Path, python: Path) -> dict[str, int]:
    """Stored bytes by snapshot, as `measure` says them."""
    (location,) = measure_json("--python", python, cwd=project)["locations"]
    return {s["id"]: s["stored_bytes"] for s in location["snapshots"]}


def differences(whole: Any) -> dict[str, tuple[int, int]]:
    """Stored bytes by snapshot, on both sides."""
    (location,) = whole["locations"]
    return {
        s["id"]: (s["stored"]["old_bytes"], s["stored"]["new_bytes"]) for s in location["snapshots"]
    }


def test_the_saving_of_an_upgrade_is_that_of_a_real_environment(
    project: Path, dagster_python: Callable[..., Path]
) -> None:
    python = dagster_python(OLDER)
    before = state(python.parent.parent)
    upgrade = advise(project, python, "--dagster", environments.NEWEST, "--format", "json").json[
        "upgrade"
    ]
    assert state(python.parent.parent) == before, "the user's environment is as it was"
    old, new = sizes(project, python), sizes(project, dagster_python(environments.NEWEST))
    assert differences(upgrade) == {name: (old[name], new[name]) for name in old}
    assert upgrade["old"]["label"] == f"Dagster {OLDER}"
    assert upgrade["locations"][0]["new"]["dagster_version"] == environments.NEWEST
    # The next time nothing is installed: there is no index to get it from, and none is asked.
    again = advise(project, python, "--dagster", environments.NEWEST, PIP_INDEX_URL=NOWHERE)
    saved = sum(old.values()) - sum(new.values())
    assert f"Dagster {environments.NEWEST} saves" in again.stdout
    assert f"({saved:,} bytes)" in again.stdout
    assert again.status == 0
    cleared = snapsize(
        *("cache", "clear"),
        cwd=project,
        env={"SNAPSIZE_CACHE_DIR": str(project.with_name("cache"))},
    )
    assert "removed 1 environment of advise --dagster" in cleared.stdout
    left = (project.with_name("cache") / "environments").iterdir()
    assert [path.name for path in left] == ["CACHEDIR.TAG"]


NOWHERE = "http://somebody:secret@127.0.0.1:9"


def test_what_cannot_be_installed_is_said_and_the_rest_of_the_advice_stands(
    project: Path, dagster_python: Callable[..., Path]
) -> None:
    python = dagster_python(OLDER)
    rest = advise(project, python, SNAPSIZE_NO_CACHE="").stdout
    for version, index, message in (
        (environments.NEWEST, NOWHERE, "package index at http://127.0.0.1:9 cannot be reached"),
        ("1.99.0", None, "the package index has no dagster==1.99.0; its newest are 1."),
        ("1.8.0", None, f"Dagster 1.8.0 is older than the project's {OLDER}"),
        ("--upgrade", None, "'--upgrade' is not a version of Dagster"),
    ):
        environ = {"SNAPSIZE_NO_CACHE": "", **({"PIP_INDEX_URL": index} if index else {})}
        result = advise(project, python, f"--dagster={version}", **environ)
        assert result.status == 2, result.stdout + result.stderr
        assert message in result.stderr
        assert "secret" not in result.stdout + result.stderr
        assert "Traceback" not in result.stderr
        assert result.stdout == rest
    for made in project.with_name("cache").glob("environments/*/bin"):
        assert (made.parent / "complete.json").exists(), "one is half built"


def test_the_latest_dagster_is_the_one_that_the_index_has(
    project: Path, tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    about = f"dagster-{OLDER}.dist-info"
    with zipfile.ZipFile(tmp_path / f"dagster-{OLDER}-py3-none-any.whl", "w") as wheel:
        metadata = f"Metadata-Version: 2.1\nName: dagster\nVersion: {OLDER}\n"
        wheel.writestr(f"{about}/METADATA", metadata)
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    result = advise(project, dagster_python(OLDER), "--dagster=latest", **index)
    assert result.status == 0, result.stderr
    assert f"already has Dagster {OLDER}, the latest that its packages allow" in result.stdout


def test_what_is_released_with_dagster_is_upgraded_with_it() -> None:
    has = {
        "dagster": "1.12.22",
        "dagster_dbt": "0.28.22",
        "dagster-webserver": "1.12.22",
        "dagster-shared": "1.12.22",
        "dagster-sling": "0.28.3",
        "dagster-polars": "0.27.6",
        "dagster-snapsize": "0.1.0",
        "dagstermill": "0.28.22",
    }
    assert lockstep(has, "1.12.22", "1.13.28") == (
        [
            "dagster==1.13.28",
            "dagster-webserver==1.13.28",
            "dagster-dbt==0.29.28",
            "dagstermill==0.29.28",
        ],
        ["dagster-polars 0.27.6", "dagster-sling 0.28.3"],
    )


def test_the_latest_is_the_one_that_every_integration_has() -> None:
    newest = {"dagster": "1.13.29", "dagster-cloud": "1.13.27", "dagster-dbt": "0.29.28"}
    held_back = "Dagster 1.13.29 is there, but dagster-cloud only for 1.13.27"
    assert latest_of_all(newest, "1.12.22") == ("1.13.27", [held_back])
    assert latest_of_all({**newest, "dagster-cloud": "1.11.0"}, "1.12.22") == ("1.13.29", [])
    assert latest_of_all({"dagster": "1.13.29"}, "1.12.22") == ("1.13.29", [])


@pytest.mark.parametrize(
    "printed, message, hint",
    [
        (
            "ERROR: Cannot install dagster-dbt==0.29.1 and dagster==1.13.28 because these package"
            " versions have conflicting dependencies.\nThe conflict is caused by:\n"
            "    dagster-dbt 0.29.1 depends on dagster==1.13.1\nERROR: ResolutionImpossible: ...",
            "dagster==1.13.28 cannot be installed together",
            "dagster-dbt 0.29.1 depends on dagster==1.13.1",
        ),
        (
            "ERROR: Ignored the following versions that require a different python version: 1.13.28"
            " Requires-Python <3.15,>=3.10\nERROR: Could not find a version that satisfies the"
            " requirement dagster==1.13.28 (from versions: 1.11.0, 1.12.0)",
            "no dagster==1.13.28; its newest are 1.11.0, 1.12.0. Others are not for this Python",
            "latest",
        ),
        ("x\nERROR: No space left on device\n", "cannot be installed: No space left on device", ""),
        ("", "dagster==1.13.28 cannot be installed", ""),
    ],
)
def test_why_pip_gave_up_is_said_in_a_sentence(printed: str, message: str, hint: str) -> None:
    error = pip_error(printed, "dagster==1.13.28", {})
    assert message in error.message
    assert hint in error.hint
