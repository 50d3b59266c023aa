"""What accepted nights learnt of the wire decides, whatever the format documents."""

import json
from dataclasses import replace

import pytest

from contractcheck.judging import judge_case
from contractcheck.judging.wire_changes import find_shape_changes, shape_findings
from contractcheck.measuring import observe
from contractcheck.model.completion import WireProblem
from contractcheck.model.judgement import FindingKind, Rate, Verdict
from contractcheck.model.wire_shape import ShapeChange
from contractcheck.wire_contracts import problem_place


def rewrite(run, change, *, share=1.0):
    """The same run with other events on the wire."""
    exchanges = []
    for place, exchange in enumerate(run.exchanges):
        response = exchange.response
        body = b"".join(
            rewrite_event(event, change) for event in response.body.split(b"\n\n") if event
        )
        changed = replace(
            response,
            body=body,
            chunk_bytes=(len(body),),
            chunk_times_us=response.chunk_times_us[-1:],
        )
        is_chosen = place < share * len(run.exchanges)
        exchanges.append(replace(exchange, response=changed) if is_chosen else exchange)
    return replace(run, exchanges=tuple(exchanges))


def rewrite_event(event, change):
    data = event.removeprefix(b"data: ")
    if data == b"[DONE]":
        return event + b"\n\n"
    return b"data: " + json.dumps(change(json.loads(data))).encode() + b"\n\n"


def of_wire(judgement, *kinds):
    return {
        finding.metric: finding
        for finding in judgement.findings
        if finding.kind in kinds and (finding.metric or "").startswith("wire ")
    }


def without_created(document):
    return {key: value for key, value in document.items() if key != "created"}


def judge(world, change=None, share=1.0, baseline=None):
    run = world.record(20)
    if change is not None:
        run = rewrite(run, change, share=share)
    baseline = world.baseline(4) if baseline is None else baseline
    return world.judge(observe(run, world.suite), baseline)


def test_an_unchanged_wire_is_not_spoken_of(world):
    judgement = judge(world)
    assert of_wire(judgement, *FindingKind) == {}
    assert not any("wire" in note for note in judgement.notes)


def test_a_member_that_always_came_is_missed_though_the_format_does_not_require_it(world):
    judgement = judge(world, without_created)
    assert judgement.verdict is Verdict.FAIL
    (finding,) = of_wire(judgement, FindingKind.BREACH).values()
    assert finding.message == (
        "learnt wire shape: created: gone; 32 of 32 answers, in accepted nights 0 of 128"
    )


def test_a_member_that_some_answers_lack_is_told_with_its_rate(world):
    judgement = judge(world, without_created, share=0.5)
    (finding,) = of_wire(judgement, FindingKind.BREACH).values()
    assert "16 of 32 answers (50.0%, 95 % interval 31.9% to 68.1%)" in finding.message


def test_a_new_member_is_a_notice_until_a_night_with_it_is_accepted(world):
    def more(document):
        return {**document, "novelty": {"a": 1}}

    told = judge(world, more)
    assert told.verdict is not Verdict.FAIL
    assert list(of_wire(told, FindingKind.NOTICE)) == ["wire novelty"]
    runs = [observe(rewrite(world.record(night), more), world.suite) for night in range(4)]
    later = judge(world, more, baseline=world.accept(runs))
    assert of_wire(later, *FindingKind) == {}


def test_an_odd_value_of_every_night_is_told_until_it_is_accepted(world):
    def odd(document):
        return {**document, "service_tier": "", "object": "chat.completion.part"}

    told = of_wire(judge(world, odd), FindingKind.NOTICE)
    assert "new value that is no name" in told["wire service_tier"].message
    assert "new value 'chat.completion.part'" in told["wire object"].message
    runs = [observe(rewrite(world.record(night), odd), world.suite) for night in range(4)]
    assert of_wire(judge(world, odd, baseline=world.accept(runs)), *FindingKind) == {}


def filtered_first(document):
    """As a gateway before Azure sends it: on this wire, no chunk may come without choices."""
    if document["choices"] and document["choices"][0]["finish_reason"] is None:
        return {**document, "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    return document


def test_what_is_forbidden_and_was_accepted_is_known_until_it_comes_more_often(world):
    told = of_wire(judge(world, filtered_first), FindingKind.BREACH)
    assert "wire stream order" in told
    runs = [world.record(night) for night in range(4)]
    always = [observe(rewrite(run, filtered_first), world.suite) for run in runs]
    later = judge(world, filtered_first, baseline=world.accept(always))
    assert later.verdict is not Verdict.FAIL
    (notice,) = of_wire(later, *FindingKind).values()
    assert notice.message.endswith("as in accepted nights")
    rarely = [observe(rewrite(run, filtered_first, share=0.1), world.suite) for run in runs]
    more = judge(world, filtered_first, baseline=world.accept(rarely))
    assert "wire stream order" in of_wire(more, FindingKind.BREACH)


def test_a_member_that_the_format_requires_is_told_once(world):
    judgement = judge(world, lambda d: {**d, "choices": [strip(one) for one in d["choices"]]})
    found = of_wire(judgement, FindingKind.BREACH)
    assert list(found) == ["wire choices[0].delta"]


def strip(choice):
    return {key: value for key, value in choice.items() if key != "delta"}


def test_nights_without_a_learnt_shape_are_named_and_compare_nothing(world):
    baseline = world.baseline(4)
    old = tuple(
        replace(night, statistics=replace(night.statistics, wire=None)) for night in baseline.nights
    )
    judgement = judge(world, without_created, baseline=replace(baseline, nights=old))
    assert of_wire(judgement, *FindingKind) == {}
    assert any("wire shape not learnt yet" in note for note in judgement.notes)


def test_nights_that_were_asked_something_else_are_not_compared(world, make_suite):
    suite = make_suite(cases=("one", "two"))
    run = observe(rewrite(world.record(20, suite=suite), without_created), suite)
    baseline = world.baseline(4)
    assert find_shape_changes(run, baseline.nights) == ()
    notes = world.judge(run, baseline, suite=suite).notes
    assert "wire shape not compared: accepted nights were asked other requests" in notes


def refused(run, case):
    """The same run, in which the provider failed every request of a case."""
    exchanges = tuple(
        replace(one, response=None, ended="error", error="ConnectError")
        if one.case == case
        else one
        for one in run.exchanges
    )
    return replace(run, exchanges=exchanges)


@pytest.fixture
def six_cases(make_world):
    return make_world(cases=("one", "two", "three", "four", "five", "six"))


def test_a_case_of_which_only_tonight_has_answers_is_named(six_cases):
    world = six_cases
    runs = [observe(refused(world.record(night), "two"), world.suite) for night in range(4)]
    judgement = world.judge(observe(world.record(20), world.suite), world.accept(runs))
    assert "wire shape not compared: accepted nights have no answer of two" in judgement.notes
    assert of_wire(judgement, *FindingKind) == {}


@pytest.mark.parametrize("silent_then", [False, True])
def test_a_case_without_answers_tonight_hides_no_change_of_the_others(six_cases, silent_then):
    world = six_cases
    nights = [world.record(night) for night in range(4)]
    nights = [refused(run, "two") if silent_then else run for run in nights]
    baseline = world.accept([observe(run, world.suite) for run in nights])
    tonight = world.record(20)
    quiet = world.judge(observe(refused(tonight, "two"), world.suite), baseline)
    assert of_wire(quiet, *FindingKind) == {}
    assert not any("wire shape" in note for note in quiet.notes)
    changed = refused(rewrite(tonight, without_created), "two")
    told = world.judge(observe(changed, world.suite), baseline)
    assert list(of_wire(told, FindingKind.BREACH)) == ["wire created"]


def saying(name):
    """Every piece of an answer has another member."""

    def change(document):
        choices = [{**one, "delta": {**one["delta"], name: "x"}} for one in document["choices"]]
        return {**document, "choices": choices}

    return change


def partly(run, change, chosen):
    """The same run with other events on the wire of the cases that ``chosen`` names."""
    pairs = zip(run.exchanges, rewrite(run, change).exchanges, strict=True)
    return replace(run, exchanges=tuple(new if old.case in chosen else old for old, new in pairs))


@pytest.mark.parametrize("silent", [True, False])
def test_what_a_silent_case_alone_said_is_neither_gone_nor_renamed(make_world, silent):
    world = make_world(cases=("one", "two", "three", "four", "five", "six"), samples=32)
    noted = [partly(world.record(night), saying("house_note"), {"two"}) for night in range(2)]
    baseline = world.accept([observe(run, world.suite) for run in noted])
    tonight = rewrite(world.record(20), saying("novelty"))
    tonight = refused(tonight, "two") if silent else tonight
    judgement = world.judge(observe(tonight, world.suite), baseline)
    if silent:
        ((metric, told),) = of_wire(judgement, *FindingKind).items()
        assert (metric, told.kind) == ("wire choices[0].delta.novelty", FindingKind.NOTICE)
    else:
        (lost,) = of_wire(judgement, FindingKind.BREACH).values()
        assert "choices[*].delta.house_note: renamed to 'novelty'" in lost.message


def test_to_be_held_against_itself_alone_is_no_comparison(world):
    measured = observe(world.record(0), world.suite)
    notes = world.judge(measured, world.accept([measured])).notes
    why = "wire shape not compared: there is no other accepted night that is complete"
    assert why in notes


def test_what_an_earlier_attempt_got_is_evidence_too(world):
    run = world.record(20)
    broken = rewrite(run, lambda d: {**d, "choices": None})
    retried = tuple(replace(one, attempt=1) for one in run.exchanges)
    both = sorted([*broken.exchanges, *retried], key=lambda e: (e.case, e.trial, e.attempt))
    measured = observe(replace(run, exchanges=tuple(both)), world.suite)
    assert len(measured.answers) == len(measured.earlier) == 32
    judgement = world.judge(measured)
    found = of_wire(judgement, FindingKind.BREACH)
    assert "32 of 64 exchanges" in found["wire choices"].message
    case = judge_case(measured, world.suite, "one")
    assert case.verdict is Verdict.FAIL
    assert "8 of 16 exchanges (in one)" in case.reason


def test_what_was_accepted_at_a_place_hides_nothing_else_there(world):
    """An accepted oddity is no telling of what is new at the same place."""
    run = observe(world.record(20), world.suite)
    odd = WireProblem(path="choices[0].id", what="not of the documented form", severity="breaking")
    first = run.answers[0]
    told = replace(first.answer.completion, wire_problems=(odd,))
    answer = replace(first, answer=replace(first.answer, completion=told))
    measured = replace(run, answers=(answer, *run.answers[1:]))
    rate = Rate(count=1, n=2, low=0.1, high=0.9)
    change = ShapeChange(
        path="choices[*].id", what="new form", severity="breaking", baseline=rate, candidate=rate
    )
    assert shape_findings(measured, [change]) == []
    known = frozenset({problem_place(odd)})
    (finding,) = shape_findings(measured, [change], known)
    assert finding.kind is FindingKind.BREACH
