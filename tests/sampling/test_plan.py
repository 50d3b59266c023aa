from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from contractcheck.model.suite import Case, Message, Parameters
from contractcheck.sampling import plan_trials


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 6)), st.text(max_size=5))
def test_a_plan_is_every_trial_once_in_blocks(samples, seed):
    cases = [
        Case(
            id=name, line=1, samples=count, messages=(Message(role="user", content="x"),), tools=(),
            response_schema=None, parameters=Parameters(), checks=(), metrics=(),
            fingerprint_parts={}, request_fingerprint="r",
        )
        for name, count in samples.items()
    ]  # fmt: skip
    plan = plan_trials(cases, seed=seed)
    assert Counter((t.case, t.index) for t in plan) == Counter(
        (name, index) for name, count in samples.items() for index in range(count)
    )
    assert [t.block for t in plan] == sorted(t.block for t in plan)
    assert all(t.block == t.index for t in plan)
    assert plan == plan_trials(cases, seed=seed)


def test_the_order_inside_blocks_is_random_but_the_seeds_own(make_cases):
    cases = make_cases(**dict.fromkeys("abcdefgh", 20))
    plan = plan_trials(cases, seed="one")
    assert plan != plan_trials(cases, seed="two")
    firsts = Counter(t.case for t in plan[::8])
    # 20 blocks, 8 cases: some case leads more than 12 of them with a chance below 1e-5.
    assert len(firsts) > 3
    assert max(firsts.values()) <= 12
