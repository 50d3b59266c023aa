"""Rates of two sides over the same cases: checks, conformance, refusals, classes of errors.

An *event* is whatever is counted: a check that passed, an answer that was a refusal. Cases are
never pooled: a table per case goes in, and the suite's difference is a weighted mean of theirs.

Two questions, two tools. *Did anything change?* is answered by an exact test that fixes each
case's total of events and so needs no assumption about the rates (``rate_tests``). *How much, and
is that still allowed?* is answered by inverting the score test (:func:`difference_bounds`,
:func:`judge_margin`), whose interval has a width at zero failures too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

import numpy as np

from contractcheck.errors import UsageError
from contractcheck.stats.rate_scores import Tables, score_bounds, standard_score

if TYPE_CHECKING:
    from collections.abc import Sequence

Weights = Literal["equal", "harmonic"]
"""How cases count in a difference: all the same, or n m / (n + m), which is the most precise."""

METHOD = "stratified score interval (Miettinen and Nurminen 1985), corrected for skewness"


@dataclass(frozen=True, kw_only=True, slots=True)
class RateCase:
    """Events of one case on both sides.

    Attributes:
        case: Its name, unique in a comparison.
        baseline_events: Events among the baseline's trials.
        n_baseline: Trials of the baseline, at least 1.
        candidate_events: Events among the candidate's trials.
        n_candidate: Trials of the candidate, at least 1.
    """

    case: str
    baseline_events: int
    n_baseline: int
    candidate_events: int
    n_candidate: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RateDifference:
    """Rate of the candidate minus that of the baseline, in shares (0.01 is one point).

    Attributes:
        estimate: Weighted mean of the cases' differences, in [-1, 1].
        low: Lower bound.
        high: Upper bound.
        alpha: Chance that one bound errs, each by itself (one-sided).
        n_cases: Cases that it is about.
        n_baseline: Trials of the baseline in all of them.
        n_candidate: Trials of the candidate.
        dispersion: Factor by which the variance was taken to exceed the binomial one.
        method: What was computed, and its source.
    """

    estimate: float
    low: float
    high: float
    alpha: float
    n_cases: int
    n_baseline: int
    n_candidate: int
    dispersion: float
    method: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MarginTest:
    """A difference of rates held against the most that it is allowed to be.

    Attributes:
        margin: What is allowed: -0.02 is a fall by at most two points, 0.02 a rise by at most two.
        estimate: The observed difference, candidate minus baseline.
        p_inside: One-sided p against "the margin is reached or passed": small says that the
            difference is inside (non-inferiority).
        p_beyond: One-sided p against "the margin is kept": small says that it is beyond.
        n_baseline: Trials of the baseline.
        n_candidate: Trials of the candidate.
        method: What was computed, and its source.
    """

    margin: float
    estimate: float
    p_inside: float
    p_beyond: float
    n_baseline: int
    n_candidate: int
    method: str


def difference_bounds(
    cases: Sequence[RateCase],
    *,
    alpha: float,
    weights: Weights = "equal",
    dispersion: float = 1.0,
) -> RateDifference:
    """Bound a difference of rates from both sides, each bound at its own one-sided level.

    The bounds invert the stratified score test of Miettinen and Nurminen (1985), widened for
    skewness (Gart and Nam 1990; Laud 2017). They agree with :func:`judge_margin`.

    Args:
        cases: At least one.
        alpha: Chance that the lower bound lies above the truth, and the same for the upper one;
            in (0, 0.5). 0.025 gives an interval of 95 %.
        weights: How cases count.
        dispersion: Factor on the binomial variance, at least 1, such as
            :attr:`~contractcheck.stats.rate_dispersion.Dispersion.factor`.

    Raises:
        UsageError: The counts, the level or the dispersion are out of range.
    """
    tables = _tables(cases, weights, dispersion)
    if not 0.0 < alpha < 0.5:  # noqa: PLR2004 - a bound beyond the estimate
        raise UsageError(f"alpha is {alpha}; the level of one bound lies between 0 and 0.5")
    low, high = score_bounds(tables, NormalDist().inv_cdf(1.0 - alpha))
    return RateDifference(
        estimate=float(tables.differences),
        low=float(low),
        high=float(high),
        alpha=alpha,
        n_cases=len(cases),
        n_baseline=sum(case.n_baseline for case in cases),
        n_candidate=sum(case.n_candidate for case in cases),
        dispersion=dispersion,
        method=METHOD,
    )


def judge_margin(
    cases: Sequence[RateCase],
    margin: float,
    *,
    weights: Weights = "equal",
    dispersion: float = 1.0,
) -> MarginTest:
    """Test a difference of rates against a margin, from inside and from beyond.

    Source: Farrington and Manning (1990), stratified as in Miettinen and Nurminen (1985).

    Args:
        cases: At least one.
        margin: Not 0 and between -1 and 1; its sign says which way is the bad one.
        weights: How cases count.
        dispersion: Factor on the binomial variance, at least 1.

    Raises:
        UsageError: The counts, the margin or the dispersion are out of range.
    """
    tables = _tables(cases, weights, dispersion)
    if not 0.0 < abs(margin) < 1.0:
        raise UsageError(f"margin is {margin}; it lies between -1 and 1 and is not 0")
    # Positive where the difference is on the good side of the margin.
    inside = -math.copysign(1.0, margin) * float(standard_score(tables, np.asarray(margin)))
    return MarginTest(
        margin=margin,
        estimate=float(tables.differences),
        p_inside=_upper_tail(inside),
        p_beyond=_upper_tail(-inside),
        n_baseline=sum(case.n_baseline for case in cases),
        n_candidate=sum(case.n_candidate for case in cases),
        method="score test against a margin (Farrington and Manning 1990), by case",
    )


def _upper_tail(z: float) -> float:
    """Standard normal chance of more than z; as little as a float can say, but never 0."""
    return max(0.5 * math.erfc(z / math.sqrt(2.0)), math.ulp(0.0))


def _tables(cases: Sequence[RateCase], weights: Weights, dispersion: float) -> Tables:
    require_rate_cases(cases)
    if not 1.0 <= dispersion < math.inf:
        raise UsageError(f"dispersion is {dispersion}; it is at least 1, the binomial variance")
    counts = np.asarray(
        [(c.baseline_events, c.n_baseline, c.candidate_events, c.n_candidate) for c in cases],
        dtype=np.float64,
    )
    x, n, y, m = counts.T
    weight = np.ones(len(cases)) if weights == "equal" else n * m / (n + m)
    return Tables(
        baseline_events=x,
        n_baseline=n,
        candidate_events=y,
        n_candidate=m,
        weights=weight / weight.sum(),
        dispersion=np.asarray(dispersion),
    )


def require_rate_cases(cases: Sequence[RateCase]) -> None:
    """Refuse counts that cannot be.

    Raises:
        UsageError: There is no case, one occurs twice, or its counts are impossible.
    """
    if not cases:
        raise UsageError("no case to compare; give at least one with trials on both sides")
    seen: set[str] = set()
    for case in cases:
        if case.case in seen:
            raise UsageError(f"case {case.case!r} occurs twice; give all its trials together")
        seen.add(case.case)
        for side, events, n in (
            ("baseline", case.baseline_events, case.n_baseline),
            ("candidate", case.candidate_events, case.n_candidate),
        ):
            if not 0 <= events <= n or n < 1:
                raise UsageError(
                    f"case {case.case!r}, {side}: {events} events in {n} trials; "
                    "leave out cases without trials and say so"
                )
