"""Two nights that repeat each other, under mutes, and with a second run of one night."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contractcheck.judging import Evidence, judge_run
from contractcheck.judging.exempting import standing_exemptions
from contractcheck.judging.night_values import values_of
from contractcheck.judging.standing import standing_reference
from contractcheck.model.history import Exemption
from contractcheck.model.judgement import FindingKind, Verdict

ACCEPTED = 6
CASES = ("one", "two", "three", "four")


def mute(case=None, metric=None, created_at="2026-03-01T00:00:00Z"):
    return Exemption(
        kind="mute",
        reason="known",
        owner="Ann",
        created_at=created_at,
        expires="2026-12-31",
        case=case,
        metric=metric,
    )


@pytest.fixture(scope="module")
def known():
    """The baselines that were made, by how many nights: worlds are alike."""
    return {}


@pytest.fixture
def stage(make_world, known):
    """Evidence of tonight after a few accepted nights, without charts unless there are ten."""
    world = make_world(cases=CASES, samples=8)

    def make(tonight, before=None, *, nights=ACCEPTED, later=(), **more):
        if nights not in known:
            known[nights] = world.baseline(nights)
        first = nights + len(later)
        runs = [world.run(nights + place, one) for place, one in enumerate(later)]
        run = world.run(first + 1, tonight)
        reference = standing_reference(world.suite, known[nights], run.header)
        return Evidence(
            suite=world.suite,
            run=run,
            baseline=known[nights],
            previous=world.run(first, before).statistics if before else None,
            watch=True,
            later=tuple(values_of(reference, one.statistics) for one in runs),
            **more,
        )

    make.world = world
    return make


def kinds(judgement):
    return {finding.kind for finding in judgement.findings if finding.plane == "outputs"}


def test_what_is_only_suspected_without_the_muted_case_is_only_suspected(stage, shape):
    odd = {"text": "I cannot say, sorry about that.", "tokens": 80}
    one, most = shape(**odd), shape(share=0.5, **odd)
    tonight = lambda *trial: (one if trial[1] == "one" else most)(*trial)  # noqa: E731 - a shape
    evidence = stage(tonight, shape(only=["one"], **odd))
    assert kinds(judge_run(evidence)) == {FindingKind.DRIFT}
    muted = judge_run(replace(evidence, exemptions=(mute(case="one"),)))
    assert kinds(muted) == {FindingKind.SUSPECT}
    assert muted.verdict is Verdict.INCONCLUSIVE


def test_what_drifts_beside_a_muted_metric_is_told(make_world, shape):
    world = make_world(cases=CASES, metrics="[{label: '^(.*)$'}, {label: '^(.)'}]")
    changed = shape(text="no")
    evidence = Evidence(
        suite=world.suite,
        run=world.run(ACCEPTED + 1, changed),
        baseline=world.baseline(ACCEPTED),
        previous=world.run(ACCEPTED, changed).statistics,
        watch=True,
    )
    (plain,) = [f for f in judge_run(evidence).findings if f.plane == "outputs"]
    judgement = judge_run(replace(evidence, exemptions=(mute(metric=plain.metric),)))
    assert judgement.verdict is Verdict.FAIL
    drift = [f for f in judgement.findings if f.kind is FindingKind.DRIFT]
    assert drift
    assert all(finding.metric != plain.metric for finding in drift)


def test_a_second_run_confirms_nothing_of_what_is_muted(stage, shape):
    odd = {"text": "I cannot say, sorry about that.", "tokens": 80}
    evidence = stage(shape(**odd), exemptions=(mute(case="one"),))
    second = stage.world.run(40, shape(only=["one"], **odd)).statistics
    judgement = judge_run(replace(evidence, confirmation=second))
    assert kinds(judgement) == {FindingKind.NOTICE}
    assert judgement.verdict is not Verdict.FAIL
    assert judge_run(replace(evidence, confirmation=second, exemptions=())).verdict is Verdict.FAIL


def test_a_second_run_of_other_requests_decides_nothing(stage, shape):
    odd = shape(text="I cannot say, sorry about that.", tokens=80)
    evidence = stage(odd)
    assert kinds(judge_run(evidence)) == {FindingKind.SUSPECT}
    second = stage.world.run(40).statistics
    other = {case: replace(own, request_fingerprint="x") for case, own in second.cases.items()}
    judgement = judge_run(replace(evidence, confirmation=replace(second, cases=other)))
    assert kinds(judgement) == {FindingKind.SUSPECT}
    assert not judgement.confirm


def test_a_second_run_is_asked_for_only_where_it_decides(stage, shape):
    odd = shape(text="I cannot say, sorry about that.", tokens=80)
    assert judge_run(stage(odd)).confirm
    everything = (mute(),)
    assert not judge_run(stage(odd, exemptions=everything)).confirm
    # Charts are red of the same plane already.
    red = judge_run(stage(odd, nights=10, later=(odd,) * 4))
    assert red.verdict is Verdict.FAIL
    assert not red.confirm


def test_an_exemption_counts_from_the_day_on_which_it_was_granted():
    one = mute(created_at="2026-03-15T09:00:00+00:00")
    assert standing_exemptions([one], "2026-03-12").mutes == ()
    assert standing_exemptions([one], "2026-03-15").mutes == (one,)
    late = replace(one, expires="2026-03-01")
    assert standing_exemptions([late], "2026-03-12").expired == ()
