"""How often answers pass their checks: shares with exact intervals, whatever the verdict says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.model.judgement import PassRate, Rate
from contractcheck.model.suite import CheckMode
from contractcheck.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.suite import CheckSpec, Suite


def pass_rates(measured: MeasuredRun, suite: Suite) -> tuple[PassRate, ...]:
    """Count for each check of each case the answers that passed, with a 95 % interval.

    The interval is that of Clopper and Pearson (Biometrika 26, 1934): it holds at any number of
    answers, and a check that never failed is not thereby known never to fail.

    Args:
        measured: The run; only answers are scored, trouble of the transport is not.
        suite: Its contract.
    """
    table = measured.table
    scored = table[table["kind"] == "check"].groupby(["case", "metric"])["number"]
    found = {key: (int(values.sum()), len(values)) for key, values in scored}
    return tuple(
        PassRate(
            case=case.id,
            check=check.label,
            rate=_rate(*found[case.id, check.label]),
            wanted=_wanted(check),
        )
        for case in suite.cases
        for check in case.checks
        if (case.id, check.label) in found
    )


def _rate(passed: int, count: int) -> Rate:
    interval = clopper_pearson(passed, count)
    return Rate(count=passed, n=count, low=interval.low, high=interval.high)


def _wanted(check: CheckSpec) -> float | None:
    return 1.0 if check.mode is CheckMode.ALWAYS else check.rate
