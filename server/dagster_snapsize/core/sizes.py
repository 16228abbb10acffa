"""Sizes, shares and times: read as a user writes them, printed as a user reads them.

MB is 10**6 bytes and kB 10**3, everywhere; MiB and KiB are powers of 1024.
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal

from attrs import frozen

from dagster_snapsize.core.errors import close_names

_BYTES = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
_SECONDS = {"s": 1, "min": 60, "h": 3600}
_QUANTITY = re.compile(r"\s*(?P<number>\d[\d_,]*(?:\.\d+)?|\.\d+)\s*(?P<unit>[^\d\s].*?)?\s*")
_LONGEST = 60  # characters
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
_PERCENT = re.compile(r"\s*(\d+(?:\.\d{1,4})?)\s*%\s*")  # no comma: is "2,5" two and a half?
_MOST_SHOWN = 60  # characters of a value in a message
_MOST_SECONDS = 30 * 24 * 3600  # threads cannot wait for more than 49 days on Windows
_MILLIONTHS_OF_PERCENT = 10_000


@frozen
class Allowance:
    """How much something may grow: by millionths of what it was, or else by bytes."""

    bytes: int = 0
    millionths: int | None = None

    def of(self, size: int) -> int:
        """By how many bytes something of this size may grow."""
        return self.bytes if self.millionths is None else size * self.millionths // 1_000_000

    def __str__(self) -> str:
        if self.millionths is None:
            return format_both(self.bytes)
        return f"{Decimal(self.millionths) / _MILLIONTHS_OF_PERCENT:f} %"


def parse_size(value: object) -> int:
    """Bytes from ``"80 MB"``, ``"1.5 GB"``, ``"64KiB"`` or a whole number of bytes.

    Raises ValueError with one sentence that names what cannot be read and, where one is near, a
    unit to use instead.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise ValueError(f"a size cannot be negative, and {value} is")
        return value
    if isinstance(value, float):
        raise ValueError(
            f'{value} is not a whole number of bytes; write it with a unit, like "80 MB"'
        )
    if not isinstance(value, str):
        raise ValueError(f'{_shown(value)} is not a size; write a number and a unit, like "80 MB"')
    size = _quantity(value, _BYTES, "B", 'a size; write a number and a unit, like "80 MB"')
    return int(size.to_integral_value(ROUND_HALF_UP))


def parse_allowance(value: object) -> Allowance:
    """What may be added to a size, from ``"5 %"`` of it or ``"500 kB"``.

    Raises ValueError as above.
    """
    if isinstance(value, float):
        raise ValueError(f'{value} is neither a share nor a size; write "5 %" or "500 kB"')
    if not isinstance(value, str) or not value.rstrip().endswith("%"):
        return Allowance(parse_size(value))
    return parse_share(value)


def parse_share(value: object) -> Allowance:
    """What may be added to a size or a time, from ``"5 %"`` of it.

    Raises ValueError as above.
    """
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if not found:
        shown = f'"{value}"' if isinstance(value, str) else _shown(value)
        raise ValueError(f'{shown} is not a share; write it like "5 %" or "2.5 %"')
    return Allowance(millionths=int(Decimal(found[1]) * _MILLIONTHS_OF_PERCENT))


def parse_seconds(value: object) -> float:
    """Seconds from ``"300 s"``, ``"5 min"``, ``"1 h"`` or a number, up to 30 days.

    Raises ValueError as above.
    """
    seconds = _seconds(value)
    if seconds > _MOST_SECONDS:
        raise ValueError(f"{_shown(value)} is longer than 30 days (720 h)")
    return seconds


def _seconds(value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not math.isfinite(value) or value < 0:
            raise ValueError(f'{value} is not a time; write seconds, like "300 s"')
        return float(value)
    if not isinstance(value, str):
        raise ValueError(f'{_shown(value)} is not a time; write seconds, like "300 s"')
    wanted = 'a time; write seconds or minutes, like "300 s" or "5 min"'
    return float(_quantity(value, _SECONDS, "s", wanted))


def _quantity(text: str, units: dict[str, int], default: str, wanted: str) -> Decimal:
    found = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    if not found:
        shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
        raise ValueError(f'"{shown}" is not {wanted}')
    number, written = found["number"], found["unit"] or default
    # Case does not matter: there are no millibytes to confuse "80 mb" with.
    unit = next((name for name in units if name.casefold() == written.casefold()), None)
    if unit is None:
        near = close_names(written, units)
        guess = f'; did you mean "{number} {near[0]}"?' if near else ""
        raise ValueError(f'"{text}" has no unit known here ({", ".join(units)}){guess}')
    return _decimal(text, number, unit) * units[unit]


def _decimal(text: str, number: str, unit: str) -> Decimal:
    """The number; commas may group thousands where nobody can take one for a decimal comma."""
    plain = number.replace(",", "")
    if "," in number:
        is_grouped = _THOUSANDS.fullmatch(number)
        may_be_decimal = number.count(",") == 1 and "." not in number
        if may_be_decimal and not (is_grouped and unit == "B"):
            point = number.replace(",", ".")
            raise ValueError(
                f'"{text}" may be {plain} {unit} or {point} {unit}; write it without a comma'
            )
        if not is_grouped:
            raise ValueError(f'"{text}" has a comma in the wrong place; leave the commas out')
    return Decimal(plain.replace("_", ""))


def _shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."


def format_size(size: int) -> str:
    """``10.3 MB``, ``80 MB``: decimal units, exact below 1,000 bytes; ``-1.2 kB`` for a difference.

    vscode-extension/shared/format.ts writes sizes and shares in the same way.
    """
    sign, size = ("-", -size) if size < 0 else ("", size)
    if size < 1000:
        return f"{sign}{size} B"
    for unit in ("kB", "MB", "GB"):
        tenths = (size * 10 + _BYTES[unit] // 2) // _BYTES[unit]
        if tenths < 10_000 or unit == "GB":
            return f"{sign}{_from_tenths(tenths)} {unit}"
    raise AssertionError("every size has a unit")


def format_growth(size: int) -> str:
    """``+1.2 kB``, ``-12 B``, ``0 B``."""
    return f"+{format_size(size)}" if size > 0 else format_size(size)


def _from_tenths(tenths: int) -> str:
    """``10.3``, ``80``, ``1,234``."""
    return f"{tenths // 10:,}" + (f".{tenths % 10}" if tenths % 10 else "")


def format_exact(size: int) -> str:
    """``12,345 bytes``."""
    return f"{size:,} byte" if abs(size) == 1 else f"{size:,} bytes"


def format_both(size: int) -> str:
    """``10.3 MB (10,312,345 bytes)``, and ``812 bytes`` where the exact number is short anyway."""
    return format_exact(size) if abs(size) < 1000 else f"{format_size(size)} ({format_exact(size)})"


def format_percent(part: float, whole: float) -> str:
    """``2.3 %``, ``87 %``; above 0 never printed as 0, nor beside the whole as 100 %."""
    if whole <= 0:
        return "0 %" if part <= 0 else "over 100 %"
    sign, share = ("-" if part < 0 else "", abs(100 * part / whole))
    tenths = math.floor(share * 10 + 0.5)
    if share and not tenths:
        return f"{sign}<0.1 %"
    text = _from_tenths(tenths if tenths < 100 else math.floor(share + 0.5) * 10)
    if text == "100" and share != 100:
        return f"{sign}{'<' if share < 100 else '>'}100 %"
    return f"{sign}{text} %"


def format_seconds(seconds: float) -> str:
    """``0.42 s``, ``12.3 s``, ``3 min 20 s``."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 100:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def counted(number: int, noun: str) -> str:
    """``1 more job``, ``1,200 assets``, ``3 key prefixes``, ``4 dependencies``."""
    if number == 1:
        return f"{number:,} {noun}"
    if noun.endswith("y"):
        return f"{number:,} {noun[:-1]}ies"
    return f"{number:,} {noun}{'es' if noun.endswith('x') else 's'}"
