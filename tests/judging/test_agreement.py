"""Two odd nights are no change: the second must repeat what the first showed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contractcheck.judging.agreement import Agreement, agreements
from contractcheck.judging.night_table import line_up
from contractcheck.model.judgement import FindingKind, Verdict


def odd(shape, only, text):
    return shape(text=text, only=only)


def test_two_odd_nights_in_different_directions_do_not_confirm_each_other(world, shape):
    first = world.run(11, odd(shape, ("one", "two"), "Not today, thank you."))
    second = world.run(12, odd(shape, ("three", "four"), "I would rather not say."))
    judgement = world.judge(second, world.baseline(), first)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert {finding.kind for finding in judgement.findings} == {FindingKind.SUSPECT}


def test_two_nights_in_the_same_direction_do(world, shape):
    first = world.run(11, odd(shape, ("one", "two"), "Not today, thank you."))
    second = world.run(12, odd(shape, ("one", "two"), "Not today, thank you."))
    judgement = world.judge(second, world.baseline(), first)
    assert judgement.verdict is Verdict.FAIL


def table_of(world, first, second):
    accepted = [night.statistics for night in world.baseline().nights]
    later = [world.run(11, first).statistics, world.run(12, second).statistics]
    sent = {case.id: case.request_fingerprint for case in world.suite.cases}
    return line_up(accepted, later, sent, nights_wanted=10)


def test_the_same_shift_agrees_and_an_opposite_one_does_not(world, shape):
    always_angry, always_glad = shape(text="angry"), shape(text="glad")
    same = agreements(table_of(world, always_angry, always_angry))
    other = agreements(table_of(world, always_angry, always_glad))
    assert same["text"].cosine == pytest.approx(1.0)
    assert same["text"].is_confirmed
    assert other["text"].cosine < 0.2
    assert not other["text"].is_confirmed


@pytest.mark.parametrize(
    ("cosine", "dof", "is_confirmed"),
    [
        (0.29, 1e6, False),
        (0.31, 1e6, True),
        (0.5, 9.0, False),
        (0.61, 1.0, True),
        (0.0, 0.0, False),
    ],
)
def test_the_fewer_directions_the_more_agreement_is_asked(cosine, dof, is_confirmed):
    assert Agreement(cosine=cosine, dof=dof).is_confirmed is is_confirmed


def test_an_expired_acceptance_counts_no_more_and_says_so(world):
    baseline = world.baseline()
    nights = [
        replace(night, acceptance=replace(night.acceptance, expires="2026-03-10"))
        for night in baseline.nights[:6]
    ]
    expiring = replace(baseline, nights=(*nights, *baseline.nights[6:]))
    before = world.judge(world.run(9), expiring)
    after = world.judge(world.run(10), expiring)
    assert not any("expired" in note for note in before.notes)
    assert after.verdict is Verdict.INCONCLUSIVE
    assert "6 accepted nights have expired" in " ".join(after.notes)
    assert "4 accepted nights cannot tell a change" in after.headline
