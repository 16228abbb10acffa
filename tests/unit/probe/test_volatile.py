"""Source that tells when it asks for the time or for randomness, and is the same in all else.

A line that ends in ``# asks`` must tell, and no other line may.
"""

from __future__ import annotations

import ast
import dis
import inspect
import linecache
import logging
import pickle
import textwrap
import traceback
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from dagster_snapsize.probe.rewriting import (
    RANDOM,
    TIME,
    Site,
    compile_telling,
    may_ask,
    references,
)

Told = list[tuple[str, int]]

TIME_ASKED = """
    import datetime
    import os
    import time
    import time as t
    from datetime import date
    from datetime import datetime as dt
    from time import time as clock, (
        perf_counter
    )
    import pathlib
    datetime.datetime.now()  # asks
    datetime.date.today()  # asks
    dt.utcnow()  # asks
    (dt
        .now())  # asks
    date.today().isoformat()  # asks
    clock()  # asks
    perf_counter()  # asks
    time.time()  # asks
    t.monotonic_ns()  # asks
    time.strftime("%Y")  # asks
    time.localtime().tm_year  # asks
    ask = time.time  # asks
    ask_too = clock  # asks
    os.path.getmtime(".")  # asks
    pathlib.Path(".").stat().st_mtime  # asks
    f"{dt.now():%Y}"  # asks
    dict(key=dt.now())  # asks
    class Clock:
        at = dt.now()  # asks
        def later(self): return dt.now()
        def made(self, when=dt.now()): return when  # asks
    [dt.now() for _ in range(2)]  # asks
    sorted([1], key=lambda n: dt.now())  # asks
    never = lambda: dt.now()
    int("3", base=10) and str("now")  # asks
""".replace(
    "time as clock, (\n        perf_counter\n    )", "(\n        time as clock, perf_counter\n    )"
)

RANDOM_ASKED = """
    import os
    import random
    import secrets
    import uuid
    from random import choice, Random, shuffle as mix
    from uuid import uuid4
    random.random()  # asks
    random.shuffle([1])  # asks
    random.Random().random()  # asks
    choice([1])  # asks
    mix([1])  # asks
    Random()  # asks
    random.SystemRandom().getrandbits(2)  # asks
    uuid4()  # asks
    uuid.uuid1()  # asks
    os.urandom(2)  # asks
    secrets.token_hex()  # asks
    secrets.choice([1])  # asks
    @(lambda function: uuid4())  # asks
    def decorated(): ...
"""

ASKS_NOTHING = """
    import datetime
    import random
    import time
    import uuid
    from datetime import datetime as dt, time as clock_time
    from random import Random
    from types import SimpleNamespace as Space
    time.sleep(0)
    noon = clock_time(12, 0)
    datetime.time(9)
    dt(2024, 1, 1).time()
    dt(2024, 1, 1).strftime("%Y")
    time.strftime("%Y", time.gmtime(0))
    datetime.datetime.fromisoformat("2024-01-01")
    uuid.uuid5(uuid.NAMESPACE_DNS, "a")
    Random(3)
    thing = Space(time=1, sample=2, random=3, choices=4, now=5)
    thing.time, thing.sample, thing.random, thing.choices
    now = today = choice = sample = 3
    (now, today, choice, sample)
    thing.now = 3
    del thing.now
    def unused(now=None):
        return now or dt.now(), time.time(), random.random()
    class Later:
        def now(self):
            return dt.now()
    async def coroutine(): return dt.now()
    def generator(): yield dt.now()
    generator()
    lambda: dt.now()
    (dt.now() for _ in ())
    dt.now() if noon is None else None
    "dt.now()"  # datetime.now()
"""

RUNS = """
    import asyncio
    from datetime import datetime
    import datetime as module
    def generator():
        yield 1
        yield datetime.now()  # asks
    async def coroutine():
        async def inner():
            yield datetime.now()  # asks
        async for each in inner():
            return each, module.datetime.now()  # asks
    class Parent:
        def __init__(self, now):
            self.now = now
        @property
        def name(self):
            return self.now  # asks
    class Child(Parent):
        def __init__(self):
            super().__init__(datetime.now)  # asks
            self.now.__call__  # asks
    list(generator())
    asyncio.run(coroutine())
    Child().name
    def outer():
        when = datetime
        def inner(at=None):
            nonlocal when
            at = at or when.now()  # asks
            return at
        return inner
    outer()()
    with open(__file__) as stream:
        while (line := stream.readline()) and datetime.now(): break  # asks
    try:
        raise ValueError
    except ValueError:
        datetime.now()  # asks
    finally:
        assert datetime.now()  # asks
    match 3:
        case int() if datetime.now():  # asks
            pass
    thing = Parent(3)
    match 3:
        case thing.now: pass
    total = 0
    total += len(str(datetime.now()))  # asks
"""


def _marked(source: str) -> set[int]:
    lines = source.splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("# asks")}


def _run(source: str | bytes, path: Path) -> tuple[Told, dict[str, Any]]:
    data = source.encode() if isinstance(source, str) else source
    path.write_bytes(data)
    told: Told = []
    code = compile_telling(data, str(path), lambda what, _, line: told.append((what, line)))
    values: dict[str, Any] = {"__name__": "user", "__file__": str(path)}
    exec(code, values)
    return told, values


@pytest.mark.parametrize(
    ("source", "kind"), [(TIME_ASKED, TIME), (RANDOM_ASKED, RANDOM), (RUNS, TIME)]
)
def test_each_line_that_asks_tells_when_it_runs(source: str, kind: str, tmp_path: Path) -> None:
    text = textwrap.dedent(source)
    told, _ = _run(text, tmp_path / "user.py")
    assert {line for _, line in told} == _marked(text)
    assert {what for what, _ in told} == {kind}
    assert may_ask(text) and may_ask(text.encode())


def test_what_does_not_ask_or_does_not_run_tells_nothing(tmp_path: Path) -> None:
    told, values = _run(textwrap.dedent(ASKS_NOTHING), tmp_path / "user.py")
    assert told == []
    values["unused"]()
    assert {what for what, _ in told} == {TIME, RANDOM}


def test_a_source_without_the_names_is_not_even_parsed() -> None:
    assert not may_ask("import time\ntime.sleep(1)\nnow = 'what is the time, now and today'\n")
    assert may_ask("import datetime\n(datetime.datetime.  # at last\n now())\n")
    assert may_ask("from time import (sleep,  # (a rest)\n time)\n")
    assert may_ask("import datetime\ndatetime.datetime.\\\n now()\n")
    assert may_ask("from random import *\n")


def test_names_of_a_star_import_tell(tmp_path: Path) -> None:
    told, _ = _run("from random import *\nrandint(1, 2)\n", tmp_path / "user.py")
    assert told == [(RANDOM, 2)]


@pytest.mark.parametrize(
    "source",
    [
        "# -*- coding: latin-1 -*-\nname = 'é'\nimport time; time.time()\n".encode("latin-1"),
        "\ufeffname = 'é'\n\nimport time; time.time()\n".encode(),
        b"name = '\xc3\xa9'\r\n\r\nimport time; time.time()\r\n",
        b"name = '\xc3\xa9'\r\rimport time; time.time()\r",
    ],
)
def test_encodings_and_line_ends_are_read_as_python_reads_them(
    source: bytes, tmp_path: Path
) -> None:
    told, values = _run(source, tmp_path / "user.py")
    assert told == [(TIME, 3)]
    assert values["name"] == "é"


TRACED = '''
"""A docstring."""
from __future__ import annotations
import datetime


def first(
    when: datetime.time = None,
) -> datetime.time:
    """Another."""
    return (datetime
            .datetime
            .now(1,
                 2, 3))


class Holder:
    """A third."""

    now = None

    def ask(self):
        return self.now.year + 1


def lost():
    return datetime.nowhere.now()
'''


@pytest.mark.parametrize("call", ["first()", "Holder().ask()", "lost()"])
def test_tracebacks_and_sources_are_those_of_the_source(call: str, tmp_path: Path) -> None:
    path = tmp_path / "user.py"
    path.write_text(TRACED)
    shown = []
    for code in (
        compile(TRACED, str(path), "exec", dont_inherit=True),
        compile_telling(TRACED.encode(), str(path), lambda *told: None),
    ):
        values: dict[str, Any] = {"__name__": "user"}
        exec(code, values)
        linecache.checkcache(str(path))
        try:
            eval(call, values)
        except Exception as error:
            assert error.__traceback__ is not None
            shown.append("".join(traceback.format_tb(error.__traceback__.tb_next)))
        assert values["__doc__"] == "A docstring."
        assert values["first"].__doc__ == "Another."
        assert values["first"].__annotations__["return"] == "datetime.time"
        assert inspect.getsource(values["lost"]) == TRACED[TRACED.index("def lost") :]
        shown.append(sorted(values))
    assert shown[:2] == shown[2:]


def test_modules_of_the_standard_library_keep_their_lines_and_names() -> None:
    folder = Path(logging.__file__).parent
    compared = 0
    for file in [*folder.glob("*.py"), *folder.parent.glob("[p-u]*.py")]:
        path, source = str(file), file.read_bytes()
        if not may_ask(source):
            continue
        original = compile(source, path, "exec", dont_inherit=True)
        telling = compile_telling(source, path, lambda *told: None)
        _assert_same(original, telling)
        assert telling != original or not references(source)
        compared += 1
    assert compared > 10


def _assert_same(one: CodeType, other: CodeType) -> None:
    for name in ("co_name", "co_filename", "co_firstlineno", "co_flags", "co_varnames"):
        assert getattr(one, name) == getattr(other, name), one
    assert one.co_freevars == other.co_freevars and one.co_cellvars == other.co_cellvars
    lines = [{line for _, line in dis.findlinestarts(code)} for code in (one, other)]
    assert lines[0] == lines[1], one
    inner = [[c for c in code.co_consts if isinstance(c, CodeType)] for code in (one, other)]
    assert len(inner[0]) == len(inner[1])
    for ours, theirs in zip(*inner, strict=True):
        _assert_same(ours, theirs)


def test_a_function_that_another_compiler_reads_is_left_alone(tmp_path: Path) -> None:
    source = textwrap.dedent(
        """
        import random
        def njit(function): return function
        @njit
        def roll(n):
            return random.random() * n
        """
    )
    told, values = _run(source, tmp_path / "user.py")
    assert [what for what, _ in told] == [RANDOM]
    plain: dict[str, Any] = {}
    exec(compile(source, str(tmp_path / "user.py"), "exec"), plain)
    for name in ("co_code", "co_consts", "co_names"):
        assert getattr(values["roll"].__code__, name) == getattr(plain["roll"].__code__, name)


def test_partitions_ask_only_where_they_follow_the_clock(tmp_path: Path) -> None:
    source = textwrap.dedent(
        """
        class Partitions:
            def get_partition_keys(self, current_time=None): return ["a"]
        class StaticPartitionsDefinition(Partitions): ...
        class TimeWindowPartitionsDefinition(Partitions): ...
        class Daily(TimeWindowPartitionsDefinition): ...
        assert StaticPartitionsDefinition().get_partition_keys() == ["a"]
        assert Daily().get_partition_keys() == ["a"]
        assert Daily().get_partition_keys(current_time=3) == ["a"]
        """
    )
    told, _ = _run(source, tmp_path / "user.py")
    assert told == [(TIME, 8)]


def test_functions_that_are_sent_to_another_process_still_run_there(tmp_path: Path) -> None:
    _, values = _run("import time\ndef ask():\n    return time.time()\n", tmp_path / "user.py")
    code = values["ask"].__code__
    sites = [c for c in code.co_consts if isinstance(c, Site)]
    assert len(sites) == 1
    there = code.replace(
        co_consts=tuple(
            pickle.loads(pickle.dumps(c)) if isinstance(c, Site) else c for c in code.co_consts
        )
    )
    assert not any(isinstance(c, Site) for c in there.co_consts)
    assert isinstance(eval(there, values), float)


def test_a_syntax_error_is_pythons_own() -> None:
    source = b"import time\ntime.time(\n"
    errors = []
    compilers: list[Callable[[], Any]] = [
        lambda: compile(source, "user.py", "exec", dont_inherit=True),
        lambda: compile_telling(source, "user.py", lambda *told: None),
    ]
    for compiled in compilers:
        with pytest.raises(SyntaxError) as caught:
            compiled()
        errors.append((caught.value.msg, caught.value.lineno, caught.value.offset))
    assert errors[0] == errors[1]


def test_references_are_found_in_a_tree_too() -> None:
    tree = ast.parse("import time\n\ntime.time()\n")
    assert references(tree) == [(TIME, 3)]
