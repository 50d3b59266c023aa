"""Answers that a side of a gate did not give: what no margin on answers can see."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from contractcheck.judging.judge import find_outage
from contractcheck.model.completion import Outcome
from contractcheck.model.judgement import Finding, FindingKind
from contractcheck.model.night import MOST_INFRA
from contractcheck.stats.exact_rates import exact_test
from contractcheck.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.model.completion import Completion
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.suite import Policy

_LOST: Final = (Outcome.INFRA, Outcome.TRUNCATED, Outcome.MALFORMED)


def find_sure_outage(run: MeasuredRun, alpha: float) -> str:
    """Say that too little comes through, and surely so: one hiccup among few requests is none.

    Args:
        run: A side so far, which will be asked more.
        alpha: One-sided level of the bound (Clopper and Pearson 1934).
    """
    lost, count = run.count(Outcome.INFRA, Outcome.TRUNCATED), len(run.answers)
    if count and clopper_pearson(lost, count, 1.0 - 2.0 * alpha).low <= MOST_INFRA:
        return ""
    return find_outage(run)


def find_unreadable(old: MeasuredRun | None, new: MeasuredRun, alpha: float) -> tuple[Finding, ...]:
    """Find that answers of the new side come whole and are not of the documented format.

    An answer with a breaking problem of the wire is told more exactly, by the place in it, or is
    as accepted nights or the old side had it.

    Args:
        old: The old side, or None when nobody is asked.
        new: The new side.
        alpha: Level of Fisher's exact test against the old side.
    """
    garbled, count = _garbled(new), len(new.answers)
    before = None if old is None else (len(_garbled(old)), len(old.answers))
    is_much = len(garbled) > MOST_INFRA * count
    if not is_much or not _is_more(before, (len(garbled), count), alpha):
        return ()
    words, _ = Counter(one.detail for one in garbled).most_common(1)[0]
    known = "" if before is None else f"; on the old side {before[0]} of {before[1]}"
    return (
        Finding(
            kind=FindingKind.BREACH,
            plane="identity",
            metric="answers",
            message=f"{len(garbled)} of {count} answers came whole and cannot be read, "
            f"most often: {words}{known}",
        ),
    )


def _garbled(run: MeasuredRun) -> list[Completion]:
    """Answers that came whole and are of no format at all."""
    completions = [one.answer.completion for one in run.answers]
    return [
        one
        for one in completions
        if one.outcome is Outcome.MALFORMED
        and not any(problem.severity == "breaking" for problem in one.wire_problems)
    ]


def describe_lost(old: MeasuredRun | None, new: MeasuredRun, policy: Policy) -> str:
    """Say how many first requests had no answer, where nothing declared judges that; or empty.

    First ones: an answer that came only when it was asked for again was not drawn by lot either.
    """
    if "error_rate" in {*policy.margins, *policy.limits} or not _count_lost(new):
        return ""
    known = "" if old is None else f", {_count_lost(old)} of {len(old.answers)} of the old one"
    again = " at the first attempt" if new.earlier or (old and old.earlier) else ""
    return (
        f"{_count_lost(new)} of {len(new.answers)} requests of the new side{known} had no answer "
        f"that could be read{again}, and policy.margins has no error_rate to judge that"
    )


def describe_untimed(runs: Sequence[MeasuredRun]) -> str:
    """Say how many answers have no times that count, or empty."""
    timings = [
        one.answer.timing
        for run in runs
        for one in run.answers
        if one.answer.completion.outcome is Outcome.ANSWERED
    ]
    late = sum(timing.is_contended for timing in timings)
    if not late:
        return ""
    return (
        f"{late} of {len(timings)} answers came while this machine was busy, so their times are "
        "not used; lower --concurrency, or ask from a machine with less to do"
    )


def loses_more(old: MeasuredRun | None, new: MeasuredRun, policy: Policy) -> bool:
    """Whether the new side surely leaves more unanswered, and nothing declared judges that.

    The answers that are left were not drawn by lot then, so no margin on them is surely kept.
    """
    if not describe_lost(old, new, policy):
        return False
    before = None if old is None else (_count_lost(old), len(old.answers))
    return _is_more(before, (_count_lost(new), len(new.answers)), policy.alpha)


def _count_lost(run: MeasuredRun) -> int:
    return sum(one.answer.completion.outcome in _LOST for one in run.first_attempts())


def _is_more(old: tuple[int, int] | None, new: tuple[int, int], alpha: float) -> bool:
    """Whether surely more are found (found, of how many) than on the old side, if there is one."""
    found, count = new
    if old is None:
        return found > MOST_INFRA * count
    table = (old[1], count, found + old[0])
    return exact_test([table], found, "rise").p <= alpha
