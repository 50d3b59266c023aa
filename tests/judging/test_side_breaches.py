"""What only the new side breaks is a reason not to move; what both break is not."""

from dataclasses import replace

from contractcheck.judging.side_breaches import BREACHES, find_new_breaches, find_unread
from contractcheck.model.completion import WireProblem
from contractcheck.model.gate import UnreadAnswer
from contractcheck.model.judgement import FindingKind
from contractcheck.wire_contracts import problem_place

CHECKS = "[{contains: a, mode: always}]"


def kinds_and_metrics(findings):
    return [(found.kind, found.case, found.metric) for found in findings]


def test_a_check_that_only_the_new_side_fails_is_a_breach(make_world, shape):
    world = make_world(shape(text="calm"), checks=CHECKS)
    old, new = world.run(0), world.run(1, shape(only=["two"], share=0.5, text="nothing"))
    found = find_new_breaches((old, world.suite), (new, world.suite))
    assert kinds_and_metrics(found) == [(FindingKind.BREACH, "two", "contains:a")]
    assert found[0].kind in BREACHES
    assert find_new_breaches((new, world.suite), (new, world.suite)) == ()
    assert find_new_breaches((new, world.suite), (old, world.suite)) == ()


def test_the_same_check_failing_in_another_case_is_new(make_world, shape):
    world = make_world(shape(text="calm"), checks=CHECKS)
    old, new = (world.run(0, shape(only=[case], text="nothing")) for case in ("one", "two"))
    found = find_new_breaches((old, world.suite), (new, world.suite))
    assert [finding.case for finding in found] == ["two"]


def test_what_the_old_side_fails_now_and_then_is_no_news_in_another_case(make_world, shape):
    world = make_world(shape(text="calm"), checks=CHECKS)
    old, now_and_then, never = (
        world.run(night, shape(only=[case], share=share, text="nothing"))
        for night, case, share in ((0, "one", 0.5), (1, "two", 0.5), (2, "two", 1.0))
    )
    assert find_new_breaches((old, world.suite), (now_and_then, world.suite)) == ()
    found = find_new_breaches((old, world.suite), (never, world.suite))
    assert [finding.case for finding in found] == ["two"]


def test_a_breach_says_how_often_either_side_failed_and_that_one_failure_is_enough(
    make_world, shape
):
    world = make_world(shape(text="calm"), checks=CHECKS)
    old, new = world.run(0), world.run(1, shape(only=["two"], share=0.5, text="nothing"))
    own = new.table[(new.table["case"] == "two") & (new.table["kind"] == "check")]
    failed = int((own["number"] == 0.0).sum())
    assert 0 < failed < len(own)
    (found,) = find_new_breaches((old, world.suite), (new, world.suite))
    assert found.message.startswith(f"two: contains:a failed {failed} of {len(own)} ")
    end = f"; on the old side 0 of {len(own)}; mode always needs one failure"
    assert found.message.endswith(end)
    (alone,) = find_new_breaches(None, (new, world.suite))
    assert alone.message.endswith("; mode always needs one failure")
    assert "old side" not in alone.message


def test_a_wire_that_accepted_nights_had_broken_already_is_no_reason_not_to_move(world):
    broken = WireProblem(path="stream order", what="no choices", severity="breaking")
    added = WireProblem(path="novelty", what="unknown field", severity="additive")
    run = world.run(0)
    answers = tuple(
        replace(
            one,
            answer=replace(
                one.answer, completion=replace(one.answer.completion, wire_problems=(broken, added))
            ),
        )
        for one in run.answers
    )
    new = (replace(run, answers=answers), world.suite)
    assert [one.kind for one in find_new_breaches(None, new)] == [
        FindingKind.BREACH,
        FindingKind.NOTICE,
    ]
    places = frozenset(map(problem_place, (broken, added)))
    (told,) = find_new_breaches(None, new, places)
    assert told.kind is FindingKind.NOTICE
    assert told.message.endswith("as in accepted nights")


def test_a_pinned_target_that_another_model_answers_is_an_identity(world, shape):
    new = world.run(1, shape(model="gpt-sim-2026-09-09"))
    found = find_new_breaches((world.run(0), world.suite), (new, world.suite))
    assert kinds_and_metrics(found) == [(FindingKind.IDENTITY, None, "model")]


def test_without_an_old_side_every_breach_is_the_new_ones(make_world, shape):
    world = make_world(shape(text="nothing"), checks=CHECKS)
    found = find_new_breaches(None, (world.run(0), world.suite))
    assert [finding.case for finding in found] == ["four", "one", "three", "two"]


def test_an_unchanged_side_breaks_nothing(world):
    assert find_new_breaches((world.run(0), world.suite), (world.run(1), world.suite)) == ()


def test_answers_that_an_sdk_cannot_read_are_a_breach():
    unread = [UnreadAnswer(side="to", case="a", trial=1, words="ValueError: what is this?")]
    (found,) = find_unread(unread, 12, "openai 3.54.0")
    assert found.kind is FindingKind.BREACH
    assert found.message == (
        "openai 3.54.0 could not read 1 of 12 answers that came whole; "
        "first: ValueError: what is this?"
    )
    assert find_unread([], 12, "openai 3.54.0") == ()
