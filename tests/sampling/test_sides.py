"""Several runs sampled together: whose answer is whose, in which order, for how much."""

import asyncio
import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.auth import RenewingAuthorizer, Token
from contractcheck.cassettes import read_run, resume_run
from contractcheck.errors import UsageError
from contractcheck.model.target import Target
from contractcheck.providers.prices import Price, PriceTable
from contractcheck.redaction import Scrubber
from contractcheck.sampling import (
    Bounds,
    Pace,
    Quotas,
    RetryPolicy,
    Side,
    SideTrial,
    SilentProgress,
    Spending,
    Tally,
    plan_blocks,
    plan_trials,
    sample_sides,
)

PRICES = PriceTable(
    sources=("test",),
    prices={"openai:m": Price(input_usd=100.0, output_usd=1000.0, as_of="2026-01-01")},
)


def answering(words):
    async def respond(_number, _body):
        await asyncio.sleep(0.005)
        usage = {"prompt_tokens": 10, "completion_tokens": 9, "total_tokens": 19}
        message = {
            "index": 0,
            "message": {"role": "assistant", "content": words},
            "finish_reason": "stop",
        }
        return 200, json.dumps({"model": "m", "choices": [message], "usage": usage}).encode()

    return respond


def side_of(run, cases, provider):
    options = provider.options
    return Side(run=run, cases=cases, base_url=options.base_url, authorizer=options.authorizer)


@given(
    counts=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    blocks=st.integers(1, 6),
    seed=st.text(max_size=5),
)
def test_a_plan_of_sides_holds_every_case_once_per_side_and_block(counts, blocks, seed):
    class Named:
        def __init__(self, name):
            self.id = name

    sides = [[Named(f"c{i}") for i in range(count)] for count in counts]
    plan = plan_blocks(sides, blocks, seed=seed)
    assert Counter((p.side, p.trial.case, p.trial.index) for p in plan) == Counter(
        (side, case.id, block)
        for side, cases in enumerate(sides)
        for case in cases
        for block in range(blocks)
    )
    assert [p.trial.block for p in plan] == sorted(p.trial.block for p in plan)
    assert plan == plan_blocks(sides, blocks, seed=seed)
    assert plan[: sum(counts)] == plan_blocks(sides, 1, seed=seed)


def test_sides_alternate_at_random(make_cases):
    cases = make_cases(a=1)
    plan = plan_blocks([cases, cases], 200, seed="one")
    first = Counter(p.side for p in plan[::2])
    # 200 fair coins: fewer than 65 of either with a chance below 1e-6.
    assert min(first[0], first[1]) > 65


def test_every_side_gets_its_own_answers_under_one_bound(serve, make_cases, make_run):
    cases = make_cases(a=4, b=4)
    with serve(answering("old")) as before, serve(answering("new")) as after:
        runs = make_run(cases, folder="before"), make_run(cases, folder="after")
        sides = [side_of(runs[0], cases, before), side_of(runs[1], cases, after)]
        plan = plan_blocks([cases, cases], 4, seed="x")
        tally = Tally(planned=len(plan))
        # Two sessions, as between two looks: the runs stay open.
        for part in (plan[:8], plan[8:]):
            sample_sides(sides, part, Pace(concurrency=4), SilentProgress(), tally=tally)
            done = sum(len(read_run(run.folder).exchanges) for run in runs)
            assert done == tally.done == tally.requests
        assert before.most_at_once + after.most_at_once <= 8
    for run, words in zip(runs, (b"old", b"new"), strict=True):
        run.close()
        found = read_run(run.folder).exchanges
        assert [(x.case, x.trial, x.attempt) for x in found] == [
            (case, trial, 0) for case in "ab" for trial in range(4)
        ]
        assert all(words in x.response.body for x in found)


def test_a_trial_that_a_kill_cut_off_is_made_again(serve, make_cases, make_run):
    cases = make_cases(a=1)
    with serve(answering("old")) as provider:
        runs = make_run(cases, folder="one"), make_run(cases, folder="two")
        sides = [side_of(run, cases, provider) for run in runs]
        plan = plan_blocks([cases, cases], 1, seed="x")
        only = [p for p in plan if p.side == 1]
        sample_sides(sides, only, Pace(), SilentProgress(), tally=Tally(planned=2))
        for run in runs:
            run.close()
        again = [resume_run(run.folder, Scrubber.for_secrets([])) for run in runs]
        resumed = [side_of(run, cases, provider) for run in again]
        assert [side.finished(RetryPolicy()) for side in resumed] == [
            frozenset(),
            frozenset({("a", 0)}),
        ]
        for run in again:
            run.close()


def test_money_ends_a_session_before_it_is_overspent(serve, make_cases, make_run):
    # 10 input tokens and 9 output tokens: 0.01 USD each.
    cases = make_cases(a=40)
    spending = Spending(prices=PRICES, max_usd=0.125)
    with serve(answering("dear")) as provider:
        run = make_run(cases)
        tally = Tally(planned=40)
        trials = [SideTrial(side=0, trial=p.trial) for p in plan_blocks([cases], 40, seed="x")]
        sample_sides(
            [side_of(run, cases, provider)],
            trials,
            Pace(concurrency=3),
            SilentProgress(),
            tally=tally,
            spending=spending,
        )
        run.close()
    assert tally.done == 12
    assert spending.spent_usd == pytest.approx(0.12)


def test_a_bound_on_money_needs_a_price():
    unknown = Target(provider="openai", model="nobody-knows")
    Spending(prices=PRICES).require(unknown)
    with pytest.raises(UsageError) as refused:
        Spending(prices=PRICES, max_usd=1.0).require(unknown)
    assert str(refused.value) == (
        "no price of openai:nobody-knows is known, so --max-usd cannot be kept; give one with "
        "--prices FILE, or bound the requests with --max-requests"
    )


class Granting:
    """Tokens of a command: no secret is shown to get one."""

    secrets = ()

    def __init__(self):
        self.granted = 0

    def fetch(self):
        self.granted += 1
        return Token(value=f"token-{self.granted}")


@pytest.mark.parametrize("is_shared", [False, True])
def test_what_one_session_was_told_of_limits_holds_for_the_next(
    serve, make_cases, make_run, tmp_path, is_shared
):
    """As in a gate: every look is a session, and its token is another secret than none."""
    cases = make_cases(a=6)
    folder = tmp_path / "limits" if is_shared else None
    pace = Pace(concurrency=2, bounds=Bounds(shared=folder))
    plan = [SideTrial(side=0, trial=trial) for trial in plan_trials(cases, seed="one")]
    authorizer, quotas = RenewingAuthorizer(source=Granting()), Quotas(folder=folder)

    async def respond(_number, _body):
        return 429, b"{}", {"retry-after": "300"}

    asked, stopped = [], []
    with serve(respond) as provider:
        side = replace(side_of(make_run(cases), cases, provider), authorizer=authorizer)
        for part in (plan[:2], plan[2:]):
            tally = Tally(planned=6)
            sample_sides([side], part, pace, SilentProgress(), tally=tally, quotas=quotas)
            asked.append(len(provider.asked))
            stopped.append(tally.stopped)
        side.run.close()
    # Whoever knows asks nobody.
    assert 0 < asked[0] == asked[1]
    assert all(words.startswith("the next request would have to wait ") for words in stopped)
    assert len(list(tmp_path.glob("limits/*.json"))) == is_shared
