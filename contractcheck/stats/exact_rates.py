"""Exact tests of two rates, within cases: conditional on each case's total of events.

If both sides of a case have the same rate, every trial is equally likely to be the one that had
the event, so the candidate's events are hypergeometric, whatever that rate is. Their sum over
cases has the convolved distribution: the exact form of the Cochran-Mantel-Haenszel test. Source:
Fisher (1935) for one table; Mehta, Patel and Gray, JASA 80 (1985) 969-973, for strata; Lancaster,
JASA 56 (1961) 223-234, for the mid-p, which counts half of what was observed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Alternative = Literal["two-sided", "rise", "fall"]
"""Which candidates are extreme: those with more events (rise), with fewer (fall), or rare ones."""

# Two outcomes whose chances differ by rounding only are equally extreme, as in R's fisher.test.
_SAME = 1e-7


@dataclass(frozen=True, kw_only=True, slots=True)
class ExactTest:
    """Chance of what was observed or anything as extreme, if the rates do not differ.

    Attributes:
        p: Never too small, so conservative where few outcomes are possible; never 0.
        mid_p: Counts half of the outcomes that are exactly as extreme as the observed one: right
            on average, but a little too small at some rates. Never 0.
    """

    p: float
    mid_p: float


def exact_test(
    margins: Sequence[tuple[int, int, int]], observed: int, alternative: Alternative
) -> ExactTest:
    """Test the candidate's total of events over cases.

    Args:
        margins: Per case: trials of the baseline, of the candidate, and events on both sides.
        observed: Events of the candidate over all cases.
        alternative: What counts as extreme.
    """
    least, chances = np.float64(0), np.ones(1)
    for n_baseline, n_candidate, events in margins:
        least += max(0, events - n_baseline)
        chances = np.convolve(chances, hypergeometric(n_baseline, n_candidate, events))
    more, same = _extreme(chances, alternative)
    place = observed - int(least)
    return ExactTest(
        p=_never_zero(more[place] + same[place]), mid_p=_never_zero(more[place] + same[place] / 2)
    )


def adjust_cases(
    margins: Sequence[tuple[int, int, int]], p_values: Sequence[float], alternative: Alternative
) -> list[float]:
    """Adjust exact p-values of single cases for there being several: step-down smallest p.

    Cases are independent given their totals, so the distribution of the smallest p is a product
    and nothing is lost to cases that cannot reach a small p (Westfall and Young 1993, section
    2.8; Tarone, Biometrics 46 (1990) 515-522).

    Args:
        margins: As in :func:`exact_test`.
        p_values: Each case's own p (not mid-p) by the same alternative.
        alternative: What counted as extreme.

    Returns:
        Adjusted p-values in the order of the cases; controls the chance of any false one.
    """
    observed = np.asarray(p_values)
    order = np.argsort(observed, kind="stable")
    reach = observed[order] * (1 + _SAME)
    cases = len(margins)
    # log P(case's p > what was observed), for every case and every observed p.
    clear = np.zeros((cases, cases))
    for row, case in enumerate(order):
        chances = hypergeometric(*margins[case])
        attainable = np.sum(_extreme(chances, alternative), axis=0)
        ranks = np.argsort(attainable, kind="stable")
        below = np.append(0.0, np.cumsum(chances[ranks]))
        hit = below[np.searchsorted(attainable[ranks], reach, side="right")]
        with np.errstate(divide="ignore"):
            clear[row] = np.log1p(-np.minimum(hit, 1.0))
    # Step down: the k-th smallest p competes with the cases not yet named.
    any_below = [-np.expm1(clear[step:, step].sum()) for step in range(cases)]
    stepped = np.maximum.accumulate(np.maximum(any_below, observed[order]))
    adjusted = np.empty(cases)
    adjusted[order] = stepped
    return adjusted.tolist()


def hypergeometric(n_baseline: int, n_candidate: int, events: int) -> Floats:
    """Chances of the candidate's share of ``events``, from the fewest that it can have upwards."""
    fewest = max(0, events - n_baseline)
    k = np.arange(fewest, min(events, n_candidate), dtype=np.float64)
    # Each chance from the one before it; the logarithm keeps long tails from overflowing.
    with np.errstate(divide="ignore"):
        steps = np.log((n_candidate - k) * (events - k) / ((k + 1) * (n_baseline - events + k + 1)))
    logs = np.append(0.0, np.cumsum(steps))
    chances = np.exp(logs - logs.max())
    normalised: Floats = chances / chances.sum()
    return normalised


def _extreme(chances: Floats, alternative: Alternative) -> tuple[Floats, Floats]:
    """Per outcome, the chance of a more extreme one and of one exactly as extreme."""
    if alternative == "fall":
        return np.append(0.0, np.cumsum(chances)[:-1]), chances
    if alternative == "rise":
        return np.append(np.cumsum(chances[::-1])[::-1][1:], 0.0), chances
    ordered = np.sort(chances)
    total = np.append(0.0, np.cumsum(ordered))
    more = total[np.searchsorted(ordered, chances * (1 - _SAME), side="left")]
    upto = total[np.searchsorted(ordered, chances * (1 + _SAME), side="right")]
    return more, upto - more


def _never_zero(p: float) -> float:
    """As a chance; one too small for a float becomes the least that a float can say."""
    return float(min(max(p, np.nextafter(0.0, 1.0)), 1.0))
