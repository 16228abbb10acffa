"""The path of the project itself in its snapshots: in another folder they are of another size.

Code references hold it, and settings of resources that lead to files. Whoever compares sizes of two
checkouts leaves it out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from dagster_snapsize.core.model import Ledger, Owner


def path_pattern(paths: Iterable[str]) -> re.Pattern[bytes]:
    """What finds these paths, absolute ones, in a serialized snapshot, and in JSON inside of it.

    ``/srv/shop`` is not found in ``/srv/shops``.
    """
    written = {path for path in paths if len(path) > 1}
    once = {json.dumps(path)[1:-1] for path in written}
    twice = {json.dumps(path)[1:-1] for path in once}
    longest_first = sorted(once | twice, key=lambda path: (-len(path), path))
    any_of = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<![\w.-])(?:{any_of})(?![\w.-])".encode("ascii") if any_of else rb"(?!)")


def paths_in(ledger: Ledger, bare: Ledger) -> Mapping[Owner, Mapping[str, int]]:
    """By owner and field the bytes of the path, from the ledgers with it and without it.

    Nothing of it where a name has it too: then the two ledgers are of other owners.
    """
    found: dict[Owner, dict[str, int]] = {}
    for owner, fields in ledger.owners.items():
        without = bare.owners.get(owner)
        if without is None:
            return {}
        for name, share in fields.items():
            less = without.get(name)
            if less is None:
                return {}
            size = share.bytes - less.bytes
            if size:
                found.setdefault(owner, {})[name] = size
    total = sum(size for fields in found.values() for size in fields.values())
    return found if total == ledger.stored_bytes - bare.stored_bytes else {}
