"""How much may be sent per minute, as providers advertise it in the headers of their answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from contractcheck.model.plan import RateLimits
from contractcheck.providers.rate_headers import read_rate_headers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contractcheck.providers.rate_headers import RateWindow, Unit

_MINUTE_S: Final = 60.0
_LONGEST_PERIOD_S: Final = 3600.0
"""What counts for a day or a month is a budget: it bounds no session's pace."""


def advertised_limits(headers: Iterable[tuple[str, str]], provider: str = "") -> RateLimits:
    """Read the limits that an answer's headers name; None where they name none.

    Args:
        headers: Names (any case) and values; what is no positive number is passed over.
        provider: Who sent them.
    """
    # When a window is full again plays no part here, so any time does.
    no_time = datetime.min.replace(tzinfo=UTC)
    windows = read_rate_headers(tuple(headers), now=no_time, provider=provider).windows
    requests, tokens = _smallest(windows, "requests"), _smallest(windows, "tokens")
    told = requests is not None or tokens is not None
    return RateLimits(
        requests_per_minute=requests,
        tokens_per_minute=tokens,
        source="headers of the recorded answers" if told else "",
    )


def _smallest(windows: Iterable[RateWindow], unit: Unit) -> float | None:
    return min(
        (
            window.limit * _MINUTE_S / window.period_s
            for window in windows
            if window.unit == unit
            and window.limit is not None
            and window.period_s <= _LONGEST_PERIOD_S
        ),
        default=None,
    )
