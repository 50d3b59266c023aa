"""A number that always came and comes no more: whether it comes is watched like a check."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from contractcheck.judging import judge_run
from contractcheck.judging.evidence import Evidence
from contractcheck.judging.night_values import PRESENCE, accepted_values, reference_of, values_of
from contractcheck.model.history import Exemption
from contractcheck.model.judgement import FindingKind, Verdict
from contractcheck.model.night import CaseNight, NightStatistics, NumberCell
from contractcheck.stats.baseline_fitness import examine
from contractcheck.stats.monitor import chart_stream, deviations
from contractcheck.stats.monitor_nights import Nights
from contractcheck.stats.night_coordinates import share_coordinate

NAMES = ("one", "two", "three", "four")
PRICE = "number:price ([0-9]+)"
ACCEPTED, SAMPLES = 10, 6


class Quotes:
    """Nights of answers with a price in them, of which some come to lack it."""

    def __init__(self, world, usual):
        self.world, self.usual = world, usual
        self.baseline = world.accept([self.run(night) for night in range(ACCEPTED)])

    def run(self, night, lacking=0, only=NAMES):
        def behave(draw, case, trial):
            gone = case in only and trial < lacking
            text = "ask me tomorrow" if gone else f"price {draw.randint(10, 40)}"
            return replace(self.usual(draw, case, trial), text=text)

        return self.world.run(night, behave)

    def judge(self, nights, *, confirms=True, **behaviour):
        """Judge later nights in order; without ``confirms`` none has a night before."""
        later, judged, previous = [], [], None
        for place in range(nights):
            run = self.run(ACCEPTED + place, **behaviour)
            evidence = Evidence(
                suite=self.world.suite,
                run=run,
                baseline=self.baseline,
                previous=previous,
                watch=True,
                later=tuple(later),
                exemptions=self.exemptions,
            )
            judged.append(judge_run(evidence))
            later.append(judged[-1].values)
            previous = run.statistics if confirms else None
        return judged

    exemptions: tuple[Exemption, ...] = ()


@pytest.fixture
def quotes(make_world, shape):
    world = make_world(cases=NAMES, samples=SAMPLES, metrics=f"[{{number: '{PRICE[7:]}'}}]")
    return Quotes(world, shape())


def first_red(judged):
    return next((n for n, one in enumerate(judged, 1) if one.verdict is Verdict.FAIL), None)


def test_nights_that_have_all_numbers_are_quiet_and_charted(quotes):
    judged = quotes.judge(3)
    assert [one.verdict for one in judged] == [Verdict.QUIET] * 3
    assert {r.kind for r in judged[-1].charts if r.stream == PRESENCE} == {"largest", "mean"}
    assert all(abs(r.value) < 1e-9 for r in judged[-1].charts if r.stream == PRESENCE)


@pytest.mark.parametrize("lacking", [1, SAMPLES])
def test_a_number_that_one_case_lacks_every_night_turns_a_chart_red(quotes, lacking):
    judged = quotes.judge(8, confirms=False, lacking=lacking, only=("two",))
    assert first_red(judged) is not None
    (finding,) = [f for f in judged[-1].findings if f.kind is FindingKind.DRIFT]
    assert (finding.plane, finding.metric, finding.since) == ("conformance", PRESENCE, "2026-03-11")
    assert f"on all accepted nights: {PRICE} of two;" in finding.message
    (place,) = finding.where
    assert (place.case, place.metric) == ("two", PRICE)
    words = f"missing in {lacking} of {SAMPLES} answers, accepted nights always had it"
    assert place.estimate.detail.startswith(words)


def test_a_number_that_no_case_has_is_found_in_two_nights_and_by_charts(quotes):
    assert first_red(quotes.judge(2, lacking=SAMPLES)) == 2
    judged = quotes.judge(5, confirms=False, lacking=SAMPLES)
    assert first_red(judged) in (3, 4, 5)
    finding = next(f for f in judged[-1].findings if f.metric == PRESENCE)
    assert f"{PRICE} of four, one, three, two" in finding.message


def test_both_paths_name_the_case_by_what_is_missing(quotes):
    _, second = quotes.judge(2, lacking=SAMPLES, only=("three",))
    finding = next(f for f in second.findings if f.where)
    assert (finding.where[0].case, finding.where[0].metric) == ("three", PRICE)
    assert finding.where[0].estimate.effect == -1.0
    assert finding.where[0].estimate.detail == (
        "missing in 12 of 12 answers, accepted nights always had it"
    )


@pytest.mark.parametrize("metric", [PRICE, PRESENCE])
def test_a_mute_of_the_number_or_of_the_stream_counts(quotes, metric):
    quotes.exemptions = (
        Exemption(
            kind="mute",
            case="two",
            metric=metric,
            reason="known",
            owner="ada",
            created_at="2026-03-01T00:00:00Z",
            expires="2026-12-31",
        ),
    )
    judged = quotes.judge(8, confirms=False, lacking=2, only=("two",))
    assert first_red(judged) is None
    assert any("muted until" in f.message for f in judged[-1].findings)


def night_of(missing, *, name="2026-03-01"):
    """One night of cases that lack the number so many times of ten."""
    cells = {
        case: {"m": NumberCell(values=tuple(range(10 - lacks)), missing=lacks)}
        for case, lacks in missing.items()
    }
    cases = {
        case: CaseNight(request_fingerprint="f", answered=10, planned=10, cells=own)
        for case, own in cells.items()
    }
    return NightStatistics(night=name, run_id=name, is_complete=True, cases=cases)


def test_a_case_is_in_one_of_two_streams():
    asked = {"a": "f", "b": "f"}
    made = [night_of({"a": 0, "b": day % 2}) for day in range(10)]
    reference = reference_of(made, asked)
    for one in (*accepted_values(reference), values_of(reference, night_of({"a": 4, "b": 4}))):
        assert set(one.streams[PRESENCE]) == {"a#m"}
        assert {row for row in one.streams["m"] if "present" in row} == {"b#present"}


def nights(counts, *, cases=None, undirected=(), accepted=ACCEPTED):
    """(T, C) of answers of ten that have the number."""
    table = np.array([share_coordinate(k, 10, pooled=100, pool_n=100) for k in range(11)])
    counts = np.asarray(counts) if cases is None else np.repeat(counts, cases, 1)
    return Nights(
        values=table[counts, 0],
        variances=table[counts, 1],
        accepted=accepted,
        undirected=undirected,
        has_scale=False,
    )


def after(quiet, changed, cases):
    """Accepted and quiet nights that have it all, then so many on which the first case lacks it."""
    counts = np.full((ACCEPTED + quiet + changed, cases), 10)
    counts[ACCEPTED + quiet :, 0] = 9
    return counts


@pytest.mark.parametrize("quiet", [0, 30, 200])
def test_quiet_nights_make_no_scale_and_a_change_none_either(quiet):
    charts = chart_stream(nights(after(quiet, 40, 12)), plane="conformance", share=0.008)
    largest = next(one for one in charts if one.kind == "largest")
    over = largest.values > largest.threshold
    first = int(over.argmax())
    assert quiet + 5 <= first <= quiet + 8
    # Without a scale to be blurred it stays red as long as it lasts.
    assert over[first:].all()
    alone = deviations(nights(after(quiet, 40, 12)), plane="conformance")
    assert alone[quiet:, 0] == pytest.approx(alone[quiet, 0])


def test_rows_that_are_no_part_of_a_mean_leave_it_where_it_was():
    counts = after(0, 30, 5)
    counts[ACCEPTED:] = 8
    every = chart_stream(nights(counts), plane="conformance", share=0.008)
    none = chart_stream(
        nights(counts, undirected=tuple(range(5))), plane="conformance", share=0.008
    )
    by_kind = {one.kind: one for one in none}
    assert (by_kind["mean"].values == 0.0).all()
    assert (next(c for c in every if c.kind == "mean").values > 4.0).any()
    assert by_kind["largest"].values.max() > 0.0


def test_a_number_missing_now_and_then_makes_no_quiet_year_red():
    """Rates that ten nights of ten answers do not show, and cases chosen for not showing them."""
    rng = np.random.default_rng(11)
    years, cases, red = 60, 20, {"largest": 0, "mean": 0}
    for _ in range(years):
        # Jeffreys' posterior of the metric's rate, of which no accepted answer told.
        rate = rng.beta(0.5, 100 * cases + 0.5)
        counts = np.vstack([np.full((10, cases), 10), 10 - rng.binomial(10, rate, (365, cases))])
        for chart in chart_stream(nights(counts), plane="conformance", share=0.008):
            red[chart.kind] += bool((chart.values > chart.threshold).any())
        # A case of many that lacks the number once in a hundred answers.
        counts = np.vstack([np.full((10, cases), 10), 10 - rng.binomial(10, 0.01, (365, cases))])
        aside = tuple(range(cases))
        made = chart_stream(nights(counts, undirected=aside), plane="conformance", share=0.008)
        red["largest"] += any((one.values > one.threshold).any() for one in made)
    # Of 120 and 60 years, at a share of .008.
    assert red["largest"] <= 3
    assert red["mean"] <= 2


def test_nights_without_a_scale_are_fit_by_all_tests():
    assert not examine(nights(after(0, 0, 8))).is_unstable
