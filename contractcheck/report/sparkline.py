"""A row of numbers as a row of blocks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
_FLAT = BLOCKS[3]
_GAP = "·"


def sparkline(
    values: Sequence[float | None], *, low: float | None = None, high: float | None = None
) -> str:
    """Draw numbers as blocks, one character each; what is missing is a dot.

    Args:
        values: Numbers; None, NaN and infinite ones are missing.
        low: Value of the lowest block; the least value when None.
        high: Value of the highest block; the largest value when None.

    Returns:
        As many characters as there are values; values beyond ``low`` and ``high`` are cut.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    least = min(known, default=0.0) if low is None else low
    most = max(known, default=0.0) if high is None else high
    return "".join(_block(value, least, most) for value in values)


def _block(value: float | None, low: float, high: float) -> str:
    if value is None or not math.isfinite(value):
        return _GAP
    if not high > low:
        return _FLAT
    # Each divided first: the difference of two very large numbers is infinite.
    width = high / 2 - low / 2
    share = (value / 2 - low / 2) / width if width > 0 else 0.5
    place = math.floor(min(max(share, 0.0), 1.0) * len(BLOCKS))
    return BLOCKS[min(place, len(BLOCKS) - 1)]
