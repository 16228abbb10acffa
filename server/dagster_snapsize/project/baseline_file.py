"""The file that holds the sizes of a project to compare with: ``snapsize-baseline.jsonl``."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from dagster_snapsize.core.baseline import RENEW, Baseline, with_path
from dagster_snapsize.core.baseline_text import UnreadableBaseline, from_text, to_text
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.project.files.toml_document import read_file

NAME = "snapsize-baseline.jsonl"


class DamagedBaseline(UserError):
    """A baseline that cannot be read; nothing is lost when it is written again."""


def read_baselines(root: Path) -> dict[str, Baseline]:
    """The baselines of the project in ``root`` by location; empty where there is no such file.

    Raises DamagedBaseline for one that cannot be read, as after a merge, and UserError for what is
    not a file, cannot be opened, or was written by a newer version.
    """
    path = root / NAME
    text = _text(path)
    if text is None:
        return {}
    try:
        return with_path(from_text(text), str(path))
    except UnreadableBaseline as wrong:
        kind = DamagedBaseline if wrong.is_damaged else UserError
        raise kind(str(wrong), wrong.hint, path=str(path), line=wrong.line) from None


def _text(path: Path) -> str | None:
    """The text, None without a file. Bytes that are not UTF-8 are escaped: no line has any."""
    try:
        return read_file(path).decode("utf-8-sig", "backslashreplace")
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"{NAME} cannot be read: {reason}", path=str(path)) from error


def write_baselines(root: Path, baselines: Mapping[str, Baseline]) -> bool:
    """Write the file as a whole, or not at all; False where its content was the same already.

    Raises UserError where it cannot be written, or is a link to no baseline of the project.
    """
    path = root / NAME
    _check_link(path)
    text = to_text(baselines)
    try:
        # git may have checked it out with the line ends of Windows: those are not ours to change.
        if path.is_file() and path.read_text(encoding="utf-8-sig", errors="replace") == text:
            return False
        _replace(path, text.encode("ascii"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"{NAME} was not written: {reason}", path=str(path)) from error
    return True


def _check_link(path: Path) -> None:
    """Whoever makes the link need not be who writes through it."""
    if not path.is_symlink():
        return
    target = Path(os.path.realpath(path))
    why = None
    if not target.is_relative_to(os.path.realpath(path.parent)):
        why = "outside the project"
    elif text := _text(target):
        try:
            from_text(text)
        except UnreadableBaseline:
            why = "which is no baseline"
    if why:
        hint = f"Replace the link by a file: remove it and run `{RENEW}`."
        message = f"{NAME} was not written: it is a link to {target}, {why}"
        raise UserError(message, hint, path=str(path))


def _replace(path: Path, content: bytes) -> None:
    """Through a file beside it, with the mode of the old one; a link stays a link."""
    target = Path(os.path.realpath(path))
    new = target.with_name(f".{NAME}.{secrets.token_hex(4)}~")
    try:
        with new.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            new.chmod(target.stat().st_mode & 0o777)
        new.replace(target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
