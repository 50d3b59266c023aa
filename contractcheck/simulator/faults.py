"""Faults of transport that the simulator plays on purpose; no silent changes, see `changes`."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from contractcheck.errors import UsageError
from contractcheck.simulator.compression import CODINGS, Coding, make_compressor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FAULTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "rate_limited": (
            "attempts, 1 by default",
            "The first X attempts at every request are refused with 429, and told when to retry.",
        ),
        "overloaded": (
            "attempts, 1 by default",
            "The first X attempts, after those, are refused with 503 (Anthropic: 529).",
        ),
        "cut_body": (
            "attempts, 1 by default",
            "Plain answers to the first X attempts, after those, are dropped at half of the bytes.",
        ),
        "cut_stream": (
            "share, 1 by default",
            "The connection of a streamed answer is dropped at half of its bytes.",
        ),
        "error_in_stream": (
            "share, 1 by default",
            "Half of the events of a streamed answer are followed by an error event, under 200.",
        ),
        "compressed": (
            "gzip, deflate, br, zstd",
            "Answers are content-coded, event by event, for clients that accept the coding.",
        ),
    }
)
"""For every fault: what its amount is, and one sentence for ``--list-faults``."""

_MOST_ATTEMPTS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Faults:
    """What goes wrong on purpose; nothing unless said otherwise.

    An attempt is numbered by what the client says (``x-stainless-retry-count`` of the OpenAI and
    Anthropic SDKs, ``amz-sdk-request`` of boto3): so each of any number of equal requests that
    run at once is refused ``rate_limited`` times and then answered, in whatever order they
    come. Of a client that says nothing, the first requests of each kind in a night are refused,
    however many callers they belong to. Refused attempts do not count as occurrences: what is
    answered in the end is what would have been answered without these faults.

    Attributes:
        rate_limited: Attempts at each request that are refused with 429, 0..100.
        overloaded: Attempts after those that are refused with 503 or 529, 0..100.
        cut_body: Attempts after those, 0..100, at plain answers whose connection is dropped
            half-way; SDKs retry them.
        cut_stream: Share, 0..1, of streamed answers whose connection is dropped half-way; no SDK
            retries them.
        error_in_stream: Share, 0..1, of streamed answers that end half-way with an error event of
            the provider, an overload, under status 200.
        compressed: Content coding (RFC 9110, 8.4.1) for clients that accept it.

    Raises:
        UsageError: An amount is outside its range, or brotli is not installed.
    """

    rate_limited: int = 0
    overloaded: int = 0
    cut_body: int = 0
    cut_stream: float = 0.0
    error_in_stream: float = 0.0
    compressed: Coding | None = None

    def __post_init__(self) -> None:
        for name in ("rate_limited", "overloaded", "cut_body"):
            attempts = getattr(self, name)
            if not 0 <= attempts <= _MOST_ATTEMPTS:
                raise UsageError(f"fault {name!r}: {attempts} attempts; use 0 to {_MOST_ATTEMPTS}")
        for name in ("cut_stream", "error_in_stream"):
            share = getattr(self, name)
            if not 0.0 <= share <= 1.0:
                raise UsageError(f"fault {name!r}: {share} is not a share of answers; use 0 to 1")
        if self.compressed is not None:
            make_compressor(self.compressed)

    def hit(self, attempt: int) -> Literal["rate_limited", "overloaded", "cut_body"] | None:
        """Tell which fault an attempt meets, if any; ``attempt`` counts from 0."""
        if attempt < self.rate_limited:
            return "rate_limited"
        if attempt < self.rate_limited + self.overloaded:
            return "overloaded"
        if attempt < self.rate_limited + self.overloaded + self.cut_body:
            return "cut_body"
        return None


def parse_faults(texts: Iterable[str]) -> Faults:
    """Read ``NAME`` or ``NAME=AMOUNT``, each fault at most once.

    Raises:
        UsageError: A name is unknown or given twice, or an amount is outside its range.
    """
    amounts: dict[str, str] = {}
    for text in texts:
        name, _, amount = text.partition("=")
        if name not in FAULTS:
            raise UsageError(f"unknown fault {name!r}; use one of {', '.join(FAULTS)}")
        if name in amounts:
            raise UsageError(f"fault {name!r} is given twice; give each fault once")
        amounts[name] = amount
    return Faults(
        rate_limited=_parse_attempts(amounts, "rate_limited"),
        overloaded=_parse_attempts(amounts, "overloaded"),
        cut_body=_parse_attempts(amounts, "cut_body"),
        cut_stream=_parse_share(amounts, "cut_stream"),
        error_in_stream=_parse_share(amounts, "error_in_stream"),
        compressed=_parse_coding(amounts),
    )


def _parse_attempts(amounts: Mapping[str, str], name: str) -> int:
    amount = amounts.get(name, "0") or "1"
    try:
        return int(amount)
    except ValueError:
        raise UsageError(
            f"fault {name!r}: {amount!r} is no whole number; write it like {name}=2"
        ) from None


def _parse_share(amounts: Mapping[str, str], name: str) -> float:
    amount = amounts.get(name, "0") or "1"
    try:
        return float(amount)
    except ValueError:
        raise UsageError(
            f"fault {name!r}: {amount!r} is not a number; write it like {name}=0.1"
        ) from None


def _parse_coding(amounts: Mapping[str, str]) -> Coding | None:
    if "compressed" not in amounts:
        return None
    for coding in CODINGS:
        if amounts["compressed"] == coding:
            return coding
    raise UsageError(
        f"fault 'compressed': {amounts['compressed']!r} is no content coding of the simulator; "
        f"use one of {', '.join(CODINGS)}"
    )
