"""After a re-base the last era places the location, and the eras before still tell the scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from contractcheck.judging.night_values import accepted_values, reference_of, values_of
from contractcheck.judging.rebased import place
from contractcheck.model.night import (
    CaseNight,
    LabelCell,
    NightStatistics,
    NumberCell,
    RateCell,
    TextCell,
)

CASES = ("a", "b", "c")
ASKED = dict.fromkeys(CASES, "r")


def night(day, *, like=7, level=20.0, turn=0.0, seed=0, cases=CASES):
    """One night of ten answers per case; ``like`` of them usual, texts turned by ``turn``."""
    draw = np.random.default_rng([seed, day])
    return NightStatistics(
        night=f"2026-03-{day:02d}",
        run_id=f"202603{day:02d}t020000z-a",
        is_complete=True,
        cases={
            case: CaseNight(
                request_fingerprint="r",
                answered=10,
                planned=10,
                cells=_cells(draw, like, level, turn),
            )
            for case in cases
        },
    )


def _cells(draw, like, level, turn):
    usual = int(draw.binomial(10, like / 10))
    texts = np.array([np.cos(turn), np.sin(turn), *np.zeros(14)]) + 0.3 * draw.normal(size=(10, 16))
    mean = (texts / np.linalg.norm(texts, axis=1, keepdims=True)).mean(0)
    numbers = sorted(draw.normal(level, 3.0, 10))
    return {
        "label": LabelCell(counts={"yes": usual, "no": 10 - usual}),
        "output_tokens": NumberCell(values=tuple(numbers)),
        "text": TextCell(count=10, mean=tuple(mean), effective_dimension=12.0),
        "conforms": RateCell(passed=int(draw.binomial(10, 0.9)), count=10),
        "ttft_s": NumberCell(values=tuple(np.exp(draw.normal(level / 20, 0.1, 10)))),
    }


OLD = tuple(night(day) for day in range(1, 11))
NEW = tuple(night(day, like=3, level=40.0, turn=0.6) for day in range(11, 21))
STREAMS = {"label", "output_tokens", "text", "conformance", "presence", "ttft_s"}


def rows(nights, stream, row="a"):
    return np.array([night.streams[stream][row].value for night in nights])


def test_without_a_rebase_it_is_the_accepted_nights_and_nothing_else():
    placed = place([OLD], ASKED)
    reference = reference_of(OLD, ASKED)
    assert placed.placed is None
    assert placed.reference.digest == reference.digest
    assert placed.accepted == accepted_values(reference)


def test_a_new_era_that_is_long_enough_stands_alone():
    placed = place([OLD, NEW], ASKED, nights_wanted=10)
    assert placed.placed is None
    assert placed.accepted == accepted_values(reference_of(NEW, ASKED))
    assert place([OLD, NEW], ASKED, nights_wanted=11).placed == 10


def test_old_eras_are_kept_until_the_new_one_has_nights_enough_for_charts():
    placed = place([OLD, NEW[:6]], ASKED, nights_wanted=5)
    assert (placed.placed, len(placed.accepted)) == (6, 16)
    assert place([OLD, NEW], ASKED, nights_wanted=5).placed is None


def test_without_nights_in_the_last_era_nothing_says_where_the_provider_stands():
    assert place([], ASKED) is None
    assert place([OLD, ()], ASKED) is None


def test_a_first_era_of_one_night_tells_no_scale():
    placed = place([OLD[:1], NEW[:3]], ASKED)
    assert (placed.placed, len(placed.accepted)) == (None, 3)


@pytest.mark.parametrize("count", [1, 2, 4, 5, 9])
def test_one_night_since_the_change_is_enough_for_every_stream(count):
    placed = place([OLD, NEW[:count]], ASKED)
    assert (placed.placed, len(placed.accepted)) == (count, 10 + count)
    for one in placed.accepted:
        assert set(one.streams) == STREAMS
        assert all({"a", "b", "c"} <= {row[0] for row in own} for own in one.streams.values())
    later = values_of(placed.reference, NEW[9])
    assert set(later.streams) == STREAMS


@pytest.mark.parametrize("stream", ["label", "output_tokens", "text", "ttft_s"])
def test_old_nights_are_moved_to_the_new_ones_which_stand_where_later_ones_do(stream):
    placed = place([OLD, NEW[:4]], ASKED)
    old, new = placed.accepted[:10], placed.accepted[10:]
    assert rows(old, stream).mean() == pytest.approx(rows(new, stream).mean())
    assert rows(old, stream).std() > 0.0
    later = [values_of(placed.reference, one) for one in NEW[4:]]
    apart = [
        np.mean([rows(nights, stream, case).mean() for case in CASES]) for nights in (new, later)
    ]
    spread = np.mean([rows(later, stream, case).std() for case in CASES])
    assert abs(apart[0] - apart[1]) < 2.0 * spread


def test_the_spread_of_old_nights_is_that_within_their_own_era():
    alone = rows(accepted_values(reference_of(OLD, ASKED)), "output_tokens")
    placed = place([OLD, NEW[:2]], ASKED)
    moved = rows(placed.accepted[:10], "output_tokens")
    assert moved - moved.mean() == pytest.approx(alone - alone.mean())


def test_several_old_eras_together_have_the_spread_of_one():
    draws = []
    for seed in range(200):
        eras = [
            tuple(night(day, level=level, seed=seed, cases=("a",)) for day in days)
            for level, days in ((20.0, range(1, 4)), (60.0, range(4, 9)), (10.0, range(9, 11)))
        ]
        placed = place([*eras, NEW[:1]], {"a": "r"})
        latency = rows(placed.accepted, "ttft_s")
        draws.append(((latency[:10] - latency[10]) ** 2).sum() / 9)
    single = np.log(
        [
            np.median(night(d, seed=s).cases["a"].cells["ttft_s"].values)
            for s in range(200)
            for d in (1, 2)
        ]
    )
    assert np.mean(draws) == pytest.approx(single.var(ddof=1), rel=0.2)


def test_what_was_borrowed_is_part_of_the_key_of_later_values():
    digests = {
        place(eras, ASKED).reference.digest
        for eras in ([OLD, NEW[:1]], [OLD[1:], NEW[:1]], [NEW[:1]], [OLD, NEW[:2]])
    }
    assert len(digests) == 4


def test_a_case_whose_request_changed_with_the_rebase_starts_from_the_new_nights():
    asked = ASKED | {"b": "other"}
    changed = replace(
        NEW[0], cases={c: replace(n, request_fingerprint=asked[c]) for c, n in NEW[0].cases.items()}
    )
    placed = place([OLD, [changed]], asked)
    assert "b" not in placed.accepted[0].streams["label"]
    assert "b" in placed.accepted[-1].streams["label"]
    assert "b" in values_of(placed.reference, changed).streams["label"]
