"""Which environment variables the user's code asks for by name.

The cache leaves out variables that say who started a process, unless the code asks for them.
"""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any, Dict, Iterator, List, Optional, Set

from .audit import IMPORTS
from .user_files import UserFiles


class VariableLog(Dict[Any, Any]):
    """What is behind ``os.environ``, with a note of each name that was asked for.

    Whoever copies all variables, as for a process that is started later, asks for none of them.
    """

    def __init__(self, files: UserFiles):
        environ: Any = os.environ
        super().__init__(environ._data)
        self._files = files
        self._asked: Set[Any] = set()
        self._copied: Iterator[Any] = iter(())
        environ._data = self
        if os.supports_bytes_environ:
            os.environb._data = self  # type: ignore[attr-defined]

    def names(self) -> List[str]:
        """The variables that the user's code asked for, whether they are set or not."""
        return sorted(map(os.fsdecode, self._asked))

    def __iter__(self) -> Iterator[Any]:
        self._copied = super().__iter__()
        return super().__iter__()

    def __getitem__(self, name: Any) -> Any:
        if name not in self._asked and name != self._next_of_copy() and self._is_asked_by_user():
            self._asked.add(name)
        return super().__getitem__(name)

    def _next_of_copy(self) -> Any:
        try:
            return next(self._copied, None)
        except RuntimeError:  # a variable was set in the meantime
            return None

    def _is_asked_by_user(self) -> bool:
        """Whether the user's code is below, and not the import of an installed module."""
        frame: Optional[FrameType] = sys._getframe(2)
        while frame is not None:
            file = frame.f_code.co_filename
            if self._files.is_users(file):
                return True
            if file.startswith(IMPORTS):
                return False
            frame = frame.f_back
        return False
