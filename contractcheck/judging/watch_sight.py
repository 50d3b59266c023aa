"""The smallest lasting change that the charts would have shown, in the units of the answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from contractcheck.judging.night_rule import margin_of
from contractcheck.judging.night_values import CONFORMANCE
from contractcheck.judging.stream_sight import StreamSight
from contractcheck.judging.words import stream_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.judging.night_values import Reference
    from contractcheck.judging.night_watch import Watched
    from contractcheck.model.suite import Policy

HORIZONS: Final = (7, 21)
"""Nights for which it is said what a change that lasts so long would have to be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """What would have been seen of a change that lasts so many nights; None: not even a total one.

    Attributes:
        nights: How long it lasts.
        all_answers: Share of the answers of every case that become something else.
        one_case: The same of one case, the median case.
        slower: Times the latency, the better seen of two.
        fewer_pass: Share of the answers of every case that pass no more.
        all_in: The stream that ``all_answers`` speaks of: that which shows a change first.
        one_in: The same of ``one_case``.
        slower_in: The same of ``slower``.
    """

    nights: int
    all_answers: float | None
    one_case: float | None
    slower: float | None
    fewer_pass: float | None
    all_in: str = ""
    one_in: str = ""
    slower_in: str = ""


def find_sight(
    watched: Sequence[Watched], reference: Reference, policy: Policy, *, nights: int
) -> Sight:
    """Find the smallest change that some chart would have shown with the policy's power.

    Args:
        watched: The charts of tonight.
        reference: Scales of the accepted nights.
        policy: Power and the margin of latencies.
        nights: How long the change lasts.
    """
    from scipy.special import ndtri

    need = float(ndtri(policy.power))
    sights = [
        StreamSight.of(one, reference, nights=nights, need=need) for one in watched if one.charts
    ]
    outputs = [one for one in sights if one.watched.plane == "outputs"]
    passes = [one for one in sights if one.watched.stream == CONFORMANCE]
    times = [one for one in sights if one.watched.plane == "latency"]
    all_answers, all_in = _least([(one.share(None), one.watched.stream) for one in outputs])
    one_case, one_in = _least([(one.median_case(), one.watched.stream) for one in outputs])
    slower, slower_in = _least([(one.slowdown(), one.watched.stream) for one in times])
    fewer_pass, _ = _least([(one.share(None), one.watched.stream) for one in passes])
    margins = [margin_of(one.watched.stream, "latency", policy) or 1.0 for one in times]
    return Sight(
        nights=nights,
        all_answers=all_answers,
        one_case=one_case,
        slower=None if slower is None else max(slower, *margins),
        fewer_pass=fewer_pass,
        all_in=all_in,
        one_in=one_in,
        slower_in=slower_in,
    )


def sight_words(sight: Sight) -> str:
    """What would have shown, in the order of planes; empty when nothing would have."""
    parts = []
    if sight.all_answers is not None:
        parts.append(f"{sight.all_answers:.0%} of all answers changed{_seen_in(sight.all_in)}")
    if sight.one_case is not None:
        words = f"{sight.one_case:.0%} of one case's answers changed"
        parts.append(f"{words}{_seen_in(sight.one_in)}")
    if sight.slower is not None:
        parts.append(f"{sight.slower:.2f}x slower{_seen_in(sight.slower_in)}")
    if sight.fewer_pass is not None:
        parts.append(f"{sight.fewer_pass:.0%} fewer answers passing")
    return "; ".join(parts)


def _seen_in(stream: str) -> str:
    return f" (in {stream_words(stream)})" if stream else ""


def _least(values: Sequence[tuple[float | None, str]]) -> tuple[float | None, str]:
    """The smallest that is seen, and in which stream."""
    seen = [(value, stream) for value, stream in values if value is not None]
    return min(seen, default=(None, ""))
