"""The slow path of the watch: charts over all nights since the accepted ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.judging.attribution import line_up_sides
from contractcheck.judging.examples import pick_example
from contractcheck.judging.exempting import mute_finding, nearest_mute
from contractcheck.judging.night_values import values_of
from contractcheck.judging.night_watch import watch_streams
from contractcheck.judging.watch_findings import Scene, find_chart_drift

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from contractcheck.judging.evidence import Evidence
    from contractcheck.judging.exempting import Standing
    from contractcheck.judging.night_watch import Watched
    from contractcheck.judging.rebased import Placed
    from contractcheck.model.history import NightValues
    from contractcheck.model.judgement import Comparison, Finding

    Compare = Callable[[int], Sequence[Comparison]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartJudgement:
    """What the charts say of tonight.

    Attributes:
        watched: Every stream that is charted.
        findings: Drift, and what is muted of it.
    """

    watched: tuple[Watched, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Years:
    """All nights that are charted: accepted ones, and later ones with tonight last."""

    placed: Placed
    later: tuple[NightValues, ...]
    standing: Standing
    scene: Scene

    def watch(
        self, shares: Mapping[str, float], *, muted: Sequence[tuple[str | None, str | None]] = ()
    ) -> tuple[Watched, ...]:
        aside = self.standing.aside
        return watch_streams(self.placed, self.later, shares=shares, aside=aside, muted=muted)


def judge_charts(
    evidence: Evidence,
    placed: Placed,
    standing: Standing,
    compare: Compare,
    *,
    shares: Mapping[str, float],
) -> ChartJudgement:
    """Chart all later nights and tell what is red tonight.

    Args:
        evidence: With the values of all later nights.
        placed: The accepted nights.
        standing: Exemptions of tonight.
        compare: Every case of so many last nights against the accepted ones, to name some.
        shares: Each stream's chance, per year, of a false red.
    """
    nights = _Years(
        placed=placed,
        later=later_values(evidence, placed),
        standing=standing,
        scene=_scene(evidence, placed, compare),
    )
    watched = nights.watch(shares)
    findings = find_chart_drift(watched, nights.scene)
    if findings and standing.mutes:
        findings = _mute(findings, nights, shares)
    return ChartJudgement(watched=watched, findings=tuple(findings))


def later_values(evidence: Evidence, placed: Placed) -> tuple[NightValues, ...]:
    """Values of the later nights, tonight last; a night that is judged again is there once."""
    tonight = evidence.run.statistics
    before = (one for one in evidence.later if one.night < tonight.night)
    return (*before, values_of(placed.reference, tonight))


def _mute(
    findings: Sequence[Finding], nights: _Years, shares: Mapping[str, float]
) -> list[Finding]:
    """Let what only muted cases and streams turn red be told, and decide nothing.

    What is red without them is red.
    """
    mutes = nights.standing.mutes
    watched = nights.watch(shares, muted=nights.standing.muted)
    still = {finding.plane: finding for finding in find_chart_drift(watched, nights.scene)}
    return [
        still.get(finding.plane) or mute_finding(finding, nearest_mute(finding, mutes))
        for finding in findings
    ]


def _scene(evidence: Evidence, placed: Placed, compare: Compare) -> Scene:
    run = evidence.run
    return Scene(
        reference=placed.reference,
        policy=evidence.suite.policy,
        last_accepted=placed.accepted[-1].night,
        sides=line_up_sides(evidence.baseline, evidence.records, run),
        compare=compare,
        example_of=lambda case: pick_example(evidence.reference, run, case),
    )
