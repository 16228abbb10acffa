"""The command line as people and their scripts meet it: status, output, mistakes, broken pipes."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from support.command import lines, measure_json, snapsize, tree

Python = Callable[..., Path]

SHOP = """
import dagster as dg

@dg.asset(description="o" * 70_000)
def orders(): ...

@dg.asset(deps=[orders], description="c" * 70_000)  # snapsize: ignore[asset-over-budget]
def customers(): ...

@dg.job
def nightly(): ...

defs = dg.Definitions(assets=[orders, customers], jobs=[nightly])
"""
FINDING = re.compile(r"[^:]+:\d+: (error|warning): .+ \[[a-z-]+\]")


@pytest.fixture
def shop(tmp_path: Path, dagster_python: Python) -> Path:
    """A project of two heavy assets and a job, whose settings name the interpreter."""
    return project(tmp_path, SHOP, dagster_python())


def project(folder: Path, source: str, python: Path, settings: str = "") -> Path:
    (folder / "definitions.py").write_text(textwrap.dedent(source), encoding="utf-8")
    configure(folder, python, settings)
    return folder


def configure(folder: Path, python: Path, settings: str) -> None:
    text = f"python = {json.dumps(str(python))}\n{textwrap.dedent(settings)}"
    (folder / "snapsize.toml").write_text(text, encoding="utf-8")


def test_check_says_nothing_within_budget_and_warnings_do_not_fail(
    shop: Path, dagster_python: Python
) -> None:
    configure(shop, dagster_python(), '[budget]\nasset = "1 MB"')
    fine = snapsize("check", cwd=shop)
    assert (fine.status, fine.stdout, fine.stderr) == (0, "", "")
    configure(shop, dagster_python(), "")
    warned = snapsize("check", cwd=shop)
    assert (warned.status, warned.stderr) == (0, "")
    (line,) = lines(warned.stdout)
    assert FINDING.fullmatch(line)
    # The other asset is as heavy, and silenced where it is defined.
    assert line.startswith("definitions.py:4: warning: Asset at 111 % of 64 kB: orders 70.9 kB")


def test_over_budget_is_status_1_with_the_numbers_and_what_to_do(
    shop: Path, dagster_python: Python
) -> None:
    budget = """
        [budget]
        job = "1 GB"
        repository = "50 kB"
        asset = "60 kB"
        asset-max = "65 kB"
        load-time = "0.01 s"
        jobs = { nightli = "1 MB", nightly = "20 kB" }
        assets = { order = "1 MB", "cust*" = "90 kB" }
    """
    configure(shop, dagster_python(), budget)
    before = tree(shop)
    found = snapsize("check", cwd=shop)
    assert (found.status, found.stderr) == (1, "")
    *findings, note, unknown = lines(found.stdout)
    assert all(map(FINDING.fullmatch, findings))
    assert [re.sub(r".*(error|warning).*\[", r"\1 ", line) for line in findings] == [
        "error snapshot-over-budget]",
        "error asset-over-budget]",
        "error snapshot-over-budget]",
        "warning load-time-over-budget]",
    ]
    repository, asset, nightly, load_time = findings
    assert repository.startswith("definitions.py:13: error: Repository at ")
    assert re.search(r"at \d+ % of 50 kB: customers 71\.\d kB\.", repository)
    assert re.search(r" Next: orders 70\.\d kB,", repository)
    assert "Run `dagster-snapsize explain customers` to see what to shorten" in repository
    assert asset.startswith("definitions.py:4: error: Asset at 109 % of 65 kB: orders 70.9 kB")
    assert "budget.asset-max)" in asset
    assert "Job nightly at 135 % of 20 kB: " in nightly and "budget.jobs.nightly" in nightly
    assert "0.01 s of budget.load-time" in load_time
    assert (
        note == "note: there is no job `nightli`, which budget.jobs names; did you mean `nightly`?"
    )
    assert unknown == (
        "note: there is no asset `order`, which budget.assets names; did you mean `orders`?"
    )
    assert tree(shop) == before


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_what_cannot_be_measured_is_status_3_in_every_format(
    form: str, tmp_path: Path, dagster_python: Python
) -> None:
    name = "odd, name: 5%.py"
    source = 'import dagster\n\nraise ValueError("50 % off,\\nand more: x")\n'
    (tmp_path / name).write_text(source, encoding="utf-8")
    python = dagster_python()
    found = snapsize("check", "--format", form, "-f", name, "--python", python, cwd=tmp_path)
    assert (found.status, found.stderr) == (3, "")
    if form == "text":
        printed = found.stdout.splitlines()
        said = "Could not be measured: ValueError: 50 % off,"
        assert printed[0] == f"{name}:3: error: {said} [measurement-failed]"
        assert printed[1] == "  and more: x"
        assert "    ValueError: 50 % off," in printed
    elif form == "json":
        (location,) = found.json["locations"]
        assert found.json["exit_status"] == 3
        assert location["error"]["location"] == {"path": name, "line": 3}
        assert location["snapshots"] == [] and location["assets"] == []
    else:
        assert found.stdout == (
            "::error title=dagster-snapsize measurement-failed,file=odd%2C name%3A 5%25.py,line=3::"
            "Could not be measured: ValueError: 50 %25 off,%0A"
            "and more: x\n"
        )


def test_explain_does_not_hide_a_failure(tmp_path: Path, dagster_python: Python) -> None:
    project(tmp_path, "raise KeyError('vault')\n", dagster_python())
    found = snapsize("explain", "orders", "--format", "json", cwd=tmp_path)
    assert found.status == 3
    assert found.json["exit_status"] == 3
    assert found.json["findings"][0]["rule"] == "measurement-failed"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["measure", "-f", "definitions.py", "-m", "definitions"], "-f and -m do not go together"),
        (["measure", "-f", "nowhere.py"], "nowhere.py of -f does not exist"),
        (["measure", "-f", "."], "of -f is a folder"),
        (["measure", "-m", "definitions.py"], "definitions.py of -m is not a module name"),
        (["measure", "-m", ""], "-m is empty"),
        (["measure", "-a", "defs"], "-a names an attribute of a file, module or package"),
        (["measure", "-w", "nowhere.yaml"], "nowhere.yaml does not exist"),
        (["measure", "-d", "nowhere"], "there is no folder"),
        (["measure", "--timeout", "soon"], '--timeout: "soon" is not a time'),
        (["measure", "--python", "nowhere/python"], "--python: nowhere/python does not exist"),
        (["measure", "--python", "."], "--python: . is a folder without a Python in it"),
        (["measure", "--python", "definitions.py"], "is not executable"),
        (["measure", "--python", "python0.1"], "python0.1 is neither on PATH nor in"),
        (["measure", "--format", "xml"], "'xml' is not one of"),
        (["measure", "--top", "0"], "0 is not in the range"),
        (["explain"], "Missing argument 'NAME'"),
        (["mesure"], "No such command 'mesure'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_message_and_status_2(
    arguments: list[str], said: str, shop: Path
) -> None:
    found = snapsize(*arguments, cwd=shop)
    assert (found.status, found.stdout) == (2, "")
    assert said in found.stderr
    assert len(re.findall("error:", found.stderr, re.IGNORECASE)) == 1
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["-m", "definitions", "-a", "defz"],
            "`defz` is not defined in .*definitions.py; did you mean defs?",
        ),
        (["-f", "definitions.py", "-a", "orders"], "`orders` in .* has type AssetsDefinition"),
        (["-m", "shop.definitions"], "no module `shop.definitions` can be imported from"),
        (["-m", "definitions.more"], "no module `definitions.more` can be imported from"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_target_that_is_not_there_is_status_2(
    arguments: list[str], said: str, shop: Path
) -> None:
    found = snapsize("check", *arguments, cwd=shop)
    assert (found.status, found.stdout) == (2, "")
    assert re.search(said.replace("?", r"\?"), found.stderr)
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("file", "content", "place", "said"),
    [
        ("snapsize.toml", 'modul-name = "x"', 1, "unknown key `modul-name`; .* `module-name`"),
        ("snapsize.toml", '\n[budget]\njob = "80 MBs"', 3, "`budget.job`: .* \"80 MB\""),
        ("snapsize.toml", "[budget]\nrepository = true", 2, "`budget.repository`: true is not"),
        ("snapsize.toml", '\n\npython = "no/python"', 3, "no/python does not exist in"),
        ("snapsize.toml", 'python = "sub"', 1, "sub is a folder without a Python"),
        ("snapsize.toml", '[env]\nA = "1"\nB = 2', 3, "`env.B`: 2 is not a string"),
        ("snapsize.toml", '[env]\n"A=B" = "1"', 2, "`env.A=B`: no environment variable"),
        ("snapsize.toml", 'prepare = [["no-such-command"]]', 2, "no command `no-such-command`"),
        ("snapsize.toml", b"\xef\xbb\xbfa = 1\n", 1, "unknown key `a`"),
        ("snapsize.toml", b"# caf\xe9\n", 1, "snapsize.toml is not UTF-8: byte 0xe9"),
        ("snapsize.toml", "timeout = \n", 1, "snapsize.toml is not valid TOML"),
        ("pyproject.toml", "[tool.dagster_snapsize]\n", 1, r"did you mean \[tool.dagster-snapsize"),
        ("pyproject.toml", "[tool.dagster-snapsize]\nasset = 1", 2, r"belongs in \[.*budget\]"),
        ("pyproject.toml", "[tool.dagster-snapsize.budget]\nwarn-at = 8", 2, "`budget.warn-at`"),
        ("workspace.yaml", "load_from: [\n", 2, "workspace.yaml is not valid YAML"),
        ("workspace.yaml", "load_fron: []\n", 1, "unknown key `load_fron`; .* `load_from`"),
        ("workspace.yaml", "load_from:\n  - python_file: no.py\n", 2, "there is no file .*no.py"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_file_is_one_message_with_its_place(
    file: str, content: str | bytes, place: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "definitions.py").touch()
    if "prepare" in str(content):
        content = f"python = {json.dumps(sys.executable)}\n{content}"
    text = content.encode() if isinstance(content, str) else content
    (tmp_path / file).write_bytes(text)
    found = snapsize("check", cwd=tmp_path)
    assert (found.status, found.stdout) == (2, "")
    first = found.stderr.splitlines()[0]
    assert re.fullmatch(rf".*{file}:{place}: error: .*{said}.*", first), found.stderr
    assert found.stderr.count("error:") == 1
    assert "Traceback" not in found.stderr


def test_a_folder_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    tool = shlex.join([sys.executable, "-m", "dagster_snapsize", "check"])
    script = f"rmdir {shlex.quote(str(gone))}; exec {tool}"
    found = subprocess.run(["sh", "-c", script], cwd=gone, capture_output=True, check=False)
    assert found.returncode == 2
    assert found.stderr.startswith(b"error: the current folder was deleted")


def test_brackets_in_names_are_no_markup(tmp_path: Path, dagster_python: Python) -> None:
    project(tmp_path, SHOP, dagster_python())
    name = "shop [/prod] [bold]x, y:z %"
    (tmp_path / "workspace.yaml").write_text(
        f"load_from:\n  - python_file: {{relative_path: definitions.py, location_name: '{name}'}}\n"
    )
    for command in (["measure"], ["explain", "orders"], ["limits"]):
        found = snapsize(*command, cwd=tmp_path)
        assert found.status == 0, found.stderr
        assert name in found.stdout


def test_settings_in_two_files_are_refused(shop: Path) -> None:
    (shop / "pyproject.toml").write_text("[tool.dagster-snapsize.budget]\n")
    found = snapsize("check", cwd=shop)
    assert found.status == 2
    assert "there are settings in pyproject.toml and in snapsize.toml" in found.stderr


def test_what_is_no_interpreter_or_has_no_dagster_is_status_2(
    shop: Path, environment: Callable[[str], Path]
) -> None:
    (shop / "babble").write_text("#!/bin/sh\nexec yes\n")
    (shop / "garbage").write_bytes(b"\0\1\2")
    for name in ("babble", "garbage"):
        (shop / name).chmod(0o755)
    for python, said in (
        ("/bin/true", "/bin/true (--python) is not a usable Python"),
        ("./babble", "babble (--python) is not a usable Python"),
        ("./garbage", "garbage (--python) is not a usable Python"),
        (str(environment("bare")), "Dagster is not installed in"),
    ):
        command = "limits" if python == "/bin/true" else "check"
        found = snapsize(command, "--python", python, cwd=shop)
        assert (found.status, found.stdout) == (2, "")
        assert said in found.stderr
        assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("budget", "form", "status"), [('repository = "9 kB"', "text", 1), ("", "json", 0)]
)
def test_a_reader_who_leaves_changes_nothing(
    budget: str, form: str, status: int, shop: Path, dagster_python: Python
) -> None:
    # More than a pipe holds, so that writing goes on after the reader has left.
    many = '@dg.asset(name=f"a{i}")\n    def a(): ...\n    return a'
    source = SHOP + f"\ndef make(i):\n    {many}\n\nmore = [make(i) for i in range(400)]\n"
    source += "defs = dg.Definitions(assets=[orders, *more])\n"
    project(shop, source, dagster_python(), f"[budget]\n{budget}")
    tool = subprocess.Popen(
        [sys.executable, "-m", "dagster_snapsize", "measure", "--top", "1000", "--format", form],
        cwd=shop,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert tool.stdout is not None and tool.stderr is not None
    assert len(tool.stdout.read(20)) == 20
    tool.stdout.close()
    errors = tool.stderr.read()
    tool.stderr.close()
    assert tool.wait(60) == status
    assert errors == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is /dev/full")
def test_a_full_disk_is_a_failure(shop: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        found = subprocess.run(
            [sys.executable, "-m", "dagster_snapsize", "measure"],
            cwd=shop,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert found.returncode == 3
    assert (
        found.stderr
        == b"dagster-snapsize: the output could not be written: No space left on device\n"
    )


def test_a_narrow_window_without_unicode_shows_everything(
    tmp_path: Path, dagster_python: Python
) -> None:
    source = """
        import dagster as dg

        @dg.asset(key_prefix=["a_rather_long_prefix", "and_another"], metadata={"表": "据" * 11000})
        def the_name_of_the_asset(): ...

        defs = dg.Definitions(assets=[the_name_of_the_asset])
    """
    folder = tmp_path / "mit Leerzeichen und größer"
    folder.mkdir()
    project(folder, source, dagster_python())
    env = {"COLUMNS": "60", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    found = snapsize("measure", cwd=folder, env=env)
    assert found.status == 0, found.stderr
    assert "the_name_of_the_asset" in found.stdout.replace("\n", "").replace(" ", "")
    assert r"\u8868" in found.stdout  # the label of the metadata
    assert "█" not in found.stdout
    # A finding is one line, however long.
    assert lines(found.stdout)[-1].endswith("[asset-over-budget]")
    for command in (["check"], ["explain", "the_name_of_the_asset"], ["limits"]):
        again = snapsize(*command, cwd=folder, env=env)
        assert "internal error" not in again.stderr
        assert again.status == (2 if command[0] == "explain" else 0)


def on_a_terminal(cwd: Path, *arguments: str, env: Mapping[str, str]) -> tuple[int, str, str]:
    """Run the tool with a terminal for its output: status, standard output, standard error."""
    streams = [pty.openpty(), pty.openpty()]
    tool = subprocess.Popen(
        [sys.executable, "-m", "dagster_snapsize", *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=streams[0][1],
        stderr=streams[1][1],
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", **env},
    )
    for _, slave in streams:
        os.close(slave)
    # Both at once: a terminal that nobody reads holds only a few kB.
    with ThreadPoolExecutor() as readers:
        printed, progress = readers.map(_read_terminal, (master for master, _ in streams))
    return tool.wait(60), printed, progress


def _read_terminal(master: int) -> str:
    parts = []
    # Linux ends a terminal that nobody holds any more with an error.
    with contextlib.suppress(OSError):
        while part := os.read(master, 65536):
            parts.append(part)
    os.close(master)
    return b"".join(parts).decode("utf-8")


COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7]m")


def test_a_terminal_gets_progress_and_colours_and_a_pipe_neither(shop: Path) -> None:
    status, printed, progress = on_a_terminal(shop, "measure", env={})
    assert status == 0
    assert COLOUR.search(printed)
    assert "loading definitions" in progress
    _, printed, _ = on_a_terminal(shop, "measure", env={"NO_COLOR": "1"})
    assert not COLOUR.search(printed)
    assert "repository __repository__" in printed
    piped = snapsize("measure", cwd=shop)
    assert "\x1b" not in piped.stdout + piped.stderr
    assert piped.stderr == ""


TWO_REPOSITORIES = """
    import dagster as dg

    far = dg.SourceAsset(["a/b", "with, comma", "far"])

    @dg.asset
    def orders(): ...

    @dg.multi_asset(specs=[dg.AssetSpec("one"), dg.AssetSpec("two")])
    def both(): ...

    @dg.repository
    def left():
        return [orders, both]

    @dg.repository
    def right():
        return [orders, far]
"""


def test_what_is_no_asset_of_the_projects_has_a_place_too(
    tmp_path: Path, dagster_python: Python
) -> None:
    source = """
import dagster as dg

@dg.asset(deps=["events"])
def orders(): ...

@dg.op(description="long " * 4_000)
def sweep(): ...

@dg.job
def cleanup():
    sweep()

@dg.sensor(job=cleanup)
def watch(): ...

@dg.schedule(job=cleanup, cron_schedule="0 4 * * *")
def nightly(): ...

defs = dg.Definitions(assets=[orders], jobs=[cleanup], sensors=[watch], schedules=[nightly])
"""
    project(tmp_path, source, dagster_python())
    for name, line in (("op sweep", 7), ("sensor watch", 14), ("schedule nightly", 17)):
        [first, *_] = snapsize("explain", name, cwd=tmp_path).stdout.splitlines()
        assert first == f"{name}  definitions.py:{line}"
    upstream = "definitions.py:4 (deps of orders)"
    assert snapsize("explain", "events", cwd=tmp_path).stdout.startswith(f"events  {upstream}\n")
    printed = snapsize("measure", cwd=tmp_path).stdout
    assert re.search(rf"events .* {re.escape(upstream)}\n", printed)
    assert re.search(r"op sweep .* definitions\.py:7\n", printed)


def test_explain_opens_every_asset_of_that_key(tmp_path: Path, dagster_python: Python) -> None:
    project(tmp_path, TWO_REPOSITORIES, dagster_python())

    def explain(*arguments: str) -> Any:
        return snapsize("explain", *arguments, cwd=tmp_path)

    opened = explain("orders", "--format", "json").json
    whole = measure_json(cwd=tmp_path)
    assets = whole["locations"][0]["assets"]
    expected = [a for a in assets if a["key"] == "orders"]
    assert sorted(a["repository"] for a in expected) == ["left", "right"]
    for asset, wanted in zip(opened["assets"], expected, strict=True):
        assert asset["code_location"] == "definitions.py"
        assert wanted.items() <= asset.items()
        for snapshot in asset["snapshots"]:
            fields = [f["exclusive"] + f["shared"] for f in snapshot["fields"].values()]
            assert sum(fields) == asset["by_snapshot"][snapshot["id"]]
    printed = explain("one").stdout
    assert "one  definitions.py:9" in printed
    assert "in repository left" in printed
    assert "shares both with two" in printed
    far = r"a\/b/with, comma/far"
    assert far in explain(far).stdout
    unknown = explain("far")
    assert (unknown.status, unknown.stdout) == (2, "")
    assert unknown.stderr.splitlines() == [
        "error: none of 4 assets and 2 other definitions is called 'far'",
        f"Did you mean: {far}?",
    ]
    assert "Did you mean: orders" in explain("ordres").stderr
    jobs = explain("job __ASSET_JOB", "--format", "json").json
    assert jobs["assets"] == []
    assert sorted(job["repository"] for job in jobs["owners"]) == ["left", "right"]
    for job in jobs["owners"]:
        owned = [
            owner["bytes"]
            for snapshot in whole["locations"][0]["snapshots"]
            for owner in snapshot["owners"]
            if snapshot["repository"] == job["repository"]
            and (owner["kind"], owner["name"]) == ("job", "__ASSET_JOB")
        ]
        fields = [f["exclusive"] for s in job["snapshots"] for f in s["fields"].values()]
        assert job["total_bytes"] == sum(owned) == sum(fields)
    assert "job __ASSET_JOB" in explain("__ASSET_JOB").stdout


def test_prepare_runs_first_and_once_with_the_variables_of_the_project(
    tmp_path: Path, dagster_python: Python
) -> None:
    source = """
        import pathlib
        import dagster as dg
        (line,) = pathlib.Path("prepared.txt").read_text().splitlines()
        words = line.split()
        assert words[:2] == ["from-env-file", "from-settings"], words
        assert pathlib.Path(words[2]).samefile(pathlib.Path(__file__).parent), words
        assert words[3].endswith("bin/python"), words
        defs = dg.Definitions()
    """
    script = "echo $FROM_FILE $BOTH $(pwd) $(command -v python) >> prepared.txt"
    settings = f"prepare = [['true'], ['sh', '-c', '{script}']]\n[env]\nBOTH = 'from-settings'"
    project(tmp_path, source, dagster_python(), settings)
    (tmp_path / "more.py").write_text((tmp_path / "definitions.py").read_text())
    (tmp_path / ".env").write_text("FROM_FILE=from-env-file\nBOTH=from-env-file\n")
    found = snapsize("check", "-f", "definitions.py", "-f", "more.py", cwd=tmp_path)
    assert (found.status, found.stdout) == (0, "")


def test_a_module_that_hides_one_of_dagsters_is_no_fault_of_ours(
    tmp_path: Path, dagster_python: Python
) -> None:
    project(tmp_path, SHOP, dagster_python())
    (tmp_path / "yaml.py").touch()
    found = snapsize("check", cwd=tmp_path)
    assert found.status == 3
    assert "module 'yaml' has no attribute" in found.stdout.splitlines()[0]
    assert "dagster_snapsize" not in found.stdout


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("['sh', '-c', 'echo half done; echo broken model >&2; exit 3']", "exit status 3"),
        ("['sleep', '1000']", "`sleep 1000` took more than 2 s"),
    ],
)
def test_a_prepare_that_fails_is_no_measurement(command: str, said: str, shop: Path) -> None:
    python = json.loads((shop / "snapsize.toml").read_text().partition("=")[2])
    configure(shop, Path(python), f'timeout = "2 s"\nprepare = [{command}]')
    found = snapsize("check", cwd=shop)
    assert found.status == 3
    first, *more = lines(found.stdout)
    assert first.startswith("snapsize.toml:3: error: Could not be measured: the co")
    assert said in first and first.endswith("[measurement-failed]")
    assert ("broken model" in " ".join(more)) == ("broken model" in command)
    assert found.leftovers() == []


def test_measuring_leaves_no_trace(tmp_path: Path, dagster_python: Python) -> None:
    source = """
        import dagster as dg
        import helper

        @dg.asset(description=helper.TEXT)
        def orders(): ...

        defs = dg.Definitions(assets=[orders])
    """
    project(tmp_path, source, dagster_python())
    (tmp_path / "helper.py").write_text("TEXT = 'new'\n")
    cache = tmp_path / "__pycache__"
    cache.mkdir()
    (cache / "helper.cpython-311.pyc").write_bytes(b"neither bytecode nor ours")
    (tmp_path / ".env").write_text("A=1\n")
    before = tree(tmp_path)
    tmp_path.chmod(0o555)
    cache.chmod(0o555)
    try:
        found = [snapsize(c, cwd=tmp_path) for c in ("measure", "limits")]
    finally:
        tmp_path.chmod(0o755)
        cache.chmod(0o755)
    assert [f.status for f in found] == [0, 0], [f.stdout + f.stderr for f in found]
    assert tree(tmp_path) == before


def test_missing_state_is_named_and_not_fetched(
    copy_project: Callable[[str], Path], dagster_python: Python
) -> None:
    folder = copy_project("stateful")
    before = tree(folder)
    found = snapsize("check", "--python", dagster_python(), cwd=folder)
    assert found.status == 3
    assert "no state for RemoteCatalog[shop] was found" in found.stdout
    assert tree(folder) == before


def test_help_and_version_need_nothing(tmp_path: Path) -> None:
    found = snapsize("--version", cwd=tmp_path)
    assert (found.status, found.stderr) == (0, "")
    assert re.search(r"\d+\.\d+", found.stdout)
    for command in ("measure", "check", "explain", "limits"):
        assert command in snapsize("--help", cwd=tmp_path).stdout
        assert "--python-file" in snapsize(command, "-h", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    "command",
    [("lsp",), ("explain", "orders", "--format", "markdown"), ("limits", "--format", "markdown")],
)
def test_what_an_editor_runs_needs_no_rich(shop: Path, command: tuple[str, ...]) -> None:
    done = _without_rich(shop, *command)
    assert (done.returncode, done.stderr) == (0, "")
    if command[0] != "lsp":
        assert done.stdout.startswith("### `")
        assert ("| ---: |" if command[0] == "explain" else "`: **100 MB** (") in done.stdout


def test_a_text_that_needs_rich_says_what_to_do_without_it(shop: Path) -> None:
    done = _without_rich(shop, "explain", "orders")
    assert (done.returncode, done.stdout) == (2, "")
    assert "needs rich" in done.stderr and "--format markdown" in done.stderr


def _without_rich(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in an interpreter that cannot import rich, as in the package for VS Code."""
    code = "import sys; sys.modules['rich'] = None\n"
    code += "from dagster_snapsize.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=folder,
        env={**os.environ, "FORCE_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
