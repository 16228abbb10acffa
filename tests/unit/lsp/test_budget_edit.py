from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_snapsize.lsp.features.budget_edit import new_file, prefix_of, read_budget, set_budget

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PREFIX = ("tool", "dagster-snapsize")
ASSET = ("asset",)
JOB = ("jobs", "__ASSET_JOB")


def after(text: str, keys: tuple[str, ...] = ASSET, prefix: tuple[str, ...] = PREFIX) -> str:
    change = set_budget(text, prefix, keys, "96 kB")
    assert change is not None
    return change.apply(text)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param(
            '[tool.dagster-snapsize.budget]\n# why\nasset    = "64 kB"  # small\n[x]\n',
            '[tool.dagster-snapsize.budget]\n# why\nasset    = "96 kB"  # small\n[x]\n',
            id="a value among comments",
        ),
        pytest.param(
            '[tool.dagster-snapsize.budget]\n"asset" = 64_000\n',
            '[tool.dagster-snapsize.budget]\n"asset" = "96 kB"\n',
            id="a number",
        ),
        pytest.param(
            "[tool.dagster-snapsize.budget]\nrepository = '80 MB' # all\n\n# tests\n[x]\n",
            "[tool.dagster-snapsize.budget]\nrepository = '80 MB' # all\nasset = \"96 kB\"\n\n"
            "# tests\n[x]\n",
            id="a table without the key",
        ),
        pytest.param(
            '[tool.dagster-snapsize]\npython = "x"\n\n# lint\n[tool.ruff]\na = 1\n',
            '[tool.dagster-snapsize]\npython = "x"\nbudget.asset = "96 kB"\n\n# lint\n'
            "[tool.ruff]\na = 1\n",
            id="no budget table",
        ),
        pytest.param(
            '[project]\nname = "x"\n',
            '[project]\nname = "x"\n\n[tool.dagster-snapsize.budget]\nasset = "96 kB"\n',
            id="no settings",
        ),
        pytest.param(
            '[project]\nname = "x"',
            '[project]\nname = "x"\n\n[tool.dagster-snapsize.budget]\nasset = "96 kB"',
            id="no final line end",
        ),
        pytest.param("", '[tool.dagster-snapsize.budget]\nasset = "96 kB"\n', id="an empty file"),
        pytest.param(
            '[tool.dagster-snapsize.budget]\r\n  repository = "80 MB"\r\n[x]\r\n',
            '[tool.dagster-snapsize.budget]\r\n  repository = "80 MB"\r\n  asset = "96 kB"\r\n'
            "[x]\r\n",
            id="line ends of Windows, and indented",
        ),
        pytest.param(
            '[tool.dagster-snapsize]\nbudget.repository = "80 MB"\npython = "x"\n',
            '[tool.dagster-snapsize]\nbudget.repository = "80 MB"\npython = "x"\n'
            'budget.asset = "96 kB"\n',
            id="dotted keys",
        ),
        pytest.param(
            "tool.'dagster-snapsize'.python = 'x'\n",
            "tool.'dagster-snapsize'.python = 'x'\n\n[tool.dagster-snapsize.budget]\n"
            'asset = "96 kB"\n',
            id="dotted keys from the top",
        ),
        pytest.param(
            '[tool.dagster-snapsize]\nbudget = { repository = "80 MB" } # small\n',
            '[tool.dagster-snapsize]\nbudget = { repository = "80 MB", asset = "96 kB" } # small\n',
            id="an inline table",
        ),
        pytest.param(
            "[tool.dagster-snapsize]\nbudget = {}\n",
            '[tool.dagster-snapsize]\nbudget = { asset = "96 kB" }\n',
            id="an empty inline table",
        ),
        pytest.param(
            "[tool]\ndagster-snapsize = { budget = { asset = '1 kB', job = '1 MB' } }\n",
            "[tool]\ndagster-snapsize = { budget = { asset = \"96 kB\", job = '1 MB' } }\n",
            id="inline tables in each other",
        ),
        pytest.param(
            '[tool.dagster-snapsize.budget.jobs]\nx = "1 MB"\n',
            '[tool.dagster-snapsize.budget.jobs]\nx = "1 MB"\n\n[tool.dagster-snapsize.budget]\n'
            'asset = "96 kB"\n',
            id="a table of jobs alone",
        ),
        pytest.param(
            '[tool.dagster-snapsize.env]\nTEXT = """\n[tool.dagster-snapsize.budget]\n'
            'asset = "1 kB"\n"""\n',
            '[tool.dagster-snapsize.env]\nTEXT = """\n[tool.dagster-snapsize.budget]\n'
            'asset = "1 kB"\n"""\n\n[tool.dagster-snapsize.budget]\nasset = "96 kB"\n',
            id="a text that looks like settings",
        ),
    ],
)
def test_an_assets_budget(before: str, expected: str) -> None:
    assert after(before) == expected


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param(
            "[tool.dagster-snapsize.budget]\n",
            '[tool.dagster-snapsize.budget]\njobs."__ASSET_JOB" = "96 kB"\n',
            id="no jobs",
        ),
        pytest.param(
            '[tool.dagster-snapsize.budget]\njobs = { "__ASSET_JOB" = "9 B", a = "1 B" }\n',
            '[tool.dagster-snapsize.budget]\njobs = { "__ASSET_JOB" = "96 kB", a = "1 B" }\n',
            id="the job in an inline table",
        ),
        pytest.param(
            '[tool.dagster-snapsize.budget]\njobs = { "a" = "1 B" }\n',
            '[tool.dagster-snapsize.budget]\njobs = { "a" = "1 B", "__ASSET_JOB" = "96 kB" }\n',
            id="other jobs in an inline table",
        ),
        pytest.param(
            '[tool.dagster-snapsize.budget]\njobs."a b" = "1 B"\n',
            '[tool.dagster-snapsize.budget]\njobs."a b" = "1 B"\njobs."__ASSET_JOB" = "96 kB"\n',
            id="dotted jobs",
        ),
        pytest.param(
            '[tool.dagster-snapsize]\nbudget.jobs.a = "1 B"\n',
            '[tool.dagster-snapsize]\nbudget.jobs.a = "1 B"\nbudget.jobs."__ASSET_JOB" = "96 kB"\n',
            id="dotted jobs of a dotted budget",
        ),
        pytest.param(
            '[tool.dagster-snapsize.budget.jobs]\na = "1 B"\n',
            '[tool.dagster-snapsize.budget.jobs]\na = "1 B"\n"__ASSET_JOB" = "96 kB"\n',
            id="a table of jobs",
        ),
        pytest.param(
            '[tool.dagster-snapsize]\nbudget = {repository = "1 B"}\n',
            '[tool.dagster-snapsize]\nbudget = {repository = "1 B", jobs."__ASSET_JOB" = '
            '"96 kB"}\n',
            id="an inline budget",
        ),
    ],
)  # fmt: skip
def test_a_jobs_budget(before: str, expected: str) -> None:
    assert after(before, JOB) == expected


def test_snapsize_toml_has_no_prefix() -> None:
    assert prefix_of("snapsize.toml") == ()
    assert after('python = "x"\n', prefix=()) == 'python = "x"\nbudget.asset = "96 kB"\n'
    assert after("[budget]\njob = 1\n", prefix=()) == '[budget]\njob = 1\nasset = "96 kB"\n'


@pytest.mark.parametrize(
    "text",
    [
        "[tool.dagster-snapsize\n",
        "[tool.dagster-snapsize]\nbudget = 3\n",
        "[[tool.dagster-snapsize]]\na = 1\n",
        "[tool.dagster-snapsize.budget.asset]\na = 1\n",
    ],
)
def test_what_is_not_understood_is_left_alone(text: str) -> None:
    assert set_budget(text, PREFIX, ASSET, "96 kB") is None
    assert not isinstance(read_budget(text, PREFIX, ASSET), str)


def test_a_file_of_its_own() -> None:
    text = new_file(prefix_of("pyproject.toml"), ("jobs", 'a "b"'), "2 MB")
    assert text == '[tool.dagster-snapsize.budget]\njobs."a \\"b\\"" = "2 MB"\n'
    assert read_budget(text, PREFIX, ("jobs", 'a "b"')) == "2 MB"


# Documents of every style that TOML has, with our settings in every way that they can be written.

NAMES = st.text(alphabet="ab_-.\"\\ é日'#[]=", max_size=5)
TEXTS = st.text(alphabet="ab\"'\\\n\t#[]{}=,.é日", max_size=12)


def quoted(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(escapes.get(c, c) for c in text) + '"'


def multi_line(text: str) -> str:
    safe = text.replace("\\", "\\\\").replace('"""', '""\\"')
    return f'"""\n{safe}\\n[tool.dagster-snapsize.budget]\nasset = "1 kB"\n"""'


VALUES = st.recursive(
    st.one_of(
        st.integers().map(str),
        st.sampled_from(
            ["true", "1.5e3", "nan", "-inf", "0x1F", "1979-05-27 07:32:00", "07:32:00", "'a\\#'"]
        ),
        TEXTS.map(quoted),
        TEXTS.map(multi_line),
        st.just("'''\nit's [tool.dagster-snapsize.budget] ''too'''"),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda xs: f"[ {', '.join(xs)} ]"),
        st.lists(inner, max_size=3).map(
            lambda xs: "[\n" + "".join(f"  {x}, # one ] of them\n" for x in xs) + "]"
        ),
        st.dictionaries(NAMES, inner, max_size=2).map(
            lambda d: "{" + ", ".join(f"{quoted(k)} = {v}" for k, v in d.items()) + "}"
        ),
    ),
    max_leaves=4,
)
COMMENTS = st.sampled_from(
    ["", "", "# [tool.dagster-snapsize.budget]\n", "\n", "  # asset = 1\n\n"]
)


@st.composite
def key_lines(draw: st.DrawFn) -> str:
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    return "".join(
        f"{draw(COMMENTS)}{draw(st.sampled_from(['', '  ']))}{quoted(name)} = {draw(VALUES)}"
        f"{draw(st.sampled_from(['', '  # why']))}\n"
        for name in names
    )


SETTINGS = st.sampled_from(
    [
        "",
        "[tool.dagster-snapsize]\n",
        '[tool.dagster-snapsize]\npython = "x" # p\n',
        '[ tool . "dagster-snapsize" . budget ]\n',
        "[tool.dagster-snapsize.budget] # ours\nasset = 1_000 # small\n\n",
        "[tool.dagster-snapsize.budget]\n\tjob = '1 MB'\n# end\n",
        "[tool.dagster-snapsize]\nbudget.job = '1 MB'\n",
        "[tool.dagster-snapsize]\nbudget = {job = '1 MB', jobs = {}} # b\n",
        "[tool.dagster-snapsize]\nbudget = { jobs.a = 3, 'asset'=4 }\n",
        "[tool]\ndagster-snapsize.budget.jobs.\"a b\" = 3\n",
        "[tool.dagster-snapsize.budget]\njobs.a = 3\njobs.\"__ASSET_JOB\"= 4\n",
        "[tool.dagster-snapsize.budget.jobs]\n__ASSET_JOB = 1\n[tool.dagster-snapsize.env]\n",
        "[tool.dagster-snapsize.budget]\nwarn-at = 0.5\n[tool.dagster-snapsize.budget.jobs]\n",
    ]
)  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> str:
    parts = [draw(key_lines())]
    parts += [
        f"{draw(COMMENTS)}[before.t{number}]\n{draw(key_lines())}"
        for number in range(draw(st.integers(0, 2)))
    ]
    parts.append(draw(SETTINGS))
    for number in range(draw(st.integers(0, 2))):
        header = draw(st.sampled_from([f"[after.t{number}]", "[[after-all.list]]"]))
        parts.append(f"{draw(COMMENTS)}{header}\n{draw(key_lines())}")
    text = "".join(parts)
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: comparable(inner) for key, inner in value.items()}
    return [comparable(x) for x in value] if isinstance(value, list) else repr(value)


@given(documents(), st.sampled_from([ASSET, JOB, ("repository",), ("jobs", 'x "é" \\ . #')]))
def test_any_document_says_the_same_and_the_new_budget(text: str, keys: tuple[str, ...]) -> None:
    wanted = tomllib.loads(text)
    table = wanted.setdefault("tool", {}).setdefault("dagster-snapsize", {})
    for key in ("budget", *keys[:-1]):
        table = table.setdefault(key, {})
    table[keys[-1]] = "96 kB"

    change = set_budget(text, PREFIX, keys, "96 kB")

    assert change is not None
    edited = change.apply(text)
    assert comparable(tomllib.loads(edited)) == comparable(wanted)
    assert read_budget(edited, PREFIX, keys) == "96 kB"
    # Only the value is replaced, or something inserted: every comment is where it was.
    assert "\n" not in text[change.start : change.end]
    assert "#" not in text[change.start : change.end]
    # The document keeps its line ends.
    if "\r\n" in text:
        assert edited.count("\n") == edited.count("\r\n")
    assert edited.endswith("\n") == (text.endswith("\n") or not text)
    # What was changed can be changed again, in the same place.
    again = set_budget(edited, PREFIX, keys, "99 kB")
    assert again is not None
    assert len(again.apply(edited)) == len(edited)


@given(st.text(alphabet="[]{}=\"'.#\n\\ ab", max_size=40))
def test_no_text_makes_it_fail(text: str) -> None:
    change = set_budget(text, PREFIX, ASSET, "96 kB")
    if change is not None:
        assert read_budget(change.apply(text), PREFIX, ASSET) == "96 kB"
