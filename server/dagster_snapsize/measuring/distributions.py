"""Which distribution an installed module belongs to, and its version.

Read from the folders of the user's interpreter, without running it.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import Distribution, distributions

_NAME = re.compile(r"[\w.-]+")
# What a package needs for its own tests and documentation, and never imports by itself.
_DEVELOPMENT = re.compile(r"""extra *== *["'](tests?|testing|dev|docs?)\b""")


class InstalledDistributions:
    """The distributions in these folders, those of ``sys.path``."""

    def __init__(self, folders: Iterable[str]):
        # Longest first: a folder of packages is often inside of the library's.
        self._folders = sorted(dict.fromkeys(folders), key=len, reverse=True)
        self._in = cache(self._by_top)
        self._files = cache(_files)
        self._named = cache(_name_and_version)  # metadata is parsed at every access
        self._found: dict[str, Distribution] = {}

    def of(self, path: str) -> tuple[str, str | None] | None:
        """The name and version of the distribution; None for the standard library.

        A package that no distribution has listed has its own name, and no version.
        """
        for folder in self._folders:
            inside = path[len(folder) + 1 :]
            if path == os.path.join(folder, inside) and self._in(folder):  # noqa: PTH118
                return self._of(self._in(folder), inside.replace(os.sep, "/"))
        return None

    def requires(self, name: str) -> list[str]:
        """The distributions that one of those found requires, as they are named.

        Those of its extras too, which some packages import where they are installed.
        """
        texts = self._found[name].requires or () if name in self._found else ()
        needed = (text for text in texts if not _DEVELOPMENT.search(text))
        wanted = {_canonical(match[0]) for text in needed if (match := _NAME.match(text))}
        return sorted(other for other in self._found if _canonical(other) in wanted)

    def _of(self, by_top: Mapping[str, list[Distribution]], path: str) -> tuple[str, str | None]:
        top = _top(path)
        found = by_top.get(top, [])
        if len(found) > 1:  # a namespace, such as `google`
            found = [one for one in found if f"\n{path}," in f"\n{self._files(one)}"] or found
        for one in found:
            name, version = self._named(one)
            self._found[name or top] = one
            return (name or top, version)
        return (top, None)

    def _by_top(self, folder: str) -> dict[str, list[Distribution]]:
        """The distributions in a folder by the packages and modules that they have."""
        found: defaultdict[str, list[Distribution]] = defaultdict(list)
        for one in distributions(path=[folder]):
            for top in {_top(line.partition(",")[0]) for line in self._files(one).splitlines()}:
                found[top].append(one)
        return found


def _name_and_version(one: Distribution) -> tuple[str, str]:
    metadata = one.metadata
    return metadata["Name"], metadata["Version"]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _top(path: str) -> str:
    first, slash, _ = path.partition("/")
    return first if slash else first.partition(".")[0]


def _files(one: Distribution) -> str:
    """A line for each file, relative to its folder, with a comma after it."""
    record = one.read_text("RECORD")
    if record is None:
        names = one.read_text("top_level.txt") or ""
        record = "".join(f"{name}/,\n" for name in names.split())
    return record
