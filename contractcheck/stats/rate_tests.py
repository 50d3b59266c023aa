"""Did a rate change between two sides: over all cases, and in which of them?

The suite's p is the exact Cochran-Mantel-Haenszel test: it adds the cases up, so it sees a change
that goes the same way in most of them. Each case has Fisher's test, adjusted for the number of
cases, which sees one that changed by itself. Trials have to be exchangeable between the sides of
a case; where rates move from hour to hour, give every case and block of an interleaved run as a
case of its own, and the test stays exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.stats.exact_rates import Alternative, adjust_cases, exact_test
from contractcheck.stats.intervals import Interval, clopper_pearson, newcombe_difference
from contractcheck.stats.rates import difference_bounds, require_rate_cases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.stats.rates import RateCase, Weights


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseRates:
    """One case's rates on both sides and their difference, in shares.

    Attributes:
        case: Its name.
        baseline: Rate of the baseline, with Clopper-Pearson bounds.
        candidate: Rate of the candidate, likewise.
        estimate: Candidate's rate minus the baseline's.
        low: Lower bound of the difference (Newcombe 1998); not adjusted for several cases.
        high: Upper bound of the difference.
        p: Fisher's exact p of this case alone.
        p_adjusted: The same, adjusted for all cases (strong control of any false one).
        n_baseline: Trials of the baseline.
        n_candidate: Trials of the candidate.
    """

    case: str
    baseline: Interval
    candidate: Interval
    estimate: float
    low: float
    high: float
    p: float
    p_adjusted: float
    n_baseline: int
    n_candidate: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RateComparison:
    """Rates of two sides over several cases.

    Attributes:
        estimate: Weighted mean over cases of the candidate's rate minus the baseline's.
        low: Lower bound of that difference.
        high: Upper bound of that difference.
        p: Exact p that no case's rate differs, by the total over cases; never 0.
        mid_p: The less conservative mid-p; its level holds on average only.
        n_cases: Cases compared.
        n_baseline: Trials of the baseline in all of them.
        n_candidate: Trials of the candidate.
        method: What was computed, and its source.
        cases: One result per case, in the order given.
    """

    estimate: float
    low: float
    high: float
    p: float
    mid_p: float
    n_cases: int
    n_baseline: int
    n_candidate: int
    method: str
    cases: tuple[CaseRates, ...]


def compare_rates(
    cases: Sequence[RateCase],
    *,
    alternative: Alternative = "two-sided",
    confidence: float = 0.95,
    weights: Weights = "equal",
) -> RateComparison:
    """Test and measure a difference of rates, over all cases and in each.

    Args:
        cases: At least one.
        alternative: Whether a rise, a fall or either is looked for. Intervals are two-sided.
        confidence: Two-sided coverage of every interval, in (0, 1).
        weights: How cases count in the estimate.

    Raises:
        UsageError: The counts or the confidence are out of range.
    """
    require_rate_cases(cases)
    margins = [(c.n_baseline, c.n_candidate, c.baseline_events + c.candidate_events) for c in cases]
    found = exact_test(margins, sum(case.candidate_events for case in cases), alternative)
    single = [
        exact_test([margin], case.candidate_events, alternative).p
        for margin, case in zip(margins, cases, strict=True)
    ]
    adjusted = adjust_cases(margins, single, alternative)
    size = difference_bounds(cases, alpha=(1.0 - confidence) / 2.0, weights=weights)
    return RateComparison(
        estimate=size.estimate,
        low=size.low,
        high=size.high,
        p=found.p,
        mid_p=found.mid_p,
        n_cases=size.n_cases,
        n_baseline=size.n_baseline,
        n_candidate=size.n_candidate,
        method=f"exact test within cases (Mehta, Patel and Gray 1985); {size.method}",
        cases=tuple(
            _case_rates(case, p, p_adjusted, confidence)
            for case, p, p_adjusted in zip(cases, single, adjusted, strict=True)
        ),
    )


def _case_rates(case: RateCase, p: float, p_adjusted: float, confidence: float) -> CaseRates:
    move = newcombe_difference(
        case.baseline_events,
        case.n_baseline,
        case.candidate_events,
        case.n_candidate,
        confidence,
    )
    return CaseRates(
        case=case.case,
        baseline=clopper_pearson(case.baseline_events, case.n_baseline, confidence),
        candidate=clopper_pearson(case.candidate_events, case.n_candidate, confidence),
        estimate=move.estimate,
        low=move.low,
        high=move.high,
        p=p,
        p_adjusted=p_adjusted,
        n_baseline=case.n_baseline,
        n_candidate=case.n_candidate,
    )
