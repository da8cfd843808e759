"""Sizes of files, as people write them."""

from __future__ import annotations

import math
import re

from gibbsweep.errors import UserError

_UNITS = {"": 1, "B": 1, "BYTES": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
UNLIMITED = "none"
"""The text for no limit."""


def parse_size(text: str) -> int | None:
    """Bytes of a text such as ``20GB``, ``1.5 TB`` or ``500000``; None for ``none``. Raises UserError for any other
    text."""
    if text.strip().lower() == UNLIMITED:
        return None
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if match is None or match[2].upper() not in _UNITS or float(match[1]) <= 0:
        raise UserError(
            f"--disk takes a number of bytes, KB, MB, GB or TB: got {text!r}; for example --disk 20GB, or none for no "
            "quota."
        )
    return round(float(match[1]) * _UNITS[match[2].upper()])


def size_text(size: float) -> str:
    """``size`` bytes in three digits and a unit, such as 1.25GB.

    One word that ``--disk`` takes and people type, unlike those of ``rich.filesize`` ("999 bytes", "20.0GB").
    """
    for unit in ("TB", "GB", "MB", "KB"):
        if size >= _UNITS[unit]:
            return (
                f"{size / _UNITS[unit]:.3g}{unit}"
                if size < 999.5 * _UNITS[unit]
                else f"{size / _UNITS[unit]:.0f}{unit}"
            )
    return f"{size:.0f}B"


def round_up(size: float) -> int:
    """The least number of two digits and zeros that is at least ``size``."""
    if size <= 0:
        return 0
    digit = int(10 ** max(0, math.floor(math.log10(size)) - 1))
    return math.ceil(size / digit) * digit
