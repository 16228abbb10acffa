"""The path of the project itself in its snapshots: in another folder they are of another size.

Code references hold it, and settings of resources that lead to files. Whoever compares sizes of two
checkouts leaves it out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from attrs import frozen

from dagster_snapsize.core.model import Ledger, Owner

_INSIDE = re.compile(rb"[\w.-]")


@frozen
class ProjectPath:
    """What leaves the path of a project out of texts, as written there and in JSON inside of them.

    ``/srv/shop`` is no part of ``/srv/shops``, nor of ``/mnt/srv/shop``.
    """

    _written: tuple[bytes, ...]
    _pattern: re.Pattern[bytes]

    @classmethod
    def of(cls, paths: Iterable[str]) -> ProjectPath:
        """``paths`` are absolute, and all lead to the project."""
        once = {json.dumps(path)[1:-1] for path in paths if len(path) > 1}
        twice = {json.dumps(path)[1:-1] for path in once}
        # Longest first. What comes before is looked at later: a pattern that begins with a text
        # is searched for ten times as fast as any other.
        written = sorted((path.encode("ascii") for path in once | twice), key=len, reverse=True)
        pattern = rb"(?:%s)(?![\w.-])" % b"|".join(map(re.escape, written))
        return cls(tuple(written), re.compile(pattern))

    def removed_from(self, text: bytes) -> bytes:
        """The text without the path; the very text where it does not have it."""
        if not any(written in text for written in self._written):
            return text
        return self._pattern.sub(self._replacement, text)

    @staticmethod
    def _replacement(found: re.Match[bytes]) -> bytes:
        before = found.string[max(0, found.start() - 1) : found.start()]
        return found[0] if _INSIDE.match(before) else b""


def project_path_bytes(ledger: Ledger, bare: Ledger) -> Mapping[Owner, Mapping[str, int]]:
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
