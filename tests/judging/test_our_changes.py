"""What we changed is never blamed on the provider, and does not stop the rest from being judged."""

from __future__ import annotations

import pytest

from contractcheck.measuring import observe
from contractcheck.model.judgement import FindingKind, Verdict

MOVED = {"region": "us", "python": "3.11"}
UPGRADED = {"region": "eu", "python": "3.13"}


def ours(judgement):
    return [finding for finding in judgement.findings if finding.kind is FindingKind.OURS]


def test_a_changed_request_is_ours_and_the_other_cases_are_still_judged(
    make_suite, make_world, shape
):
    world = make_world()
    baseline = world.baseline()
    edited = make_suite(cases=(("one", {"content": "Something else?"}), "two", "three", "four"))
    refusing = shape(text="no")

    quiet = world.judge(world.run(10, suite=edited), baseline, suite=edited)
    (finding,) = quiet.findings
    assert finding.kind is FindingKind.OURS
    assert finding.message == (
        "one: you changed messages since 2026-03-10; nothing in this case is blamed on the provider"
    )
    assert quiet.verdict is Verdict.QUIET
    assert "(1 case is still learning)" in quiet.headline
    assert "learning (not yet compared): one (0 nights)" in quiet.notes

    only_one = shape(only=["one"], text="no")
    nights = [world.run(night, only_one, suite=edited) for night in (11, 12)]
    blamed = world.judge(nights[1], baseline, nights[0], suite=edited)
    assert blamed.verdict is Verdict.QUIET
    assert all(c.case != "one" for c in blamed.comparisons)

    nights = [world.run(night, refusing, suite=edited) for night in (11, 12)]
    rest = world.judge(nights[1], baseline, nights[0], suite=edited)
    assert rest.verdict is Verdict.FAIL
    drift = next(f for f in rest.findings if f.kind is FindingKind.DRIFT)
    assert {place.case for place in drift.where} <= {"two", "three", "four"}


def test_when_every_request_changed_there_is_nothing_to_compare(make_suite, make_world):
    world = make_world()
    edited = make_suite(content="Something else?")
    judgement = world.judge(world.run(10, suite=edited), world.baseline(), suite=edited)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "record and accept 5 nights of the new requests" in judgement.headline
    assert len(ours(judgement)) == 4


def test_a_new_case_learns_until_it_has_its_nights(make_suite, make_world):
    world = make_world()
    old = world.baseline(7)
    grown = make_suite(cases=("one", "two", "three", "four", "five"))
    judgement = world.judge(world.run(10, suite=grown), old, suite=grown)
    assert judgement.verdict is Verdict.QUIET
    assert "learning (not yet compared): five (0 nights)" in judgement.notes
    assert all(c.case != "five" for c in judgement.comparisons)


def test_a_new_metric_and_a_new_check_learn_and_the_rest_is_judged(make_suite, make_world):
    world = make_world(metrics="[text]")
    baseline = world.baseline()
    richer = make_suite(metrics="[text, output_tokens]", checks="[{contains: a}]")
    judgement = world.judge(world.run(10, suite=richer), baseline, suite=richer)
    assert judgement.verdict is Verdict.QUIET
    assert any("accepted nights lack it: contains" in note for note in judgement.notes)
    assert any("output_tokens" in note for note in judgement.notes)
    assert "text" in {c.metric for c in judgement.comparisons}


def test_a_removed_metric_or_case_is_not_missed(make_suite, make_world):
    world = make_world()
    baseline = world.baseline()
    leaner = make_suite(metrics="[output_tokens]", cases=("one", "two"))
    judgement = world.judge(world.run(10, suite=leaner), baseline, suite=leaner)
    assert judgement.verdict is Verdict.QUIET
    older = world.record(11)
    assert world.judge(observe(older, leaner), baseline, suite=leaner).verdict is Verdict.QUIET


@pytest.mark.parametrize(
    ("vantage", "changes", "verdict"),
    [
        (MOVED, {"text": "no"}, Verdict.INCONCLUSIVE),
        (UPGRADED, {"text": "no"}, Verdict.FAIL),
        (UPGRADED, {"ttft_s": 3.0}, Verdict.INCONCLUSIVE),
    ],
)
def test_from_another_vantage_what_may_be_our_doing_is_ours(
    world, shape, vantage, changes, verdict
):
    changed = shape(**changes)
    nights = [world.run(night, changed, vantage=vantage) for night in (11, 12)]
    judgement = world.judge(nights[1], world.baseline(), nights[0])
    assert judgement.verdict is verdict
    move = next(f for f in judgement.findings if f.metric == "vantage")
    assert move.kind is FindingKind.OURS
    key = next(k for k in vantage if vantage[k] != world.vantage[k])
    assert move.message == (
        f"our side changed since 2026-03-10: {key} {world.vantage[key]} → {vantage[key]}"
    )
    if verdict is Verdict.INCONCLUSIVE:
        assert "so did our side" in judgement.headline
        assert FindingKind.DRIFT not in {f.kind for f in judgement.findings}


def test_an_unset_vantage_and_an_absent_one_are_the_same(world):
    run = world.run(10, vantage={**world.vantage, "runner": ""})
    assert world.judge(run, world.baseline()).findings == ()


def test_another_endpoint_may_be_another_deployment(world, shape):
    world.vantage = {"region": "eu", "endpoint": "llm.example"}
    nights = [
        world.run(night, shape(text="no"), vantage={"region": "eu", "endpoint": "new.example"})
        for night in (11, 12)
    ]
    judgement = world.judge(nights[1], world.baseline(), nights[0])
    assert judgement.verdict is Verdict.INCONCLUSIVE
    move = next(f for f in judgement.findings if f.metric == "vantage")
    assert move.message.endswith("endpoint llm.example → new.example")


def test_nights_that_tell_no_endpoint_are_not_held_to_one(world):
    run = world.run(10, vantage={**world.vantage, "endpoint": "llm.example"})
    assert world.judge(run, world.baseline()).findings == ()
