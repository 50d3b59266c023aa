"""Drift of a night of the watch: charts over all later nights, and two that repeat each other."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from contractcheck.judging.baseline_health import weekly_note
from contractcheck.judging.budget import watch_budget
from contractcheck.judging.case_effects import compare_cases
from contractcheck.judging.chart_path import judge_charts
from contractcheck.judging.drift import changed_nights
from contractcheck.judging.drift_result import DriftResult
from contractcheck.judging.exempting import mute_findings, standing_exemptions
from contractcheck.judging.fast_path import judge_fast
from contractcheck.judging.night_values import values_of
from contractcheck.judging.standing import lost_nights, place_tonight
from contractcheck.judging.watch_findings import doubt_pairs
from contractcheck.judging.watch_sight import HORIZONS, find_sight, sight_words
from contractcheck.judging.watch_words import (
    lost_charts_words,
    own_night_words,
    provisional_words,
    quiet_watch_headline,
    state_watch_rates,
    unstable_words,
)
from contractcheck.judging.words import quiet_headline
from contractcheck.model.judgement import FindingKind
from contractcheck.stats.monitor_nights import LEAST_CHARTED
from contractcheck.stats.night_rule import FEWEST_NIGHTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from contractcheck.judging.budget import WatchBudget
    from contractcheck.judging.evidence import Evidence
    from contractcheck.judging.exempting import Standing
    from contractcheck.judging.night_rule import StreamJudgement
    from contractcheck.judging.night_table import NightTable
    from contractcheck.judging.night_watch import Watched
    from contractcheck.judging.rebased import Placed
    from contractcheck.judging.watch_sight import Sight
    from contractcheck.model.judgement import Finding
    from contractcheck.model.suite import Policy


def judge_watch_drift(evidence: Evidence, table: NightTable) -> DriftResult:
    """Judge the drift of a complete run by the history since the accepted nights.

    Args:
        evidence: With the values of all later nights.
        table: Accepted nights of the last era, the night before (if any), tonight.
    """
    suite, run = evidence.suite, evidence.run
    placed = evidence.placed or place_tonight(suite, evidence.baseline, run.header)
    accepted = len(placed.accepted) if placed else 0
    budget = watch_budget(suite, has_charts=accepted >= LEAST_CHARTED)
    standing = standing_exemptions(evidence.exemptions, run.statistics.night)
    # Naming cases takes most of the time, and each path may ask for the same nights.
    compare = cache(lambda later: compare_cases(table, later=later))
    fast = judge_fast(
        evidence,
        table,
        standing,
        compare,
        budget_share=budget.fast,
        says_visible=not budget.charts,
    )
    watched: tuple[Watched, ...] = ()
    slow: tuple[Finding, ...] = ()
    if placed and budget.charts:
        charts = judge_charts(evidence, placed, standing, compare, shares=budget.charts)
        watched, slow = charts.watched, charts.findings
    pairs = doubt_pairs(fast.findings, watched)
    told = {finding.plane for finding in slow if finding.kind is not FindingKind.NOTICE}
    is_judged = bool(fast.judged or watched)
    sights = _find_sights(watched, placed, suite.policy)
    return DriftResult(
        findings=(*slow, *(finding for finding in pairs if finding.plane not in told)),
        judged=fast.judged,
        comparisons=compare(changed_nights(fast.judged)) if is_judged else (),
        error_rates=_rates_words(budget, watched, accepted=accepted, is_judged=is_judged),
        quiet=_quiet_words(table, watched, fast.judged, sights),
        rule_share=budget.rule,
        charted=frozenset(one.stream for one in watched if one.charts and one.has_tonight),
        gaps=tuple(_gaps(evidence, watched, accepted, has_charts=bool(budget.charts))),
        notes=(*_notes(evidence, watched, placed), *map(_sight_note, sights[1:])),
        charts=tuple(reading for one in watched for reading in one.readings()),
        values=values_of(placed.reference, run.statistics) if placed else None,
        confirm=fast.confirm and _has_open_suspicion(pairs, told, standing),
    )


def _find_sights(watched: Sequence[Watched], placed: Placed | None, policy: Policy) -> list[Sight]:
    if not placed or not watched:
        return []
    return [find_sight(watched, placed.reference, policy, nights=nights) for nights in HORIZONS]


def _has_open_suspicion(
    findings: Sequence[Finding], told: Collection[str], standing: Standing
) -> bool:
    """Whether a second run could decide anything: no chart has, and no mute has."""
    left = mute_findings(findings, standing)
    return any(one.kind is FindingKind.SUSPECT and one.plane not in told for one in left)


def _gaps(
    evidence: Evidence, watched: Sequence[Watched], accepted: int, *, has_charts: bool
) -> Iterator[str]:
    lost = lost_nights(evidence.baseline, evidence.run.header)
    if lost.expired and accepted < LEAST_CHARTED <= accepted + lost.nights:
        yield lost_charts_words(accepted, lost, wanted=LEAST_CHARTED)
    unstable = [one for one in watched if one.fitness.is_unstable]
    if unstable:
        yield unstable_words(unstable, evidence.suite, evidence.run.header.target.id)
    if has_charts and not any(one.charts for one in watched):
        yield (
            "no case is in any chart: too few accepted nights have comparable answers, or all "
            f"cases are in quarantine; accept {FEWEST_NIGHTS} nights of the requests as they are"
        )


def _is_own_loss(evidence: Evidence, accepted: int) -> bool:
    """Whether there are too few nights for charts because tonight is one of the accepted ones.

    People have looked at it, and no chart was there to tell anything of it; the night before it
    was accepted, as many nights made it quiet.
    """
    lost = lost_nights(evidence.baseline, evidence.run.header)
    return lost.is_tonight and accepted + 1 == LEAST_CHARTED


def _notes(evidence: Evidence, watched: Sequence[Watched], placed: Placed | None) -> Iterator[str]:
    accepted = len(placed.accepted) if placed else 0
    if _is_own_loss(evidence, accepted):
        yield own_night_words(accepted, LEAST_CHARTED)
    elif FEWEST_NIGHTS <= accepted < LEAST_CHARTED:
        yield provisional_words(accepted, LEAST_CHARTED)
    if placed and placed.placed is not None:
        yield (
            f"re-based: {placed.placed} accepted nights say where the provider stands, "
            f"{accepted - placed.placed} earlier ones how much nights vary"
        )
    if note := weekly_note(watched, evidence.suite, evidence.run.header.target.id):
        yield note
    unknown = sorted({f"{row} ({one.stream})" for one in watched for row in one.unknown})
    if unknown:
        yield f"in no chart yet (fewer than {FEWEST_NIGHTS} accepted values): {', '.join(unknown)}"


def _quiet_words(
    table: NightTable,
    watched: Sequence[Watched],
    judged: Sequence[StreamJudgement],
    sights: Sequence[Sight],
) -> str:
    learning = len(table.learning)
    if not any(one.charts for one in watched):
        return quiet_headline(judged, learning=learning)
    return quiet_watch_headline(watched, sights[0], learning=learning)


def _sight_note(sight: Sight) -> str:
    words = sight_words(sight) or "nothing short of a total change"
    return f"a change that lasts {sight.nights} nights would have shown: {words}"


def _rates_words(
    budget: WatchBudget, watched: Sequence[Watched], *, accepted: int, is_judged: bool
) -> str:
    if not is_judged:
        return (
            "no claim about drift is made for this run: only checks, limits and the wire format "
            "can turn it red"
        )
    charts = sum(len(one.charts) for one in watched)
    return state_watch_rates(budget, charts=charts, accepted=accepted)
