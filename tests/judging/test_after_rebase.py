"""A change that was accepted: the next night is watched again, and a second change is found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contractcheck.judging import Evidence, judge_run
from contractcheck.judging.night_values import values_of
from contractcheck.judging.standing import standing_reference
from contractcheck.model.judgement import FindingKind, Verdict

OLD, SINCE = 10, 5


@pytest.fixture
def watched(make_world, shape):
    """Ten nights, an accepted change of every plane, and what comes after it."""
    return Rebased(make_world(), shape)


class Rebased:
    def __init__(self, world, shape):
        self.world = world
        self.shape = shape
        self.now = shape(text="glad and calm", share=0.5, ttft_s=lambda s: 2 * s)
        runs = [world.run(night) for night in range(OLD)]
        runs += [world.run(night, self.now) for night in range(OLD, OLD + SINCE)]
        first = runs[OLD].statistics.night
        self.baseline = replace(world.accept(runs), rebases=(first,))

    def judge_last(self, behaviours, *, baseline=None):
        """Judge the last of some nights after the accepted ones, by all before it."""
        baseline = baseline or self.baseline
        first = OLD + SINCE
        runs = [self.world.run(first + place, one) for place, one in enumerate(behaviours)]
        reference = standing_reference(self.world.suite, baseline, runs[-1].header)
        evidence = Evidence(
            suite=self.world.suite,
            run=runs[-1],
            baseline=baseline,
            watch=True,
            later=tuple(values_of(reference, run.statistics) for run in runs[:-1]),
        )
        return judge_run(evidence)


def drifts(judgement):
    return {f.plane for f in judgement.findings if f.kind is FindingKind.DRIFT}


@pytest.mark.parametrize("nights", [1, 8])
def test_the_night_after_is_judged_and_stays_quiet(watched, nights):
    judged = watched.judge_last([watched.now] * nights)
    assert judged.verdict is Verdict.QUIET
    assert {reading.plane for reading in judged.charts} == {"outputs", "conformance", "latency"}
    assert any(note.startswith("re-based: 5 accepted nights say where") for note in judged.notes)


def test_without_the_rebase_the_same_nights_are_red(watched):
    old = replace(watched.baseline, nights=watched.baseline.nights[:OLD], rebases=())
    assert "outputs" in drifts(watched.judge_last([watched.now] * 8, baseline=old))


@pytest.mark.parametrize(
    ("change", "plane"),
    [({"ttft_s": lambda s: 4 * s}, "latency"), ({"text": "never heard of it"}, "outputs")],
)
def test_a_second_change_is_found(watched, change, plane):
    second = watched.shape(**({"text": "glad and calm"} | change))
    judged = watched.judge_last([watched.now, *[second] * 8])
    assert judged.verdict is Verdict.FAIL
    assert plane in drifts(judged)
