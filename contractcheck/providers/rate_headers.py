"""What the headers of an answer say about sending more: windows and waits.

Everything here was sent by a stranger: what is absurd (negative, endless, not a number, a date
long past) is passed over, and no wait is longer than ``LONGEST_WAIT_S``.

Sources, as of 2026-11: OpenAI rate-limit guide ("Rate limits in headers"), Azure OpenAI quota
page, Groq rate-limit page ("Rate Limit Headers", https://console.groq.com/docs/rate-limits),
Anthropic rate-limit page ("Response headers"), answers of Mistral and Cohere, OpenRouter's API
limits page, draft-ietf-httpapi-ratelimit-headers-06, RFC 9110 section 10.2.3 (Retry-After)
and 5.6.7 (dates); ``retry-after-ms`` as the SDKs of OpenAI and Anthropic read it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST_WAIT_S: Final = 600.0
"""A server that names a longer wait, honestly or not, is asked again after this one, or never."""

_MINUTE_S: Final = 60.0
_DAY_S: Final = 86_400.0
_MONTH_S: Final = 30 * 86_400.0

Unit = Literal["requests", "tokens"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RateWindow:
    """One limit that a provider advertises.

    Attributes:
        unit: What is counted.
        limit: Most in a period, >= 1; None when not told.
        remaining: What is left of it, >= 0; None when not told.
        reset_s: Time (s) until it is full again, 0..``LONGEST_WAIT_S``; None when not told.
        period_s: Length of the period (s), > 0.
    """

    unit: Unit
    limit: float | None
    remaining: float | None
    reset_s: float | None
    period_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RateAdvice:
    """What an answer says about sending more.

    Attributes:
        windows: Advertised limits, in the order of the table below.
        retry_after_s: Wait before the next try (s), 0..``LONGEST_WAIT_S``; None when not told.
    """

    windows: tuple[RateWindow, ...] = ()
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Family:
    """Names of the headers of one window."""

    unit: Unit
    limit: str
    remaining: str
    reset: str = ""
    period_s: float = _MINUTE_S
    period: str = ""


def _openai(unit: Unit, period_s: float = _MINUTE_S) -> _Family:
    start = "x-ratelimit"
    return _Family(
        unit,
        f"{start}-limit-{unit}",
        f"{start}-remaining-{unit}",
        f"{start}-reset-{unit}",
        period_s=period_s,
        # Azure names the length of its period; the others mean a minute.
        period=f"{start}-renewalperiod-{unit}",
    )


def _anthropic(unit: Unit, name: str) -> _Family:
    start = f"anthropic-ratelimit-{name}"
    return _Family(unit, f"{start}-limit", f"{start}-remaining", f"{start}-reset")


def _mistral(unit: Unit, name: str, period_s: float) -> _Family:
    start = "x-ratelimit"
    return _Family(unit, f"{start}-limit-{name}", f"{start}-remaining-{name}", period_s=period_s)


_FAMILIES: Final = (
    _openai("requests"),
    _openai("tokens"),
    _anthropic("requests", "requests"),
    _anthropic("tokens", "tokens"),
    _anthropic("tokens", "input-tokens"),
    _anthropic("tokens", "output-tokens"),
    _mistral("requests", "req-10-second", 10.0),
    _mistral("requests", "req-minute", _MINUTE_S),
    _mistral("tokens", "tokens-minute", _MINUTE_S),
    _mistral("tokens", "tokens-month", _MONTH_S),
    # Cohere's trial keys: calls per minute at one endpoint.
    _Family("requests", "x-trial-endpoint-call-limit", "x-trial-endpoint-call-remaining"),
    # The IETF draft, and gateways that prefix it.
    _Family("requests", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
    _Family("requests", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
)


_OWN: Final[Mapping[str, tuple[_Family, ...]]] = {
    # "Always refers to Requests Per Day"; its tokens are per minute as those of others.
    "groq": (_openai("requests", _DAY_S), *_FAMILIES[1:]),
}
"""Providers who send names of others and mean another period."""


def read_rate_headers(
    headers: Iterable[tuple[str, str]], *, now: datetime, provider: str = ""
) -> RateAdvice:
    """Read every family of rate headers; never raises.

    Args:
        headers: Names (any case) and values, as they came.
        provider: Who sent them: the same name may count another period.
        now: When they came, with a time zone; only asked where a server names a point in time
            and sent no ``Date`` of its own: against that, two wrong clocks do not matter.
    """
    values: dict[str, str] = {}
    for name, value in headers:
        values.setdefault(name.lower(), value.strip())
    clock = _read_date(values.get("date", "")) or now
    families = _OWN.get(provider, _FAMILIES)
    windows = (_read_window(family, values, clock) for family in families)
    return RateAdvice(
        windows=tuple(window for window in windows if window is not None),
        retry_after_s=_read_retry_after(values, clock),
    )


def _read_window(family: _Family, values: Mapping[str, str], clock: datetime) -> RateWindow | None:
    limit = _read_count(values.get(family.limit, ""))
    remaining = _read_count(values.get(family.remaining, ""))
    if limit is None or limit < 1.0:
        # Less than one lets nothing pass, and something just has; Azure says -1 of 0 where it does
        # not know (Microsoft Q&A 5625878).
        if family.limit in values or remaining is None:
            return None
        limit = None
    period_s = _read_count(values.get(family.period, "")) or family.period_s
    return RateWindow(
        unit=family.unit,
        limit=limit,
        remaining=remaining,
        reset_s=_read_wait(values.get(family.reset, ""), clock),
        period_s=period_s,
    )


def _read_retry_after(values: Mapping[str, str], clock: datetime) -> float | None:
    milliseconds = _read_number(values.get("retry-after-ms", ""))
    if milliseconds is not None and milliseconds >= 0.0:
        return _cap(milliseconds / 1000.0)
    text = values.get("retry-after", "")
    seconds = _read_number(text)
    if seconds is not None:
        return _cap(seconds)
    date = _read_date(text)
    return None if date is None else _until(date, clock)


def _read_wait(text: str, clock: datetime) -> float | None:
    """Read a reset: a duration such as ``6m0s``, a bare number, or a point in time."""
    number = _read_number(text)
    if number is not None:
        return _until_epoch(number, clock) if number >= _EPOCHS_S else _cap(number)
    duration = _read_duration(text)
    if duration is not None:
        return _cap(duration)
    date = _read_timestamp(text)
    return None if date is None else _until(date, clock)


_EPOCHS_S: Final = 1e9
_EPOCHS_MS: Final = 1e11
"""A reset beyond these is no wait but a point in time since 1970 (s, ms), as gateways write it."""


def _until_epoch(number: float, clock: datetime) -> float | None:
    epoch_s = number / 1000.0 if number >= _EPOCHS_MS else number
    return _cap(max(0.0, epoch_s - clock.timestamp()))


def _until(date: datetime, clock: datetime) -> float | None:
    return _cap(max(0.0, (date - clock).total_seconds()))


def _cap(wait_s: float) -> float | None:
    return min(wait_s, LONGEST_WAIT_S) if wait_s >= 0.0 else None


_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{0,18})?|-?\.\d{1,18}", re.ASCII)


def _read_number(text: str) -> float | None:
    """Read a plain decimal number; ``inf``, ``1e9`` and other spellings are none."""
    return float(text) if _NUMBER.fullmatch(text) else None


def _read_count(text: str) -> float | None:
    number = _read_number(text)
    return number if number is not None and number >= 0 else None


_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?(?:ms|us|µs|ns|h|m|s|d))+", re.ASCII)
_PART = re.compile(r"([\d.]+)(ms|us|µs|ns|h|m|s|d)", re.ASCII)
_UNITS_S: Final[Mapping[str, float]] = {
    "d": 86_400.0,
    "h": 3_600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "ns": 1e-9,
}


def _read_duration(text: str) -> float | None:
    """Read a duration as Go prints one (``time.Duration.String``), such as ``1m30.5s``."""
    if not _DURATION.fullmatch(text):
        return None
    return math.fsum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))


def _read_timestamp(text: str) -> datetime | None:
    """Read RFC 3339; a time without a zone is taken as UTC."""
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def _read_date(text: str) -> datetime | None:
    """Read an HTTP date (RFC 9110, section 5.6.7)."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
