"""Never quiet on missing evidence: each hole is a verdict of its own, with what would fill it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contractcheck.model.judgement import FindingKind, Verdict


def test_a_case_that_nobody_answered_is_not_quiet(make_world, shape):
    names = ("one", "two", "three", "four", "five", "six")
    world = make_world(cases=names, samples=8)
    run = world.run(10, shape(only=["five"], status=503))
    judgement = world.judge(run, world.baseline())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "five has 0 answers from 8 trials" in judgement.headline
    assert "8 of 48 trials have no answer to score" in judgement.notes


@pytest.mark.parametrize(("lost", "verdict"), [(4, Verdict.QUIET), (5, Verdict.INCONCLUSIVE)])
def test_half_a_case_is_enough_and_less_is_not(make_world, shape, lost, verdict):
    world = make_world(cases=("one", "two", "three", "four", "five"), samples=8)
    broken = shape(status=503)
    run = world.run(
        10,
        lambda d, c, t: broken(d, c, t) if c == "two" and t < lost else world.behaviour(d, c, t),
    )
    assert world.judge(run, world.baseline()).verdict is verdict


def test_malformed_answers_of_one_case_are_not_quiet(world, shape):
    run = world.run(10, shape(only=["two"], raw=b"<html>maintenance</html>"))
    judgement = world.judge(run, world.baseline())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "two has 0 answers from 8 trials" in judgement.headline


def test_a_night_of_malformed_answers_is_not_quiet(world, shape):
    run = world.run(10, shape(raw=b"<html>maintenance</html>"))
    judgement = world.judge(run, world.baseline(), run)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert FindingKind.DRIFT not in {f.kind for f in judgement.findings}


def test_a_night_without_usable_times_is_not_quiet(world, shape):
    run = world.run(10, shape(lag_s=30.0))
    judgement = world.judge(run, world.baseline())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.headline == (
        "INCONCLUSIVE: time per output token could not be judged: no value on 2026-03-11; "
        "record the night again"
    )
    assert any(note.startswith("time to first token could not") for note in judgement.notes)


def test_a_night_that_was_not_streamed_has_no_first_token_to_judge(world, shape):
    judgement = world.judge(world.run(10, shape(streamed=False)), world.baseline())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "time to first token could not be judged" in " ".join(
        (judgement.headline, *judgement.notes)
    )


def test_a_previous_night_without_times_does_not_blind_tonight(world, shape):
    judgement = world.judge(world.run(11), world.baseline(), world.run(10, shape(lag_s=30.0)))
    assert judgement.verdict is Verdict.QUIET
    slow = world.run(11, shape(ttft_s=lambda old: 3 * old))
    judgement = world.judge(slow, world.baseline(), world.run(10, shape(lag_s=30.0)))
    assert [f.kind for f in judgement.findings] == [FindingKind.SUSPECT]


def test_a_limit_on_time_without_any_time_is_not_quiet(make_world, shape):
    world = make_world(policy="{limits: {latency_p95_s: 60}}")
    late = shape(lag_s=30.0)
    judgement = world.judge(world.run(10, late), world.baseline(behaviour=late))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "the limit latency_p95_s could not be judged" in judgement.headline


def test_a_number_that_is_gone_all_night_is_seen(make_world, shape):
    world = make_world(metrics="[{number: '^([0-9]+)$'}]")
    baseline = world.baseline(behaviour=shape(text="12"))
    gone = shape(text="twelve")
    judgement = world.judge(world.run(12, gone), baseline, world.run(11, gone))
    assert judgement.verdict is not Verdict.QUIET


def test_an_interrupted_run_is_never_judged_for_drift(world, shape):
    def half(draw, case, trial):
        return None if trial > 3 else shape(text="no")(draw, case, trial)

    run = world.run(11, half, status="interrupted")
    judgement = world.judge(run, world.baseline(), world.run(10, shape(text="no")))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.headline == (
        "INCONCLUSIVE: only 16 of 32 planned trials were made (run interrupted); "
        "a complete run would be enough"
    )
    assert judgement.comparisons == ()


def test_a_partial_run_says_which_cases_were_not_asked(world, shape):
    run = world.run(11, shape(text="no"), status="partial", cases=["one", "two"])
    judgement = world.judge(run, world.baseline())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "2 of 4 cases were asked (not three, four)" in judgement.headline


def test_a_run_older_than_a_case_does_not_speak_for_it(world):
    run, baseline = world.run(10), world.baseline()
    grown = replace(
        world.suite, cases=(*world.suite.cases, replace(world.suite.cases[0], id="new"))
    )
    judgement = world.judge(run, baseline, suite=grown)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "4 of 5 cases were asked (not new)" in judgement.headline


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_more_than_a_fifth_lost_in_transport_is_an_error(world, shape, share):
    run = world.run(10, shape(status=503, share=share))
    judgement = world.judge(run, world.baseline(), run)
    assert judgement.verdict is Verdict.ERROR
    assert judgement.headline.startswith("ERROR: could not measure: ")
    assert "failed in transport (more than 20%), most often: HTTP 503" in judgement.headline
    assert judgement.findings == ()


def test_an_error_says_why_the_run_ended_early(world, shape):
    def half(draw, case, trial):
        return None if trial > 3 else shape(status=429)(draw, case, trial)

    run = world.run(10, half, status="interrupted")
    stopped = replace(run.header, stopped="the provider asks to wait 300 s")
    judgement = world.judge(replace(run, header=stopped), world.baseline())
    assert judgement.verdict is Verdict.ERROR
    (why,) = judgement.notes[1:]
    assert why.startswith("only 16 of 32 planned trials were made (run interrupted: the provider")


def test_no_connection_is_an_error_and_never_drift(world, shape):
    judgement = world.judge(world.run(10, shape(status=0)), world.baseline())
    assert judgement.verdict is Verdict.ERROR
    assert "ConnectError" in judgement.headline


@pytest.mark.parametrize("status", [400, 401, 404])
def test_one_refused_request_is_an_error_of_ours(world, shape, status):
    run = world.run(
        10,
        lambda d, c, t: (shape(status=status) if (c, t) == ("one", 0) else world.behaviour)(
            d, c, t
        ),
    )
    judgement = world.judge(run, world.baseline())
    assert judgement.verdict is Verdict.ERROR
    assert f"1 of 32 requests refused: HTTP {status}" in judgement.headline


def test_a_run_without_an_exchange_is_an_error(world):
    run = world.run(10, lambda *_: None, status="interrupted")
    judgement = world.judge(run, world.baseline())
    assert judgement.verdict is Verdict.ERROR
    assert "no exchange was recorded" in judgement.headline


def test_five_percent_of_outage_is_a_verdict_with_a_note(make_world, shape):
    world = make_world(samples=20)
    run = world.run(10, shape(status=503, share=0.05))
    judgement = world.judge(run, world.baseline())
    assert judgement.verdict is Verdict.QUIET
    assert any("have no answer to score" in note for note in judgement.notes)


def test_answers_too_few_to_show_anything_are_not_quiet(make_world):
    world = make_world(cases=("one",), samples=2, metrics="[{label: '^(.*)$'}]")
    judgement = world.judge(world.run(10), world.baseline(5))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "would not be seen" in judgement.headline
