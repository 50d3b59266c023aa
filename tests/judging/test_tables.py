"""Two recorded tables: without nights a difference, with nights the two-night rule."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest

from contractcheck.judging import TableSides, judge_table_nights, judge_tables
from contractcheck.measuring import COLUMNS, reduce_table
from contractcheck.model.judgement import FindingKind, Verdict
from contractcheck.model.suite import Policy


def table(rows, *, kind="label", latency=False):
    """Rows are (case, value) or (case, value, night)."""
    made = []
    for case, value, *night in rows:
        made.append(("t", (night or [None])[0], case, 0, "out", kind, "outputs", np.nan, value))
        if latency:
            made.append(
                ("t", (night or [None])[0], case, 0, "total_s", "number", "latency", 1.0, None)
            )
    return pd.DataFrame(made, columns=list(COLUMNS))


def draw(seed, cases, n, shares):
    rng = random.Random(seed)  # noqa: S311 - answers, not keys
    labels, weights = zip(*shares.items(), strict=True)
    return [(f"c{i}", rng.choices(labels, weights)[0]) for i in range(cases) for _ in range(n)]


def compare(old, new, **options):
    return judge_tables(
        TableSides(baseline=table(old), candidate=table(new)), alpha=0.05, power=0.8
    )


CALM = {"a": 0.7, "b": 0.3}
OTHER = {"a": 0.1, "b": 0.3, "c": 0.6}


def test_a_difference_is_named_with_effect_interval_and_p():
    judgement = compare(draw(1, 8, 10, CALM), draw(2, 8, 10, OTHER))
    assert judgement.verdict is Verdict.FAIL
    (finding,) = judgement.findings
    assert finding.kind is FindingKind.DIFFERENCE
    assert "adjusted p = 0.00" in finding.message
    estimate = finding.comparison.estimate
    assert estimate.unit == "share"
    assert 0.3 < abs(estimate.effect) < 0.9
    assert estimate.low < estimate.effect < estimate.high
    assert finding.examples[0].before != finding.examples[0].after
    assert any("night-to-night variation is not covered" in note for note in judgement.notes)


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_no_difference_is_quiet_and_says_what_would_have_been_found(seed):
    judgement = compare(draw(seed, 8, 10, CALM), draw(seed + 50, 8, 10, CALM))
    assert judgement.verdict is Verdict.QUIET
    assert "Would have been found: " in judgement.headline


def test_swapping_the_sides_turns_the_effect_around():
    old, new = draw(1, 8, 10, {"a": 0.5, "b": 0.5}), draw(2, 8, 10, {"a": 0.05, "b": 0.95})
    there, back = compare(old, new), compare(new, old)
    effects = [j.findings[0].comparison.estimate for j in (there, back)]
    by_label = [(e.effect, e.detail) for e in effects]
    assert abs(by_label[0][0]) == pytest.approx(abs(by_label[1][0]))
    same_label = effects[0].detail == effects[1].detail
    assert (by_label[0][0] == pytest.approx(-by_label[1][0])) is same_label


def test_one_row_a_side_is_inconclusive():
    judgement = compare([("c", "a")], [("c", "b")])
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "add cases or repeats" in judgement.headline


def test_cases_on_one_side_only_are_named_and_left_out():
    old, new = draw(1, 6, 5, CALM), draw(2, 6, 5, CALM)
    judgement = compare([*old, ("gone", "a")], [*new, ("new1", "a"), ("new2", "a")])
    assert "1 case only in the baseline, left out: gone" in judgement.notes
    assert "2 cases only in the candidate, left out: new1, new2" in judgement.notes
    assert {c.case for c in judgement.comparisons} == {None, *(f"c{i}" for i in range(6))}


def test_without_a_common_case_nothing_is_compared():
    judgement = compare([("x", "a")], [("y", "a")])
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "no case in common" in judgement.headline


def test_unequal_and_mixed_repeats_are_compared():
    rng = random.Random(3)  # noqa: S311 - sizes, not keys
    old = [("c%d" % i, "a") for i in range(10) for _ in range(rng.randint(1, 9))]  # noqa: UP031
    new = [("c%d" % i, "b") for i in range(10) for _ in range(rng.randint(1, 9))]  # noqa: UP031
    assert compare(old, new).verdict is Verdict.FAIL
    assert compare(old, old[::-1]).verdict is Verdict.QUIET


def nights(first, count, shares, *, latency=False):
    rows = [
        (case, value, f"2026-03-{night + 1:02d}")
        for night in range(first, first + count)
        for case, value in draw(night, 6, 8, shares)
    ]
    return reduce_table(table(rows, latency=latency))


def test_quiet_nights_are_quiet():
    judgement = judge_table_nights(nights(0, 10, CALM), nights(10, 4, CALM), Policy())
    assert judgement.verdict is Verdict.QUIET
    assert judgement.error_rates.startswith("chance of any false red at most 10%")


def test_two_changed_nights_are_drift_and_one_is_not():
    accepted = nights(0, 10, CALM)
    two = judge_table_nights(accepted, nights(10, 2, OTHER), Policy())
    assert two.verdict is Verdict.FAIL
    assert two.findings[0].since == "2026-03-11"
    one = judge_table_nights(accepted, nights(10, 1, OTHER), Policy())
    assert one.verdict is Verdict.INCONCLUSIVE
    assert "the last night looks changed" in one.headline
    quiet_again = (*nights(10, 1, OTHER), *nights(11, 1, CALM))
    assert judge_table_nights(accepted, quiet_again, Policy()).verdict is Verdict.QUIET


def test_a_change_that_went_away_again_is_still_told():
    later = (*nights(10, 2, OTHER), *nights(12, 3, CALM))
    judgement = judge_table_nights(nights(0, 10, CALM), later, Policy())
    assert judgement.verdict is Verdict.FAIL


@pytest.mark.parametrize("count", [1, 4])
def test_too_few_nights_say_how_many_more(count):
    judgement = judge_table_nights(nights(0, count, CALM), nights(10, 2, OTHER), Policy())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert f"the baseline has {count} of the 5 nights" in judgement.headline


def test_nights_without_a_common_case_are_not_quiet():
    old = reduce_table(table([("x", "a", f"2026-03-0{i}") for i in range(1, 8) for _ in range(5)]))
    new = reduce_table(table([("y", "a", "2026-03-09")] * 5))
    judgement = judge_table_nights(old, new, Policy())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "1 case only in the baseline, left out: x" in judgement.notes
    assert "1 case only in the candidate, left out: y" in judgement.notes


def test_latency_of_tables_with_nights_is_an_estimate_and_says_so():
    judgement = judge_table_nights(
        nights(0, 6, CALM, latency=True), nights(6, 1, CALM, latency=True), Policy()
    )
    assert any(note.startswith("latency is an estimate, not judged") for note in judgement.notes)
    assert "total_s" in {c.metric for c in judgement.comparisons}


def test_numbered_nights_come_in_the_order_of_numbers():
    rows = [("c", "a", str(night)) for night in (10, 9, 2, 1)]
    assert [night.night for night in reduce_table(table(rows))] == ["1", "2", "9", "10"]
    rows = [("c", "a", night) for night in ("2026-03-10", "2026-03-09")]
    assert [night.night for night in reduce_table(table(rows))] == ["2026-03-09", "2026-03-10"]
