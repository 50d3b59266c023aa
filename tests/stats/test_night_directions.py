"""Texts as signed numbers: centred and scaled when nothing changed, apart when the wording did."""

from __future__ import annotations

import numpy as np
import pytest

from contractcheck.stats.night_coordinates import shrink_variances
from contractcheck.stats.night_directions import find_axes

WIDTH = 64


def answers(rng, centre, n, noise):
    rows = centre + noise * rng.standard_normal((n, WIDTH)) / np.sqrt(WIDTH)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def a_case(rng, *, n, noise, nights=10):
    centre = rng.standard_normal(WIDTH) / np.sqrt(WIDTH)
    means = [answers(rng, centre, n, noise).mean(0) for _ in range(nights)]
    return centre, find_axes(means, [n] * nights, effective_dimension=WIDTH * 0.9)


@pytest.mark.parametrize("n", [5, 10, 30])
@pytest.mark.parametrize("noise", [0.2, 1.0, 3.0])
def test_an_unchanged_night_is_as_far_off_as_accepted_ones(n, noise):
    rng = np.random.default_rng([n, int(10 * noise)])
    cases = [a_case(rng, n=n, noise=noise) for _ in range(300)]
    variances = shrink_variances(
        [axes.distance.own for _, axes in cases],
        [axes.distance.supposed for _, axes in cases],
        dof=9,
    )
    z = [
        (axes.values(answers(rng, centre, n, noise).mean(0))[0] - axes.distance.accepted.mean())
        / np.sqrt(max(variance / n, axes.distance.least))
        for (centre, axes), variance in zip(cases, variances, strict=True)
    ]
    assert abs(np.mean(z)) < 0.2
    # Ten nights place the centre: 1.1 where it is not the least variance that counts.
    assert np.mean(np.square(z)) < 1.4
    # Where answers hardly vary, most is allowed for one that was never seen.
    if noise > 0.2:
        assert np.mean(np.square(z)) > 0.75


def test_two_wordings_of_one_answer_are_a_swing():
    rng = np.random.default_rng(11)
    one, two = np.eye(WIDTH)[:2]

    def night(share):
        return np.mean([one if rng.random() < share else two for _ in range(10)], axis=0)

    axes = find_axes([night(0.5) for _ in range(10)], [10] * 10, effective_dimension=1.0)
    assert axes.swinging is not None
    # To the centre both are equally near, so only the swing tells one from the other.
    assert axes.values(one)[0] == pytest.approx(axes.values(two)[0], abs=0.3)
    scale = np.sqrt(axes.swinging.own / 10)
    assert abs(axes.values(one)[1] - axes.values(two)[1]) > 4 * scale
    later = [axes.values(night(0.5))[1] for _ in range(400)]
    spread = np.var([*axes.swinging.accepted], ddof=1)
    assert 0.4 < spread / np.var(later) < 2.5


def test_nights_that_vary_in_all_directions_have_no_swing():
    rng = np.random.default_rng(13)
    found = [a_case(rng, n=10, noise=1.0)[1].swing for _ in range(100)]
    assert all(swing is None for swing in found)


def test_answers_that_never_varied_still_have_a_scale():
    fixed = np.eye(WIDTH)[0]
    axes = find_axes([fixed] * 10, [10] * 10, effective_dimension=1.0)
    assert axes.swing is None
    assert axes.values(fixed)[0] == 0.0
    one_other = 0.9 * fixed + 0.1 * np.eye(WIDTH)[1]
    z = axes.values(one_other)[0] / np.sqrt(axes.distance.least)
    assert 3.0 < z < 6.0


def test_a_single_night_says_where_another_would_be():
    rng = np.random.default_rng(17)
    gaps = []
    for _ in range(300):
        centre, axes = a_case(rng, n=10, noise=1.0, nights=1)
        gaps.append(
            axes.values(answers(rng, centre, 10, 1.0).mean(0))[0] - axes.distance.accepted[0]
        )
    assert abs(np.mean(gaps)) < 0.02
    assert np.std(gaps) > 3 * abs(np.mean(gaps))
