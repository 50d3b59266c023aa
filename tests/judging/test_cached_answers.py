"""A gateway that caches serves copies: ten equal answers are one draw, and the night knows."""

import random

from contractcheck.model.judgement import Verdict


def cached(world, night, seed):
    """Whatever is asked again that night gets the night's first answer."""

    def behave(_draw, case, _trial):
        first = random.Random(f"{seed} {night} {case}")  # noqa: S311 - answers, not keys
        return world.behaviour(first, case, 0)

    return behave


def test_copies_of_one_answer_are_no_evidence_of_a_change(world):
    for seed in range(3):
        baseline = world.accept(
            [world.run(night, cached(world, night, seed)) for night in range(10)]
        )
        previous = None
        for night in range(10, 20):
            tonight = world.run(night, cached(world, night, seed))
            judgement = world.judge(tonight, baseline, previous)
            assert judgement.verdict is not Verdict.FAIL, (seed, night, judgement.headline)
            previous = tonight


def test_what_the_copies_cannot_show_is_never_called_quiet(world, shape):
    """Four draws a night, whatever the number of copies, see not even a total change."""
    baseline = world.accept([world.run(night, cached(world, night, 0)) for night in range(10)])
    before, tonight = (world.run(night, shape(text="I cannot say.")) for night in (10, 11))
    judgement = world.judge(tonight, baseline, before)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "so few answers" in judgement.headline
