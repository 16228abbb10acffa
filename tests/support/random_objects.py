"""Run in a Dagster's own interpreter: random objects of every class that it serializes.

    python random_objects.py PROBE_FOLDER SEED COUNT

Makes ``COUNT`` objects of each class, without its constructor and so with values of any kind in any
field, and compares what the packer makes of each with ``serialize_value``: the same text, or an
error of the same kind. Prints how many were compared, and how many classes have a function of their
own, as JSON.
"""

from __future__ import annotations

import collections
import importlib.util
import json
import random
import sys
import types
import warnings
from collections.abc import Callable
from typing import Any

warnings.simplefilter("ignore")
FOLDER, SEED, COUNT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

import dagster  # noqa: E402
import dagster._grpc.server  # noqa: E402

spec = importlib.util.spec_from_file_location(
    "probe", FOLDER + "/__init__.py", submodule_search_locations=[FOLDER]
)
assert spec is not None
sys.modules["probe"] = importlib.util.module_from_spec(spec)
shortcuts: Any = importlib.import_module("probe.fastpath")

dice = random.Random(SEED)
installed = shortcuts.install()
assert not installed.unknown, installed.unknown
packer = installed.packer
serdes = packer._serdes.module
known = serdes._WHITELIST_MAP
tuples = [
    serializer.klass
    for serializer in known.object_serializers.values()
    if issubclass(serializer.klass, tuple) and hasattr(serializer.klass, "_fields")
]
enums = [serializer.klass for serializer in known.enum_serializers.values()]


class Words(str):
    """A text of another class."""


def text() -> str:
    letters = 'ab "\\/\n\t\x00\x7fé漢😀\ud800</script>'
    return "".join(dice.choice(letters) for _ in range(dice.randrange(6)))


def scalar() -> Any:
    makers: list[Callable[[], Any]] = [
        lambda: None,
        lambda: dice.random() < 0.5,
        lambda: dice.randrange(-(10**20), 10**20),
        lambda: dice.choice([0.0, -0.0, 1e300, 1.5, float("nan"), float("inf"), float("-inf")]),
        text,
        lambda: Words(text()),
        lambda: dice.choice(list(dice.choice(enums))),
    ]
    return dice.choice(makers)()


def value(depth: int) -> Any:
    if depth == 0 or dice.random() < 0.4:
        return scalar()
    size = dice.randrange(4)
    makers: list[Callable[[], Any]] = [
        lambda: [value(depth - 1) for _ in range(size)],
        lambda: tuple(value(depth - 1) for _ in range(size)),
        lambda: {text(): value(depth - 1) for _ in range(size)},
        lambda: {dice.choice([1, 2.5, None, True, "a"]): scalar() for _ in range(size)},
        lambda: {Words(text()): scalar() for _ in range(size)},
        lambda: collections.OrderedDict((text(), value(depth - 1)) for _ in range(size)),
        lambda: types.MappingProxyType({text(): value(depth - 1) for _ in range(size)}),
        lambda: {text() for _ in range(size)},
        lambda: frozenset(dice.randrange(9) for _ in range(size)),
        lambda: collections.deque([1]),
        lambda: made(dice.choice(tuples), depth - 1),
        lambda: dagster.AssetKey([text() or "a", "b"]),
        lambda: dagster.TableSchema(columns=[dagster.TableColumn(text() or "c", text())]),
        lambda: dagster.MetadataValue.json({text(): text()}),
        lambda: {text(): dagster.MetadataValue.text(text()) for _ in range(size)},
        lambda: object() if dice.random() < 0.05 else None,
    ]
    return dice.choice(makers)()


def made(cls: Any, depth: int) -> Any:
    return tuple.__new__(cls, [value(depth) for _ in cls._fields])


def outcome(serialize: Callable[[Any], str], thing: Any) -> Any:
    try:
        return serialize(thing)
    except Exception as error:
        return type(error)


compared = 0
for cls in tuples:
    for _ in range(COUNT):
        thing = made(cls, 3)
        ours, dagsters = outcome(packer.serialize, thing), outcome(packer.own, thing)
        if ours != dagsters:
            sys.exit(
                f"seed {SEED}, {cls.__name__}:\n{ours!r:.2000}\ninstead of\n{dagsters!r:.2000}"
            )
        compared += isinstance(ours, str)
own_functions = sum(packer[cls] != packer._own for cls in tuples)
print(json.dumps({"compared": compared, "classes": len(tuples), "packed": own_functions}))
