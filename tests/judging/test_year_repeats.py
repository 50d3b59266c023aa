"""Two nights of simulated years are judged as the watch judges two measured ones."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contractcheck.judging.agreement import agreements
from contractcheck.judging.night_rule import judge_streams, margin_of
from contractcheck.judging.night_scales import APART, PRESENT, REST
from contractcheck.judging.night_table import line_up
from contractcheck.judging.night_values import accepted_values, reference_of, values_of
from contractcheck.judging.streams import score_streams
from contractcheck.judging.year_contrasts import CountsOf
from contractcheck.judging.year_model import fit_streams, lay_out
from contractcheck.judging.year_repeats import PairRules, YearPairs, earlier, is_confirmed
from contractcheck.judging.year_shifts import Pairs, play_series
from contractcheck.model.night import (
    CaseNight,
    LabelCell,
    NightStatistics,
    NumberCell,
    RateCell,
    TextCell,
)
from contractcheck.model.suite import Policy
from contractcheck.stats.monitor_nights import Nights
from contractcheck.stats.night_scores import omnibus_score
from contractcheck.stats.simulated_nights import DrawnNights

ANSWERS, SHARE = 10, 0.6
POLICY = Policy()


def label_cell(rng, likes):
    counts = rng.multinomial(ANSWERS, likes).tolist()
    return LabelCell(counts={k: v for k, v in zip(("yes", "no", "so"), counts, strict=True) if v})


def text_cell(rng, case, away):
    words = rng.normal(size=(ANSWERS, 24)) * 0.15 + np.eye(24)[case]
    words[:, 20] += away
    words /= np.linalg.norm(words, axis=1)[:, None]
    return TextCell(count=ANSWERS, mean=tuple(words.mean(0).tolist()), effective_dimension=9.0)


def make_nights(seed, *, accepted, later, cases, kinds, odd=0.0):
    """Nights of which later ones may be odd: each in a way of its own, or all in one."""
    rng = np.random.default_rng(seed)
    usual = rng.dirichlet([6.0, 2.0, 0.5], cases)
    lasting = rng.random() < 0.5
    nights = []
    for number in range(accepted + later):
        is_odd = number >= accepted and rng.random() < odd
        own = {}
        for case in range(cases):
            likes = usual[case]
            if is_odd:
                other = np.roll(likes, 1) if lasting else rng.dirichlet(np.ones(3))
                likes = (likes + 2.0 * other) / 3.0
            shift = (15.0 if lasting else rng.normal(0.0, 15.0)) if is_odd else 0.0
            cells = {
                "label": label_cell(rng, likes),
                "polite": RateCell(
                    passed=int(rng.binomial(ANSWERS, 0.6 if is_odd else 0.97)), count=ANSWERS
                ),
                "output_tokens": NumberCell(
                    values=tuple(sorted(rng.normal(100.0 + shift, 10.0, ANSWERS).tolist())),
                ),
                "text": text_cell(rng, case, 0.3 if is_odd else 0.0),
                "ttft_s": NumberCell(
                    values=tuple(rng.lognormal(0.5 if is_odd else 0.0, 0.05, ANSWERS).tolist())
                ),
            }
            own[f"case-{case}"] = CaseNight(
                request_fingerprint="same",
                answered=ANSWERS,
                planned=ANSWERS,
                cells={name: cell for name, cell in cells.items() if name in kinds},
            )
        nights.append(
            NightStatistics(
                night=f"2026-03-{number + 1:02d}",
                run_id=f"run-{number}",
                is_complete=True,
                cases=own,
            )
        )
    return nights


def count(stream, nights, rows, reference):
    """Answers of the kind, and of how many, as the cells of measured nights have them."""
    counts = {}
    for place, row in enumerate(rows):
        case, _, suffix = row.partition("#")
        found = []
        for night in nights:
            cell = night.cases[case].cells[suffix if stream == "conformance" else stream]
            if isinstance(cell, RateCell):
                found.append((cell.passed, cell.count))
            elif isinstance(cell, LabelCell):
                scale = reference.scales[case, stream]
                like = cell.counts.get(scale.usual, 0)
                second = cell.counts.get(scale.second, 0)
                found.append((second, ANSWERS - like) if suffix == REST else (like, ANSWERS))
            elif suffix == PRESENT:
                found.append((len(cell.values), len(cell.values) + cell.missing))
        if found:
            counts[place] = tuple(np.array(side)[:, None] for side in zip(*found, strict=True))
    return counts


def as_drawn(stream, nights, accepted, reference):
    """Measured nights in the shape that simulated ones have: one year."""
    values = [*accepted_values(reference)]
    values += [values_of(reference, night) for night in nights[accepted:]]
    numbers, variances = lay_out(values, stream.name, stream.rows)
    return DrawnNights(
        nights=Nights(values=numbers[:, None], variances=variances[:, None], accepted=accepted),
        counts=count(stream.name, nights, stream.rows, reference),
        shift=np.zeros((1, len(stream.rows))),
    )


def labels_of(nights):
    cells = [(case, one.cells["label"]) for night in nights for case, one in night.cases.items()]
    return {(case, label) for case, cell in cells for label in cell.counts}


def counted(stream):
    return [one for one in stream.contrasted if isinstance(one, CountsOf)]


def prepare(nights, accepted):
    fingerprints = dict.fromkeys(nights[0].cases, "same")
    reference = reference_of(nights[:accepted], fingerprints)
    streams = fit_streams(reference)
    drawn = {one.name: as_drawn(one, nights, accepted, reference) for one in streams}
    return fingerprints, streams, drawn


def rules_for(streams, accepted, share=SHARE):
    margins = {one.name: margin_of(one.name, one.plane, POLICY) for one in streams}
    return PairRules(
        accepted=accepted,
        share=share,
        margins={name: margin for name, margin in margins.items() if margin is not None},
    )


def find_pairs(streams, drawn, accepted, later, share=SHARE):
    pairs = YearPairs(rules_for(streams, accepted, share), "fitted", np.random.default_rng(1))
    for stream in streams:
        pairs.add(stream, drawn[stream.name])
    until = {plane: np.array([later]) for plane in ("outputs", "conformance", "latency")}
    return {plane: int(first[0]) for plane, first in pairs.find(until).items()}


def judge_pairs(nights, accepted, fingerprints, share=SHARE):
    """First later night, counted from 1, that the watch calls drift by two nights, per plane."""
    first = dict.fromkeys(("outputs", "conformance", "latency"), 0)
    for night in range(accepted + 1, len(nights)):
        table = line_up(
            nights[:accepted], nights[night - 1 : night + 1], fingerprints, nights_wanted=accepted
        )
        for one in judge_streams(table, POLICY, budget_share=share, says_visible=False):
            plane = one.comparison.plane
            if one.is_over and one.was_over and not first[plane]:
                first[plane] = night - accepted + 1
    return first


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    accepted=st.integers(5, 10),
    later=st.integers(2, 8),
    cases=st.integers(1, 5),
    odd=st.sampled_from([0.0, 0.4, 1.0]),
)
def test_the_same_two_nights_are_found(seed, accepted, later, cases, odd):
    kinds = {"label", "polite", "ttft_s"}
    nights = make_nights(seed, accepted=accepted, later=later, cases=cases, kinds=kinds, odd=odd)
    fingerprints, streams, drawn = prepare(nights, accepted)
    # Years invent no label, and deal further categories out at random: such nights do not come back.
    assume(labels_of(nights[accepted:]) <= labels_of(nights[:accepted]))
    assume(all(one.left == (1.0,) for stream in streams for one in counted(stream)))
    assert find_pairs(streams, drawn, accepted, later) == judge_pairs(
        nights, accepted, fingerprints
    )


def test_some_of_such_nights_repeat_each_other_and_some_do_not():
    """What the test above compares is not always nothing."""
    kinds = {"label", "polite", "ttft_s"}
    found = []
    for seed in range(12):
        nights = make_nights(seed, accepted=8, later=6, cases=3, kinds=kinds, odd=0.5)
        _, streams, drawn = prepare(nights, 8)
        found.append(find_pairs(streams, drawn, 8, 6))
    for plane in ("outputs", "conformance", "latency"):
        assert 2 <= sum(one[plane] > 0 for one in found) <= 11


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), accepted=st.integers(5, 10), cases=st.integers(1, 4))
def test_scores_of_numbers_and_texts_are_those_that_judge(seed, accepted, cases):
    kinds = {"output_tokens", "text"}
    nights = make_nights(seed, accepted=accepted, later=5, cases=cases, kinds=kinds, odd=0.5)
    fingerprints, streams, drawn = prepare(nights, accepted)
    table = line_up(nights[:accepted], nights[accepted:], fingerprints, nights_wanted=accepted)
    judged = {one.name: one.scores for one in score_streams(table)}
    for stream in streams:
        series = [
            play_series(one, drawn[stream.name], kept=0.0, rng=np.random.default_rng(1))
            for one in stream.contrasted
        ]
        scores = omnibus_score([one.contrast for one in series])[:, 0]
        away = scores - judged[stream.name]
        assert away[accepted:] == pytest.approx(0.0, abs=0.02), stream.name
        # Accepted nights are ranked by a pool that they are a part of.
        is_ranked = stream.name == "output_tokens"
        assert np.abs(away[:accepted]).mean() < (0.25 if is_ranked else 0.01)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), odd=st.sampled_from([0.0, 1.0]))
def test_numbers_agree_as_those_that_judge(seed, odd):
    nights = make_nights(seed, accepted=8, later=2, cases=4, kinds={"output_tokens"}, odd=odd)
    fingerprints, (stream,), drawn = prepare(nights, 8)
    table = line_up(nights[:8], nights[8:], fingerprints, nights_wanted=8)
    judged = agreements(table)["output_tokens"]
    rng = np.random.default_rng(1)
    series = [play_series(one, drawn[stream.name], kept=0.0, rng=rng) for one in stream.contrasted]
    pair = Pairs(nights=np.array([9]), years=np.array([0]))
    shifts = reduce(add, (one.shifts(pair, rng) for one in series))
    cosine = shifts.product / np.sqrt(shifts.first * shifts.second)
    assert cosine[0] == pytest.approx(judged.cosine, abs=0.02)
    assert shifts.dof[0] == pytest.approx(judged.dof, rel=0.02)
    if abs(judged.cosine - 0.6) > 0.05:
        assert bool(is_confirmed(shifts)[0]) == judged.is_confirmed


def test_texts_that_changed_for_good_agree_and_odd_ones_seldom_do():
    """Directions of texts are drawn; what two nights share is the change."""
    nights = make_nights(3, accepted=10, later=2, cases=1, kinds={"text"})
    _, (stream,), _ = prepare(nights, 10)
    (of,) = stream.contrasted
    years = 400
    values = np.zeros((12, years, len(stream.rows)))
    values[10:, :, of.apart] = 6.0
    wide = DrawnNights(
        nights=Nights(values=values, variances=np.ones_like(values), accepted=10),
        counts={},
        shift=np.zeros((years, len(stream.rows))),
    )
    moved = wide.shift.copy()
    moved[:, of.apart] = 6.0 - of.usual
    changed = replace(wide, shift=moved)
    pairs = Pairs(nights=np.full(years, 11), years=np.arange(years))

    def agree(drawn):
        rng = np.random.default_rng(1)
        return is_confirmed(play_series(of, drawn, kept=0.0, rng=rng).shifts(pairs, rng)).mean()

    assert agree(wide) < 0.1
    assert agree(changed) > 0.9
    assert stream.rows[of.apart] == f"case-0#{APART}"


def test_a_pair_that_comes_too_late_is_not_told():
    nights = make_nights(5, accepted=8, later=6, cases=3, kinds={"ttft_s"}, odd=1.0)
    _, streams, drawn = prepare(nights, 8)
    pairs = YearPairs(rules_for(streams, 8), "fitted", np.random.default_rng(1))
    for stream in streams:
        pairs.add(stream, drawn[stream.name])
    found = pairs.find({"latency": np.array([1])})
    assert found["latency"].tolist() == [0]
    assert pairs.find({"latency": np.array([2])})["latency"].tolist() == [2]


@pytest.mark.parametrize(
    ("one", "other", "expected"), [(0, 0, 0), (3, 0, 3), (0, 4, 4), (3, 4, 3), (4, 3, 3)]
)
def test_the_earlier_of_two_nights_of_which_0_is_none(one, other, expected):
    assert earlier(np.array([one]), np.array([other])).tolist() == [expected]
