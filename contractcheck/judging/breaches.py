"""What is broken whatever the statistics of nights say: checks and limits.

An ``always`` check is broken by one failure. A ``rate`` check or a limit is broken when its
one-sided confidence bound lies beyond what was declared, at a level that spends this rule's
share of the yearly alarm budget on every single night.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.model.completion import Outcome
from contractcheck.model.judgement import Comparison, Estimate, Finding, FindingKind
from contractcheck.model.suite import CheckMode
from contractcheck.stats.intervals import clopper_pearson, quantile_bounds
from contractcheck.stats.night_rule import single_night_level

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.suite import Case, CheckSpec, Suite

_P95 = 0.95
_FAILURES = (Outcome.INFRA, Outcome.TRUNCATED, Outcome.MALFORMED)


def find_breaches(measured: MeasuredRun, suite: Suite, *, budget_share: float) -> list[Finding]:
    """Find broken checks and limits.

    Args:
        measured: The run.
        suite: Its contract.
        budget_share: Each statistical rule's share of the yearly alarm budget.
    """
    level = single_night_level(budget=budget_share)
    findings: list[Finding] = []
    by_case = dict(tuple(measured.table.groupby("case")))
    for case in suite.cases:
        rows = by_case.get(case.id)
        if rows is not None:
            findings.extend(_broken_checks(case, rows, level))
    findings.extend(_broken_limits(measured, suite, level))
    return findings


def _broken_checks(case: Case, rows: pd.DataFrame, level: float) -> Iterator[Finding]:
    for check in case.checks:
        if check.mode is CheckMode.NO_WORSE:
            continue
        own = rows[(rows["metric"] == check.label) & (rows["kind"] == "check")]
        passed, count = int(own["number"].sum()), len(own)
        if passed == count:
            continue
        why = next((str(text) for text in own["string"].dropna()), "")
        interval = clopper_pearson(passed, count, 1.0 - 2.0 * level)
        if check.mode is CheckMode.RATE and interval.high >= (check.rate or 0.0):
            continue
        yield Finding(
            kind=FindingKind.BREACH,
            plane="conformance",
            case=case.id,
            metric=check.label,
            message=_broken_words(check, case.id, passed, count, why),
            comparison=Comparison(
                case=case.id,
                metric=check.label,
                plane="conformance",
                estimate=Estimate(
                    method="pass rate, Clopper-Pearson bound",
                    effect=passed / count,
                    low=interval.low,
                    high=interval.high,
                    unit="pass rate",
                    p=None,
                    n_baseline=0,
                    n_candidate=count,
                ),
            ),
        )


def _broken_words(check: CheckSpec, case: str, passed: int, count: int, why: str) -> str:
    failed = count - passed
    wanted = "every answer" if check.mode is CheckMode.ALWAYS else f"{check.rate:.1%} of answers"
    words = f"{case}: {check.label} failed {failed} of {count} (the contract wants {wanted})"
    return f"{words}; first: {why}" if why else words


def _broken_limits(measured: MeasuredRun, suite: Suite, level: float) -> Iterator[Finding]:
    limits = suite.policy.limits
    if "latency_p95_s" in limits:
        yield from _slow(measured, limits["latency_p95_s"], level)
    if "error_rate" in limits:
        yield from _failing(measured, limits["error_rate"], level)


def _slow(measured: MeasuredRun, limit_s: float, level: float) -> Iterator[Finding]:
    table = measured.table
    totals = table.loc[table["metric"] == "total_s", "number"].dropna().tolist()
    # Who waited in vain waited at least that long: left out, the slowest would not count. What a
    # retry mended was waited for all the same, once for each trial.
    waits = {
        (one.case, one.trial): one.answer.timing
        for one in (*measured.answers, *measured.first_attempts())
        if one.answer.timing.is_censored and not one.answer.timing.is_contended
    }
    totals += [wait.total_s for wait in waits.values()]
    if not totals:
        return
    bounds = quantile_bounds(totals, _P95, 1.0 - 2.0 * level)
    if bounds.low > limit_s:
        message = (
            f"95th percentile of total time is {bounds.estimate:.2f} s (surely above "
            f"{bounds.low:.2f} s); the limit is {limit_s:g} s"
        )
        yield _limit_finding("latency_p95_s", message, bounds.estimate, bounds.low, len(totals))


def _failing(measured: MeasuredRun, limit: float, level: float) -> Iterator[Finding]:
    # What a client without retries meets; what a retry mended failed all the same.
    first = [one.answer.completion.outcome for one in measured.first_attempts()]
    failed, count = sum(outcome in _FAILURES for outcome in first), len(first)
    if not failed:
        return
    bounds = clopper_pearson(failed, count, 1.0 - 2.0 * level)
    if bounds.low > limit:
        message = (
            f"{failed} of {count} requests failed (surely above {bounds.low:.1%}); "
            f"the limit is {limit:.1%}"
        )
        yield _limit_finding("error_rate", message, failed / count, bounds.low, count)


def _limit_finding(name: str, message: str, value: float, low: float, count: int) -> Finding:
    return Finding(
        kind=FindingKind.BREACH,
        plane="limits",
        metric=name,
        message=message,
        comparison=Comparison(
            case=None,
            metric=name,
            plane="limits",
            estimate=Estimate(
                method="one-sided exact bound",
                effect=value,
                low=low,
                high=None,
                unit="s" if name.endswith("_s") else "share",
                p=None,
                n_baseline=0,
                n_candidate=count,
            ),
        ),
    )
