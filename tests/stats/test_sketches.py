"""Sketches of vectors: angles are told by signs, and stay as they are for ever."""

import hashlib
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.errors import UsageError
from contractcheck.stats.outputs import Output, compare_outputs
from contractcheck.stats.samples import CaseSample
from contractcheck.stats.sketches import PLANES, cosine_of, read_vector, sketch_vectors


def unit(seed, dimensions=256):
    vector = np.random.default_rng(seed).standard_normal(dimensions)
    return vector / np.linalg.norm(vector)


def turned(vector, cosine, seed=99):
    other = unit(seed, len(vector))
    other -= (other @ vector) * vector
    other /= np.linalg.norm(other)
    return cosine * vector + math.sqrt(1.0 - cosine**2) * other


def products(vectors, others):
    return np.sum(sketch_vectors(vectors) * sketch_vectors(others), axis=1)


def test_rows_have_norm_one_and_survive_half_precision():
    sketches = sketch_vectors([unit(1), unit(2, 3072)])
    assert sketches.shape == (2, PLANES)
    assert np.array_equal((sketches**2).sum(axis=1), [1.0, 1.0])
    assert np.array_equal(sketches.astype("<f2").astype(float), sketches)


@pytest.mark.parametrize("cosine", [1.0, 0.9999, 0.99, 0.94, 0.82, 0.0, -0.5, -1.0])
def test_the_angle_between_vectors_is_found_again(cosine):
    vectors = [unit(seed) for seed in range(60)]
    found = products(vectors, [turned(v, cosine, 1000 + i) for i, v in enumerate(vectors)])
    # A share of planes is binomial: this is its standard deviation over all vectors.
    share = math.acos(cosine) / math.pi
    error = math.sqrt(share * (1.0 - share) / (PLANES * len(vectors)))
    assert abs((1.0 - found.mean()) / 2.0 - share) <= 4.0 * error
    assert cosine_of(float(found.mean())) == pytest.approx(cosine, abs=0.02)


def test_noise_of_one_call_and_the_next_hardly_shows():
    vectors = [unit(seed) for seed in range(20)]
    noisy = [v + 1e-4 * unit(100 + i) for i, v in enumerate(vectors)]
    assert (1.0 - products(vectors, noisy)).mean() / 2.0 < 1e-4


def test_length_plays_no_part_and_dimensions_do():
    vector = unit(5)
    assert np.array_equal(sketch_vectors([vector]), sketch_vectors([7.5 * vector]))
    assert abs(products([vector], [vector[:128]])[0]) < 0.15


def test_the_planes_are_those_that_nights_were_kept_with():
    # Another digest would make every accepted night incomparable.
    sketch = sketch_vectors([np.arange(1.0, 65.0), np.cos(np.arange(1536.0))])
    signs = np.packbits(sketch > 0).tobytes()
    assert hashlib.sha256(signs).hexdigest()[:16] == "cbbd612432b64524"


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1))
def test_a_written_vector_is_read_back(numbers):
    assert read_vector(json.dumps(numbers), metric="vector").tolist() == numbers


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "7", "[[1]]", '["a"]', "[NaN]", "[1e999]", "[1, null]", "[" * 9999]
)
def test_what_is_no_list_of_numbers_is_refused_and_named(text):
    with pytest.raises(UsageError, match=r"metric 'v' holds .* which is no list of numbers"):
        read_vector(text, metric="v")


def compare(cosine, *, trials=12):
    rng = np.random.default_rng(3)

    def write(vector):
        return json.dumps((vector + 1e-4 * unit(rng.integers(2**30))).tolist())

    cases = [
        CaseSample(
            case=f"case-{number}",
            baseline={"vector": [write(unit(number)) for _ in range(trials)]},
            candidate={"vector": [write(turned(unit(number), cosine)) for _ in range(trials)]},
        )
        for number in range(3)
    ]
    outputs = [Output(metric="vector", kind="vector")]
    return compare_outputs(cases, outputs, rng=np.random.default_rng(1))


def test_two_sides_are_compared_by_direction():
    assert compare(0.99).p < 0.01
    assert compare(1.0).p > 0.05


def test_a_missing_vector_is_a_missing_value():
    case = CaseSample(
        case="a", baseline={"vector": [None, "[1, 2]"]}, candidate={"vector": ["[1, 2]", None]}
    )
    result = compare_outputs(
        [case], [Output(metric="vector", kind="vector")], rng=np.random.default_rng(1)
    )
    assert result.p == 1.0
