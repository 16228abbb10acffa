"""Measured lines in edited buffers: where they went, and that what is deleted is gone."""

from __future__ import annotations

import ast
import random
import textwrap
from collections.abc import Mapping, Sequence

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_snapsize.lsp.anchors import Anchors, Language, Place


def dedent(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


def line_of(text: str, part: str) -> int:
    """The line (from 1) of the first occurrence."""
    return text[: text.index(part)].count("\n") + 1


def locate(before: str, part: str, after: str, language: Language = "python") -> Place | None:
    """The place in ``after`` of the line that has ``part`` in ``before``."""
    line = line_of(before, part)
    return Anchors.of(before, [line], language).locate(after)[line]


def shown(place: Place | None, text: str) -> str | None:
    """The underlined text."""
    return None if place is None else text.split("\n")[place.line][place.start : place.end]


def hovered(place: Place | None, text: str) -> list[str]:
    """The parts of the text on which a hover answers."""
    assert place is not None
    rows = text.split("\n")
    found = ((row, place.hovered(rows, line)) for line, row in enumerate(rows))
    return [row[columns[0] : columns[1]] for row, columns in found if columns]


MODULE = dedent(
    '''
    """Assets."""

    import dagster as dg
    from dagster import AssetKey, AssetSpec, asset


    @dg.asset(
        description="all orders",
    )
    def orders(
        context,
    ) -> int:
        """Orders."""
        return load("orders")


    @retry
    @asset(name="people")
    def _people():
        return connect().execute("select 1")


    @asset(name="places")
    def _places(): return 2


    def build(name):
        @asset(name=name)
        def _made():
            return name

        return _made


    class Loader:
        @asset
        def nested(self): ...


    raw = AssetSpec("raw", group_name="ingest")
    specs = [
        AssetSpec(
            key=AssetKey(["wh", "one"]),
            description="1",
        ),
        AssetSpec("two"), AssetSpec("three"),
    ]
    made = [build(name) for name in NAMES]
    defs = dg.Definitions(
        assets=[orders, *specs, *made],
    )
    '''
)


def test_unchanged_text_has_every_line_where_it_was() -> None:
    count = MODULE.count("\n") + 1
    places = Anchors.of(MODULE, range(1, count + 1), "python").locate(MODULE)
    assert {line: place and place.line + 1 for line, place in places.items()} == {
        line: line for line in range(1, count + 1)
    }
    moved = Anchors.of(MODULE, range(1, count + 1), "python").locate("# new\n\n" + MODULE)
    # What is said of the first line is said of the file, wherever its docstring is.
    assert all(moved[line] and moved[line].line + 1 == line + 2 for line in range(2, count))  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("part", "underlined"),
    [
        ("@dg.asset(", "@dg.asset("),
        ("@retry", "@retry"),
        ("@asset(name=name)", "@asset(name=name)"),
        ("def _made", "_made"),
        ("raw = ", 'AssetSpec("raw", group_name="ingest")'),
        ("AssetSpec(\n", "AssetSpec("),
        ('AssetSpec("two")', 'AssetSpec("two")'),
        ("defs = ", "dg.Definitions("),
        ("made = [", "build(name)"),
        ("import dagster", "import dagster as dg"),
    ],
)
def test_what_is_underlined(part: str, underlined: str) -> None:
    assert shown(locate(MODULE, part, MODULE), MODULE) == underlined


def test_a_hover_answers_on_decorator_name_and_key() -> None:
    assert hovered(locate(MODULE, "@dg.asset(", MODULE), MODULE) == [
        "@dg.asset(",
        'description="all orders",',
        ")",
        "orders",
    ]
    assert hovered(locate(MODULE, "AssetSpec(\n", MODULE), MODULE) == [
        "AssetSpec(",
        'key=AssetKey(["wh", "one"]),',
    ]


EDITS = {
    "ten lines above": lambda text: "# line\n" * 10 + text,
    "imports sorted": lambda text: text.replace("import dagster as dg\n", "") + "import dagster\n",
    "line ends": lambda text: text.replace("\n", "\r\n"),
    "old line ends": lambda text: text.replace("\n", "\r"),
    "all under a condition": lambda text: "if True:\n" + textwrap.indent(text, "    "),
    "in a function": lambda text: "def main():\n" + textwrap.indent(text, "    "),
    "without blank lines": lambda text: text.replace("\n\n", "\n"),
    "form feed": lambda text: text.replace("\n\n\n", "\n\n\f\n"),
    "decorator's arguments": lambda text: text.replace('"all orders"', '"some", owners=["me"]'),
    "body": lambda text: text.replace('load("orders")', "1"),
    "another decorator": lambda text: text.replace("@dg.asset", "@timed\n@dg.asset"),
    "other import": lambda text: text.replace("@dg.asset", "@asset"),
    "async": lambda text: text.replace("def orders", "async def orders"),
    "broken function below": lambda text: text.replace("def build(", "def build("[:-2]),
    "broken body": lambda text: text.replace('load("orders")', "load("),
    "open string": lambda text: text.replace('"all orders"', '"all'),
    "open docstring": lambda text: text.replace('"""Orders."""', '"""Orders.'),
    "open string above": lambda text: text.replace('"""Assets."""', '"""Assets.'),
    "open bracket above": lambda text: "x = [\n" + text,
    "open call above": lambda text: text.replace('"""Assets."""', "foo("),
    "no body": lambda text: text.replace('    """Orders."""\n    return load("orders")\n', ""),
    "merge conflict": lambda text: text.replace("@retry", "<<<<<<< HEAD\n@retry"),
    "newer syntax": lambda text: "type X = ???\n" + text,
    "null byte": lambda text: text.replace("return 2", "return '\0'"),
    "lone surrogate": lambda text: text.replace("return 2", "return '\ud800'"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_asset_keeps_its_place_while_the_file_is_edited(edit: str) -> None:
    after = EDITS[edit](MODULE)
    lines = after.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    place = locate(MODULE, "@dg.asset", after)
    assert place is not None
    start = next(
        i
        for i, line in enumerate(lines)
        if line.strip().startswith("@dg.") or line.strip() == "@asset("
    )
    assert place.line == start
    nested = locate(MODULE, "@asset\n", after)
    assert nested is not None
    assert lines[nested.line].strip() == "@asset"
    assert lines[nested.line + 1].strip().startswith("def nested")


TYPED = '''@asset(deps=[orders], metadata={"a": f("b")})
def more(orders):
    """More of "them"."""
    if orders:
        return AssetSpec(
            key='x')

'''


@pytest.mark.parametrize("before", ["from dagster", "def build", "class", "raw = ", "defs = "])
@pytest.mark.parametrize("language", ["python", "other"])
def test_while_an_asset_is_typed_the_others_keep_their_places(
    before: str, language: Language
) -> None:
    at = MODULE.index(before)
    below = line_of(MODULE, before)
    parts = ("@dg.asset(", "@retry", "@asset(name=name)", "@asset\n", "raw = ", "AssetSpec(\n")
    lines = [line_of(MODULE, part) for part in parts]
    anchors = Anchors.of(MODULE, lines, language)
    for end in range(len(TYPED) + 1):
        typed = TYPED[:end] + "\n"
        places = anchors.locate(MODULE[:at] + typed + MODULE[at:])
        down = typed.count("\n")
        expected = {line: line - 1 + (down if line >= below else 0) for line in lines}
        assert {line: place and place.line for line, place in places.items()} == expected, typed


@pytest.mark.parametrize(
    ("part", "cut"),
    [
        ("@dg.asset(", MODULE[MODULE.index("@dg.asset") : MODULE.index("@retry")]),
        ("@retry", MODULE[MODULE.index("@retry") : MODULE.index('@asset(name="places"')]),
        ("@asset(name=name)", MODULE[MODULE.index("def build") : MODULE.index("class Loader")]),
        ("raw = ", 'raw = AssetSpec("raw", group_name="ingest")\n'),
        ("AssetSpec(\n", MODULE[MODULE.index("    AssetSpec(") :].split('    AssetSpec("two')[0]),
        ("defs = ", MODULE[MODULE.index("defs = ") :]),
        ('return load("orders")', '    return load("orders")\n'),
    ],
)  # fmt: skip
def test_what_is_deleted_is_gone(part: str, cut: str) -> None:
    after = MODULE.replace(cut, "")
    assert after != MODULE
    assert locate(MODULE, part, after) is None
    assert locate(MODULE, part, "# a comment\n" + after) is None
    assert locate(MODULE, part, after + "\ndef broken(:\n") is None


def test_a_renamed_asset_stays_until_the_next_measurement() -> None:
    after = MODULE.replace("def orders", "def sales").replace('"raw"', '"cooked"')
    after = after.replace("build", "make")
    assert shown(locate(MODULE, "@dg.asset(", after), after) == "@dg.asset("
    assert (
        shown(locate(MODULE, "raw = ", after), after) == 'AssetSpec("cooked", group_name="ingest")'
    )
    place = locate(MODULE, "@asset(name=name)", after)
    assert place is not None
    assert place.line == line_of(after, "@asset(name=name)") - 1


def test_a_function_that_is_no_asset_any_more_is_gone() -> None:
    assert locate(MODULE, "@asset\n", MODULE.replace("    @asset\n", "")) is None
    assert locate(MODULE, "@asset\n", MODULE.replace("    @asset\n", "    @property\n")) is None


def test_a_commented_out_asset_is_gone() -> None:
    cut = MODULE[MODULE.index("@dg.asset") : MODULE.index("@retry")]
    hashed = textwrap.indent(cut, "# ", lambda _: True)
    assert locate(MODULE, "@dg.asset", MODULE.replace(cut, hashed)) is None
    assert locate(MODULE, "raw = ", MODULE.replace("raw = ", "# raw = ")) is None


def test_several_calls_on_a_line_are_gone_with_the_line() -> None:
    after = MODULE.replace('    AssetSpec("two"), AssetSpec("three"),\n', "")
    assert locate(MODULE, 'AssetSpec("two")', after) is None


def test_functions_of_one_name_are_told_apart_by_their_keys_and_bodies() -> None:
    def function(key: str, body: str) -> str:
        return f"@asset(name={key!r})\ndef _():\n    return {body}\n\n"

    a, b, c = function("a", "1"), function("b", "1"), function("c", "2")
    before = a + b + c
    anchors = Anchors.of(before, [1, 5, 9], "python")

    def lines(after: str) -> list[int | None]:
        found = anchors.locate(after)
        return [place and place.line for place in (found[1], found[5], found[9])]

    assert lines(c + b + a) == [8, 4, 0]
    assert lines(b + c) == [None, 0, 4]
    assert lines(a + c) == [0, None, 4]
    assert lines(b + function("d", "3") + c) == [None, 0, 8]
    assert lines(a + b + function("c", "3")) == [0, 4, 8]


def test_twins_are_told_apart_by_the_lines_around_them() -> None:
    twin = "    @asset\n    def same():\n        return 1\n"
    before = f"if A:\n{twin}else:\n{twin}# end\n"
    anchors = Anchors.of(before, [2, 6], "python")
    found = anchors.locate(f"if B:\n    pass\nelse:\n{twin}# end\n")
    assert (found[2], found[6] and found[6].line) == (None, 3)


def test_a_place_moves_with_its_method_chain() -> None:
    before = dedent(
        """
        spec = (
            AssetSpec("a")
            .with_attributes(x=1)
            .merge_attributes(y=2)
        )
        """
    )
    for part, underlined in ((".merge", ".merge_attributes(y=2)"), ("AssetSpec", 'AssetSpec("a")')):
        after = "\n\n" + before
        place = locate(before, part, after)
        assert place is not None
        assert place.line == line_of(after, part) - 1
        assert shown(place, after) == underlined


def test_columns_count_characters() -> None:
    before = 'x = "😋é"; raw = AssetSpec("raw")  # 😋\n'
    after = "# new\n" + before
    assert shown(locate(before, "raw", after), after) == 'AssetSpec("raw")'


@pytest.mark.parametrize("before_bom", ["", "\ufeff"])
@pytest.mark.parametrize("after_bom", ["", "\ufeff"])
@pytest.mark.parametrize("edit", ["", "\n@asset\ndef more(): ...\n"])
def test_a_byte_order_mark_moves_columns_only(before_bom: str, after_bom: str, edit: str) -> None:
    text = "@asset\ndef a(): ...\n"
    after = after_bom + text + edit
    place = Anchors.of(before_bom + text, [1], "python").locate(after)[1]
    assert shown(place, after) == "@asset"
    assert place is not None
    assert [part.lstrip("\ufeff") for part in hovered(place, after)] == ["@asset", "a"]


def test_a_failing_line_is_followed_into_an_edited_function() -> None:
    before = dedent(
        """
        import pandas as pd

        def load(path):
            data = pd.read_csv(path)
            if data.empty:
                raise ValueError(
                    f"nothing in {path}"
                )
            return data["total"] / 0

        settings = {
            "a": 1,
            "b": os.environ["B"],
        }
        """
    )
    after = before.replace("def load(path):", "X = 1\n\ndef load(path: str):\n    print(path)")
    after = after.replace('"a": 1,', '"a": 1,\n    "c": 2,')
    for part in ("import pandas", "data = pd", "if data", "raise", 'f"nothing', "return", '"b"'):
        place = locate(before, part, after)
        assert place is not None, part
        assert place.line == line_of(after, part) - 1, part
    assert locate(before, "raise", after.replace("raise ValueError", "warn")) is None
    assert locate(before, "return", after.replace('    return data["total"] / 0\n', "")) is None
    mended = after.replace('data["total"] / 0', 'data["total"]')
    place = locate(before, "return", mended)
    assert place is not None
    assert place.line == line_of(mended, "return") - 1


COMPONENT = dedent(
    """
    # sling
    type: dagster_sling.SlingReplicationCollectionComponent

    attributes:
      assets:
        - key: orders
          description: |
            All orders.

        # the people
        - key: people
          deps: [orders, 'x']
        - name: places
          tags:
            a: b
    ---
    type: other.Component
    attributes: {key: flow, deps: [
      a]}
    """
)


@pytest.mark.parametrize(
    ("part", "underlined"),
    [
        ("type: dagster", "type: dagster_sling.SlingReplicationCollectionComponent"),
        ("- key: orders", "key: orders"),
        ("- key: people", "key: people"),
        ("- name: places", "name: places"),
        ("type: other", "type: other.Component"),
        ("attributes:", "attributes"),
        ("deps: [orders", "deps: [orders, 'x']"),
    ],
)
def test_entries_of_a_component_file(part: str, underlined: str) -> None:
    blocks = COMPONENT.split("    - ")
    for after in (
        COMPONENT,
        "# more\n" * 3 + COMPONENT,
        COMPONENT.replace("  assets:\n", "  assets:\n    - key: first\n      deps: []\n"),
        COMPONENT.replace("All orders.", "All orders, and\n\n        more."),
        COMPONENT.replace("\n", "\r\n"),
        COMPONENT.replace("deps: [orders", "deps: [orders").replace("a: b", "a: [b"),
        COMPONENT.replace("\n\n    # the", "\u2028\x85\n\n    # the"),
        "    - ".join([blocks[0], blocks[2], blocks[1] + "\n", blocks[3]]),
    ):
        place = locate(COMPONENT, part, after, "yaml")
        assert place is not None
        assert place.line == line_of(after, part) - 1
        if "[b" not in after:
            assert shown(place, after.replace("\r\n", "\n")) == underlined


def test_a_hover_answers_in_the_whole_block_of_an_entry() -> None:
    assert hovered(locate(COMPONENT, "- key: orders", COMPONENT, "yaml"), COMPONENT) == [
        "- key: orders",
        "description: |",
        "All orders.",
    ]


@pytest.mark.parametrize("end", ["", "\n", "\n\n# end\n", "  # end\n", "\nb: 1\n"])
def test_an_entry_at_the_end_of_a_file(end: str) -> None:
    after = f"a:\n  - key: orders{end}"
    place = locate("a:\n  - key: orders", "- key", after, "yaml")
    assert (shown(place, after) or "").startswith("key: orders")


def test_a_deleted_entry_is_gone() -> None:
    start, end = COMPONENT.index("    - key: people"), COMPONENT.index("    - name: places")
    assert locate(COMPONENT, "- key: people", COMPONENT[:start] + COMPONENT[end:], "yaml") is None
    assert locate(COMPONENT, "- key: people", COMPONENT.replace("- key: p", "# - key: p")) is None
    broken = COMPONENT.replace("a: b", "a: [b")
    place = locate(COMPONENT, "- key: orders", broken, "yaml")
    assert place is not None
    assert place.line == line_of(broken, "- key: orders") - 1


def test_the_first_line_of_a_file_stands_for_the_file() -> None:
    for language, text in (("yaml", COMPONENT), ("other", "select 1\n"), ("python", "import x\n")):
        for after in ("# a\n", "", "\n\n\n"):
            place = Anchors.of(text, [1], language).locate(after)[1]  # type: ignore[arg-type]
            assert place is not None
            assert place.line == 0


def test_a_deleted_asset_on_the_first_line_is_gone() -> None:
    assert locate("@asset\ndef a(): ...\n", "@asset", "# a\n") is None


SQL = "".join(f"select {i} as column_{i}\nfrom t\n\n" for i in range(20))


def test_other_files_go_by_their_lines() -> None:
    anchors = Anchors.of(SQL, [1, 16, 31], "other")

    def lines(after: str) -> list[int | None]:
        return [place and place.line for place in anchors.locate(after).values()]

    assert lines(SQL) == [0, 15, 30]
    assert lines("-- new\n\n" + SQL) == [2, 17, 32]
    assert lines(SQL.replace("select 5 as column_5\n", "")) == [0, None, 29]
    assert lines(SQL.replace("select 5 as column_5\n", "select 5  as  column_five\n")) == [
        0,
        15,
        30,
    ]
    assert lines("") == [0, None, None]


def test_lines_that_are_not_there_are_gone() -> None:
    for language in ("python", "yaml", "other"):
        anchors = Anchors.of("a = 1\n", [1, 50, 0, -3], language)  # type: ignore[arg-type]
        for after in ("a = 1\n", "# x\na = 1\n", ""):
            found = anchors.locate(after)
            assert set(found) == {1, 50, 0, -3}
            assert [found[line] for line in (50, 0, -3)] == [None, None, None]


# -- whole definitions come and go, in modules of every shape -------------------------------------


@frozen
class Definition:
    """Text of one definition; ``anchor`` is its line of interest, from 0."""

    name: str
    text: str
    anchor: int


def definition(kind: str, name: str, body: int) -> Definition:
    inner = f"    @asset(name=x)\n    def inner_{name}():\n        return {name!r}, {body}\n"
    docs = f"Text at the left edge.\n@asset\ndef {name}_no(): ..."
    texts = {
        "plain": f"@asset\ndef {name}():\n    return {body}",
        "called": f"@dg.asset(\n    deps=[{body}],\n)\ndef {name}(\n    a,\n):\n    g()\n\n    b()",
        "two": f"@op\n\n# and\n@asset(group_name='g{body}')\nasync def {name}(): return {body}",
        "spec": f"{name} = AssetSpec('{name}', metadata={{'x': f({body})}})",
        "unbound": f"register(\n    '{name}',\n    {body},\n)",
        "listed": f"things += [\n    AssetSpec(key='{name}'),\n    AssetSpec('{name}_too'),\n]",
        "factory": f"def {name}(x):\n{inner}    return inner_{name}",
        "class": f"class {name}:\n    a = 1\n    @asset\n    def one_{name}(self): f('{name}')",
        "docs": f"@asset\ndef {name}():\n    '''\n{docs}\n    '''",
        "sql": f"{name} = make(\n    '{name}', '''\nselect {body}\nfrom t\n''')",
        "branch": f"if x:\n    @asset\n    def {name}(): return {body}\nelse:\n    {name} = {body}",
    }
    anchors = {"listed": 1, "factory": 1, "class": 2, "branch": 1}
    return Definition(name, texts[kind], anchors.get(kind, 0))


KINDS = "plain called two spec unbound listed factory class docs sql branch"
BETWEEN = (
    "",
    "\n",
    "\n\n",
    "# a comment\n",
    "import os\n",
    "\n# left\nX = 1\n\n",
    '"""\ntext\n"""\n',
)


@st.composite
def edits(draw: st.DrawFn) -> tuple[list[Definition], list[Definition], list[str], list[str]]:
    """Definitions before and after, and what stands between them."""
    names = [f"thing_{i}" for i in range(draw(st.integers(1, 12)))]
    everything = [
        definition(draw(st.sampled_from(KINDS.split())), n, draw(st.integers(0, 3))) for n in names
    ]
    before = [d for d in everything if draw(st.booleans())] or everything[:1]
    after = [d for d in everything if draw(st.integers(0, 3))]
    if draw(st.booleans()):
        after = draw(st.permutations(after))
    gaps = st.lists(st.sampled_from(BETWEEN), min_size=13, max_size=13)
    return before, after, draw(gaps), draw(gaps)


def module(definitions: Sequence[Definition], gaps: Sequence[str]) -> tuple[str, dict[str, int]]:
    """The text, and the line (from 0) of every definition."""
    text = gaps[0]
    lines = {}
    for thing, gap in zip(definitions, gaps[1:], strict=False):
        lines[thing.name] = text.count("\n") + thing.anchor
        text += f"{thing.text}\n{gap}"
    return text, lines


@settings(max_examples=100, deadline=None)
@given(edits(), st.sampled_from(["\n", "\r\n"]))
def test_surviving_definitions_are_at_their_true_lines(
    edit: tuple[list[Definition], list[Definition], list[str], list[str]], line_end: str
) -> None:
    before, after, gaps_before, gaps_after = edit
    old_text, old = module(before, gaps_before)
    new_text, new = module(after, gaps_after)
    anchors = Anchors.of(old_text, [line + 1 for line in old.values()], "python")
    found = anchors.locate(new_text.replace("\n", line_end))
    check(
        found,
        old,
        new,
        kept_order=[d.name for d in before if d in after] == [d.name for d in after if d in before],
    )


def check(
    found: Mapping[int, Place | None], old: dict[str, int], new: dict[str, int], kept_order: bool
) -> None:
    """No size stands at another definition that was measured, too; none is lost in its order."""
    for name, line in old.items():
        place = found[line + 1]
        if place is not None:
            others = [new[other] for other in old if other != name and other in new]
            assert place.line not in others, name
        if name in new and kept_order:
            assert place is not None
            assert place.line == new[name], name


BREAKS = (
    "x = (",
    "'''",
    '"""text',
    "def ",
    "foo(bar",
    "@",
    "]",
    "if x",
    "return 'a",
    "  x = 1",
    "{",
)


@settings(max_examples=100, deadline=None)
@given(edits(), st.sampled_from(BREAKS), st.data())
def test_a_syntax_error_between_definitions_puts_none_of_them_on_a_wrong_line(
    edit: tuple[list[Definition], list[Definition], list[str], list[str]],
    line: str,
    data: st.DataObject,
) -> None:
    before, after, gaps_before, gaps_after = edit
    at = data.draw(st.integers(0, len(after)))
    gaps_after[at] += line + "\n"
    old_text, old = module(before, gaps_before)
    new_text, new = module(after, gaps_after)
    found = Anchors.of(old_text, [x + 1 for x in old.values()], "python").locate(new_text)
    check(found, old, new, kept_order=False)


@settings(max_examples=100, deadline=None)
@given(st.text(), st.text(), st.sampled_from(["python", "yaml", "other"]))
def test_no_text_is_an_error(before: str, after: str, language: Language) -> None:
    count = before.count("\n") + before.count("\r") + 2
    places = Anchors.of(before, range(1, count), language).locate(after)
    assert set(places) == set(range(1, count))


SHRED = st.lists(st.sampled_from([*MODULE.split("\n"), *COMPONENT.split("\n"), *BREAKS])).map(
    "\n".join
)


@settings(max_examples=100, deadline=None)
@given(SHRED, SHRED, st.sampled_from(["python", "yaml", "other"]))
def test_no_shredded_text_is_an_error(before: str, after: str, language: Language) -> None:
    count = before.count("\n") + 2
    anchors = Anchors.of(before, range(1, count), language)
    lines = after.split("\n")
    for place in anchors.locate(after).values():
        if place is not None:
            spots = [(line, place.hovered(lines, line)) for line in range(len(lines))]
            for line, columns in ((place.line, (place.start, place.end)), *spots):
                assert not columns or 0 <= columns[0] <= columns[1] <= len(lines[line])
    same = anchors.locate(before)
    assert all(same[n] and same[n].line == n - 1 for n in range(1, count))  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 100_000,
        "x = " + "-" * 50_000 + "1",
        "x = " + "1 + " * 50_000 + "1",
        "x = a" + ".b()" * 20_000,
        "".join(" " * i + "if x:\n" for i in range(500)),
        "a: " + "[" * 2_000,
        "".join(" " * i + "a:\n" for i in range(500)),
        "&a [*a]",
        "a: &x {b: 1}\nc: *x\nd: *x\n",
        "%YAML 9.9\n---\na: 1\n",
        "!!python/object:os.system x",
        '"""' * 10_001,
        "'''\n" * 501,
        "foo(\n" * 2_000,
        "@asset\n" * 2_000,
        "x = 1; " * 5_000,
        "\0",
        "\\",
    ],
    ids=lambda text: text[:12],
)
@pytest.mark.parametrize("language", ["python", "yaml", "other"])
def test_pathological_text_is_no_error(text: str, language: Language) -> None:
    good = "@asset\ndef a(): ...\n"
    anchors = Anchors.of(good, [1], language)
    anchors.locate(text)
    anchors.locate(good + text)
    place = Anchors.of(text, [1], language).locate("\n" + text)[1]
    assert place is None or place.line in (0, 1)


def long_module(count: int) -> tuple[str, list[int]]:
    text = "from dagster import asset\n" + "".join(
        f"\n@asset(\n    description='asset {i}',\n    metadata={{'a': {i}}},\n)\n"
        f"def asset_{i}(up: int) -> int:\n    x = up + {i}\n    return compute(x, y=[1, 2])\n\n"
        for i in range(count)
    )
    lines = [n + 1 for n, line in enumerate(text.split("\n")) if line.startswith("@asset")]
    return text, lines


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("'asset 250'", "'an asset'"),
        ("x = up + 250", "x = up + ("),
        ("'asset 250',", "'''asset,"),
        ("from dagster", "\n\nfrom dagster"),
    ],
)
def test_a_key_stroke_in_5000_lines_is_cheap(
    old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, lines = long_module(560)
    assert text.count("\n") > 5_000
    anchors = Anchors.of(text, lines, "python")
    after = text.replace(old, new)

    def refuse(*_: object) -> None:
        raise AssertionError("an edit parses nothing")

    monkeypatch.setattr(ast, "parse", refuse)
    found = anchors.locate(after)
    down = after.count("\n") - text.count("\n")
    assert all((place := found[line]) and place.line == line - 1 + down for line in lines)


def test_100000_lines_are_no_error() -> None:
    text, lines = long_module(11_200)
    anchors = Anchors.of(text, lines[:50], "python")
    found = anchors.locate("# down\n" + text.replace("up + 9\n", "up + 10\n"))
    assert all((place := found[line]) and place.line == line for line in lines[:50])
    shuffled = text.split("\n")
    random.Random(1).shuffle(shuffled)
    anchors.locate("\n".join(shuffled))


def test_a_huge_buffer_is_not_compared_with_what_was_measured() -> None:
    text = MODULE + "padding = 1\n" * 200_000
    line = line_of(text, "def orders")
    anchors = Anchors.of(text, [line], "python")
    assert shown(anchors.locate(text)[line], text) == "def orders("
    assert anchors.locate("\n" + text) == {line: None}
    assert anchors.locate(text.replace("\n", "\r\n"))[line] is not None
