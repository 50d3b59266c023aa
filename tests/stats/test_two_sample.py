import math
import time

import numpy as np
import pytest

from contractcheck.errors import UsageError
from contractcheck.stats.samples import CaseSample, Stream
from contractcheck.stats.two_sample import compare_samples

LABEL = Stream(metric="label", kind="label")
NUMBER = Stream(metric="number", kind="number")
TEXT = Stream(metric="text", kind="text")


def case(name, old, new, metric="label"):
    return CaseSample(case=name, baseline={metric: old}, candidate={metric: new})


def compare(cases, streams=(LABEL,), seed=0, permutations=300):
    return compare_samples(
        cases, streams, rng=np.random.default_rng(seed), permutations=permutations
    )


def random_cases(n_cases, n, m, seed=0):
    rng = np.random.default_rng(seed)

    def side(size):
        labels = rng.choice(["a", "b", "c"], size).tolist()
        return {
            "label": labels,
            "number": rng.normal(size=size).tolist(),
            "text": [f"it is {x}" for x in labels],
        }

    return [
        CaseSample(case=f"case-{i}", baseline=side(n), candidate=side(m)) for i in range(n_cases)
    ]


@pytest.mark.parametrize(("n", "m", "n_cases"), [(1, 1, 1), (1, 1, 50), (5, 5, 4), (2, 9, 30)])
def test_all_tied_is_p_one_and_never_nan(n, m, n_cases):
    cases = [
        CaseSample(
            case=str(i),
            baseline={"label": ["x"] * n, "number": [0.1] * n, "text": ["same"] * n},
            candidate={"label": ["x"] * m, "number": [0.1] * m, "text": ["same"] * m},
        )
        for i in range(n_cases)
    ]
    result = compare(cases, (LABEL, NUMBER, TEXT))
    assert result.p == 1.0
    assert all(r.p == r.p_adjusted == 1.0 for r in (*result.metrics, *result.cases))
    assert all(math.isfinite(r.effect) for r in (*result.metrics, *result.cases))


def test_p_is_never_zero_however_large_the_change():
    result = compare([case(str(i), ["a"] * 10, ["b"] * 10) for i in range(10)])
    assert result.p == pytest.approx(1 / 301)
    assert min(r.p_adjusted for r in result.cases) > 0


def test_one_trial_per_case_gives_a_number_not_a_silent_zero():
    result = compare(
        [case(str(i), [f"text {i}"], [f"text {i + 1}"], "text") for i in range(30)], (TEXT,)
    )
    assert 0 < result.p <= 1
    assert all(r.p == 1.0 for r in result.cases)


def test_cases_are_strata_and_never_pooled():
    # Pooled over cases both sides look alike; inside each they are opposite.
    cases = [case(str(i), ["ab"[i % 2]] * 4, ["ba"[i % 2]] * 4) for i in range(8)]
    assert compare(cases).p <= 0.01
    # Cases differ a lot, the sides not at all.
    assert compare([case(str(i), [str(i)] * 4, [str(i)] * 4) for i in range(8)]).p == 1.0


def test_the_changed_case_is_named_and_no_other():
    cases = [c for c in random_cases(20, 10, 10) if c.case != "case-7"]
    cases.append(case("case-7", ["a"] * 10, ["refused"] * 10))
    result = compare(cases, permutations=1000)
    named = {r.case for r in result.cases if r.p_adjusted <= 0.05}
    assert named == {"case-7"}
    assert result.p <= 0.05


def test_the_changed_metric_is_named_and_no_other():
    cases = random_cases(15, 8, 8, seed=3)
    shifted = [
        CaseSample(
            case=c.case,
            baseline=c.baseline,
            candidate={**c.candidate, "number": [x + 1.5 for x in c.candidate["number"]]},
        )
        for c in cases
    ]
    result = compare(shifted, (LABEL, NUMBER, TEXT))
    assert [r.metric for r in result.metrics if r.p_adjusted <= 0.05] == ["number"]
    assert result.p == min(r.p_adjusted for r in result.metrics)


def test_order_of_cases_does_not_matter():
    cases = random_cases(12, 4, 6)
    streams = (LABEL, NUMBER, TEXT)
    one, other = compare(cases, streams), compare(cases[::-1], streams)
    assert one.metrics == other.metrics
    assert one.p == other.p
    assert [r.case for r in other.cases] == [r.case for r in one.cases][::-1]
    assert sorted(map(repr, one.cases)) == sorted(map(repr, other.cases))


def test_same_seed_same_result_another_seed_another():
    cases = random_cases(12, 4, 6)
    assert compare(cases, seed=1) == compare(cases, seed=1)
    assert compare(cases, seed=1).p != compare(cases, seed=2).p


@pytest.mark.parametrize(("n", "m", "n_cases"), [(1, 1, 9), (3, 3, 2), (2, 4, 2), (5, 2, 1)])
def test_swapping_the_sides_mirrors_the_exact_result(n, m, n_cases):
    cases = random_cases(n_cases, n, m, seed=5)
    swapped = [CaseSample(case=c.case, baseline=c.candidate, candidate=c.baseline) for c in cases]
    streams = (LABEL, NUMBER, TEXT)
    one, other = compare(cases, streams), compare(swapped, streams)
    assert one.exact
    assert one.p == pytest.approx(other.p)
    for a, b in zip(one.metrics, other.metrics, strict=True):
        assert a.p == pytest.approx(b.p)
        if a.kind == "number":
            assert (a.effect, a.low) == pytest.approx((-b.effect, -b.high))
        if a.kind == "text":
            assert a.effect == pytest.approx(b.effect)


def test_sign_flip_agrees_with_the_wilcoxon_test_it_restates():
    import scipy.stats

    rng = np.random.default_rng(8)
    old, new = rng.normal(size=11), rng.normal(0.7, 1, size=11)
    cases = [
        case(str(i), [a], [b], "number") for i, (a, b) in enumerate(zip(old, new, strict=True))
    ]
    result = compare(cases, (NUMBER,))
    assert result.exact
    assert result.p == pytest.approx(scipy.stats.wilcoxon(new, old, method="exact").pvalue)


def test_lost_values_are_found_and_counted():
    rng = np.random.default_rng(9)
    for stream, value in ((NUMBER, 1.0), (TEXT, "ok"), (LABEL, "ok")):
        cases = [
            case(
                str(i),
                [value] * 8,
                [None if rng.random() < 0.6 else value for _ in range(8)],
                stream.metric,
            )
            for i in range(10)
        ]
        result = compare(cases, (stream,))
        assert result.p <= 0.01
        assert result.metrics[0].n_baseline == 80
        assert result.metrics[0].n_candidate == sum(
            x is not None for c in cases for x in c.candidate[stream.metric]
        )


def test_dispersion_alone_is_found():
    rng = np.random.default_rng(10)
    cases = [
        case(str(i), rng.normal(0, 1, 15).tolist(), rng.normal(0, 5, 15).tolist(), "number")
        for i in range(8)
    ]
    assert compare(cases, (NUMBER,)).p <= 0.01


def test_true_and_one_are_two_labels():
    assert compare([case(str(i), [1] * 6, [True] * 6) for i in range(3)]).p <= 0.01


def test_mixed_designs_share_one_group():
    cases = [
        *random_cases(5, 1, 1),
        *(
            CaseSample(case=f"many-{i}", baseline=c.baseline, candidate=c.candidate)
            for i, c in enumerate(random_cases(5, 3, 7))
        ),
    ]
    result = compare(cases, (LABEL, NUMBER, TEXT))
    assert (result.n_cases, result.n_baseline, result.n_candidate) == (10, 20, 40)
    assert 0 < result.p <= 1


@pytest.mark.parametrize(
    ("cases", "streams", "words"),
    [
        ([], (LABEL,), "no case to compare"),
        ([case("a", ["x"], ["x"])], (), "no metric to compare"),
        ([case("a", [], ["x"])], (LABEL,), "case 'a', baseline: no trial"),
        ([case("a", ["x"], ["x"])] * 2, (LABEL,), "case 'a' occurs twice"),
        ([case("a", ["x"], ["x"])], (LABEL, LABEL), "metric 'label' occurs twice"),
        ([case("a", ["x"], ["x"])], (TEXT,), "case 'a', baseline: no values for metric 'text'"),
        (
            [case("a", ["x"], ["x"], "number")],
            (NUMBER,),
            "metric 'number' is a number, but holds 'x'",
        ),
        (
            [CaseSample(case="a", baseline={"label": ["x"], "text": ["x", "y"]}, candidate={})],
            (LABEL, TEXT),
            "case 'a', baseline: metrics differ in their trials",
        ),
    ],
)
def test_samples_that_do_not_fit_are_refused_by_name(cases, streams, words):
    with pytest.raises(UsageError, match=words):
        compare(cases, streams)


def test_alpha_out_of_range_is_refused():
    with pytest.raises(UsageError, match="alpha is 2"):
        compare_samples([case("a", ["x"], ["x"])], (LABEL,), rng=np.random.default_rng(0), alpha=2)


def test_a_usual_suite_is_compared_in_a_fraction_of_a_second():
    rng = np.random.default_rng(11)
    words = ["".join(rng.choice(list("abcdefghij"), 5)) for _ in range(300)]
    cases = [
        case(
            str(i),
            [" ".join(rng.choice(words, 50)) for _ in range(10)],
            [" ".join(rng.choice(words, 50)) for _ in range(10)],
            "text",
        )
        for i in range(25)
    ]
    compare(cases, (TEXT,), permutations=10)
    start = time.process_time()
    compare(cases, (TEXT,), permutations=1000)
    assert time.process_time() - start <= 1.0  # measured 0.08 s; a shared machine gets slack


def in_blocks(c, old_blocks, new_blocks):
    return CaseSample(
        case=c.case,
        baseline=c.baseline,
        candidate=c.candidate,
        baseline_blocks=old_blocks,
        candidate_blocks=new_blocks,
    )


def test_one_trial_per_side_and_block_is_the_paired_sign_flip_inside_a_case():
    import scipy.stats

    rng = np.random.default_rng(12)
    drift = np.cumsum(rng.normal(0, 5, 11))  # shared by both sides, minute by minute
    old, new = drift + rng.normal(size=11), drift + rng.normal(2, 1, size=11)
    sample = case("a", old.tolist(), new.tolist(), "number")
    pooled = compare([sample], (NUMBER,))
    paired = compare([in_blocks(sample, range(11), range(11))], (NUMBER,), permutations=5000)
    assert paired.exact
    assert paired.p <= 0.05 < pooled.p
    assert paired.p <= 3 * scipy.stats.wilcoxon(new, old, method="exact").pvalue


def test_trials_may_come_in_any_order_of_their_blocks():
    cases = random_cases(3, 4, 4, seed=6)
    straight = [in_blocks(c, [0, 1, 2, 3], [0, 1, 2, 3]) for c in cases]
    turned = [
        CaseSample(
            case=c.case,
            baseline=c.baseline,
            candidate={metric: values[::-1] for metric, values in c.candidate.items()},
            baseline_blocks=[0, 1, 2, 3],
            candidate_blocks=[3, 2, 1, 0],
        )
        for c in cases
    ]
    one, other = (compare(c, (LABEL, NUMBER, TEXT)) for c in (straight, turned))
    assert one.exact
    assert one.p == pytest.approx(other.p)
    assert [r.p_adjusted for r in one.cases] == pytest.approx([r.p_adjusted for r in other.cases])


def test_blocks_keep_the_power_of_a_case_whole():
    # Were each block a case of its own, one trial against one would show nothing in a case.
    changed = in_blocks(case("a", ["x"] * 12, ["y"] * 12), range(12), range(12))
    rest = [in_blocks(c, range(12), range(12)) for c in random_cases(5, 12, 12, seed=1)]
    result = compare([changed, *rest], permutations=2000)
    assert {r.case for r in result.cases if r.p_adjusted <= 0.05} == {"a"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ([0, 1], None, "case 'a': blocks of one side only"),
        ([0, 1], [0], "case 'a' has 2 and 2 trials, but blocks of 2 and 1"),
    ],
)
def test_blocks_that_do_not_fit_are_refused_by_name(old, new, words):
    with pytest.raises(UsageError, match=words):
        compare([in_blocks(case("a", ["x", "y"], ["x", "y"]), old, new)])


def test_stopping_early_keeps_the_level_and_saves_most_of_the_work():
    import scipy.stats

    rng = np.random.default_rng(21)
    shares, randomised, drawn = [], [], []
    for seed in range(300):
        cases = [
            case(str(i), rng.choice(["a", "b"], 8).tolist(), rng.choice(["a", "b"], 8).tolist())
            for i in range(2)
        ]
        result = compare_samples(
            cases, (LABEL,), rng=np.random.default_rng(seed), permutations=990, stop_early=True
        )
        shares.append(result.p)
        randomised.append(result.randomised_p(rng.random()))
        drawn.append(result.permutations)
    assert set(drawn) == {99, 990}
    assert np.mean(np.equal(drawn, 99)) >= 0.6
    assert min(p for p, n in zip(shares, drawn, strict=True) if n == 99) > 0.25
    assert scipy.stats.kstest(randomised, "uniform").pvalue >= 1e-3
    for level in (0.01, 0.05, 0.1, 0.25, 0.3, 0.5):
        cried = int(np.sum(np.asarray(shares) <= level))
        assert scipy.stats.binomtest(cried, 300, level, alternative="greater").pvalue >= 1e-4


def test_stopping_early_finds_what_is_there_with_all_relabellings():
    changed = [case(str(i), ["a", "b"] * 5, ["b"] * 9 + ["c"], "label") for i in range(6)]
    one, other = (
        compare_samples(
            changed, (LABEL,), rng=np.random.default_rng(0), permutations=2000, stop_early=stop
        )
        for stop in (True, False)
    )
    assert one.permutations == other.permutations == 2000
    assert one.p <= 0.01
    assert other.p <= 0.01


def test_what_stops_early_names_no_case():
    result = compare_samples(
        random_cases(30, 5, 5, seed=2),
        (LABEL, NUMBER, TEXT),
        rng=np.random.default_rng(0),
        permutations=1990,
        stop_early=True,
    )
    assert result.permutations == 199
    assert min(r.p_adjusted for r in (*result.cases, *result.metrics)) >= result.p > 0.25


def test_p_is_uniform_when_both_sides_drift_together_from_block_to_block():
    import scipy.stats

    rng = np.random.default_rng(31)
    randomised, named = [], []
    for _ in range(150):
        cases = []
        for place in range(3):
            tilts = rng.random(7)  # what a minute does to both sides
            sides, blocks = [], []
            for _ in range(2):
                kept = [b for b in range(7) if rng.random() < 0.85] or [0]
                labels = ["ab"[int(rng.random() < tilts[b])] for b in kept]
                numbers = [round(9 * tilts[b] + rng.normal(), 1) for b in kept]
                sides.append({"label": labels, "number": numbers})
                blocks.append(kept)
            cases.append(
                CaseSample(
                    case=str(place),
                    baseline=sides[0],
                    candidate=sides[1],
                    baseline_blocks=blocks[0],
                    candidate_blocks=blocks[1],
                )
            )
        result = compare_samples(cases, (LABEL, NUMBER), rng=rng, permutations=79)
        randomised.append(result.randomised_p(rng.random()))
        named.append(min(r.p_adjusted for r in result.cases) <= 0.05)
    assert scipy.stats.kstest(randomised, "uniform").pvalue >= 1e-3
    assert scipy.stats.binomtest(sum(named), 150, 0.05, alternative="greater").pvalue >= 1e-3
