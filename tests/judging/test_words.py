"""Effects in sentences."""

from contractcheck.judging.words import describe_effect
from contractcheck.model.judgement import Comparison, Estimate


def described(effect, detail, unit="shift"):
    estimate = Estimate(
        method="m",
        effect=effect,
        low=effect,
        high=effect,
        unit=unit,
        p=0.001,
        n_baseline=8,
        n_candidate=8,
        detail=detail,
    )
    return describe_effect(Comparison(case=None, metric="m", plane="outputs", estimate=estimate))


def test_a_number_that_did_not_shift_is_told_by_what_did():
    kept = "a value in 100% → 75% of answers"
    assert described(0.0, kept) == kept
    assert described(2.0, kept) == f"+2 [+2, +2] ({kept})"
    assert described(0.0, "") == "+0 [+0, +0]"
    assert described(0.0, "b", unit="share") == "+0% [+0%, +0%] (b)"
