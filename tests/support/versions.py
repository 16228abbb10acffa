"""Tests on every supported Dagster: a few versions in each run, the others in the matrix."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from support.environments import NEWEST, OLDEST, SUPPORTED


def every_version(group: str = "", *, always: Collection[str] = (NEWEST, OLDEST)) -> list[Any]:
    """The supported versions as parameters; all but ``always`` are marked ``matrix``.

    With ``group``, the tests of one version stay on one worker, which makes what they share once.
    """
    return [
        pytest.param(
            version,
            id=version,
            marks=[
                *([] if version in always else [pytest.mark.matrix]),
                *([pytest.mark.xdist_group(f"{group}-{version}")] if group else []),
            ],
        )
        for version in SUPPORTED
    ]
