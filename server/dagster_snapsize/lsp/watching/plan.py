"""Which folders a file watcher is put on: few, and never on environments or repositories.

A watch costs a thread, and on Linux one of a limited number of inotify watches for each folder
below it. So a watch includes the folders below only where nearly all of them are wanted.
"""

# Paths are plain strings here: they are compared by the thousand.
# ruff: noqa: PTH112, PTH114, PTH118, PTH120

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise

from attrs import frozen

from dagster_snapsize.lsp.watching.dependencies import WatchList
from dagster_snapsize.lsp.watching.disk import Disk, resolved
from dagster_snapsize.project.layout import is_environment, source_folders

# Folders that a watch may include though nobody asked for them.
_SPARE = 32
# Of what is mounted with these, the system does not tell what others change.
_REMOTE = re.compile(
    r"nfs\d?|cifs|smbfs|smb\d|9p|afs|ceph|lustre|beegfs|glusterfs|virtiofs|vboxsf|drvfs|fakeowner"
    r"|fuse\.(sshfs|rclone|s3fs|gcsfuse|glusterfs|smbnetfs|davfs2?|curlftpfs|osxfs|grpcfuse)|davfs"
)


@frozen
class Root:
    """A folder to watch, and whether those below it are included."""

    path: str
    recursive: bool


@frozen
class Plan:
    """What is watched; all folders without links.

    ``needed`` are the folders whose entries are wanted, ``growing`` those of them whose new
    subfolders are wanted too, and ``awaited`` those that are not there yet. ``links`` are the links
    on the way to them, and ``targets`` the folder that each wanted one is.
    """

    needed: frozenset[str]
    growing: frozenset[str]
    awaited: frozenset[str]
    links: frozenset[str]
    targets: Mapping[str, str]

    def above(self) -> frozenset[str]:
        """The folders that have needed ones below them."""
        found: set[str] = set()
        for folder in self.needed:
            place = os.path.dirname(folder)
            while place not in found:
                found.add(place)
                place = os.path.dirname(place)
        return frozenset(found)


def plan(wanted: WatchList, disk: Disk) -> Plan:
    """What ``wanted`` means on this disk, now. A folder that is missing is awaited above it."""
    needed: set[str] = set()
    growing: set[str] = set()
    links: set[str] = set()
    awaited: set[str] = set()
    targets: dict[str, str] = {}

    def need(folder: str) -> str:
        place, missing = folder, ""
        while not os.path.isdir(place) and os.path.dirname(place) != place:
            place, missing = os.path.split(place)
        real = os.path.realpath(place)
        if missing:
            awaited.add(os.path.join(real, missing))
        if real != folder:
            links.update(_links_to(folder))
        targets[folder] = real
        needed.add(real)
        return real

    trees = set(wanted.trees)
    for folder in wanted.folders | wanted.growing:
        need(folder)
    for folder in wanted.growing:
        if os.path.isdir(folder):
            growing.add(targets[folder])
        for place in (os.path.join(folder, name) for name in disk.scan(folder)[0]):
            if place not in wanted.known and place not in wanted.growing:
                trees.add(place)
    for tree in trees:
        need(tree)
        if os.path.isdir(tree):
            for place, _ in disk.walk(tree):
                growing.add(need(place))
    return Plan(
        frozenset(needed), frozenset(growing), frozenset(awaited), frozenset(links), targets
    )


def _links_to(folder: str) -> Iterator[str]:
    place = folder
    while os.path.dirname(place) != place:
        if os.path.islink(place):
            yield resolved(place)
        place = os.path.dirname(place)


def few_roots(planned: Plan) -> tuple[Root, ...]:
    """The fewest watches that see all that is needed, and little else."""
    children: dict[str, set[str]] = defaultdict(set)
    tops = set()
    for folder in planned.needed:
        way = [folder]
        while os.path.dirname(way[-1]) != way[-1] and (
            way[-1] == folder or way[-1] not in planned.needed
        ):
            way.append(os.path.dirname(way[-1]))
        if way[-1] == folder or way[-1] not in planned.needed:
            tops.add(folder)
            continue
        for below, above in pairwise(way):
            children[above].add(below)
    roots: list[Root] = []
    for top in sorted(tops):
        _cover(top, planned, children, roots)
    return tuple(roots)


def _cover(folder: str, planned: Plan, children: Mapping[str, set[str]], roots: list[Root]) -> None:
    below = children.get(folder, set())
    wants_more = bool(below) or folder in planned.growing
    if wants_more and _can_include(folder, 2 * _count(folder, planned, children) + _SPARE):
        roots.append(Root(folder, recursive=True))
        return
    if folder in planned.needed:
        roots.append(Root(folder, recursive=False))
    for child in sorted(below):
        _cover(child, planned, children, roots)


def _count(folder: str, planned: Plan, children: Mapping[str, set[str]]) -> int:
    count, waiting = 0, [folder]
    while waiting:
        place = waiting.pop()
        count += place in planned.needed
        waiting += children.get(place, ())
    return count


def _can_include(folder: str, at_most: int) -> bool:
    """Whether all folders below are sources, and no more than that."""
    count, waiting = 0, [folder]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as entries:
                names = {e.name: e.is_dir(follow_symlinks=False) for e in entries}
        except OSError:
            continue
        folders = [name for name, is_dir in names.items() if is_dir]
        wanted = [name for name in folders if name != "__pycache__"]
        count += len(folders)
        if count > at_most or is_environment(names) or source_folders(wanted, names) != wanted:
            return False
        waiting += [os.path.join(place, name) for name in folders]
    return True


def poll_roots(planned: Plan) -> tuple[Root, ...]:
    """The topmost of the needed folders; a poller sees to itself what it looks at below them."""
    above = planned.needed
    tops = []
    for folder in planned.needed:
        place = os.path.dirname(folder)
        while place not in above and os.path.dirname(place) != place:
            place = os.path.dirname(place)
        if place not in above or place == folder:
            tops.append(folder)
    return tuple(Root(folder, recursive=True) for folder in sorted(tops))


def is_remote(folder: str, mounts: str) -> bool:
    """Whether ``folder`` is on a network mount, by the text of ``/proc/mounts``."""
    found, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[1])
        inside = folder == point or folder.startswith(point.rstrip("/") + "/")
        # Of two on one point the later one covers the earlier.
        if inside and len(point) >= len(found):
            found, kind = point, fields[2]
    return bool(_REMOTE.fullmatch(kind))
