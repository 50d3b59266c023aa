"""From red charts to findings: one per plane, dated, with the cases, and whose doing it may be."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from contractcheck.judging.attribution import attribute
from contractcheck.judging.dating import date_alarm
from contractcheck.judging.drift import find_examples, name_cases
from contractcheck.judging.night_rule import margin_of
from contractcheck.judging.night_scales import RateScale
from contractcheck.judging.night_values import CONFORMANCE, PRESENCE, case_of
from contractcheck.judging.watch_words import (
    conformance_words,
    latency_words,
    missing_words,
    outputs_words,
    when_words,
    whose_words,
)
from contractcheck.model.judgement import Comparison, Estimate, Finding, FindingKind
from contractcheck.stats.monitor import level_of
from contractcheck.stats.night_coordinates import share_of_angle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from contractcheck.judging.attribution import Side
    from contractcheck.judging.dating import Dated
    from contractcheck.judging.night_values import Reference
    from contractcheck.judging.night_watch import Watched
    from contractcheck.model.judgement import Example, Plane
    from contractcheck.model.suite import Policy

    FloatArray = NDArray[np.float64]

_NAMED_CASES = 3
_CLEARLY_OFF = 2.0
"""Deviations of its own average from which on a case is named beside the first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """What findings are told with.

    Attributes:
        reference: Scales of the accepted nights.
        policy: Margins.
        last_accepted: ISO date of the last accepted night.
        sides: Our side on every night, tonight last.
        compare: Every case and metric of so many last nights against the accepted ones.
        example_of: Finds a before/after pair for a case.
    """

    reference: Reference
    policy: Policy
    last_accepted: str
    sides: tuple[Side, ...]
    compare: Callable[[int], Sequence[Comparison]]
    example_of: Callable[[str], Example | None]


def find_chart_drift(watched: Sequence[Watched], scene: Scene) -> list[Finding]:
    """Tell what red charts say, strongest stream of each plane first.

    What moved by less than its margin is no news, and an unstable baseline makes none: a case that
    jumps shows in every stream it has, and is seldom caught in all of them. Times are another
    matter.
    """
    findings = []
    for plane in dict.fromkeys(one.plane for one in watched):
        if _is_moot(plane, watched):
            continue
        red = [one for one in watched if one.plane == plane and one.is_red]
        if red and (finding := _find_plane(plane, sorted(red, key=_strength), scene)):
            findings.append(finding)
    return findings


def doubt_pairs(findings: Sequence[Finding], watched: Sequence[Watched]) -> tuple[Finding, ...]:
    """What two nights that repeat each other say, as a notice where an unstable baseline says it.

    A case that jumps stays where it jumped to for some nights: each such pair repeats itself.
    """
    return tuple(
        replace(finding, kind=FindingKind.NOTICE, message=f"{finding.message}; {_MOOT}")
        if finding.kind in _BY_PAIR and _is_moot(finding.plane, watched)
        else finding
        for finding in findings
    )


_BY_PAIR = frozenset({FindingKind.DRIFT, FindingKind.SUSPECT})
_MOOT = "the accepted nights are unstable, so it decides nothing"


def _is_moot(plane: Plane, watched: Sequence[Watched]) -> bool:
    return plane != "latency" and any(one.fitness.is_unstable for one in watched)


def _strength(one: Watched) -> float:
    chart = one.highest()
    return -float(chart.values[-1]) / max(chart.threshold, 1e-9)


def _find_plane(plane: Plane, red: list[Watched], scene: Scene) -> Finding | None:
    dated = date_alarm(red, last_accepted=scene.last_accepted)
    told = _TELLERS.get(plane, _tell_outputs)(red, dated, scene)
    if not told:
        return None
    first = told[0]
    finding = Finding(
        kind=FindingKind.DRIFT,
        plane=plane,
        message=f"{'; '.join(dict.fromkeys(one.words for one in told))}; {when_words(dated)}",
        metric=first.watched.stream,
        comparison=_comparison(first.watched, first.effect, first.unit),
        since=dated.since,
    )
    return _place(finding, [one.watched for one in told], scene, dated)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Told:
    """A red stream that is news: what it says, and how large that is."""

    watched: Watched
    words: str
    effect: float
    unit: str


def _tell_outputs(red: Sequence[Watched], _dated: Dated, _scene: Scene) -> list[_Told]:
    unit = "deviations of an unchanged chart"
    return [
        _Told(
            watched=one,
            words=outputs_words(one),
            effect=float(one.highest().values[-1]),
            unit=unit,
        )
        for one in red
    ]


def _tell_latency(red: Sequence[Watched], dated: Dated, scene: Scene) -> list[_Told]:
    return [
        _Told(watched=one, words=latency_words(one, ratio), effect=ratio, unit="ratio")
        for one in red
        if (ratio := _slower(one, dated, scene)) is not None
    ]


def _tell_conformance(red: Sequence[Watched], dated: Dated, scene: Scene) -> list[_Told]:
    told = []
    for one in red:
        if one.stream == PRESENCE:
            words, effect = missing_words(_furthest(one)), float(one.highest().values[-1])
            unit = "deviations of an unchanged chart"
        else:
            old, new = _rates(one, dated, scene)
            if old - new <= _margin(one, scene):
                continue
            words, effect, unit = conformance_words(old, new), new - old, "pass rate"
        told.append(_Told(watched=one, words=words, effect=effect, unit=unit))
    return told


_TELLERS: Final[Mapping[Plane, Callable[[Sequence[Watched], Dated, Scene], list[_Told]]]] = {
    "latency": _tell_latency,
    "conformance": _tell_conformance,
}


def _place(finding: Finding, red: Sequence[Watched], scene: Scene, dated: Dated) -> Finding:
    """Add which cases it shows in, and whose doing it may be."""
    plane, several = finding.plane, len(red[0].later) - dated.place > 1
    places = [] if plane == "latency" else _clear_places(plane, red)
    named = _name(plane, red, places, scene.compare(2 if several else 1))
    # All of them, however few are named: an edit of those must not excuse the others.
    found = [case for _, case, _ in places] or [one.case for one in named if one.case]
    cases = tuple(dict.fromkeys(found))
    # No check has a part in whether a number comes.
    moved = "outputs" if all(one.stream == PRESENCE for one in red) else plane
    attribution = attribute(scene.sides, dated, moved, cases=cases)
    return replace(
        finding,
        kind=FindingKind.OURS if attribution.ours else FindingKind.DRIFT,
        message=finding.message + whose_words(attribution),
        where=tuple(named),
        examples=find_examples(named, plane, scene.example_of),
    )


def _slower(one: Watched, dated: Dated, scene: Scene) -> float | None:
    """The ratio that is beyond the margin: since the date, or since it has been red; else None."""
    ratios = (ratio_since(one, place) for place in (dated.place, one.red_since))
    return next((ratio for ratio in ratios if ratio > _margin(one, scene)), None)


def _rates(one: Watched, dated: Dated, scene: Scene) -> tuple[float, float]:
    """Pass rates before and since the date; since it has been red where that alone is a fall."""
    old, new = rates_since(one, dated.place, scene.reference)
    if old - new > _margin(one, scene):
        return old, new
    return rates_since(one, one.red_since, scene.reference)


def _margin(one: Watched, scene: Scene) -> float:
    return margin_of(one.stream, one.plane, scene.policy) or 0.0


def _comparison(one: Watched, effect: float, unit: str) -> Comparison:
    chart = one.highest()
    return Comparison(
        case=None,
        metric=one.stream,
        plane=one.plane,
        estimate=Estimate(
            method=f"EWMA chart of signed deviations, {chart.kind}",
            effect=effect,
            low=None,
            high=None,
            unit=unit,
            p=None,
            n_baseline=one.nights.accepted,
            n_candidate=len(one.later),
        ),
        score=float(chart.values[-1]),
        threshold=float(chart.threshold),
    )


def _name(
    plane: Plane,
    red: Sequence[Watched],
    places: Sequence[tuple[Plane, str, str]],
    comparisons: Sequence[Comparison],
) -> list[Comparison]:
    """The cases whose own averages are furthest out, as they compare tonight."""
    if plane == "latency":
        return name_cases(comparisons, plane, {one.stream for one in red})
    by_place = {(c.plane, c.case, c.metric): c for c in comparisons}
    return [by_place[key] for key in places if key in by_place][:_NAMED_CASES]


def _clear_places(plane: Plane, red: Sequence[Watched]) -> list[tuple[Plane, str, str]]:
    """Plane, case and metric or check of all rows that are clearly off; at least of one."""
    ranked = sorted(
        (-size, one.stream == PRESENCE, place) for one in red for size, place in _sizes(one)
    )
    # Whether there is a number is told where the number is: among the outputs.
    chosen: list[tuple[Plane, str, str]] = [
        ("outputs" if is_presence else plane, *place)
        for i, (size, is_presence, place) in enumerate(ranked)
        if not i or -size >= _CLEARLY_OFF
    ]
    return list(dict.fromkeys(chosen))


def _sizes(one: Watched) -> list[tuple[float, tuple[str, str]]]:
    """How far out each row is in the stream's highest chart, and its case and metric or check."""
    averages = one.highest().averages[-1]
    sizes = -averages if one.plane == "conformance" else abs(averages)
    is_named = one.stream in {CONFORMANCE, PRESENCE}
    return [
        (float(size), (case_of(row), row.partition("#")[2] if is_named else one.stream))
        for row, size in zip(one.rows, sizes, strict=True)
    ]


def _furthest(one: Watched) -> list[tuple[str, str]]:
    """Case and metric of the rows that are clearly off, furthest first; at least one."""
    ranked = sorted((-size, place) for size, place in _sizes(one))
    return [place for i, (size, place) in enumerate(ranked) if not i or -size >= _CLEARLY_OFF]


def ratio_since(one: Watched, place: int) -> float:
    """How many times the accepted latency the nights from ``place`` on took, typically."""
    import numpy as np

    level, accepted = level_of(one.nights), one.nights.accepted
    if not np.isfinite(level[accepted + place :]).any():
        return 1.0
    usual = np.nanmean(level[accepted - one.nights.located : accepted])
    return math.exp(float(np.nanmean(level[accepted + place :]) - usual))


def rates_since(one: Watched, place: int, reference: Reference) -> tuple[float, float]:
    """Pass rate of the accepted nights, and of those from ``place`` on, all cases and checks."""
    import numpy as np

    nights = one.nights
    old, new, whole = 0.0, 0.0, 0
    for column, row in enumerate(one.rows):
        case, _, check = row.partition("#")
        scale = reference.scales.get((case, check))
        since = nights.values[nights.accepted + place :, column]
        before = nights.values[nights.accepted - nights.located : nights.accepted, column]
        are_there = np.isfinite(since).any() and np.isfinite(before).any()
        if not isinstance(scale, RateScale) or not are_there:
            continue
        shift = float(np.nanmean(since) - np.nanmean(before))
        n = scale.count / int(np.isfinite(before).sum())
        share = share_of_angle(shift, pooled=scale.passed, pool_n=scale.count, n=n)
        old, new, whole = old + scale.passed, new + share * scale.count, whole + scale.count
    return (old / whole, new / whole) if whole else (0.0, 0.0)
