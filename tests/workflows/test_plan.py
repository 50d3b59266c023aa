"""Planning: figures come from what was recorded, or are said to be assumed; nothing is asked."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from contractcheck.cli import cli
from contractcheck.errors import RecordingError
from contractcheck.judging.watch_plan import plan_watch
from contractcheck.model.plan import RateLimits
from contractcheck.report.plan_report import render_plan
from contractcheck.workflows.plan import PlanOptions, plan_suite
from contractcheck.workflows.workspace import Workspace

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shipped():
    place = Workspace(ROOT)
    suite = next(s for s in place.load_suites() if s.name == "support-triage")
    return place, suite, suite.targets[0]


@pytest.fixture(scope="module")
def plan(shipped):
    return plan_suite(*shipped, PlanOptions())


@pytest.fixture
def unrecorded(tmp_path):
    shutil.copytree(ROOT / "suites", tmp_path / "suites")
    place = Workspace(tmp_path)
    suite = next(s for s in place.load_suites() if s.name == "support-triage")
    return place, suite, suite.targets[0]


@pytest.fixture
def recorded(unrecorded):
    place, _, _ = unrecorded
    shutil.copytree(ROOT / "cassettes", place.root / "cassettes")
    return unrecorded


def test_a_night_asks_each_sample_once_and_a_year_365_nights(shipped, plan):
    _, suite, _ = shipped
    assert plan.night.requests == sum(case.samples for case in suite.cases)
    assert plan.year.requests == 365 * plan.night.requests
    assert plan.year.input_tokens == pytest.approx(365 * plan.night.input_tokens, rel=1e-3)


def test_tokens_are_those_of_the_recorded_reference_night(shipped, plan):
    place, suite, target = shipped
    assert plan.basis == "recorded"
    nights = place.baselines.read(suite.name, target).nights
    newest = nights[-1].statistics
    recorded = sum(sum(case.cells["output_tokens"].values) for case in newest.cases.values())
    assert plan.night.output_tokens == pytest.approx(recorded, abs=1)


def test_the_watch_plan_is_what_reports_call_visible(plan):
    streams = {stream.name: stream for stream in plan.watch.streams}
    assert streams["text"].smallest_visible is not None
    assert 0 < streams["text"].smallest_visible < streams["*"].smallest_visible <= 1
    assert streams["ttft_s"].smallest_visible > streams["ttft_s"].margin == 1.25
    assert any("no number of nights" in words for words in plan.advice)


def test_the_nightly_watch_is_planned_by_its_charts(plan):
    assert plan.watch.charted == 10
    found = {(one.change, one.stream, one.size): one.nights for one in plan.watch.delays}
    for kind in {key[:2] for key in found}:
        by_size = [found[key] for key in sorted(found) if key[:2] == kind]
        waits = [31 if nights is None else nights for nights in by_size]
        # A larger change is found no later, and none is found by one night.
        assert waits == sorted(waits, reverse=True)
        assert min(waits) >= 2
    assert {key[0] for key in found} == {
        "all answers",
        "one case",
        "ttft_s",
        "time_per_token_s",
        "conformance",
    }
    # What is within the declared margin is no news.
    assert found["conformance", "conformance", 0.02] is None


def test_refusals_that_never_come_do_not_speak_for_wordings_and_labels(plan):
    found = {(one.change, one.stream, one.size): one.nights for one in plan.watch.delays}
    assert found["all answers", "refusal", 0.05] is not None
    assert found["all answers", "text", 0.05] is None
    assert found["one case", "refusal", 0.4] < (found["one case", "text", 0.4] or 31)
    for case in plan.cases:
        assert case.nights.keys() == {key[1] for key in found if key[0] == "one case"}
        assert 0.0 < case.nights["refusal"] < 1.0
        others = [share for name, share in case.nights.items() if name != "refusal"]
        assert all(share is None or share >= case.nights["refusal"] for share in others)
    row = next(r for r in render_plan(plan).splitlines() if r.startswith("  late-parcel"))
    assert row.split()[4] == "refusal"
    assert row.count("…") == 1


def test_a_plan_says_what_ten_nights_would_show_while_there_are_fewer(shipped):
    place, suite, target = shipped
    nights = [night.statistics for night in place.baselines.read(suite.name, target).nights]
    few, _ = plan_watch(suite, [nights[:6]])
    all_of_them, _ = plan_watch(suite, [nights])
    assert (few.accepted, few.charted) == (6, 10)
    assert [one.change for one in few.delays] == [one.change for one in all_of_them.delays]
    rebased, _ = plan_watch(suite, [nights[:6], nights[6:]])
    assert (rebased.accepted, rebased.charted, rebased.streams) == (10, 10, ())
    # Four since, and what ten like them would show.
    assert rebased.rebased == 4
    kinds = {(one.change, one.stream) for one in all_of_them.delays}
    assert {(one.change, one.stream) for one in rebased.delays} == kinds
    assert {one.nights for one in rebased.delays} != {None}
    assert plan_watch(suite, [nights[:4]])[0].delays == ()


def test_one_night_since_a_rebase_is_planned_as_ten_and_said_to_be_one(shipped, plan):
    place, suite, target = shipped
    nights = [night.statistics for night in place.baselines.read(suite.name, target).nights]
    watch, _ = plan_watch(suite, [nights[:9], nights[9:]])
    assert any(one.nights is not None for one in watch.delays)
    text = render_plan(replace(plan, watch=watch))
    assert "1 of 10 nights accepted since the last re-base, 9 before it" in text
    assert "had 10 nights like these been accepted" in text


def test_an_era_without_a_night_plans_nothing(shipped):
    place, suite, target = shipped
    nights = [night.statistics for night in place.baselines.read(suite.name, target).nights]
    watch, shares = plan_watch(suite, [nights, []])
    assert (watch.streams, watch.delays, shares) == ((), (), {})


def test_accepted_nights_that_have_expired_are_not_planned_with(recorded):
    place, suite, target = recorded
    baseline = place.baselines.read(suite.name, target)
    ending = [
        replace(one, acceptance=replace(one.acceptance, expires="2026-06-30"))
        for one in baseline.nights[:6]
    ]
    changed = replace(baseline, nights=(*ending, *baseline.nights[6:]))
    place.baselines.write(changed, place.baselines.reference(suite.name, target))
    before = plan_suite(place, suite, target, PlanOptions(tonight="2026-06-30", simulations=20))
    after = plan_suite(place, suite, target, PlanOptions(tonight="2026-07-01", simulations=20))
    assert before.watch.accepted == 10
    assert "expired" not in before.source
    assert after.watch.accepted == 4
    assert after.watch.delays == ()
    assert "6 more accepted nights have expired and no longer count" in after.source


def test_the_printed_plan_tells_the_nights_until_something_is_found(plan):
    text = render_plan(plan)
    assert "nights until the watch finds what lasts, with 80% power:" in text
    start = "all answers: text "
    line = next(row.strip() for row in text.splitlines() if row.strip().startswith(start))
    waits = [one.nights for one in plan.watch.delays if f"{one.change}: {one.stream} " == start]
    sizes = ("5%:", "10%:", "20%:", "40%:")
    pairs = zip(sizes, waits, strict=True)
    told = [word for size, wait in pairs for word in (size, "–" if wait is None else str(wait))]
    assert line.removeprefix(start).split() == told


def test_money_is_never_supposed(shipped, plan, tmp_path):
    assert plan.night.usd is None
    assert any("no price of openai:gpt-sim-mini" in words for words in plan.warnings)
    prices = tmp_path / "prices.json"
    _, _, target = shipped
    prices.write_text(json.dumps({"as_of": "2026-11-21", "models": {target.id: [2.0, 10.0]}}))
    priced = plan_suite(*shipped, PlanOptions(prices=prices))
    expected = (2.0 * priced.night.input_tokens + 10.0 * priced.night.output_tokens) / 1e6
    assert priced.night.usd == pytest.approx(expected, rel=1e-3)
    assert not any("no price" in words for words in priced.warnings)


def test_limits_come_from_recorded_headers_unless_told(shipped, plan):
    assert plan.limits.requests_per_minute == 10_000
    told = RateLimits(requests_per_minute=10, source="the command line")
    slow = plan_suite(*shipped, PlanOptions(limits=told))
    assert slow.limits.requests_per_minute == 10
    assert slow.night.duration_s == pytest.approx(60 * slow.night.requests / 10)


def test_without_a_recording_everything_is_said_to_be_assumed(unrecorded):
    plan = plan_suite(*unrecorded, PlanOptions())
    assert plan.basis == "assumed"
    assert "nothing is recorded yet" in plan.source
    assert plan.watch.streams == ()
    assert any("0 accepted nights" in words for words in plan.warnings)
    _, suite, _ = unrecorded
    most = sum(c.samples * c.parameters.max_output_tokens for c in suite.cases)
    assert plan.night.output_tokens == most


def test_three_answers_against_three_are_warned_of(unrecorded):
    place, suite, target = unrecorded
    few = replace(suite, cases=tuple(replace(case, samples=3) for case in suite.cases[:1]))
    plan = plan_suite(place, few, target, PlanOptions())
    assert plan.cases[0].pair is None
    warning = next(words for words in plan.warnings if "cannot reach" in words)
    assert "3 answers against 3" in warning
    assert "4 samples can" in warning


def test_how_many_more_answers_show_a_pass_rate_is_tried_not_extrapolated(plan):
    stream = next(s for s in plan.watch.streams if s.name == "conformance")
    by_the_root = (stream.smallest_visible / stream.margin) ** 2
    # Every recorded check passed, so the visible fall shrinks with the answers, not their root.
    assert stream.smallest_visible / stream.margin / 2 < stream.answers_factor < by_the_root / 4
    assert any(f"about {stream.answers_factor} times as many" in words for words in plan.advice)


def test_accepted_nights_without_recordings_are_not_called_nothing(recorded):
    place, suite, target = recorded
    shutil.rmtree(place.baselines.reference(suite.name, target))
    plan = plan_suite(place, suite, target, PlanOptions(simulations=50))
    assert "no recording of the 10 accepted nights is at hand" in plan.source
    assert plan.watch.accepted == 10


def test_an_edited_recording_is_named_and_not_passed_over(recorded):
    place, suite, target = recorded
    reference = place.baselines.reference(suite.name, target)
    case = reference / "late-parcel.jsonl"
    case.write_bytes(case.read_bytes().replace(b"parcel", b"parcal"))
    with pytest.raises(RecordingError, match=case.stem):
        plan_suite(place, suite, target, PlanOptions(simulations=50))


@pytest.mark.parametrize("told", ["nan", "inf", "0", "1e-300"])
def test_a_limit_that_is_no_limit_is_refused(unrecorded, told):
    place, _, _ = unrecorded
    arguments = ["plan", "--root", str(place.root), "--requests-per-minute", told]
    assert CliRunner().invoke(cli, arguments).exit_code == 2


@pytest.mark.parametrize("command", [["plan"], ["calibrate", "support-triage"]])
def test_no_gate_is_planned_that_could_not_be_run(unrecorded, command):
    place, _, _ = unrecorded
    result = CliRunner().invoke(cli, [*command, "--root", str(place.root), "--slots", "1001"])
    assert result.exit_code == 2
    assert "1<=x<=1000" in result.output


def test_a_suite_that_no_gate_can_decide_is_told_so(unrecorded):
    place, suite, target = unrecorded
    bare = replace(suite, policy=replace(suite.policy, margins={}))
    plan = plan_suite(place, bare, target, PlanOptions())
    assert plan.gate is None
    assert plan.gate_run is None
    assert any("declare policy.margins" in words for words in plan.advice)
