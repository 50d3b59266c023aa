"""A difference between two sides that were measured in blocks: tails and bounds of its mean.

A block holds one trial of every case on both sides, made at the same time, so what the hour does
to both cancels in the block's difference. Tails and bounds say the same: a bound at a level lies
beyond a value exactly when the tail at that value is below the level.

All functions work on the last axis and take any number of repetitions before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.stats.rate_scores import Tables, score_bounds, standard_score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_TINY = 1e-12
_STRONGEST = 0.6
"""Autocorrelation beyond which a score of blocks cannot tell it from a trend."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """Events and trials of two sides, all trials together.

    Attributes:
        old: (...) events of the old side.
        n_old: (...) its trials, >= 1.
        new: (...) events of the new side.
        n_new: (...) its trials, >= 1.
    """

    old: Floats
    n_old: Floats
    new: Floats
    n_new: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockRates:
    """Events on two sides, block by block, each trial paired with one of the other side.

    Attributes:
        old: (..., n) events of the old side; fractions count as parts of an event.
        new: (..., n) events of the new side.
        trials: (..., n) trials of each side, >= 1.
    """

    old: Floats
    new: Floats
    trials: Floats

    @property
    def differences(self) -> Floats:
        """(..., n) rate of the new side minus that of the old."""
        moved: Floats = (self.new - self.old) / self.trials
        return moved

    @property
    def totals(self) -> Totals:
        """(...) all blocks together."""
        n = self.trials.sum(axis=-1)
        return Totals(old=self.old.sum(axis=-1), n_old=n, new=self.new.sum(axis=-1), n_new=n)


def mean_tails(differences: Floats, value: float, *, serial: bool = True) -> tuple[Floats, Floats]:
    """One-sided p-values against a mean of at least, and of at most, a value.

    Student's t on the blocks. With ``serial`` the standard error and its degrees of freedom are
    those of as many independent blocks as the observed first autocorrelation leaves (Bayley and
    Hammersley, JRSS Supplement 8 (1946) 184-197), if that is positive, after the correction of
    its bias (Marriott and Pope, Biometrika 41 (1954) 390-402).

    Args:
        differences: (..., n) one per block, in order of time.
        value: The mean that is tested.
        serial: Whether neighbouring blocks may be alike on one side alone.

    Returns:
        (...) p-values of "not above" and of "not below": small when the mean is surely above,
        and surely below. 1 where fewer than two blocks, or no spread, tell nothing.
    """
    from scipy.special import stdtr

    mean, error, freedom = _student(differences, serial=serial)
    known = error > 0
    score = np.where(known, (mean - value) / np.where(known, error, 1.0), 0.0)
    above = np.where(known, stdtr(freedom, -score), 1.0)
    below = np.where(known, stdtr(freedom, score), 1.0)
    return above, below


def mean_bounds(differences: Floats, level: float, *, serial: bool = True) -> tuple[Floats, Floats]:
    """Lower and upper bound of the mean, each at a one-sided level; dual to :func:`mean_tails`.

    Args:
        differences: (..., n) one per block, in order of time.
        level: One-sided level of each bound, in [0, 0.5]; 0 gives infinite bounds.
        serial: As in :func:`mean_tails`.
    """
    from scipy.special import stdtrit

    mean, error, freedom = _student(differences, serial=serial)
    if level <= 0.0:
        return np.full_like(mean, -np.inf), np.full_like(mean, np.inf)
    known = error > 0
    half = np.where(known, -stdtrit(freedom, level) * np.where(known, error, 1.0), np.inf)
    centre = np.where(known, mean, 0.0)
    return centre - half, centre + half


def rate_tails(rates: BlockRates, value: float) -> tuple[Floats, Floats]:
    """As :func:`mean_tails` for a difference of rates: the least sure of three ways.

    Student's t over blocks notices that failures come in bursts, but not that there could be
    any when there were none. The score statistic of all trials notices that (``rate_scores``),
    but takes them for independent. Near 0 and 1 it is still an approximation, so neither side
    is believed to be better known than an exact binomial bound allows (Clopper and Pearson
    1934), the other side taken as it was seen.

    Args:
        rates: Events and trials; trials are pooled over cases, which is wider than by case.
        value: The difference that is tested, in [-1, 1].
    """
    from scipy.special import stdtr

    mean, error, freedom = _student(rates.differences, serial=False)
    by_blocks = stdtr(freedom, _over(mean - value, error))
    above, below = pooled_rate_tails(rates.totals, value)
    return np.maximum(above, 1.0 - by_blocks), np.maximum(below, by_blocks)


def rate_bounds(rates: BlockRates, level: float) -> tuple[Floats, Floats]:
    """Lower and upper bound of the difference; dual to :func:`rate_tails`: the widest of three.

    Args:
        rates: As in :func:`rate_tails`.
        level: One-sided level of each bound, in [0, 0.5]; 0 gives the bounds -1 and 1.
    """
    from scipy.special import stdtrit

    low, high = pooled_rate_bounds(rates.totals, level)
    if level <= 0.0:
        return low, high
    mean, error, freedom = _student(rates.differences, serial=False)
    half = np.where(error > 0, -stdtrit(freedom, level) * error, 0.0)
    return np.minimum(low, np.maximum(mean - half, -1.0)), np.maximum(
        high, np.minimum(mean + half, 1.0)
    )


def pooled_rate_tails(totals: Totals, value: float) -> tuple[Floats, Floats]:
    """As :func:`rate_tails` without the blocks: the score statistic and the exact bounds."""
    from scipy.special import ndtr

    old, n, new, m = totals.old, totals.n_old, totals.new, totals.n_new
    score = standard_score(_tables(totals), np.full_like(n, value))
    from_old, from_new = old / n + value, new / m - value
    above = [ndtr(-score), _at_least(new, m, from_old), _at_most(old, n, from_new)]
    below = [ndtr(score), _at_most(new, m, from_old), _at_least(old, n, from_new)]
    return np.maximum.reduce(above), np.maximum.reduce(below)


def pooled_rate_bounds(totals: Totals, level: float) -> tuple[Floats, Floats]:
    """As :func:`rate_bounds` without the blocks; dual to :func:`pooled_rate_tails`."""
    from scipy.special import betaincinv, ndtri

    old, n, new, m = totals.old, totals.n_old, totals.new, totals.n_new
    if level <= 0.0:
        return np.full_like(n, -1.0), np.full_like(n, 1.0)
    low, high = score_bounds(_tables(totals), -float(ndtri(level)))
    lows, highs = [low], [high]
    for events, trials, sign, other in ((new, m, 1.0, old / n), (old, n, -1.0, new / m)):
        least = betaincinv(np.maximum(events, _TINY), trials - events + 1, level)
        most = 1.0 - betaincinv(np.maximum(trials - events, _TINY), events + 1, level)
        ends = sign * (least - other), sign * (most - other)
        lows.append(np.minimum(*ends))
        highs.append(np.maximum(*ends))
    return (
        np.maximum(np.minimum.reduce(lows), -1.0),
        np.minimum(np.maximum.reduce(highs), 1.0),
    )


def next_tails(past: Floats, new: Floats, value: float) -> tuple[Floats, Floats]:
    """As :func:`mean_tails` for one new observation against independent past ones.

    The prediction t of one further observation, K - 1 degrees of freedom (as in ``night_rule``).

    Args:
        past: (..., K) observations of the old side, one per night.
        new: (...) the observation of the new side.
        value: The move, new minus old, that is tested.
    """
    from scipy.special import stdtr

    move, error, freedom = _prediction(past, new)
    below = stdtr(freedom, _over(move - value, error))
    return 1.0 - below, below


def next_bounds(past: Floats, new: Floats, level: float) -> tuple[Floats, Floats]:
    """Bounds of the move from past observations to a new one; dual to :func:`next_tails`."""
    from scipy.special import stdtrit

    move, error, freedom = _prediction(past, new)
    half = -stdtrit(freedom, level) * error
    return move - half, move + half


def _prediction(past: Floats, new: Floats) -> tuple[Floats, Floats, Floats]:
    mean, error, freedom = _student(past, serial=False)
    return new - mean, error * np.sqrt(past.shape[-1] + 1.0), freedom


def _student(differences: Floats, *, serial: bool) -> tuple[Floats, Floats, Floats]:
    """Mean, its standard error and its degrees of freedom; error 0 where it is not known."""
    n = differences.shape[-1]
    mean = differences.mean(axis=-1)
    if n < 2:  # noqa: PLR2004 - a spread needs two
        return mean, np.zeros_like(mean), np.ones_like(mean)
    centred = differences - mean[..., None]
    squares = np.sum(centred**2, axis=-1)
    # What rounding alone makes of equal numbers is no spread.
    squares = np.where(squares > _TINY * np.sum(differences**2, axis=-1), squares, 0.0)
    factor = np.ones_like(mean)
    if serial:
        products = np.sum(centred[..., 1:] * centred[..., :-1], axis=-1)
        seen = products / np.where(squares > 0, squares, 1.0)
        likeness = np.clip(seen + (1.0 + 3.0 * seen) / n, 0.0, _STRONGEST)
        factor = (1.0 + likeness) / (1.0 - likeness)
    error = np.sqrt(squares * factor / (n * (n - 1)))
    return mean, error, np.maximum((n - 1) / factor, 1.0)


def _over(distance: Floats, error: Floats) -> Floats:
    """Distance in standard errors; without an error only its sign counts."""
    certain = np.where(distance == 0, 0.0, np.copysign(np.inf, distance))
    return np.where(error > 0, distance / np.where(error > 0, error, 1.0), certain)


def _tables(totals: Totals) -> Tables:
    return Tables(
        baseline_events=totals.old[..., None],
        n_baseline=totals.n_old[..., None],
        candidate_events=totals.new[..., None],
        n_candidate=totals.n_new[..., None],
        weights=np.ones_like(totals.n_old)[..., None],
        dispersion=np.ones_like(totals.n_old),
    )


def _at_least(events: Floats, n: Floats, rate: Floats) -> Floats:
    """Chance of at least so many events at this rate; 0 where no rate is below 0."""
    from scipy.special import betainc

    chance = betainc(np.maximum(events, _TINY), n - events + 1, np.clip(rate, 0.0, 1.0))
    return np.where(rate < 0.0, 0.0, np.where(events > 0, chance, 1.0))


def _at_most(events: Floats, n: Floats, rate: Floats) -> Floats:
    """Chance of at most so many events at this rate."""
    return _at_least(n - events, n, 1.0 - rate)
