"""Every rung of the evidence ladder, from answers to the verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contractcheck.judging import exit_code
from contractcheck.model.judgement import FindingKind, Verdict

REFUSAL = "I can't help with that"


def kinds(judgement):
    return [finding.kind for finding in judgement.findings]


def only(judgement, kind):
    (finding,) = [one for one in judgement.findings if one.kind is kind]
    return finding


def test_an_unchanged_model_is_quiet_and_says_what_would_have_been_seen(world):
    judgement = world.judge(world.run(10), world.baseline())
    assert judgement.verdict is Verdict.QUIET
    assert judgement.findings == ()
    assert judgement.notes == ()
    assert "% of all answers changed" in judgement.headline
    assert "x slower" in judgement.headline
    assert judgement.baseline == "10 accepted nights, 2026-03-01 … 2026-03-10"
    assert judgement.error_rates.startswith("chance of any false red at most 10% in 365 nights")


@pytest.mark.parametrize(("nights", "more"), [(0, 5), (1, 4), (4, 1)])
def test_fewer_than_five_nights_tell_nothing_of_drift(world, shape, nights, more):
    baseline = world.baseline(nights) if nights else None
    judgement = world.judge(world.run(10, shape(text=REFUSAL)), baseline)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert f"accept {more} more" in judgement.headline
    assert judgement.comparisons == ()
    assert judgement.error_rates.startswith("no claim about drift")


@pytest.mark.parametrize(("nights", "is_provisional"), [(5, True), (9, True), (10, False)])
def test_fewer_nights_than_the_policy_wants_are_provisional(world, nights, is_provisional):
    judgement = world.judge(world.run(10), world.baseline(nights))
    assert judgement.verdict is Verdict.QUIET
    assert judgement.error_rates.startswith("provisional (") is is_provisional
    # The figure was measured with ten accepted nights; with other numbers it must not pose as
    # this baseline's own.
    assert "at most 2% in 14 with ten accepted nights" in judgement.error_rates
    assert ("provisional until 10" in judgement.baseline) is is_provisional


def test_a_large_change_is_suspect_on_one_night_and_drift_on_two(world, shape):
    baseline = world.baseline()
    changed = shape(text=REFUSAL, share=0.5)
    first, second = world.run(11, changed), world.run(12, changed)

    suspect = world.judge(first, baseline, world.run(10))
    assert suspect.verdict is Verdict.INCONCLUSIVE
    assert set(kinds(suspect)) == {FindingKind.SUSPECT}
    assert "one night is never enough" in suspect.headline

    drift = world.judge(second, baseline, first)
    assert drift.verdict is Verdict.FAIL
    finding = only(drift, FindingKind.DRIFT)
    assert finding.since == first.statistics.night
    assert drift.headline.startswith("FAIL: the provider changed (first seen 2026-03-12)")
    assert len(finding.message) <= 400
    assert {place.case for place in finding.where} <= {"one", "two", "three", "four"}
    assert all(place.estimate.p > 0 for place in finding.where)


def test_after_a_suspect_night_a_quiet_one_is_quiet(world, shape):
    suspect = world.run(11, shape(text=REFUSAL))
    judgement = world.judge(world.run(12), world.baseline(), suspect)
    assert judgement.verdict is Verdict.QUIET


def test_a_quiet_night_between_two_changed_ones_keeps_them_apart(world, shape):
    judgement = world.judge(world.run(12, shape(text=REFUSAL)), world.baseline(), world.run(11))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert FindingKind.DRIFT not in kinds(judgement)


def test_two_nights_that_changed_in_different_planes_confirm_nothing(world, shape):
    slow = world.run(11, shape(ttft_s=lambda old: 3 * old))
    worded = world.run(12, shape(text=REFUSAL))
    judgement = world.judge(worded, world.baseline(), slow)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert {finding.plane for finding in judgement.findings} == {"outputs"}


@pytest.mark.parametrize(
    ("factor", "verdict"), [(2.0, Verdict.FAIL), (1.15, Verdict.QUIET), (0.4, Verdict.QUIET)]
)
def test_slower_is_drift_beyond_the_margin_and_faster_never(world, shape, factor, verdict):
    changed = shape(ttft_s=lambda old: factor * old)
    judgement = world.judge(world.run(12, changed), world.baseline(), world.run(11, changed))
    assert judgement.verdict is verdict
    (stream,) = [c for c in judgement.comparisons if c.case is None and c.metric == "ttft_s"]
    estimate = stream.estimate
    assert estimate.unit == "ratio"
    assert estimate.low < estimate.effect < estimate.high
    assert estimate.effect == pytest.approx(factor, rel=0.15)
    per_case = [c.estimate for c in judgement.comparisons if c.case and c.metric == "ttft_s"]
    assert all(e.effect == pytest.approx(factor, rel=0.2) for e in per_case)
    assert all(e.low <= e.effect <= e.high for e in per_case)


def test_effects_have_the_sign_of_the_change(world, shape):
    changed = shape(text=REFUSAL, tokens=60)
    judgement = world.judge(world.run(12, changed), world.baseline(), world.run(11, changed))
    by_metric = {c.metric: c.estimate for c in judgement.comparisons if c.case == "one"}
    label = by_metric["label:^(.*)$"]
    assert label.effect == pytest.approx(1.0)
    assert label.low > 0.5
    assert label.detail == f"{REFUSAL}: 0% → 100%"
    tokens = by_metric["output_tokens"]
    assert tokens.unit == "shift"
    assert 30 < tokens.low <= tokens.effect <= tokens.high < 50
    assert tokens.detail.endswith("→ 60")


def test_the_names_of_labels_do_not_matter(make_world, shape):
    world = make_world(metrics="[{label: '^(.*)$'}]")
    other_name = {"calm": "glad", "glad": "angry", "angry": "calm"}
    changed = shape(text="calm", share=0.6)

    def renamed(behave):
        def rename(draw, case, trial):
            reply = behave(draw, case, trial)
            return replace(reply, text=other_name[reply.text])

        return rename

    plain = world.judge(world.run(12, changed), world.baseline(), world.run(11, changed))
    swapped = world.judge(
        world.run(12, renamed(changed)),
        world.baseline(behaviour=renamed(world.behaviour)),
        world.run(11, renamed(changed)),
    )
    assert swapped.verdict is plain.verdict
    for before, after in zip(plain.comparisons, swapped.comparisons, strict=True):
        assert after.score == pytest.approx(before.score)
        assert after.estimate.p == pytest.approx(before.estimate.p)
        assert after.estimate.effect == pytest.approx(before.estimate.effect)


def test_an_always_check_is_broken_by_one_answer(make_world, shape):
    checks = "[{contains: a, mode: always}]"
    world = make_world(checks=checks)
    run = world.run(
        10, lambda d, c, t: shape(text="no" if (c, t) == ("two", 3) else "calm")(d, c, t)
    )
    judgement = world.judge(run, world.baseline(behaviour=shape(text="calm")))
    assert judgement.verdict is Verdict.FAIL
    finding = only(judgement, FindingKind.BREACH)
    assert finding.case == "two"
    assert "failed 1 of 8" in finding.message
    assert "the contract wants every answer" in finding.message


def test_a_breach_needs_no_baseline(make_world, shape):
    world = make_world(checks="[{contains: a, mode: always}]")
    assert world.judge(world.run(0, shape(text="no"))).verdict is Verdict.FAIL


@pytest.mark.parametrize(("bad", "is_breach"), [(1, False), (2, False), (8, True)])
def test_a_rate_check_breaks_only_when_the_bound_lies_below(make_world, shape, bad, is_breach):
    world = make_world(checks="[{contains: a, mode: {rate: 0.9}}]")
    run = world.run(10, lambda d, c, t: shape(text="no" if t < bad else "calm")(d, c, t))
    judgement = world.judge(run, world.baseline(behaviour=shape(text="calm")))
    breaches = [f for f in judgement.findings if f.kind is FindingKind.BREACH]
    assert bool(breaches) is is_breach
    for finding in breaches:
        assert finding.comparison.estimate.high < 0.9
        assert "90.0% of answers" in finding.message


def test_a_no_worse_check_is_drift_when_it_falls_and_nothing_when_it_was_always_low(
    make_world, shape
):
    world = make_world(checks="[{contains: calm}]")
    low = world.baseline(behaviour=shape(text="no", share=0.5))
    still_low = shape(text="no", share=0.5)
    assert world.judge(world.run(12, still_low), low, world.run(11, still_low)).verdict is (
        Verdict.QUIET
    )
    high = world.baseline(behaviour=shape(text="calm"))
    judgement = world.judge(world.run(12, still_low), high, world.run(11, still_low))
    finding = next(f for f in judgement.findings if f.plane == "conformance")
    assert finding.kind is FindingKind.DRIFT
    assert "100.0% → " in finding.message
    assert finding.comparison.estimate.effect == pytest.approx(-0.7, abs=0.15)


@pytest.mark.parametrize(
    ("limit", "changes", "words"),
    [
        ("latency_p95_s: 1.5", {"ttft_s": 4.0}, "the limit is 1.5 s"),
        ("error_rate: 0.01", {"status": 503, "share": 0.15}, "the limit is 1.0%"),
    ],
)
def test_a_limit_is_a_breach_when_the_bound_is_beyond(make_world, shape, limit, changes, words):
    world = make_world(policy=f"{{limits: {{{limit}}}}}", samples=20)
    run = world.run(10, shape(**changes))
    judgement = world.judge(run, world.baseline())
    assert judgement.verdict is Verdict.FAIL
    finding = only(judgement, FindingKind.BREACH)
    assert finding.metric == limit.split(":")[0]
    assert words in finding.message
    assert world.judge(world.run(10), world.baseline()).verdict is Verdict.QUIET


def test_another_model_breaks_a_pinned_target_and_is_news_for_an_alias(make_world, shape):
    other = shape(model="gpt-sim-2027-01-01")
    pinned = make_world()
    judgement = pinned.judge(pinned.run(10, other), pinned.baseline())
    assert judgement.verdict is Verdict.FAIL
    assert judgement.headline.startswith(
        "FAIL: another model answered: gpt-sim-2026-03-01 was asked"
    )

    alias = make_world(target="openai:gpt-sim")
    judgement = alias.judge(alias.run(10, other), alias.baseline())
    assert judgement.verdict is Verdict.QUIET
    assert "now served as gpt-sim-2027-01-01" in only(judgement, FindingKind.NOTICE).message


def test_a_model_that_the_policy_allows_is_no_news(make_world, shape):
    world = make_world(policy="{identity: {allow: [gpt-sim-2027-01-01]}}")
    run = world.run(10, shape(model="gpt-sim-2027-01-01"))
    assert world.judge(run, world.baseline()).findings == ()


def test_a_new_fingerprint_is_a_notice_and_decides_nothing(world, shape):
    judgement = world.judge(world.run(10, shape(fingerprint="fp_2")), world.baseline())
    assert judgement.verdict is Verdict.QUIET
    assert "new system_fingerprint fp_2" in only(judgement, FindingKind.NOTICE).message


def test_findings_are_told_strongest_first(make_world, shape):
    world = make_world(checks="[{contains: a, mode: always}]")
    changed = shape(text="no", model="gpt-other-2026-01-01", fingerprint="fp_2")
    judgement = world.judge(
        world.run(12, changed),
        world.baseline(behaviour=shape(text="calm")),
        world.run(11, changed),
    )
    assert kinds(judgement) == sorted(kinds(judgement), key=list(FindingKind).index)
    assert kinds(judgement)[0] is FindingKind.IDENTITY
    assert {FindingKind.BREACH, FindingKind.DRIFT, FindingKind.NOTICE} < set(kinds(judgement))


@pytest.mark.parametrize(
    ("verdict", "policy", "code"),
    [
        (Verdict.PASS, "fail", 0),
        (Verdict.QUIET, "fail", 0),
        (Verdict.FAIL, "warn", 1),
        (Verdict.INCONCLUSIVE, "warn", 0),
        (Verdict.INCONCLUSIVE, "fail", 3),
        (Verdict.ERROR, "warn", 4),
    ],
)
def test_exit_codes(verdict, policy, code):
    assert exit_code(verdict, policy) == code
