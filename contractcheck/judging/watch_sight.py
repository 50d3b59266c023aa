"""The smallest lasting change that the charts would have shown, in the units of the answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from contractcheck.judging.night_rule import margin_of
from contractcheck.judging.night_values import CONFORMANCE
from contractcheck.judging.stream_sight import StreamSight

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
    """

    nights: int
    all_answers: float | None
    one_case: float | None
    slower: float | None
    fewer_pass: float | None


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
    slower = _least([one.slowdown() for one in times])
    margins = [margin_of(one.watched.stream, "latency", policy) or 1.0 for one in times]
    return Sight(
        nights=nights,
        all_answers=_least([one.share(None) for one in outputs]),
        one_case=_least([one.median_case() for one in outputs]),
        slower=None if slower is None else max(slower, *margins),
        fewer_pass=_least([one.share(None) for one in passes]),
    )


def sight_words(sight: Sight) -> str:
    """What would have shown, in the order of planes; empty when nothing would have."""
    parts = []
    if sight.all_answers is not None:
        parts.append(f"{sight.all_answers:.0%} of all answers changed")
    if sight.one_case is not None:
        parts.append(f"{sight.one_case:.0%} of one case's answers changed")
    if sight.slower is not None:
        parts.append(f"{sight.slower:.2f}x slower")
    if sight.fewer_pass is not None:
        parts.append(f"{sight.fewer_pass:.0%} fewer answers passing")
    return "; ".join(parts)


def _least(values: Sequence[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)
