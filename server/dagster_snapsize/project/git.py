"""What git knows of the files that the definitions were read from."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

_AT_ONCE = 500


def untracked_files(files: Sequence[str], folder: Path) -> tuple[str, ...]:
    """Those of ``files`` (absolute paths) that a commit in ``folder`` would leave out.

    Files that git ignores are not named: they are left out on purpose. Empty outside a repository
    and where there is no git.
    """
    found: list[str] = []
    below = [f for f in files if Path(f).is_relative_to(folder)]
    for start in range(0, len(below), _AT_ONCE):
        command = ["git", "ls-files", "--others", "--exclude-standard", "-z", "--"]
        try:
            listing = subprocess.run(
                [*command, *below[start : start + _AT_ONCE]],
                cwd=folder,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=30,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ()
        if listing.returncode:
            return ()
        found += [
            str(folder / name)
            for name in listing.stdout.decode("utf-8", "replace").split("\0")
            if name
        ]
    return tuple(sorted(found))
