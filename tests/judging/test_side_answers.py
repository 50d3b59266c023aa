"""Answers that never came, or that nobody can read, are told of whatever the margins say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contractcheck.judging.judge import find_outage
from contractcheck.judging.side_answers import (
    describe_lost,
    describe_untimed,
    find_sure_outage,
    find_unreadable,
    loses_more,
)
from contractcheck.model.completion import Outcome, WireProblem
from contractcheck.model.judgement import FindingKind


def losing(shape, trials):
    """Every case loses its first trials in transport."""
    calm, lost = shape(text="calm"), shape(text="calm", status=0)

    def behave(draw, case, trial):
        return (lost if trial < trials else calm)(draw, case, trial)

    return behave


def test_one_hiccup_among_few_requests_is_no_outage(make_world, shape):
    world = make_world(shape(text="calm"), samples=1)
    hiccup = world.run(0, shape(only=["two"], status=0))
    assert find_outage(hiccup).startswith("1 of 4 requests failed in transport")
    assert find_sure_outage(hiccup, 0.05) == ""
    gone = world.run(0, shape(status=0))
    assert find_sure_outage(gone, 0.05) == find_outage(gone)
    assert find_sure_outage(gone, 0.05).startswith("4 of 4 requests failed in transport")


def test_a_side_without_any_exchange_is_an_outage(world):
    nothing = world.run(0, lambda *_: None)
    assert find_sure_outage(nothing, 0.05) == "no exchange was recorded"


@pytest.mark.parametrize("raw", [b"<html>out of order</html>", b"[1,2,3]", b""])
def test_answers_that_nobody_can_read_are_a_breach_that_says_what_came(world, shape, raw):
    old, new = world.run(0), world.run(1, shape(raw=raw))
    count = len(new.answers)
    assert new.count(Outcome.MALFORMED) == count
    (found,) = find_unreadable(old, new, 0.05)
    assert found.kind is FindingKind.BREACH
    detail = new.answers[0].answer.completion.detail
    assert detail
    assert found.message == (
        f"{count} of {count} answers came whole and cannot be read, most often: {detail}; "
        f"on the old side 0 of {len(old.answers)}"
    )
    assert find_unreadable(None, new, 0.05)[0].message in found.message
    assert find_unreadable(new, new, 0.05) == ()
    assert find_unreadable(new, old, 0.05) == ()


def test_an_oddity_that_other_answers_have_hides_none_that_nobody_can_read(world, shape):
    """As one that accepted nights had, and which is a notice therefore."""
    old, new = world.run(0), world.run(1, shape(raw=b"<html></html>", only=["two"]))
    odd = WireProblem(path="stream order", what="no choices", severity="breaking")

    def told(run, cases):
        completions = [one.answer.completion for one in run.answers]
        answers = (
            replace(one, answer=replace(one.answer, completion=replace(said, wire_problems=(odd,))))
            if one.case in cases
            else one
            for one, said in zip(run.answers, completions, strict=True)
        )
        return replace(run, answers=tuple(answers))

    lost = new.count(Outcome.MALFORMED)
    assert 0 < lost < len(new.answers)
    others = {one.case for one in new.answers} - {"two"}
    for before in (None, old, told(old, others)):
        (found,) = find_unreadable(before, told(new, others), 0.05)
        assert found.message.startswith(f"{lost} of {len(new.answers)} answers came whole")
    # Those that are told by the place in them are not told twice.
    assert find_unreadable(old, told(new, {"two"}), 0.05) == ()


def test_unanswered_requests_are_told_where_nothing_judges_them(make_world, shape):
    world = make_world(shape(text="calm"))
    old, new = world.run(0), world.run(1, losing(shape, 3))
    policy = world.suite.policy
    lost = new.count(Outcome.INFRA)
    assert lost == 3 * len(world.suite.cases)
    assert describe_lost(old, new, policy) == (
        f"{lost} of {len(new.answers)} requests of the new side, 0 of {len(old.answers)} of the "
        "old one had no answer that could be read, and policy.margins has no error_rate to judge "
        "that"
    )
    assert loses_more(old, new, policy)
    assert not loses_more(new, new, policy)
    assert describe_lost(new, old, policy) == ""


@pytest.mark.parametrize("policy", ["{margins: {error_rate: 0.5}}", "{limits: {error_rate: 0.5}}"])
def test_what_a_margin_or_a_limit_judges_is_left_to_it(make_world, shape, policy):
    world = make_world(shape(text="calm"), policy=policy)
    old, new = world.run(0), world.run(1, losing(shape, 3))
    assert describe_lost(old, new, world.suite.policy) == ""
    assert not loses_more(old, new, world.suite.policy)


def test_answers_that_came_while_this_machine_was_busy_are_counted(make_world, shape):
    world = make_world(shape(text="calm"))
    quiet, busy = world.run(0), world.run(1, shape(only=["two"], lag_s=9.0))
    late = sum(one.case == "two" for one in busy.answers)
    assert describe_untimed([quiet, quiet]) == ""
    assert describe_untimed([quiet, busy]).startswith(
        f"{late} of {2 * len(quiet.answers)} answers came while this machine was busy, so their "
        "times are not used; lower --concurrency"
    )
