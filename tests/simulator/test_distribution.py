import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from contractcheck.simulator.distribution import Token, make_distribution
from contractcheck.simulator.keyed import keyed_random

logit_lists = st.lists(st.floats(-8, 8), min_size=2, max_size=12)


def chances(distribution):
    steps = (0.0, *distribution.ladder)
    return [b - a for a, b in pairwise(steps)]


def entropy(distribution):
    return -sum(p * math.log(p) for p in chances(distribution) if p > 0)


def build(logits, temperature=1.0, top_p=1.0):
    names = [str(i) for i in range(len(logits))]
    return make_distribution(names, logits, temperature=temperature, top_p=top_p)


@given(logit_lists, st.floats(0.2, 1.5), st.floats(1.1, 3.0))
def test_a_higher_temperature_never_lowers_the_entropy(logits, temperature, factor):
    cool, warm = build(logits, temperature), build(logits, temperature * factor)
    assert entropy(warm) >= entropy(cool) - 1e-9


@given(logit_lists, st.floats(0.05, 0.99))
def test_the_nucleus_is_the_smallest_set_that_reaches_top_p(logits, top_p):
    whole, kept = chances(build(logits)), chances(build(logits, top_p=top_p))
    inside = [p for p, k in zip(whole, kept, strict=True) if k > 0]
    outside = [p for p, k in zip(whole, kept, strict=True) if k <= 0]
    assert sum(inside) >= top_p - 1e-9
    assert sum(inside) - min(inside) < top_p + 1e-9
    assert not outside or max(outside) <= min(inside) + 1e-12


@given(logit_lists)
def test_reported_logprobs_sum_to_one_and_ignore_the_temperature(logits):
    plain, sharp = build(logits), build(logits, temperature=0.3, top_p=0.5)
    assert math.isclose(sum(map(math.exp, plain.logprobs)), 1.0, rel_tol=1e-9)
    assert plain.logprobs == sharp.logprobs


@given(logit_lists, st.integers(0, 2**32))
def test_temperature_zero_takes_the_likeliest(logits, seed):
    index = build(logits, temperature=0.0).draw(keyed_random(str(seed)))
    assert logits[index] >= max(logits) - 1e-9


@given(logit_lists, st.integers(0, 2**32))
def test_what_the_nucleus_drops_is_never_drawn(logits, seed):
    distribution = build(logits, top_p=0.4)
    allowed = [p > 0 for p in chances(distribution)]
    random = keyed_random(str(seed))
    assert all(allowed[distribution.draw(random)] for _ in range(50))


def test_draws_follow_the_chances():
    distribution = build([math.log(0.7), math.log(0.2), math.log(0.1)])
    random = keyed_random("draws")
    draws = [distribution.draw(random) for _ in range(5000)]
    shares = [draws.count(i) / 5000 for i in range(3)]
    assert all(abs(a - b) < 0.03 for a, b in zip(shares, (0.7, 0.2, 0.1), strict=True))


def test_alternatives_are_ranked_and_include_the_drawn_option():
    distribution = build([0.0, 3.0, 1.0])
    token = distribution.token(2)
    ranked = token.alternatives(2)
    assert [text for text, _ in ranked] == ["1", "2"]
    assert ranked[1][1] == token.logprob
    assert Token(text="{").alternatives(5) == [("{", 0.0)]
