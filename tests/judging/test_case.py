from __future__ import annotations

from dataclasses import replace

import pytest

from contractcheck.judging import judge_case
from contractcheck.measuring import observe
from contractcheck.model.judgement import FindingKind, Verdict


def test_a_case_that_keeps_its_contract_is_quiet(make_world, shape):
    world = make_world(checks="[{contains: a, mode: always}]")
    run = world.run(0, shape(only=["two"], text="no"), suite=world.suite)
    whole = judge_case(world.run(0, shape(text="calm")), world.suite, "one")
    assert whole.verdict is Verdict.QUIET
    assert whole.reason == "answered 8 of 8 trials, and nothing breaks the contract"
    assert judge_case(run, world.suite, "two").verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("changes", "share", "words"),
    [
        ({"status": 503}, 1.0, "0 of 8 trials have an answer; most often: HTTP 503 trouble"),
        ({"raw": b"<html/>"}, 1.0, "most often: HTTP 200, but the body is not a JSON object"),
        ({"status": 0}, 1.0, "most often: ConnectError"),
    ],
)
def test_without_answers_there_is_no_verdict(world, shape, changes, share, words):
    judged = judge_case(world.run(0, shape(share=share, **changes)), world.suite, "one")
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert words in judged.reason


def test_a_few_answers_do_not_speak_for_a_case(world, shape):
    run = world.run(
        0, lambda d, c, t: shape(status=503)(d, c, t) if t < 5 else world.behaviour(d, c, t)
    )
    assert judge_case(run, world.suite, "one").reason.startswith("3 of 8 trials have an answer")


def test_a_case_that_was_never_recorded_says_so(make_suite, world):
    grown = make_suite(cases=("one", "five"))
    judged = judge_case(world.run(0), grown, "five")
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.reason.startswith("five is not in run ")


def test_a_changed_request_is_not_judged_by_old_answers(make_suite, world, shape):
    edited = make_suite(content="Else?", checks="[{contains: zebra, mode: always}]")
    judged = judge_case(world.run(0), edited, "one")
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.reason.startswith("you changed messages since run ")


def test_a_stricter_check_of_ours_fails_accepted_answers(make_suite, world):
    recorded = world.record(0)
    lenient, strict = (
        make_suite(checks="[{matches: '^'}]"),
        make_suite(checks="[{contains: zebra}]"),
    )
    old, new = (suite.cases[0].checks[0].label for suite in (lenient, strict))
    accepted = observe(recorded, lenient).statistics.cases["one"]
    accepted = replace(accepted, cells={new: accepted.cells[old]})
    judged = judge_case(observe(recorded, strict), strict, "one", accepted=accepted)
    assert judged.verdict is Verdict.FAIL
    assert judged.findings[0].kind is FindingKind.BREACH
    assert "passes 0 of the 8 accepted answers, 8 when they were accepted" in judged.reason
