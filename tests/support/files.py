"""Files that tests write."""

from __future__ import annotations

from pathlib import Path


def write(path: Path, text: str = "") -> Path:
    """Write a text, and the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
