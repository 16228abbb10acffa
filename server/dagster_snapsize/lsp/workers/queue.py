"""Lets a few projects measure at a time, the one that the user looks at before the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_AT_ONCE = 2


class MeasurementQueue:
    """The turns of all projects of a server; ``first`` is the folder of the one to prefer."""

    def __init__(self, first: Callable[[], str | None] = lambda: None):
        self._first = first
        self._free = _AT_ONCE
        self._waiting: dict[asyncio.Future[None], str] = {}

    async def enter(self, folder: str) -> None:
        """Wait until the project in ``folder`` may measure; ``leave`` follows, unless cancelled."""
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting[turn] = folder
        try:
            await turn
        except asyncio.CancelledError:
            if self._waiting.pop(turn, None) is None:
                self.leave()  # its turn had just come
            raise

    def leave(self) -> None:
        """A project has measured: it is the turn of the preferred one, else of the longest wait."""
        first = self._first()
        for turn in sorted(self._waiting, key=lambda turn: self._waiting[turn] != first):
            del self._waiting[turn]
            if not turn.done():  # one that is cancelled at this moment
                turn.set_result(None)
                return
        self._free += 1
