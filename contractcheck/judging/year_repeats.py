"""Two nights that repeat each other, in many simulated years at once.

The rule of ``night_rule`` and ``agreement``, by the same scores, thresholds, margins and cosines; a
test holds the two together on measured nights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Final

import numpy as np

from contractcheck.judging.agreement import LEAST_AGREEMENT, MOST_AGREEMENT
from contractcheck.judging.year_shifts import Pairs, play_series
from contractcheck.stats.night_rule import predictive_t, two_night_threshold
from contractcheck.stats.night_scores import (
    CONFORMANCE_FLOOR_SD,
    LATENCY_FLOOR_SD,
    LEAST_MEAN_SCORE,
    WORST_CASE,
    WORST_CASE_FLOOR_SD,
    conformance_score,
    latency_score,
    omnibus_floor_sd,
    omnibus_score,
    score_of_worst,
    wilson_hilferty,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from contractcheck.judging.year_model import WatchedStream
    from contractcheck.judging.year_shifts import PlayedSeries, Shifts
    from contractcheck.stats.monitor_nights import Plane
    from contractcheck.stats.simulated_nights import DrawnNights, Family

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]
    Firsts = NDArray[np.int64]

_KEPT: Final[Mapping[Family, float]] = {"ar": 0.5, "two-level": 7 / 8}
"""What a night's own move keeps of the last one's direction; nothing in the other families."""
_AT_ONCE: Final = 4
"""Pairs of a year that are compared together: most years have their answer by then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairRules:
    """What two nights are held to.

    Attributes:
        accepted: K.
        share: Each stream's chance of a false red in a year.
        margins: Per latency the ratio that is news at least, of conformance the fall.
    """

    accepted: int
    share: float
    margins: Mapping[str, float]

    @property
    def threshold(self) -> float:
        """What both nights must exceed."""
        return two_night_threshold(nights=self.accepted, budget=self.share)


class YearPairs:
    """All streams of some years, to be asked which two nights repeat each other."""

    def __init__(self, rules: PairRules, family: Family, rng: np.random.Generator) -> None:
        self._rules = rules
        self._kept = _KEPT.get(family, 0.0)
        self._rng = rng
        self._series: dict[str, list[PlayedSeries]] = {}
        self._over: dict[tuple[Plane, str], BoolArray] = {}

    def add(self, stream: WatchedStream, drawn: DrawnNights) -> None:
        """Score a stream."""
        if stream.plane == "latency":
            self._add_latency(stream.name, drawn)
        elif stream.plane == "conformance":
            self._add_conformance(stream.name, drawn)
        elif stream.contrasted:
            played = [
                play_series(one, drawn, kept=self._kept, rng=self._rng) for one in stream.contrasted
            ]
            self._series[stream.name] = played
            contrasts = [one.contrast for one in played]
            scores, floor = omnibus_score(contrasts), omnibus_floor_sd(contrasts)
            self._over["outputs", stream.name] = self._exceed(scores, floor, LEAST_MEAN_SCORE)

    def find(self, until: Mapping[Plane, Firsts]) -> dict[Plane, Firsts]:
        """First night of each year, counted from 1, that repeats the one before; 0 is none.

        Args:
            until: Per plane (R,) place of the later night from which on nobody needs to know.
        """
        if self._series:
            self._over["outputs", WORST_CASE] = self._exceed(
                self._worst_scores(), WORST_CASE_FLOOR_SD, LEAST_MEAN_SCORE
            )
        found = {plane: np.zeros_like(one) for plane, one in until.items()}
        for (plane, name), over in self._over.items():
            twice = over.copy()
            twice[0] = False
            twice[1:] &= over[:-1]
            twice &= np.arange(len(over))[:, None] < until[plane]
            first = (
                self._find_first(name, twice)
                if plane == "outputs"
                else np.where(twice.any(0), twice.argmax(0) + 1, 0)
            )
            found[plane] = earlier(found[plane], first)
        return found

    def _exceed(
        self, scores: FloatArray, floor_sd: FloatArray | float, floor_mean: float | None
    ) -> BoolArray:
        """(N, R) later nights above the threshold."""
        accepted = self._rules.accepted
        t = predictive_t(scores[:accepted], scores[accepted:], floor_sd, floor_mean=floor_mean)
        return t > self._rules.threshold

    def _add_latency(self, name: str, drawn: DrawnNights) -> None:
        accepted = self._rules.accepted
        scores = latency_score(drawn.nights.values, accepted=accepted)
        over = self._exceed(scores, LATENCY_FLOOR_SD, None)
        slower = np.exp(scores[accepted:] - scores[:accepted].mean(0))
        self._over["latency", name] = over & (slower > self._rules.margins[name])

    def _add_conformance(self, name: str, drawn: DrawnNights) -> None:
        accepted = self._rules.accepted
        passed, answers = (
            np.stack([drawn.counts[place][side] for place in sorted(drawn.counts)], -1)
            for side in (0, 1)
        )
        scores = conformance_score(passed, answers, accepted=accepted)
        over = self._exceed(scores, CONFORMANCE_FLOOR_SD, None)
        old = passed[:accepted].sum((0, 2)) / answers[:accepted].sum((0, 2))
        new = passed[accepted:].sum(-1) / answers[accepted:].sum(-1)
        self._over["conformance", name] = over & (old - new > self._rules.margins[name])

    def _all_series(self) -> list[PlayedSeries]:
        return [one for played in self._series.values() for one in played]

    def _worst_scores(self) -> FloatArray:
        """(T, R) normal score of each night's most unusual case and metric."""
        every = self._all_series()
        worst = np.full(every[0].contrast.ratio.shape, -np.inf)
        many = np.zeros(worst.shape, np.int64)
        for one in every:
            contrast = one.contrast
            score = wilson_hilferty(contrast.ratio, contrast.dof)
            np.maximum(worst, score, out=worst, where=contrast.dof > 0)
            many += contrast.dof > 0
        return score_of_worst(worst, many)

    def _find_first(self, name: str, twice: BoolArray) -> Firsts:
        """(R,) first night of each year, counted from 1, whose pair is confirmed; 0 is none."""
        first, left = np.zeros(twice.shape[1], np.int64), twice.copy()
        while left.any():
            next_few = left & (np.cumsum(left, 0) <= _AT_ONCE)
            places, years = np.nonzero(next_few)
            pairs = Pairs(nights=places + self._rules.accepted, years=years)
            found = self._repeat(name, pairs)
            confirmed = np.zeros_like(left)
            confirmed[places[found], years[found]] = True
            done = confirmed.any(0)
            first[done] = confirmed.argmax(0)[done] + 1
            left &= ~next_few & ~done
        return first

    def _repeat(self, name: str, pairs: Pairs) -> BoolArray:
        """(P,) whether two nights' shifts agree, of one metric or of tonight's worst case."""
        if name == WORST_CASE:
            return is_confirmed(self._worst_shifts(pairs))
        every = [one.shifts(pairs, self._rng) for one in self._series[name]]
        return is_confirmed(reduce(add, every))

    def _worst_shifts(self, pairs: Pairs) -> Shifts:
        """Of the case and metric that is most unusual tonight."""
        first, *others = self._all_series()
        worst, shifts = _tonight(first, pairs), first.shifts(pairs, self._rng)
        for one in others:
            score = _tonight(one, pairs)
            shifts = one.shifts(pairs, self._rng).only(score > worst, shifts)
            worst = np.maximum(worst, score)
        return shifts


def _tonight(one: PlayedSeries, pairs: Pairs) -> FloatArray:
    """(P,) normal score of the second night."""
    ratio, dof = (
        each[pairs.nights, pairs.years] for each in (one.contrast.ratio, one.contrast.dof)
    )
    return wilson_hilferty(ratio, dof)


def is_confirmed(shifts: Shifts) -> BoolArray:
    """(P,) whether the cosine of two shifts is beyond chance: ``agreement.Agreement``."""
    length = np.sqrt(np.maximum(shifts.first, 0.0) * np.maximum(shifts.second, 0.0))
    cosine = np.where(length > 0.0, shifts.product / np.where(length > 0.0, length, 1.0), 0.0)
    wanted = 2.0 / np.sqrt(np.maximum(shifts.dof, 1.0))
    return np.asarray(cosine >= np.clip(wanted, LEAST_AGREEMENT, MOST_AGREEMENT))


def earlier(one: Firsts, other: Firsts) -> Firsts:
    """(R,) the earlier of two nights counted from 1, of which 0 is none."""
    return np.where(one == 0, other, np.where(other == 0, one, np.minimum(one, other)))
