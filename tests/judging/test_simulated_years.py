"""Simulated years are fitted to accepted nights, and judged as the watch judges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from contractcheck.judging.night_values import PRESENCE, accepted_values, reference_of
from contractcheck.judging.simulated_years import (
    WatchRules,
    YearPiece,
    are_unstable,
    find_reds,
    join_years,
    play_years,
)
from contractcheck.judging.year_changes import YearChange, shift_of
from contractcheck.judging.year_model import fit_streams, harsher, lay_out
from contractcheck.judging.year_results import count_family, nights_until
from contractcheck.model.night import (
    CaseNight,
    LabelCell,
    NightStatistics,
    NumberCell,
    RateCell,
    TextCell,
)
from contractcheck.stats.baseline_fitness import examine
from contractcheck.stats.monitor import Nights, chart_stream, first_red
from contractcheck.stats.simulated_nights import draw_nights

CASES, ANSWERS, ACCEPTED = 12, 10, 10


def make_night(number, rng, *, night_sd=0.0):
    """One night of a suite with every kind of measure."""
    cases = {}
    moved = rng.normal(0.0, night_sd) if night_sd else 0.0
    for case in range(CASES):
        like = int(rng.binomial(ANSWERS, float(np.clip(0.7 + moved, 0.01, 0.99))))
        second = int(rng.binomial(ANSWERS - like, 0.5))
        counts = {"yes": like, "no": second, "perhaps": ANSWERS - like - second}
        numbers = sorted(rng.normal(100.0, 10.0, ANSWERS).tolist())
        words = rng.normal(size=(ANSWERS, 16)) * 0.1 + np.eye(16)[case]
        words /= np.linalg.norm(words, axis=1)[:, None]
        cases[f"case-{case:02d}"] = CaseNight(
            request_fingerprint="same",
            answered=ANSWERS,
            planned=ANSWERS,
            cells={
                "label": LabelCell(counts={k: v for k, v in counts.items() if v}),
                "output_tokens": NumberCell(values=tuple(numbers)),
                "text": TextCell(
                    count=ANSWERS, mean=tuple(words.mean(0).tolist()), effective_dimension=8.0
                ),
                "polite": RateCell(passed=int(rng.binomial(ANSWERS, 0.9)), count=ANSWERS),
                "ttft_s": NumberCell(values=tuple(rng.lognormal(0.0, 0.05, ANSWERS).tolist())),
            },
        )
    return NightStatistics(
        night=f"2026-03-{number + 1:02d}", run_id=f"run-{number}", is_complete=True, cases=cases
    )


def make_reference(*, night_sd=0.0, seed=7):
    rng = np.random.default_rng(seed)
    nights = [make_night(number, rng, night_sd=night_sd) for number in range(ACCEPTED)]
    return reference_of(nights, {f"case-{case:02d}": "same" for case in range(CASES)})


@pytest.fixture(scope="module")
def reference():
    return make_reference()


@pytest.fixture(scope="module")
def streams(reference):
    return fit_streams(reference)


def rules_for(streams, share=0.01):
    return WatchRules(
        accepted=ACCEPTED,
        shares={stream.name: share for stream in streams},
        fast=share / 10,
        margins={"ttft_s": 1.25, "conformance": 0.0},
    )


def piece_of(streams, **changes):
    usual = YearPiece(
        streams=streams,
        rules=rules_for(streams),
        family="fitted",
        years=20,
        later=60,
        seed=np.random.SeedSequence(3),
    )
    return replace(usual, **changes)


def test_every_stream_of_the_accepted_nights_is_fitted(reference, streams):
    named = {name for night in accepted_values(reference) for name in night.streams}
    assert {stream.name for stream in streams} == named - {PRESENCE}
    by_name = {stream.name: stream for stream in streams}
    label = by_name["label"]
    assert label.model.answers.tolist() == [ANSWERS] * 2 * CASES
    places = [row for row in range(len(label.rows)) if label.model.left_of[row] >= 0]
    assert [label.rows[place].partition("#")[2] for place in places] == ["rest"] * CASES
    assert all(label.rows[label.model.left_of[p]] == f"case-{i:02d}" for i, p in enumerate(places))
    assert by_name["text"].model.answers.sum() == 0
    assert by_name["ttft_s"].plane == "latency"


def test_nights_that_move_together_are_fitted_as_such():
    still = next(s for s in fit_streams(make_reference()) if s.name == "label")
    moving = next(s for s in fit_streams(make_reference(night_sd=0.25)) if s.name == "label")
    first = [place for place, row in enumerate(still.rows) if "#" not in row]
    assert (still.model.dispersion[first] < 1.4).all()
    assert (moving.model.dispersion[first] > 2.0).all()
    assert (moving.model.common[first] > 0.5).all()


def test_harsher_nights_move_at_least_as_measured_elsewhere(streams):
    label = next(stream for stream in streams if stream.name == "label")
    assert (harsher(label.model).dispersion >= 1.4).all()
    times = next(stream for stream in streams if stream.plane == "latency")
    assert np.array_equal(harsher(times.model).night_sd, times.model.night_sd)


def test_drawn_nights_vary_as_the_accepted_ones_do(reference, streams):
    for stream in streams:
        nights = draw_nights(
            stream.model,
            "fitted",
            years=100,
            accepted=ACCEPTED,
            later=5,
            rng=np.random.default_rng(1),
        ).nights
        drawn = np.nanstd(nights.values - np.nanmean(nights.values, 0))
        values, _ = lay_out(accepted_values(reference), stream.name, stream.rows)
        seen = np.nanstd(values - np.nanmean(values, 0))
        assert drawn == pytest.approx(seen, rel=0.25), stream.name


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        (YearChange(kind="labels", size=0.3), {"label"}),
        (YearChange(kind="numbers", size=1.25), {"output_tokens"}),
        (YearChange(kind="texts", size=0.3), {"text"}),
        (YearChange(kind="checks", size=0.1), {"conformance"}),
        (YearChange(kind="latency", size=1.5), {"ttft_s"}),
        (
            YearChange(kind="other model", size=0.2),
            {"label", "output_tokens", "text", "conformance"},
        ),
    ],
)
def test_a_change_moves_what_measures_it_and_nothing_else(reference, streams, change, moved):
    shifts = shift_of(change, reference, streams)
    assert {name for name, shift in shifts.items() if shift.any()} == moved


def test_a_larger_change_moves_more_and_to_the_side_that_is_worse(reference, streams):
    def shift(kind, size, stream):
        found = shift_of(YearChange(kind=kind, size=size), reference, streams)[stream]
        return found[[i for i, row in enumerate(rows[stream]) if row.count("#") < limit[stream]]]

    rows = {stream.name: stream.rows for stream in streams}
    limit = {"label": 1, "text": 1, "conformance": 2}
    assert (shift("labels", 0.3, "label") < shift("labels", 0.1, "label")).all()
    assert (shift("labels", 0.1, "label") < 0).all()
    assert (shift("texts", 0.3, "text") > shift("texts", 0.1, "text")).all()
    assert (shift("checks", 0.1, "conformance") < 0).all()


def test_latency_shifts_by_the_logarithm_of_the_factor(reference, streams):
    shift = shift_of(YearChange(kind="latency", size=1.5), reference, streams)["ttft_s"]
    assert shift == pytest.approx(np.full(CASES, np.log(1.5)))


def test_many_years_at_once_are_judged_as_each_alone(streams):
    """The charts of the watch see one history; here many are charted together."""
    rules = rules_for(streams, share=0.2)
    rng = np.random.default_rng(11)
    compared = 0
    for stream in streams:
        nights = draw_nights(
            harsher(stream.model), "ar", years=15, accepted=ACCEPTED, later=80, rng=rng
        ).nights
        nights = replace(nights, undirected=stream.undirected)
        together = find_reds(nights, stream, replace(rules, margins={}))
        called = are_unstable(nights, streams=2) if stream.plane != "latency" else None
        for year in range(15):
            alone = Nights(
                values=nights.values[:, year],
                variances=nights.variances[:, year],
                accepted=ACCEPTED,
                undirected=stream.undirected,
            )
            charts = chart_stream(alone, plane=stream.plane, share=0.2)
            red = together[:, year]
            assert (int(red.argmax()) if red.any() else None) == first_red(charts)
            compared += bool(red.any())
            if called is not None:
                assert examine(alone, streams=2).is_unstable == called[year]
    assert compared > 5


def test_a_margin_keeps_what_is_no_news_quiet(reference, streams):
    def found(factor, margin):
        shifts = shift_of(YearChange(kind="latency", size=factor), reference, streams)
        rules = replace(rules_for(streams), margins={"ttft_s": margin, "conformance": 0.0})
        played = play_years(piece_of(streams, shifts=shifts, rules=rules))
        return played.judged["latency"].mean()

    assert found(1.5, 1.25) == 1.0
    assert found(1.5, 2.0) == 0.0
    assert found(1.15, 1.0) > 0.9
    assert found(1.15, 1.25) == 0.0


def test_one_changed_case_is_another_one_each_year(reference, streams):
    change = YearChange(kind="labels", size=1.0, one_case=True)
    shifts = shift_of(change, reference, streams)
    one = play_years(piece_of(streams, shifts=shifts, one_case=True, years=40))
    every = play_years(piece_of(streams, shifts=shifts, years=40))
    assert (one.first_red > 0).mean() > 0.9
    assert np.median(every.first_red) < np.median(one.first_red)


def test_the_same_piece_gives_the_same_years(streams):
    one, two = play_years(piece_of(streams)), play_years(piece_of(streams))
    other = play_years(piece_of(streams, seed=np.random.SeedSequence(4)))
    assert one.naive_nights.tolist() == two.naive_nights.tolist()
    assert one.naive_nights.tolist() != other.naive_nights.tolist()
    joined = join_years([one, other])
    assert joined.first_red.tolist() == [*one.first_red, *other.first_red]
    assert count_family("fitted", joined).years == 40


@pytest.mark.parametrize(
    ("first", "share", "expected"),
    [
        ([3, 1, 2, 4], 0.5, 2),
        ([3, 1, 2, 4], 0.8, 4),
        ([0, 0, 5, 6], 0.5, 6),
        ([0, 0, 0, 6], 0.5, None),
        ([], 0.5, None),
    ],
)
def test_nights_until_a_share_is_found(first, share, expected):
    assert nights_until(np.array(first, int), share) == expected
