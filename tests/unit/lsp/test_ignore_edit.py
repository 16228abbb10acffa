from __future__ import annotations

import pytest

from dagster_snapsize.lsp.features.ignore_edit import silence
from dagster_snapsize.project.ignore_comments import ignores_in_text

RULE = "asset-over-budget"


@pytest.mark.parametrize(
    ("line", "before", "after"),
    [
        pytest.param(1, "@asset\ndef a(): ...\n", "@asset  # snapsize: ignore[R]\ndef a(): ...\n",
                     id="a decorator"),
        pytest.param(1, "@asset(  \n  tags=1,\n)\ndef a(): ...\n",
                     "@asset(  # snapsize: ignore[R]\n  tags=1,\n)\ndef a(): ...\n",
                     id="a decorator over lines, with blanks at its end"),
        pytest.param(1, "@asset  # noqa\ndef a(): ...\n",
                     "@asset  # noqa  # snapsize: ignore[R]\ndef a(): ...\n", id="another comment"),
        pytest.param(1, "@asset  # snapsize: ignore[x]\ndef a(): ...\n",
                     "@asset  # snapsize: ignore[x, R]\ndef a(): ...\n", id="another rule"),
        pytest.param(1, '@asset(description="""long\n# text\n""")\ndef a(): ...\n',
                     '@asset(description="""long\n# text\n""")  # snapsize: ignore[R]\n'
                     "def a(): ...\n", id="a text that goes on"),
        pytest.param(2, "x = 1\na = asset \\\n  (1)\n",
                     "x = 1\na = asset \\\n  (1)  # snapsize: ignore[R]\n", id="a continued line"),
        pytest.param(1, "@asset\r\ndef a(): ...\r\n",
                     "@asset  # snapsize: ignore[R]\r\ndef a(): ...\r\n", id="ends of Windows"),
        pytest.param(1, "a = AssetSpec('🐧')", "a = AssetSpec('🐧')  # snapsize: ignore[R]",
                     id="no line end"),
    ],
)  # fmt: skip
def test_python(line: int, before: str, after: str) -> None:
    change = silence(before, ".py", line, RULE)
    assert change is not None
    assert change.apply(before) == after.replace("[R]", f"[{RULE}]").replace(" R]", f" {RULE}]")
    (comment,) = ignores_in_text(change.apply(before), ".py", {line})
    assert RULE in comment.rules
    assert comment.assets == (line,)


@pytest.mark.parametrize(
    ("line", "before", "after"),
    [
        (1, "type: parts.TableSet\n", "type: parts.TableSet  # snapsize: ignore[R]\n"),
        (2, "a:\n  - key: 'x'\n", "a:\n  - key: 'x'  # snapsize: ignore[R]\n"),
        (1, "attributes:\n  a: 1\n", "attributes:  # snapsize: ignore[R]\n  a: 1\n"),
        (1, "type: a # why\n", "type: a # why  # snapsize: ignore[R]\n"),
    ],
)
def test_yaml(line: int, before: str, after: str) -> None:
    change = silence(before, ".yaml", line, RULE)
    assert change is not None
    assert change.apply(before) == after.replace("[R]", f"[{RULE}]")


@pytest.mark.parametrize(
    "before",
    ["text: |\n  orders\n", 'text: "goes\n  on"\n', "a: {b: 1,\n  c: 2}\n", "a: [1,\n  2]\n"],
)
def test_yaml_that_may_go_on_is_left(before: str) -> None:
    assert silence(before, ".yaml", 1, RULE) is None


@pytest.mark.parametrize("before", ["'''\n", "a = '''x\n# snapsize:\n", ""])
def test_an_open_text_is_left(before: str) -> None:
    assert silence(before, ".py", 1, RULE) is None
