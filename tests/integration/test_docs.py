"""The documentation is correct: commands print the output shown, and links and files are valid.

The commands of a ``console`` block run in a copy of the example project, with Dagster in ``.venv``
and a window of 100 columns. A line ``...`` matches any lines. Comments above the block, such as
``<!-- test: pyproject.toml: "110 kB" => "90 kB" -->``, ``<!-- test: baseline -->`` and
``<!-- test: serve -->``, first change files of the copy, write its baseline and start a code server
on ``server.sock``, in their order.

As a program (``python tests/integration/test_docs.py``) it writes the current output into the
blocks; of those with ``...`` only the findings.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import pytest
from attrs import frozen
from ruamel.yaml import YAML

sys.path.insert(0, str(Path(__file__).parents[1]))  # as a program; pytest has it already

from dagster_snapsize.cli.main import cli
from dagster_snapsize.project.config import Config, load_config
from support import ROOT
from support.code_servers import code_server
from support.command import Result, measure_json, snapsize
from support.json_keys import check_documented, documented, keys_of
from support.patience import wait_for

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
RULES = ROOT / "server" / "dagster_snapsize" / "rules.md"
EXAMPLE = ROOT / "examples" / "shop"
TOOL = "dagster-snapsize "
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.S | re.M)
_STEPS = re.compile(r"(?:<!-- test: .+ -->\n)+\Z")
_CHANGE = re.compile(r'(\S+): (".+?") => (".+")')
_FINDING = re.compile(r"(\S+:\d+:).*(\[[\w-]+\])")


@frozen
class Block:
    """A fenced block of a page, with the offsets of its text in the page."""

    page: Path
    language: str
    text: str
    start: int
    end: int
    line: int
    steps: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """All blocks of the documentation in these languages."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in _FENCE.finditer(text):
            if match[2] in languages:
                comments = _STEPS.search(text[: match.start()])
                steps = re.findall("<!-- test: (.+) -->", comments[0]) if comments else ()
                line = text.count("\n", 0, match.start()) + 1
                found.append(Block(page, match[2], match[3], *match.span(3), line, tuple(steps)))
    return found


def sessions(block: Block) -> Iterator[tuple[str, list[str]]]:
    """The commands of a ``console`` block, each with the lines it should print."""
    command, printed = "", list[str]()
    for line in block.text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, printed
            command, printed = line[2:], []
        else:
            printed.append(line)
    if command:
        yield command, printed


def run(command: str, folder: Path) -> list[str]:
    """Run a command of the documentation and return the lines that it prints."""
    variables = {"COLUMNS": "100", "LC_ALL": "C.UTF-8"}
    words = shlex.split(command)
    before: list[str] = []
    if words == ["make", "demo"]:
        recipe = subprocess.run(
            ["make", "--no-print-directory", "--dry-run", "--always-make", "demo"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[-1]
        before = [recipe]
        words = shlex.split(recipe)
        words = words[words.index("&&") + 1 :]
        words = words[: words.index("--python")]
    elif words[:2] == ["git", "commit"]:
        return run_hook(folder)
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    assert Path(words[0]).name == "dagster-snapsize", command
    done: Result = snapsize(*words[1:], cwd=folder, env=variables)
    return [*before, *(done.stdout + done.stderr).rstrip().splitlines()]


def run_hook(project: Path) -> list[str]:
    """Run the hook on all files of the project and return the lines that pre-commit prints."""
    (project / ".pre-commit-config.yaml").write_text(
        "repos:\n- repo: local\n  hooks:\n  - id: dagster-snapsize\n    name: dagster-snapsize\n"
        f"    entry: {sys.executable} -m dagster_snapsize check\n    language: system\n"
        "    pass_filenames: false\n    verbose: true\n",
        encoding="utf-8",
    )
    (project / ".gitignore").write_text(".venv\n", encoding="utf-8")
    dropped = ("GIT_", "VIRTUAL_ENV", "DAGSTER_", "PRE_COMMIT")
    env = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    env |= {"GIT_CONFIG_GLOBAL": os.devnull, "PRE_COMMIT_HOME": str(project.with_name("cache"))}
    env |= {"PYTHONUTF8": "1"}
    for command in (["git", "init", "-q"], ["git", "add", "-A"]):
        subprocess.run(command, cwd=project, env=env, check=True)
    hook = [sys.executable, "-m", "pre_commit", "run", "dagster-snapsize"]
    done = subprocess.run(
        hook, cwd=project, env=env, capture_output=True, encoding="utf-8", check=False
    )
    return done.stdout.rstrip().splitlines()


def alike(line: str) -> str:
    """The line without what depends on the machine: paths, versions of Python, times."""
    if line.startswith(("loaded in ", "answered in ")):
        return re.sub(r"[\d.]+ (s|min|MB|GB)\b( \d+ s)?", "N", line)
    line = re.sub(r"^- duration: .*", "- duration: N", line)
    line = re.sub(r"Python \d+\.\d+\.\d+", "Python N", line)
    line = re.sub(r"unix:\S+/", "unix:", line)
    return re.sub(r"\S*bin/python\S* \(.*\)$", "PYTHON", line).rstrip()


def matches(expected: list[str], printed: list[str]) -> bool:
    """Whether the printed lines are as expected; ``...`` matches any number of lines."""
    if not expected:
        return not printed
    if expected[0] == "...":
        return any(matches(expected[1:], printed[i:]) for i in range(len(printed) + 1))
    return bool(printed) and expected[0] == printed[0] and matches(expected[1:], printed[1:])


def make_project(
    folder: Path, block: Block | None, python: Path, servers: ExitStack | None = None
) -> Path:
    """A copy of the example, changed as the comments above the block say.

    A code server that they start runs until ``servers`` is closed.
    """
    project = Path(
        shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", ".venv"))
    )
    (project / ".venv").symlink_to(python.parent.parent)
    for step in block.steps if block else ():
        if step == "baseline":
            assert snapsize("baseline", cwd=project).status == 0
            continue
        if step == "serve":
            assert servers is not None
            target = ("-m", "shop_analytics.definitions")
            server = servers.enter_context(code_server(python, project, target=target))
            wait_for(server.is_up)
            (project / "server.sock").symlink_to(server.socket)
            continue
        change = _CHANGE.fullmatch(step)
        assert change, f"{block}: {step}"
        path, old = project / change[1], change[2]
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{block}: {path.name} has no {old}"
        path.write_text(text.replace(old, change[3].replace("\\n", "\n")), encoding="utf-8")
    return project


def heading_anchors(page: Path) -> set[str]:
    """The anchors that GitHub creates for the headings of a page."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("block", blocks("console"), ids=str)
def test_commands_print_what_the_documentation_shows(
    block: Block, tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    with ExitStack() as servers:
        project = make_project(tmp_path / "shop", block, dagster_python(), servers)
        for command, expected in sessions(block):
            printed = run(command, project)
            assert matches([alike(x) for x in expected], [alike(x) for x in printed]), (
                f"{block}: `{command}` prints\n" + "\n".join(printed)
            )


def named_commands() -> Iterator[tuple[str, list[str]]]:
    """All commands of the tool in text and in blocks that are not run, without redirections."""
    for page in [*PAGES, RULES]:
        text = page.read_text(encoding="utf-8")
        named = re.findall(r"`dagster-snapsize (\w[^`\n]*)`", text)
        for block in _FENCE.finditer(text):
            if block[2] in ("sh", "yaml"):
                named += re.findall(
                    r"dagster-snapsize ((?:measure|check|diff) (?!-->).*)", block[3]
                )
        yield from ((page.name, shlex.split(command.partition(" >> ")[0])) for command in named)


def test_all_commands_exist_with_their_options() -> None:
    for page, arguments in named_commands():
        command: click.Command = cli
        context = click.Context(command)
        while isinstance(command, click.Group):
            found = command.get_command(context, arguments.pop(0))
            assert found, f"{page}: {arguments}"
            command, context = found, click.Context(found, parent=context)
        command.make_parser(context).parse_args(arguments)


def test_all_make_targets_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert set(re.findall(r"(?:^|`|\$ )make ([\w-]+)", text, re.M)) <= targets, page.name


@pytest.mark.parametrize(
    "command", [line for b in blocks("sh") for line in b.text.splitlines() if line.startswith(TOOL)]
)
def test_shell_commands_work(
    command: str, tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    project = make_project(tmp_path / "shop", None, dagster_python())
    assert snapsize(*shlex.split(command)[1:], cwd=project).status == 0


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_toml_is_what_the_tool_reads(block: Block, tmp_path: Path) -> None:
    name = "pyproject.toml" if "[tool." in block.text else "snapsize.toml"
    (tmp_path / name).write_text(block.text, encoding="utf-8")
    assert load_config(tmp_path) != Config()


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_yaml_is_valid_and_hooks_are_what_pre_commit_takes(block: Block, tmp_path: Path) -> None:
    content: Any = YAML(typ="safe").load(block.text)
    if isinstance(content, dict) and "repos" in content:
        path = tmp_path / ".pre-commit-config.yaml"
        path.write_text(block.text, encoding="utf-8")
        validate("validate-config", path)


@pytest.mark.parametrize(
    "command, name",
    [
        ("validate-config", ".pre-commit-config.yaml"),
        ("validate-manifest", ".pre-commit-hooks.yaml"),
    ],
)
def test_our_own_pre_commit_files_are_valid(command: str, name: str) -> None:
    validate(command, ROOT / name)


def test_the_local_hook_has_the_types_of_the_published_one() -> None:
    (published,) = YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    local = [
        hook
        for block in blocks("yaml")
        for content in [YAML(typ="safe").load(block.text)]
        if isinstance(content, dict)
        for repo in content.get("repos", ())
        if repo["repo"] == "local"
        for hook in repo["hooks"]
    ]
    assert local
    for hook in local:
        for key in ("always_run", "pass_filenames", "require_serial", "verbose"):
            assert hook[key] == published[key], key


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.is_file(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in heading_anchors(linked), f"{page.name} links to {target}"


@pytest.fixture
def project(tmp_path: Path, dagster_python: Callable[..., Path]) -> Path:
    """A copy of the example, over its budget, whose baseline has its load time."""
    folder = make_project(tmp_path / "shop", None, dagster_python())
    text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    budget = 'asset = "1 kB"\nload-time-growth = "900 %"\n'
    (folder / "pyproject.toml").write_text(text + budget, encoding="utf-8")
    return folder


def test_every_key_of_a_measurement_is_documented(project: Path, python: Path) -> None:
    assert snapsize("baseline", cwd=project).status == 0
    found = set(keys_of(measure_json(cwd=project)))
    (project / "definitions.py").write_text("print('before')\n1 / 0\n", encoding="utf-8")
    found |= set(keys_of(measure_json("-f", "definitions.py", cwd=project)))
    asset = "import dagster as dg\n\n\n@dg.asset\ndef one(): ...\n"
    (project / "definitions.py").write_text(asset, encoding="utf-8")
    with code_server(python, project) as server:
        found |= set(keys_of(measure_json("--server", server.address, "--wait", "60", cwd=project)))
    check_documented(found, documented("`measure` and `check`"))


def test_check_prints_the_same_json_as_measure(project: Path) -> None:
    result = snapsize("check", "--format", "json", cwd=project)
    assert set(keys_of(result.json)) == set(keys_of(measure_json(cwd=project)))


def test_every_key_of_explain_is_documented(
    tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    (tmp_path / "definitions.py").write_text(
        "import dagster as dg\n\n\n@dg.multi_asset(specs=[dg.AssetSpec('a'), dg.AssetSpec('b')])\n"
        "def both(): ...\n",
        encoding="utf-8",
    )
    python = dagster_python()
    found: set[str] = set()
    for name in ("a", "__ASSET_JOB"):
        asked = snapsize("explain", name, "--format", "json", "--python", python, cwd=tmp_path)
        found.update(keys_of(asked.json))
    of_asset = {
        key.replace("locations[].assets[]", "assets[]")
        for key in documented("`measure` and `check`")
        if key.startswith("locations[].assets[].")
    }
    check_documented(found, documented("`explain`") | of_asset)


def test_every_key_of_limits_is_documented(project: Path) -> None:
    result = snapsize("limits", "--format", "json", cwd=project)
    found = {
        key
        for key in keys_of(result.json)
        if not re.search(r"_limits\[\]\.", key)  # listed in one row
    }
    check_documented(found, documented("`limits`"))


def test_every_setting_of_limits_is_explained(project: Path) -> None:
    page = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    (location,) = snapsize("limits", "--format", "json", cwd=project).json["locations"]
    for setting in location["settings"]:
        assert re.search(rf"^\| `?{re.escape(setting['name'])}`? \|", page, re.M), setting["name"]


def test_texts_of_errors_are_those_of_dagster(dagster_python: Callable[..., Path]) -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    library = next(dagster_python().parent.parent.glob("lib/python*/site-packages"))
    sources = b"".join(
        path.read_bytes()
        for name in (
            "dagster/_grpc/client.py",
            "dagster/_grpc/server.py",
            "grpc/_cython/cygrpc*.so",
        )
        for path in library.glob(name)
    )
    for text in (
        "gRPC Error code: ",
        "Received message larger than max (",
        " message larger than max (",
        "Decompressed message larger than max",
        "User code server request timed out due to taking longer than ",
        "The sensor tick timed out",
        "Timed out waiting for gRPC server to start after ",
        "gRPC server exited with return code ",
        "Most recent connection error",
    ):
        assert text in page, text
        assert text.encode() in sources, text


def validate(command: str, path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", command, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def write_outputs() -> None:
    """Write the current output into the pages."""
    import tempfile

    from support import environments

    for page in PAGES:
        for block in reversed([b for b in blocks("console") if b.page == page]):
            # Times and paths stay as they are where nothing else has changed.
            known = {alike(line): line for line in block.text.splitlines()}
            lines: list[str] = []
            with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
                python = environments.dagster_python()
                project = make_project(Path(folder) / "shop", block, python, servers)
                for command, expected in sessions(block):
                    printed = [x.replace(folder, "/path/to") for x in run(command, project)]
                    lines += [f"$ {command}"]
                    if "..." in expected:
                        findings = {m.groups(): m[0] for x in printed if (m := _FINDING.match(x))}
                        found = [(_FINDING.match(line), line) for line in expected]
                        lines += [findings.get(m.groups(), x) if m else x for m, x in found]
                    else:
                        lines += [known.get(alike(line), line) for line in printed]
            shown = "".join(f"{line}\n" for line in lines)
            text = page.read_text(encoding="utf-8")
            page.write_text(text[: block.start] + shown + text[block.end :], encoding="utf-8")


if __name__ == "__main__":
    write_outputs()
