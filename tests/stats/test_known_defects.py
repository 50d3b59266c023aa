"""Defects of other tools and pitfalls of this trade: each has a test, here or where it belongs.

``model-equality-testing`` 0.0.2 gives p = 0 and a NaN statistic, permutes across prompts and names
no case; Kayenta adds noise where all values tie; two-sample tests of stored nights cry wolf. What
another file already proves is listed in ``ELSEWHERE``, and a test holds that list to the files.
"""

import ast
import math
import warnings
from pathlib import Path

import numpy as np
import pytest

from contractcheck.errors import UsageError
from contractcheck.stats.latency import TimedTrial, compare_latency
from contractcheck.stats.multiplicity import extremity
from contractcheck.stats.rate_tests import compare_rates
from contractcheck.stats.rates import RateCase
from contractcheck.stats.samples import CaseSample, Stream
from contractcheck.stats.two_sample import compare_samples

ROOT = Path(__file__).parents[2]
TEXT = Stream(metric="m", kind="text")
NUMBER = Stream(metric="m", kind="number")
LABEL = Stream(metric="m", kind="label")

ELSEWHERE = {
    "p is exactly 0": "stats/test_two_sample.py::test_p_is_never_zero_however_large_the_change",
    "p of rates is exactly 0": "stats/test_rate_tests.py::test_a_change_too_certain_for_a_float_still_has_a_p",
    "one answer per prompt is NaN": "stats/test_two_sample.py::test_one_trial_per_case_gives_a_number_not_a_silent_zero",
    "labels permuted across prompts": "stats/test_two_sample.py::test_cases_are_strata_and_never_pooled",
    "differences of prompts hide a change": "judging/test_rival_defects.py::test_prompts_that_differ_from_each_other_hide_nothing",
    "no case is named": "judging/test_rival_defects.py::test_one_prompt_of_25_that_flipped_at_temperature_0_is_named",
    "many looks at one level": "judging/test_rival_defects.py::test_looking_at_many_cases_cries_no_more_often",
    "3 v 3 sold as evidence": "judging/test_case_sight.py::test_three_against_three_cannot_reach_five_percent",
    "progress on stderr": "judging/test_rival_defects.py::test_nothing_is_printed",
    "all tied": "stats/test_two_sample.py::test_all_tied_is_p_one_and_never_nan",
    "a side without trials": "stats/test_two_sample.py::test_samples_that_do_not_fit_are_refused_by_name",
    "an empty night": "stats/test_night_scores.py::test_empty_nights_are_refused_not_scored",
    "a case that is missing": "judging/test_tables.py::test_cases_on_one_side_only_are_named_and_left_out",
    "seeds that depend on the order": "stats/test_seeding.py::test_the_order_of_cases_does_not_matter",
    "two nights, one two-sample test": "stats/test_night_rates.py::test_quiet_fortnights_stay_quiet_where_a_plain_test_cries_wolf",
    "autocorrelated latency": "stats/test_latency.py::test_neighbours_that_depend_on_each_other_raise_no_alarm",
    "a memory longer than a block": "stats/test_latency.py::test_memory_that_outlasts_a_block_widens_the_test",
    "time-outs left out": "stats/test_latency.py::test_timeouts_are_longer_than_any_time_and_nothing_more",
    "time-outs of a night left out": "stats/test_nights.py::test_time_outs_are_the_largest_numbers_not_missing_ones",
    "longer answers called slowness": "stats/test_latency.py::test_longer_answers_are_not_a_slower_provider",
    "means moved by one straggler": "stats/test_signed_ranks.py::test_a_few_wild_values_do_not_move_the_centre",
    "one flipped constant case": "stats/test_night_rates.py::test_a_constant_case_may_slip_once_but_not_flip_for_good",
    "two-level regimes": "stats/test_night_rates.py::test_two_level_regimes_known_from_the_baseline_do_not_alarm",
    "slow drift": "judging/test_slow_drift.py::test_a_slow_drift_is_found_although_each_night_resembles_the_last",
    "copies out of a cache": "judging/test_cached_answers.py::test_copies_of_one_answer_are_no_evidence_of_a_change",
    "our own change called drift": "judging/test_our_changes.py::test_when_every_request_changed_there_is_nothing_to_compare",
    "another SDK or region called drift": "judging/test_our_changes.py::test_from_another_vantage_what_may_be_our_doing_is_ours",
    "replayed times taken for measured": "judging/test_gate.py::test_replayed_times_are_not_taken_for_measured_ones",
    "too little evidence called quiet": "judging/test_tables.py::test_one_row_a_side_is_inconclusive",
}


@pytest.mark.parametrize("pitfall", ELSEWHERE)
def test_what_is_proven_elsewhere_is_there(pitfall):
    file, _, name = ELSEWHERE[pitfall].partition("::")
    tree = ast.parse((ROOT / "tests" / file).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def sample(name, old, new):
    return CaseSample(case=name, baseline={"m": old}, candidate={"m": new})


def compare(cases, stream, seed=0, permutations=400):
    return compare_samples(
        cases, [stream], rng=np.random.default_rng(seed), permutations=permutations
    )


def test_no_noise_is_added_where_values_tie():
    """Every relabelling is gone through, so a generator has no say, ties or not."""
    rng = np.random.default_rng(0)
    cases = [
        sample(f"c{i}", *(rng.choice([1.0, 1.0, 2.0], 4).tolist() for _ in range(2)))
        for i in range(2)
    ]
    first = compare(cases, NUMBER, seed=1)
    assert first.exact
    assert repr(first) == repr(compare(cases, NUMBER, seed=2))


def test_rounding_breaks_no_tie():
    """With sizes alike, a relabelling and its mirror are equally extreme, so p counts pairs."""
    rng = np.random.default_rng(1)
    words = ["one", "two", "three", "four", "five", "six"]
    for _ in range(40):
        old, new = ([" ".join(rng.choice(words, 3)) for _ in range(5)] for _ in range(2))
        result = compare([sample("c", old, new)], TEXT)
        assert result.exact
        assert round(result.p * math.comb(10, 5)) % 2 == 0


def test_a_column_of_rounding_errors_lies_nowhere_far_out():
    noise = 1e-16 * np.random.default_rng(2).normal(size=(500, 1))
    assert np.all(extremity(noise, np.array([1e-10])) == 0)
    assert np.any(extremity(noise, np.array([1e-30])) > 0)


def test_one_odd_text_among_equal_ones_has_an_interval_and_no_warning():
    """Without the odd one nothing differs but by rounding, which is not to be divided by."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = compare(
            [sample("c", ["the same words"] * 9 + ["odd"], ["the same words"] * 10)], TEXT
        )
    (metric,) = result.metrics
    assert -1 <= metric.low <= metric.effect <= metric.high <= 1
    assert result.p == 1.0


def test_few_relabellings_are_enough_for_many_cases():
    """By the largest statistic: 200 smallest p of 400 relabellings could never reach .05."""
    rng = np.random.default_rng(3)
    cases = [
        sample(f"c{i:03}", rng.choice(["a", "b"], 8).tolist(), rng.choice(["a", "b"], 8).tolist())
        for i in range(200)
    ]
    cases[17] = sample("c017", ["a"] * 8, ["refused"] * 8)
    result = compare(cases, LABEL)
    assert {case.case for case in result.cases if case.p_adjusted <= 0.05} == {"c017"}
    assert min(case.p for case in result.cases) * 200 > 0.05  # what Bonferroni would have said


@pytest.mark.parametrize("n", [3, 5])
def test_one_flipped_case_of_25_is_named_where_anything_can_be(n):
    cases = [sample(f"c{i:02}", [f"answer {i}"] * n, [f"answer {i}"] * n) for i in range(25)]
    cases[7] = sample("c07", ["answer 7"] * n, ["flipped"] * n)
    result = compare(cases, TEXT, permutations=2000)
    first, *others = sorted(result.cases, key=lambda case: case.p_adjusted)
    # Two of the C(2n, n) ways to deal this case's answers are as extreme, whatever the others do.
    least = 2 / math.comb(2 * n, n)
    assert first.case == "c07"
    assert first.p_adjusted == pytest.approx(least, abs=0.02)
    assert {case.p_adjusted for case in others} == {1.0}


def test_a_side_without_trials_is_refused_and_never_a_rejection():
    with pytest.raises(UsageError, match="0 events in 0 trials"):
        compare_rates(
            [RateCase(case="c", baseline_events=3, n_baseline=3, candidate_events=0, n_candidate=0)]
        )
    with pytest.raises(UsageError, match="no block has a case on both sides"):
        compare_latency([TimedTrial(case="c", block=0, latency_s=1.0)], [])


def test_time_outs_slow_a_side_down_and_more_of_them_more():
    def side(timed_out):
        return [
            TimedTrial(case="c", block=b, latency_s=math.inf if b < timed_out else 1.0 + b / 100)
            for b in range(12)
        ]

    found = [compare_latency(side(0), side(n), serial=False) for n in (0, 3, 8, 12)]
    assert [one.n_timed_out for one in found] == [0, 3, 8, 12]
    assert sorted((one.p for one in found), reverse=True) == [one.p for one in found]
    assert found[0].p == 1.0
    assert found[-1].p == found[-1].least_p
    assert found[-1].estimate == math.inf


@pytest.mark.parametrize("room", ["stats", "judging", "measuring"])
def test_no_statistic_opens_a_recording_by_itself(room):
    """A replayed answer is always the same; judging sees what was measured and opens nothing."""
    reached = {
        name
        for path in (ROOT / "contractcheck" / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert reached
    assert not {name for name in reached if name.startswith("contractcheck.cassettes")}
