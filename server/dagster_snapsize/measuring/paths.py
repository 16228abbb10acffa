"""The paths of a measurement: spelled as the project was opened, and relative to a folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path, PurePath

from attrs import evolve

from dagster_snapsize.core.model import LoadTime, Measurement, SourceLocation, TimeNode


def spelled_in(tree: Path) -> Callable[[str], str]:
    """Gives absolute paths of files in ``tree`` the spelling in which it was opened.

    A project may be opened through a symbolic link, and import its code by the real path, or the
    other way round. Links inside of the tree are kept.
    """
    own, real = os.path.join(tree, ""), os.path.join(os.path.realpath(tree), "")  # noqa: PTH118

    @cache
    def spelled(path: str) -> str:
        if path.startswith(own):
            return path
        found = os.path.realpath(path)
        return own + found[len(real) :] if found.startswith(real) else path

    return spelled


def relocated(measurement: Measurement, folder: Path) -> Measurement:
    """The measurement with every path that lies below ``folder`` relative to it.

    ``inputs`` keep their absolute paths: they are looked up on disk, not shown.
    """
    return _Relocation(folder).measurement(measurement)


def shown_path(path: str, folder: Path) -> str:
    """One path, with forward slashes: relative where it lies below ``folder``."""
    try:
        return PurePath(path).relative_to(folder).as_posix()
    except ValueError:
        return PurePath(path).as_posix()


class _Relocation:
    """Makes each path relative once: thousands of assets are defined in few files."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._known: dict[str, str] = {}

    def measurement(self, whole: Measurement) -> Measurement:
        failure = whole.failure
        return evolve(
            whole,
            assets=tuple(
                evolve(asset, location=self._place(asset.location)) if asset.location else asset
                for asset in whole.assets
            ),
            definition_files=self._paths(whole.definition_files),
            folders=self._paths(whole.folders),
            untracked_files=self._paths(whole.untracked_files),
            definitions_location=self._place(whole.definitions_location),
            stale_inputs=tuple(
                evolve(stale, path=self._path(stale.path), sources=self._paths(stale.sources))
                for stale in whole.stale_inputs
            ),
            ignores=tuple(
                evolve(comment, location=self._must_place(comment.location))
                for comment in whole.ignores
            ),
            metadata_readers=tuple(
                evolve(reader, location=self._must_place(reader.location))
                for reader in whole.metadata_readers
            ),
            load_time=self._load_time(whole.load_time),
            failure=evolve(failure, location=self._place(failure.location)) if failure else None,
        )

    def _path(self, path: str) -> str:
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = shown_path(path, self._folder)
        return known

    def _load_time(self, load_time: LoadTime | None) -> LoadTime | None:
        """Stacks keep the paths of what is installed, and those below the folder change too."""
        if load_time is None:
            return None
        moved = cache(
            lambda entry: evolve(entry, path=self._path(entry.path)) if entry.path else entry
        )
        return evolve(
            load_time,
            owners=tuple(
                evolve(owner, location=self._place(owner.location)) for owner in load_time.owners
            ),
            tree=self._time_node(load_time.tree),
            stacks=tuple(
                evolve(stack, entries=tuple(map(moved, stack.entries)))
                for stack in load_time.stacks
            ),
        )

    def _time_node(self, node: TimeNode) -> TimeNode:
        children = tuple(map(self._time_node, node.children))
        return evolve(node, location=self._place(node.location), children=children)

    def _paths(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(self._path, paths))

    def _place(self, place: SourceLocation | None) -> SourceLocation | None:
        return self._must_place(place) if place else None

    def _must_place(self, place: SourceLocation) -> SourceLocation:
        return SourceLocation(self._path(place.path), place.line)
