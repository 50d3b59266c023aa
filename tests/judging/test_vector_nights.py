"""Nights of embeddings: noise of one text is learnt and quiet, another model is drift."""

import json
import math

import numpy as np
import pytest

from contractcheck.judging.plan_cost import use_per_case
from contractcheck.model.judgement import FindingKind, Verdict
from contractcheck.model.night import TextCell
from contractcheck.stats.sketches import PLANES
from contractcheck.store.night_format import stored_form

CASES = ("one", "two", "three", "four")
DIMENSIONS = 128
ONE_CALL = 1e-4
"""How far two vectors of one text are apart at OpenAI (openai/openai-python#868)."""


def random_unit(seed):
    vector = np.random.default_rng(seed).standard_normal(DIMENSIONS)
    return vector / np.linalg.norm(vector)


def turned(vector, cosine):
    other = random_unit(1_000)
    other -= (other @ vector) * vector
    other /= np.linalg.norm(other)
    return cosine * vector + math.sqrt(1.0 - cosine**2) * other


@pytest.fixture
def embed(shape):
    """Embed every case as always, but for noise, and for a turn of some."""

    def make(*, cosine=1.0, only=CASES, noise=ONE_CALL):
        def behave(draw, case, trial):
            vector = random_unit(CASES.index(case))
            if case in only:
                vector = turned(vector, cosine)
            vector = vector + noise * random_unit(draw.getrandbits(30))
            return shape(raw=write(vector))(draw, case, trial)

        return behave

    return make


def write(vector):
    document = {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": vector.tolist()}],
        "model": "text-embedding-x",
        "usage": {"prompt_tokens": 5, "total_tokens": 5},
    }
    return json.dumps(document).encode()


@pytest.fixture
def make_watch(make_world, embed):
    def make(noise=ONE_CALL):
        world = make_world(
            embed(noise=noise),
            cases=CASES,
            samples=8,
            target="openai-embeddings:text-embedding-x",
            metrics="[vector]",
        )
        return world, world.baseline()

    return make


def judge_two(world, baseline, behaviour):
    first, second = (world.run(night, behaviour) for night in (10, 11))
    return world.judge(first, baseline), world.judge(second, baseline, previous=first)


@pytest.mark.parametrize("noise", [0.0, ONE_CALL, 1e-2])
def test_what_calls_always_differed_by_is_quiet(make_watch, embed, noise):
    world, baseline = make_watch(noise)
    for judgement in judge_two(world, baseline, embed(noise=noise)):
        assert judgement.verdict is Verdict.QUIET, judgement.headline


@pytest.mark.calibration
@pytest.mark.parametrize("noise", [ONE_CALL, 1.4e-2])
def test_sixty_pairs_of_quiet_nights_raise_no_alarm(make_watch, embed, noise):
    world, baseline = make_watch(noise)
    for night in range(10, 130, 2):
        first, second = (world.run(n, embed(noise=noise)) for n in (night, night + 1))
        judgement = world.judge(second, baseline, previous=first)
        assert judgement.verdict is not Verdict.FAIL, (night, judgement.headline)


@pytest.mark.parametrize(
    "change",
    [
        {"cosine": 0.82},
        {"cosine": 0.94},
        {"cosine": 0.99},
        {"cosine": 0.999},
        {"cosine": 0.94, "only": ("two",)},
        {"noise": 0.5},
    ],
    ids=["far", "near", "nearer", "nearest", "one case", "scattered"],
)
def test_another_direction_is_suspect_once_and_drift_twice(make_watch, embed, change):
    world, baseline = make_watch()
    first, second = judge_two(world, baseline, embed(**change))
    assert {finding.kind for finding in first.findings} == {FindingKind.SUSPECT}
    assert second.verdict is Verdict.FAIL
    (drift,) = second.findings
    assert drift.kind is FindingKind.DRIFT
    assert "the direction of the vectors differs from the accepted nights" in drift.message or (
        "the most unusual case differs" in drift.message
    )


def test_the_change_is_told_as_a_cosine(make_watch, embed):
    world, baseline = make_watch()
    _, judgement = judge_two(world, baseline, embed(cosine=0.94))
    found = {c.case: c.estimate for f in judgement.findings for c in f.where if c.case}
    assert found
    assert [f.examples for f in judgement.findings] == [()]
    for estimate in found.values():
        assert estimate.unit == "cosine"
        assert estimate.effect == pytest.approx(-0.06, abs=0.02)
        assert estimate.detail.startswith("cosine to an accepted vector 1.0000 → 0.9")


def test_a_night_keeps_sketches_that_storing_does_not_change(make_watch):
    world, _ = make_watch(0.0)
    statistics = world.run(0).statistics
    cell = statistics.cases["one"].cells["vector"]
    assert isinstance(cell, TextCell)
    assert (cell.count, len(cell.mean)) == (8, PLANES)
    assert stored_form(statistics).cases["one"].cells["vector"].mean == cell.mean


def test_a_plan_counts_no_tokens_for_vectors(make_watch):
    world, _ = make_watch()
    use = use_per_case(world.suite, world.run(0).answers)["one"]
    assert (use.input_tokens, use.output_tokens) == (5, 0)


def test_answers_that_are_no_vectors_have_no_cell(make_world):
    world = make_world(cases=CASES, samples=3, metrics="[vector, text]")
    assert "vector" not in world.run(0).statistics.cases["one"].cells
