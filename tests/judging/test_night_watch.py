"""Nights of the watch: quiet while nothing changes, dated and attributed when something does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contractcheck.judging import judge_run
from contractcheck.judging.baseline_health import describe_health
from contractcheck.judging.evidence import Evidence
from contractcheck.judging.exempting import standing_exemptions
from contractcheck.model.history import Exemption, NightRecord
from contractcheck.model.judgement import FindingKind, Verdict

NAMES = tuple(f"case-{i}" for i in range(5))
ACCEPTED = 10


class Watch:
    """A watch over a world: judges night after night, and keeps what the history would keep."""

    def __init__(self, world, *, accepted=ACCEPTED, known=None, **evidence):
        self.world = world
        self.known = {} if known is None else known
        self.baseline = world.accept([self.run(night) for night in range(accepted)])
        self.evidence = evidence
        self.night = accepted
        self.previous = None
        self.later, self.records, self.judged = [], {}, []

    def run(self, night, behaviour=None, **options):
        """A night, recorded once if it is an ordinary one."""
        if behaviour is not None or any(options.values()):
            return self.world.run(night, behaviour, **options)
        if night not in self.known:
            self.known[night] = self.world.run(night)
        return self.known[night]

    def go(self, nights, behaviour=None, *, vantage=None, suite=None):
        """Judge so many nights; returns their judgements."""
        for _ in range(nights):
            run = self.run(self.night, behaviour, vantage=vantage, suite=suite)
            judgement = judge_run(
                Evidence(
                    suite=suite or self.world.suite,
                    run=run,
                    baseline=self.baseline,
                    previous=self.previous,
                    watch=True,
                    later=tuple(self.later),
                    records=dict(self.records),
                    **self.evidence,
                )
            )
            self.later.append(judgement.values)
            self.records[run.statistics.night] = record_of(run)
            self.previous = run.statistics
            self.judged.append(judgement)
            self.night += 1
        return self.judged[-nights:]


def record_of(run):
    header = run.header
    return NightRecord(
        suite=header.suite,
        target=header.target.id,
        night=run.statistics.night,
        run_id=header.id,
        run_root="",
        is_complete=True,
        suite_version=header.suite_version,
        suite_fingerprint=header.suite_fingerprint,
        started_at=header.started_at,
        ended_at=header.ended_at,
        vantage=header.vantage,
        parts={case: plan.parts for case, plan in header.cases.items()},
        checks={case: plan.checks for case, plan in header.cases.items()},
        models=run.statistics.models,
        fingerprints=run.statistics.fingerprints,
    )


def exempt(kind, case=None, metric=None, expires="2026-12-31"):
    return Exemption(
        kind=kind,
        reason="two levels",
        owner="Ann",
        created_at="2026-03-01T00:00:00Z",
        expires=expires,
        case=case,
        metric=metric,
    )


def drift(judgement, kind=FindingKind.DRIFT):
    return [finding for finding in judgement.findings if finding.kind is kind]


def first(judged, kind=FindingKind.DRIFT):
    """The first judgement with such a finding beside those about the wire, and its finding."""
    for judgement in judged:
        found = [f for f in drift(judgement, kind) if f.plane != "identity"]
        if found:
            return judgement, found[0]
    return None, None


@pytest.fixture(scope="module")
def known():
    """Ordinary nights, which are the same in every test."""
    return {}


@pytest.fixture
def watch(make_world, known):
    return lambda **options: Watch(make_world(cases=NAMES, samples=6), known=known, **options)


def test_a_month_without_a_change_is_quiet_and_says_what_was_promised(watch):
    judged = watch().go(8)
    assert {one.verdict for one in judged} == {Verdict.QUIET}
    assert "charts" in judged[-1].headline
    assert "at most 10% in 365 nights" in judged[-1].error_rates or (
        "365 nights at most 10%" in judged[-1].error_rates
    )
    assert {one.stream for one in judged[-1].charts} >= {"text", "output_tokens", "ttft_s"}


def test_a_change_that_two_nights_do_not_show_is_found_dated_and_placed(watch, shape):
    under = watch()
    under.go(4)
    judged = under.go(10, shape(text="angry", share=0.4))
    judgement, finding = first(judged)
    assert judgement is not None
    assert judgement.verdict is Verdict.FAIL
    assert finding.plane == "outputs"
    assert "it began between" in finding.message
    # Nights are days after the first of March; the fourteenth later one was the first changed.
    assert finding.since in ("2026-03-14", "2026-03-15", "2026-03-16")
    assert finding.where
    # The two-night rule with the whole budget does not see it on that night.
    lone = judge_run(
        Evidence(
            suite=under.world.suite,
            run=under.world.run(14, shape(text="angry", share=0.4)),
            baseline=under.baseline,
        )
    )
    assert lone.verdict is Verdict.QUIET


def test_slower_answers_are_latency_drift(watch, shape):
    under = watch()
    under.go(3)
    judgement, finding = first(under.go(8, shape(ttft_s=lambda v: 1.5 * v)))
    assert judgement is not None
    assert finding.plane == "latency"
    assert finding.since in ("2026-03-13", "2026-03-14", "2026-03-15")


def test_fewer_answers_that_pass_are_conformance_drift(make_world, shape):
    world = make_world(cases=NAMES, samples=6, checks="[not_empty]", metrics="[output_tokens]")
    under = Watch(world)
    under.go(2)
    judgement, finding = first(under.go(6, shape(text=" ", share=0.25)))
    assert judgement.verdict is Verdict.FAIL
    assert finding.plane == "conformance"
    old, new = (float(word.strip("%;")) for word in finding.message.split() if "%" in word[-2:])
    assert old == 100.0
    assert 60.0 < new < 90.0
    assert {place.metric for place in finding.where} == {"not_empty"}
    assert finding.since in ("2026-03-13", "2026-03-14")


def test_a_slow_down_within_the_margin_is_no_news(make_world, shape):
    world = make_world(cases=NAMES, samples=6, policy="{margins: {ttft: 1.7x}}")
    judged = Watch(world).go(5, shape(ttft_s=lambda v: 1.5 * v))
    assert first(judged) == (None, None)
    # It was seen all the same: as far out as unchanged nights hardly ever are.
    assert all(one.value > 3.0 for one in judged[-1].charts if one.stream == "ttft_s")


def test_a_change_that_began_when_our_region_did_is_ours(watch, shape):
    under = watch()
    under.go(3)
    moved = {"region": "us", "python": "3.11"}
    judged = under.go(8, shape(text="angry", share=0.55), vantage=moved)
    assert first(judged) == (None, None)
    judgement, finding = first(judged, FindingKind.OURS)
    assert judgement is not None
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "region eu → us" in finding.message


def test_a_change_long_after_ours_is_the_providers(watch, shape):
    under = watch()
    moved = {"region": "us", "python": "3.11"}
    under.go(3, vantage=moved)
    judgement, finding = first(under.go(6, shape(text="angry", share=0.6), vantage=moved))
    assert judgement is not None
    assert "not blamed" not in finding.message


def test_another_model_echo_in_the_window_is_told_beside_the_drift(watch, shape):
    under = watch()
    under.go(3)
    angry = shape(text="angry", share=0.5)
    judged = under.go(7, lambda *trial: replace(angry(*trial), fingerprint="fp_2"))
    _, finding = first(judged)
    assert finding is not None
    assert "system_fingerprint fp_1 → fp_2" in finding.message


def test_an_edited_case_learns_anew_and_the_others_are_watched_on(make_world, make_suite, tmp_path):
    world = make_world(cases=NAMES, samples=6)
    under = Watch(world)
    under.go(3)
    (tmp_path / "edited").mkdir()
    edited = make_suite(samples=6, cases=(*NAMES[:-1], (NAMES[-1], {"content": "And how now?"})))
    judged = under.go(4, suite=edited)
    assert all(first([one]) == (None, None) for one in judged)
    assert any("learning" in note and NAMES[-1] in note for note in judged[-1].notes)
    assert drift(judged[-1], FindingKind.OURS)
    rows = judged[-1].values.streams["text"]
    assert NAMES[-1] not in rows
    assert NAMES[0] in rows


def test_nine_nights_are_provisional_and_have_no_charts(watch):
    judged = watch(accepted=9).go(2)
    assert [one.verdict for one in judged] == [Verdict.QUIET] * 2
    assert "would have shown" in judged[-1].headline
    assert judged[-1].charts == ()
    assert any(note.startswith("provisional") for note in judged[-1].notes)
    assert judged[-1].error_rates.startswith("provisional")


def jump_between_levels(world, shape, *, quiet=0):
    """Let one case answer in one of two ways, three nights at a time, after so many quiet nights."""
    original = world.record

    def record(night, behaviour=None, **options):
        level = shape(only=[NAMES[0]], text="angry" if night // 3 % 2 else "calm")
        chosen = behaviour or (None if night < quiet else level)
        return original(night, chosen, **options)

    world.record = record
    return world


def test_a_case_that_jumps_between_levels_is_unstable_until_it_is_set_aside(make_world, shape):
    world = jump_between_levels(make_world(cases=NAMES, samples=6), shape)
    under = Watch(world)
    judgement = under.go(1)[0]
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "unstable" in judgement.headline
    assert f"contractcheck quarantine tickets {NAMES[0]}" in judgement.headline
    aside = Watch(world, exemptions=(exempt("quarantine", case=NAMES[0]),)).go(1)[0]
    assert aside.verdict is Verdict.QUIET
    assert any(f"{NAMES[0]} is in quarantine" in note for note in aside.notes)
    # The same is said at once to whom accepts the nights.
    words = describe_health(world.suite, under.baseline)
    assert words.startswith("the accepted nights are unstable")
    assert NAMES[0] in words
    assert describe_health(world.suite, under.baseline, aside={NAMES[0]}) == ""


def test_two_nights_that_repeat_each_other_decide_nothing_on_an_unstable_baseline(
    make_world, shape
):
    """A case that jumps stays for some nights, and each two of them repeat each other."""
    under = Watch(jump_between_levels(make_world(cases=NAMES, samples=6), shape))
    judged = under.go(2, shape(text="I cannot say."))
    assert [one.verdict for one in judged] == [Verdict.INCONCLUSIVE] * 2
    assert not judged[-1].confirm
    (told,) = [f for f in judged[-1].findings if "two consecutive nights" in f.message]
    assert told.kind is FindingKind.NOTICE
    assert "unstable, so it decides nothing" in told.message
    aside = (exempt("quarantine", case=NAMES[0]),)
    fit = Watch(jump_between_levels(make_world(cases=NAMES, samples=6), shape), exemptions=aside)
    assert fit.go(2, shape(text="I cannot say."))[-1].verdict is Verdict.FAIL


def test_a_baseline_that_is_fit_is_accepted_without_a_word(watch):
    under = watch()
    assert describe_health(under.world.suite, under.baseline) == ""


def test_levels_that_begin_after_acceptance_are_told_weekly_unless_charts_tell(make_world, shape):
    """The examination decides nothing, so it must not be said on a night that is red."""
    world = jump_between_levels(make_world(cases=NAMES, samples=6), shape, quiet=ACCEPTED)
    judged = Watch(world).go(14)
    told = [any("over the last" in note for note in one.notes) for one in judged]
    red = [drift(one) != [] for one in judged]
    assert any(red) or any(told)
    assert not any(t and r for t, r in zip(told, red, strict=True))
    # Fourteen later nights have one that is looked at, by its date, once there are enough.
    assert sum(told) <= 1
    assert not any(told[:13])


def test_a_muted_case_is_told_and_decides_nothing_until_the_mute_is_over(watch, shape):
    changed = shape(only=[NAMES[2]], text="I cannot say.")
    mute = exempt("mute", case=NAMES[2], expires="2026-03-20")
    under = watch(exemptions=(mute,))
    under.go(1)
    judged = under.go(8, changed)
    assert Verdict.FAIL not in {one.verdict for one in judged}
    told = [f for f in judged[-1].findings if "muted until 2026-03-20, Ann" in f.message]
    assert told
    assert told[0].kind is FindingKind.NOTICE
    after = under.go(2, changed)[-1]
    assert after.verdict is Verdict.FAIL
    assert any(note.startswith("EXPIRED: the mute") for note in after.notes)


@pytest.mark.parametrize("date", ["2026-03-15", "20260315", "2026-W11-7"])
def test_an_exemption_counts_from_its_date_to_its_last_however_it_is_written(date):
    one = replace(exempt("mute", expires="2026-03-20"), created_at=f"{date}T00:00:00+00:00")
    counts = [one.counts_on(f"2026-03-{day}") for day in (14, 15, 20, 21)]
    assert counts == [False, True, True, False]
    standing = standing_exemptions([one], "2026-03-14")
    assert (standing.mutes, standing.expired) == ((), ())


def test_a_mute_that_is_dated_ahead_begins_on_its_date(watch, shape):
    ahead = replace(exempt("mute"), created_at="2026-03-15T00:00:00+00:00")
    under = watch(exemptions=(ahead,))
    judged = under.go(5, shape(text="I cannot say.", share=0.7))
    by_night = {f"2026-03-{11 + place}": one.verdict for place, one in enumerate(judged)}
    assert by_night["2026-03-14"] is Verdict.FAIL
    assert by_night["2026-03-15"] is Verdict.QUIET
    assert "dated ahead" not in " ".join(judged[-1].notes)


def test_a_quarantine_that_is_dated_ahead_leaves_the_case_in_the_charts(watch, shape):
    ahead = replace(exempt("quarantine", case=NAMES[2]), created_at="2026-03-16T09:00:00+00:00")
    under = watch(exemptions=(ahead,))
    judged = under.go(6, shape(only=[NAMES[2]], text="I cannot say.", share=0.9))
    assert first(judged[:5])[0] is not None
    assert not any("in quarantine" in note for one in judged[:5] for note in one.notes)
    assert any("in quarantine" in note for note in judged[5].notes)
    assert judged[5].verdict is not Verdict.FAIL


@pytest.mark.parametrize("metric", ["not_empty", "conformance", None])
def test_a_mute_of_a_check_or_a_stream_or_everything(make_world, shape, metric):
    world = make_world(cases=NAMES, samples=6, checks="[not_empty]", metrics="[output_tokens]")
    under = Watch(world, exemptions=(exempt("mute", metric=metric),))
    under.go(1)
    judged = under.go(5, shape(text=" ", share=0.5))
    assert Verdict.FAIL not in {one.verdict for one in judged}
    assert any("drift (muted until" in f.message for f in judged[-1].findings)


def test_what_is_red_without_the_muted_case_is_red(watch, shape):
    under = watch(exemptions=(exempt("mute", case=NAMES[2]),))
    under.go(1)
    judged = under.go(4, shape(text="I cannot say.", share=0.7))
    assert judged[-1].verdict is Verdict.FAIL


def test_a_suspicion_asks_for_a_second_run_which_decides_it(watch, shape):
    under = watch()
    under.go(2)
    worse = shape(text="I cannot say, sorry about that, really.", tokens=80)
    run = under.world.run(under.night, worse)
    base = Evidence(
        suite=under.world.suite,
        run=run,
        baseline=under.baseline,
        watch=True,
        later=tuple(under.later),
    )
    suspicious = judge_run(base)
    assert suspicious.verdict is Verdict.INCONCLUSIVE
    assert suspicious.confirm
    again = judge_run(replace(base, confirmation=under.world.run(40, worse).statistics))
    assert again.verdict is Verdict.FAIL
    assert "two runs of one night" in again.headline
    calm = judge_run(replace(base, confirmation=under.world.run(41).statistics))
    assert calm.verdict is Verdict.QUIET
    assert not calm.confirm
    assert any("did not show it again" in finding.message for finding in calm.findings)


def test_a_night_says_the_same_whenever_it_is_judged_again(watch, shape):
    one, other = watch(), watch()
    one.go(1)
    other.go(1)
    assert one.go(3, shape(text="angry", share=0.5)) == other.go(3, shape(text="angry", share=0.5))


def test_charts_that_go_with_an_expired_acceptance_are_missed(watch):
    under = watch()
    oldest, *others = under.baseline.nights
    ending = replace(oldest, acceptance=replace(oldest.acceptance, expires="2026-03-11"))
    under.baseline = replace(under.baseline, nights=(ending, *others))
    before, after = under.go(2)
    assert before.verdict is Verdict.QUIET
    assert before.charts
    assert after.verdict is Verdict.INCONCLUSIVE
    assert after.charts == ()
    assert "1 accepted nights have expired" in after.headline
    assert "accept them anew" in after.headline


def test_an_accepted_night_that_leaves_too_few_others_is_as_quiet_as_before(watch):
    under = watch()
    run = under.run(ACCEPTED - 1)
    others = replace(under.baseline, nights=under.baseline.nights[:-1])
    before = judge_run(Evidence(suite=under.world.suite, run=run, baseline=others, watch=True))
    own = judge_run(
        Evidence(
            suite=under.world.suite,
            run=under.run(ACCEPTED - 1),
            baseline=under.baseline,
            watch=True,
        )
    )
    assert (own.verdict, own.headline) == (before.verdict, before.headline)
    assert own.verdict is Verdict.QUIET
    assert any(note.startswith("this night is itself accepted: it is held") for note in own.notes)
    assert not any(note.startswith("provisional") for note in own.notes)


def test_an_accepted_night_is_not_quiet_where_others_have_expired(watch):
    under = watch()
    oldest, *others = under.baseline.nights
    ending = replace(oldest, acceptance=replace(oldest.acceptance, expires="2026-03-09"))
    baseline = replace(under.baseline, nights=(ending, *others))
    run = under.run(ACCEPTED - 1)
    own = judge_run(Evidence(suite=under.world.suite, run=run, baseline=baseline, watch=True))
    assert own.verdict is Verdict.INCONCLUSIVE
    assert "1 accepted nights have expired, and the 8 that are left" in own.headline
