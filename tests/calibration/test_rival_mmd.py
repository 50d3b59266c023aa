"""The rival that ``bench/power.py`` measures itself against, from its definition."""

from collections import Counter

import numpy as np
import pytest
from rival_mmd import LONGEST_GRAM, hamming_grams, mmd_p, mmd_statistics, spectrum_grams

PROMPTS, SIDE, LENGTH = 3, 4, 7


def drawn(seed):
    return np.random.default_rng(seed).integers(0, 3, (PROMPTS, 2 * SIDE, LENGTH))


def hamming(one, other):
    return float(np.mean(one == other))


def spectrum(one, other):
    def grams(row):
        words = row.tolist()
        return Counter(
            tuple(words[i : i + n])
            for n in range(1, LONGEST_GRAM + 1)
            for i in range(len(words) - n + 1)
        )

    def product(a, b):
        return sum(count * b[key] for key, count in a.items())

    a, b = grams(one), grams(other)
    return product(a, b) / np.sqrt(product(a, a) * product(b, b))


@pytest.mark.parametrize(
    ("grams", "kernel"), [(hamming_grams, hamming), (spectrum_grams, spectrum)]
)
def test_kernel_and_statistic_are_those_of_their_definition(grams, kernel):
    tokens = drawn(0)
    labels = np.random.default_rng(1).permutation(np.repeat([False, True], PROMPTS * SIDE))
    labels = labels.reshape(PROMPTS, 2 * SIDE)
    pairs = {"old": [], "new": [], "across": []}
    for own, marked in zip(tokens, labels, strict=True):
        for i, one in enumerate(own):
            for j, other in enumerate(own):
                if marked[i] == marked[j] and i != j:
                    pairs["new" if marked[i] else "old"].append(kernel(one, other))
                elif marked[j] and not marked[i]:
                    pairs["across"].append(kernel(one, other))
    means = {name: np.mean(values) for name, values in pairs.items()}
    expected = means["old"] + means["new"] - 2 * means["across"]
    (found,) = mmd_statistics(grams(tokens), labels[None])
    assert found == pytest.approx(expected, abs=1e-12)


def test_its_p_can_be_zero_and_is_kept_as_it_is():
    tokens = drawn(2)
    tokens[:, SIDE:] += 3
    found = mmd_p([hamming_grams(tokens)], SIDE, np.random.default_rng(3), 50)
    assert found == [0.0]
