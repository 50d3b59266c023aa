"""Years of nights, made up: what a suite of binary cases would count, and how slow it would be.

One suite: 40 cases x 10 answers (or 50 where said). Per night and case two counts, answers like
the accepted mode (outputs) and answers that pass (conformance), and two latencies, each the log
median over all cases. In the fitted family a case's counts are beta-binomial with dispersion 1.4
(recorded nights of unchanged models: 1.47), tied by a normal copula to what all cases have in
common that night; latency is log-normal. Thresholds are made on that family, ``gaussian``, alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

CASES, ANSWERS = 40, 10
DISPERSION = 1.4
COMMON = 0.1  # share of a night's variance that all cases have in common
LATENCY_SD = 0.10
ODD_SHARE = 3 / 16
FAMILIES = ("gaussian", "t3", "episodic", "ar", "weekday", "two-level")
TWO_LEVEL_CASES, LEVELS, STAYS = 4, (0.97, 0.5), 0.875


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is different from the first later night on.

    Attributes:
        outputs: Rate points lost or won per case, as (share of cases, size); a size of 1 is a case
            that was constant and is now constantly something else.
        one_way: Whether all cases lose; otherwise they move to where there is room.
        slower: Factor of both latencies.
        other_model: Share of requests that a very different model answers: half of its answers
            break the contract, and its labels are like the mode as often as the first's are not.
        cases: Cases of the suite.
    """

    outputs: tuple[float, float] = (0.0, 0.0)
    one_way: bool = False
    slower: float = 1.0
    other_model: float = 0.0
    cases: int = CASES


CHANGES = {
    "4 of 40 cases, 40 points": Change(outputs=(0.1, 0.4)),
    "8 of 40 cases, 20 points": Change(outputs=(0.2, 0.2)),
    "all cases, 5 points one way": Change(outputs=(1.0, 0.05), one_way=True),
    "1 of 40 cases, 40 points": Change(outputs=(1 / 40, 0.4)),
    "latency x 1.5": Change(slower=1.5),
    "5 % from another model": Change(other_model=0.05),
    "1 of 50 constant cases flips": Change(outputs=(1 / 50, 1.0), cases=50),
}
AIMS = dict(zip(CHANGES, (6, 21, 18, 30, 5, 5, 365), strict=True))


@dataclass(frozen=True, kw_only=True)
class Nights:
    """Many years at once; the first ``accepted`` nights are the baseline.

    Attributes:
        outputs: (T, R, C) answers like the mode.
        conformance: (T, R, C) answers that pass.
        latency: (T, R, 2) log medians, in natural log of seconds up to a constant.
        accepted: K.
    """

    outputs: np.ndarray
    conformance: np.ndarray
    latency: np.ndarray
    accepted: int
    answers: int = ANSWERS


def play(
    family,
    *,
    years,
    accepted,
    nights,
    rng,
    change=None,
    dispersion=DISPERSION,
    begins=0,
    any_suite=False,
):
    """Play ``years`` baselines of ``accepted`` nights, each followed by ``nights`` later ones.

    Args:
        begins: Later nights before the change.
        any_suite: Draw which cases waver anew for each year, so that few cases are of any kind.
    """
    change = change or Change()
    rho = (dispersion - 1.0) / (ANSWERS - 1)  # between two answers of one case and night
    shape = (accepted + nights, years, change.cases)
    later = (np.arange(shape[0]) >= accepted + begins)[:, None, None]
    usual = _usual_rates(change)
    passes = np.where(np.arange(change.cases) % 4 == 0, 0.97, 0.999)
    if any_suite:
        wavers = rng.random(shape[1:]) < 0.5
        usual = np.where(wavers, rng.uniform(0.5, 0.95, shape[1:]), 0.99)
        passes = np.where(rng.random(shape[1:]) < 0.25, 0.97, 0.999)
    rates = np.broadcast_to(usual, shape[1:])
    if family == "two-level":
        rates = _two_levels(rates, shape, rng)
    moved = _move(usual, change, years, rng)
    rates = np.where(later, np.clip(rates + moved, 0.0, 1.0), rates)
    mixed = np.where(later, change.other_model, 0.0)
    deviations = [
        _deviations(family, (*shape[:2], width), common, rng)
        for width, common in ((change.cases, COMMON), (change.cases, COMMON), (2, 0.5))
    ]
    return Nights(
        outputs=_count(rates, deviations[0], lambda p: p + mixed * (1.0 - 2.0 * p), rho, rng),
        conformance=_count(passes, deviations[1], lambda p: p * (1.0 - mixed / 2.0), rho, rng),
        latency=LATENCY_SD * deviations[2] + np.where(later, np.log(change.slower), 0.0),
        accepted=accepted,
    )


def _usual_rates(change):
    """Half of the cases waver, half nearly always answer the same; constant where one flips."""
    if change.outputs[1] == 1.0:
        return np.full(change.cases, 0.999)
    half = change.cases // 2
    return np.concatenate([np.linspace(0.5, 0.95, half), np.full(change.cases - half, 0.99)])


def _move(usual, change, years, rng):
    """(R, C) what the rates of changed cases move by; which cases change differs by year."""
    share, points = change.outputs
    count = round(share * change.cases)
    changed = rng.random((years, change.cases)).argsort(1) < count
    can_win = usual + points <= 1.0
    wins = can_win & (rng.random((years, change.cases)) < 0.5)
    sign = -1.0 if change.one_way else np.where(wins, 1.0, -1.0)
    return changed * sign * points


def _two_levels(rates, shape, rng):
    """Let the first cases change between two rates, each for eight nights on average."""
    switch = rng.random((*shape[:2], TWO_LEVEL_CASES)) > STAYS
    level = (np.cumsum(switch, 0) + rng.integers(0, 2, switch.shape[1:])) % 2
    rates = np.broadcast_to(rates, shape).copy()
    rates[..., :TWO_LEVEL_CASES] = np.where(level, *LEVELS)
    return rates


def _deviations(family, shape, common, rng):
    """(T, R, C) deviations of nights, variance 1 in every family."""
    draw = _common(rng.standard_normal, shape, common)
    if family == "t3":
        draw /= np.sqrt(rng.chisquare(3, (*shape[:2], 1)).astype(np.float32))
    elif family in ("episodic", "spells"):
        alone = family == "episodic"
        odd = rng.random(shape[:2]) < ODD_SHARE if alone else _odd_spells(shape[:2], rng)
        draw *= np.where(odd, 2.2, 0.34).astype(np.float32)[..., None]
    elif family in ("ar", "ar .8"):
        kept = np.float32(0.5 if family == "ar" else 0.8)
        for night in range(1, shape[0]):
            draw[night] = kept * draw[night - 1] + np.sqrt(1 - kept**2) * draw[night]
    elif family == "weekday":
        week = _common(rng.standard_normal, (7, *shape[1:]), common)
        draw = np.float32(np.sqrt(0.5)) * (draw + week[np.arange(shape[0]) % 7])
    elif family == "skewed":
        # Slow nights are slower than quick ones quick, and bad ones worse than good ones good.
        draw = _common(rng.standard_exponential, shape, common)
        draw -= np.float32(np.sqrt(1.0 - common) + np.sqrt(common))
        draw = draw if shape[2] == 2 else -draw
    return draw


def _odd_spells(shape, rng, stays=2 / 3):
    """(T, R) whether a night is odd: as often as single ones, but three in a row on average."""
    odd = np.empty(shape, bool)
    odd[0] = rng.random(shape[1]) < ODD_SHARE
    begins = (1.0 - stays) * ODD_SHARE / (1.0 - ODD_SHARE)
    for night in range(1, shape[0]):
        odd[night] = rng.random(shape[1]) < np.where(odd[night - 1], stays, begins)
    return odd


def _common(draw, shape, common):
    """Draw (T, R, C) of variance 1, of which a share ``common`` is the same for all cases."""
    own = draw(shape, dtype=np.float32)
    shared = draw((*shape[:2], 1), dtype=np.float32)
    return np.float32(np.sqrt(1.0 - common)) * own + np.float32(np.sqrt(common)) * shared


def _count(rates, deviations, mix, rho, rng):
    """Binomial counts at beta-distributed rates, quantiles that normal deviations stand for."""
    grid, quantiles = _beta_quantiles(rho)
    row = np.clip(np.rint(rates * 1000.0), 0, 1000).astype(np.int16)
    column = np.clip(np.rint((deviations - grid[0]) / (grid[1] - grid[0])), 0, len(grid) - 1)
    return rng.binomial(ANSWERS, mix(quantiles[row, column.astype(np.int16)])).astype(np.float32)


@lru_cache(maxsize=4)
def _beta_quantiles(rho):
    from scipy.special import betaincinv, ndtr

    grid = np.linspace(-7.0, 7.0, 701)
    rates = np.clip(np.linspace(0.0, 1.0, 1001), 1e-9, 1.0 - 1e-9)[:, None]
    total = 1.0 / rho - 1.0
    # Of the upper half the complement is tabled, or chances near 1 would round to it.
    low = betaincinv(rates * total, (1.0 - rates) * total, ndtr(np.minimum(grid, 0.0)))
    high = 1.0 - betaincinv((1.0 - rates) * total, rates * total, ndtr(-np.maximum(grid, 0.0)))
    table = np.where(grid < 0.0, low, high)
    table[0], table[-1] = 0.0, 1.0
    return grid, table.astype(np.float32)
