"""What a quiet night says it would have shown is what simulated nights show."""

from __future__ import annotations

import numpy as np
import pytest

from contractcheck.judging.night_values import values_of
from contractcheck.judging.night_watch import watch_streams
from contractcheck.judging.rebased import place
from contractcheck.judging.watch_sight import Sight, find_sight, sight_words
from contractcheck.model.night import CaseNight, LabelCell, NightStatistics, NumberCell, RateCell
from contractcheck.model.suite import Policy

CASES = tuple(f"case-{i}" for i in range(12))
FINGERPRINTS = dict.fromkeys(CASES, "f")
ANSWERS = 10


def label_night(rng, name, changed):
    """Answers of two kinds, of which a share becomes a third."""

    def cell(case):
        new = rng.binomial(ANSWERS, changed.get(case, 0.0))
        usual = rng.binomial(ANSWERS - new, 0.85)
        return LabelCell(counts={"a": int(usual), "b": int(ANSWERS - new - usual), "new": int(new)})

    return night_of(name, cell)


def constant_night(rng, name, changed):
    """Answers of one kind, of which a share becomes another: whole nights show none of it."""

    def cell(case):
        new = int(rng.binomial(ANSWERS, changed.get(case, 0.0)))
        return LabelCell(counts={"a": ANSWERS - new, "new": new})

    return night_of(name, cell)


def number_night(rng, name, changed):
    """Lengths, of which a share becomes longer than any."""

    def cell(case):
        values = rng.lognormal(3.0, 0.3, ANSWERS)
        values[: rng.binomial(ANSWERS, changed.get(case, 0.0))] = 1e6
        return NumberCell(values=tuple(sorted(np.round(values).tolist())))

    return night_of(name, cell)


def check_night(rng, name, changed):
    """Answers that pass a check, of which a share does no more."""

    def cell(case):
        passed = rng.binomial(ANSWERS, 0.98 * (1.0 - changed.get(case, 0.0)))
        return RateCell(passed=int(passed), count=ANSWERS)

    return night_of(name, cell)


def night_of(name, cell):
    cases = {
        case: CaseNight(
            request_fingerprint="f", answered=ANSWERS, planned=ANSWERS, cells={"m": cell(case)}
        )
        for case in CASES
    }
    return NightStatistics(night=name, run_id=name, is_complete=True, cases=cases)


def watched(placed, later, stream):
    return watch_streams(placed, later, shares={stream: 0.02})


@pytest.mark.parametrize(
    ("make", "stream", "one_case"),
    [
        (label_night, "m", False),
        (label_night, "m", True),
        (constant_night, "m", True),
        (number_night, "m", False),
        (number_night, "m", True),
        (check_night, "conformance", False),
    ],
)
def test_a_change_of_the_stated_size_is_seen_about_as_often_as_stated(make, stream, one_case):
    rng = np.random.default_rng([len(stream), one_case, len(make.__name__)])
    nights, seen = 21, []
    for _ in range(16):
        placed = place([[make(rng, f"a{i}", {}) for i in range(10)]], FINGERPRINTS)
        quiet = watched(placed, [values_of(placed.reference, make(rng, "b", {}))], stream)
        sight = find_sight(quiet, placed.reference, Policy(power=0.8), nights=nights)
        share = sight.one_case if one_case else (sight.fewer_pass or sight.all_answers)
        assert share is not None
        changed = dict.fromkeys(CASES[:1] if one_case else CASES, share)
        later = [
            values_of(placed.reference, make(rng, f"c{i:02d}", changed)) for i in range(nights)
        ]
        charts = [chart for one in watched(placed, later, stream) for chart in one.charts]
        seen.append(any((chart.values > chart.threshold).any() for chart in charts))
    # Stated for its last night; on any of the nights before is a little more often.
    assert np.mean(seen) >= 0.6


def test_a_longer_change_may_be_smaller_and_words_say_so():
    rng = np.random.default_rng(3)
    placed = place([[label_night(rng, f"a{i}", {}) for i in range(10)]], FINGERPRINTS)
    quiet = watched(placed, [values_of(placed.reference, label_night(rng, "b", {}))], "m")
    week, three = (
        find_sight(quiet, placed.reference, Policy(), nights=nights) for nights in (7, 21)
    )
    assert three.all_answers < week.all_answers
    assert f"{week.all_answers:.0%} of all answers changed (in m)" in sight_words(week)
    nothing = Sight(nights=7, all_answers=None, one_case=None, slower=None, fewer_pass=None)
    assert sight_words(nothing) == ""
