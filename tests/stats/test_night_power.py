"""The smallest change that would have been seen, checked by making that change."""

import math

import numpy as np
import pytest
from scipy.special import ndtri

from contractcheck.errors import UsageError
from contractcheck.stats.night_contrasts import Contrast
from contractcheck.stats.night_power import (
    smallest_rate_drop,
    smallest_slowdown,
    smallest_visible_share,
)
from contractcheck.stats.night_rule import (
    alarm_nights,
    predictive_t,
    score_to_be_seen,
    two_night_threshold,
)
from contractcheck.stats.night_scores import (
    CONFORMANCE_FLOOR_SD,
    LATENCY_FLOOR_SD,
    conformance_score,
    latency_score,
    output_streams,
)
from contractcheck.stats.nights import label_contrasts

K, CASES, ANSWERS = 10, 12, 10
THRESHOLD = two_night_threshold(nights=K, budget=0.025)


def label_nights(rng):
    shares = rng.dirichlet([6, 3, 2], size=CASES)
    return [rng.multinomial(ANSWERS, share, K + 2) for share in shares]


def contrasts_of(cases, touched):
    return lambda share: {
        "label": [
            label_contrasts(counts[:K], accepted=K, replaced=share if case in touched else 0.0)
            for case, counts in enumerate(cases)
        ]
    }


def alarms_on_the_second_night(cases):
    streams = output_streams({"label": [label_contrasts(counts, accepted=K) for counts in cases]})
    return any(
        alarm_nights(
            predictive_t(
                stream.scores[:K], stream.scores[K:], stream.floor_sd, floor_mean=stream.floor_mean
            ),
            THRESHOLD,
        )[1]
        for stream in streams.values()
    )


def contaminated(rng, cases, touched, share):
    out = []
    for case, before in enumerate(cases):
        counts = np.concatenate([before, np.zeros((K + 2, 1), int)], axis=1)
        for night in (K, K + 1) if case in touched else ():
            new = rng.binomial(ANSWERS, share)
            kept = rng.multivariate_hypergeometric(counts[night], ANSWERS - new)
            counts[night] = kept + new * np.eye(4, dtype=int)[3]
        out.append(counts)
    return out


@pytest.mark.parametrize("touched", [range(CASES), [3]], ids=["every case", "one case"])
def test_the_stated_share_is_found_with_at_least_the_stated_power(touched):
    rng = np.random.default_rng(1)
    found_at_stated, found_at_a_third = [], []
    for _ in range(120):
        cases = label_nights(rng)
        share = smallest_visible_share(
            contrasts_of(cases, touched),
            accepted=K,
            cases=len(touched),
            answers_per_case=ANSWERS,
            threshold=THRESHOLD,
        )
        found_at_stated.append(alarms_on_the_second_night(contaminated(rng, cases, touched, share)))
        found_at_a_third.append(
            alarms_on_the_second_night(contaminated(rng, cases, touched, share / 3))
        )
    # More, on these nights: the floor under their spread allows for odd ones, which they lack.
    assert np.mean(found_at_stated) >= 0.8
    assert np.mean(found_at_a_third) < 0.3


def test_a_change_of_one_case_must_be_larger_than_a_change_of_all():
    cases = label_nights(np.random.default_rng(2))
    every, one = (
        smallest_visible_share(
            contrasts_of(cases, touched),
            accepted=K,
            cases=1,
            answers_per_case=ANSWERS,
            threshold=THRESHOLD,
        )
        for touched in (range(CASES), [0])
    )
    assert 0 < every < one <= 1


@pytest.mark.parametrize("touched", [range(CASES), [3]], ids=["every case", "one case"])
def test_the_stated_share_is_the_smallest_whose_mean_score_is_high_enough(touched):
    contrasts = contrasts_of(label_nights(np.random.default_rng(6)), touched)
    quiet, half, full = (contrasts(share)["label"] for share in (0.0, 0.5, 1.0))

    def is_seen(share):
        """One contrast at a time: the parabola through three shares, at a poor night's."""
        luck = math.sqrt(share * (1 - share) / (len(touched) * ANSWERS))
        poor = max(share - ndtri(math.sqrt(0.8)) * luck, 0.0)
        spread = poor * (1 - poor) * (1 - 1 / len(touched)) / ANSWERS
        struck = []
        for a, b, c in zip(quiet, half, full, strict=True):
            square = 2 * (a.ratio + c.ratio - 2 * b.ratio)
            line = c.ratio - a.ratio - square
            ratio = a.ratio + line * poor + square * (poor**2 + spread)
            struck.append(Contrast(ratio=np.maximum(ratio, 0), dof=a.dof))
        before, after = (output_streams({"label": one}) for one in (quiet, struck))
        return any(
            after[name].scores[:K].mean()
            >= score_to_be_seen(
                stream.scores[:K],
                stream.floor_sd,
                threshold=THRESHOLD,
                power=0.8,
                floor_mean=stream.floor_mean,
            )
            for name, stream in before.items()
        )

    share = smallest_visible_share(
        contrasts,
        accepted=K,
        cases=len(touched),
        answers_per_case=ANSWERS,
        threshold=THRESHOLD,
    )
    assert is_seen(share)
    assert not is_seen(share - 0.001)


def test_nothing_touched_is_never_seen():
    cases = label_nights(np.random.default_rng(3))
    share = smallest_visible_share(
        contrasts_of(cases, []), accepted=K, cases=1, answers_per_case=ANSWERS, threshold=THRESHOLD
    )
    assert share is None


def test_the_stated_slowdown_is_found_with_the_stated_power():
    rng = np.random.default_rng(4)
    night_sd, nights, found = 0.14, 400, []
    baseline = rng.normal(0.0, night_sd, (K, 1)) + rng.normal(0, 0.02, (K, CASES))
    ratio = smallest_slowdown(latency_score(baseline, accepted=K), threshold=THRESHOLD)
    scores = latency_score(baseline, accepted=K)
    sd = scores.std(ddof=1)
    for _ in range(nights):
        slow = rng.normal(math.log(ratio), sd * math.sqrt(1.1), (2, 1)) * np.ones((1, CASES))
        slow += baseline.mean(0)
        later = latency_score(np.concatenate([baseline, slow]), accepted=K)
        t = predictive_t(later[:K], later[K:], LATENCY_FLOOR_SD)
        found.append(alarm_nights(t, THRESHOLD)[1])
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)


def test_the_stated_drop_of_the_pass_rate_is_found_with_about_the_stated_power():
    rng = np.random.default_rng(5)
    found = []
    for _ in range(200):
        answers = np.full((K + 2, CASES), ANSWERS)
        passed = rng.binomial(answers, 0.95)
        drop = smallest_rate_drop(passed[:K], answers[:K], threshold=THRESHOLD)
        passed[K:] = rng.binomial(ANSWERS, 0.95 - drop, (2, CASES))
        scores = conformance_score(passed, answers, accepted=K)
        t = predictive_t(scores[:K], scores[K:], CONFORMANCE_FLOOR_SD)
        found.append(alarm_nights(t, THRESHOLD)[1])
    assert 0.7 <= np.mean(found) <= 0.98


def test_a_drop_that_could_never_be_seen_is_none():
    passed = np.zeros((K, 2))
    assert smallest_rate_drop(passed, np.full((K, 2), 10), threshold=THRESHOLD) is None


def test_too_few_nights_promise_no_smallest_change():
    cases = [np.array([[5, 5]] * 4)]
    with pytest.raises(UsageError) as raised:
        smallest_visible_share(
            lambda share: {
                "label": [label_contrasts(c, accepted=4, replaced=share) for c in cases]
            },
            accepted=4,
            cases=1,
            answers_per_case=10,
            threshold=3.0,
        )
    assert str(raised.value).startswith("4 accepted nights")
