import asyncio
import time

from hypothesis import given
from hypothesis import strategies as st

from contractcheck.sampling.loop_lag import LoopLag


def test_a_blocked_loop_is_noticed_at_once_and_remembered():
    async def main():
        lag = LoopLag()
        async with lag.beating():
            await asyncio.sleep(0.02)
            before_ns = time.perf_counter_ns()
            time.sleep(0.08)  # noqa: ASYNC251 - a blocked loop is what is to be noticed
            at_once_us = lag.since_us(before_ns)
            await asyncio.sleep(0.02)
            after_ns = time.perf_counter_ns()
            return at_once_us, lag.since_us(before_ns), lag.since_us(after_ns + 10**9)

    at_once_us, remembered_us, later_us = asyncio.run(main())
    assert 60_000 < at_once_us <= remembered_us + 5_000
    assert remembered_us > 60_000
    assert later_us < remembered_us


def test_before_and_after_its_context_it_says_nothing():
    lag = LoopLag()
    assert lag.since_us(0) == 0

    async def main():
        async with lag.beating():
            await asyncio.sleep(0.02)

    asyncio.run(main())
    lag.late.clear()
    time.sleep(0.01)
    assert lag.since_us(0) == 0


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(0, 60))
def test_the_short_memory_answers_like_a_full_one(lags_ms, since):
    lag = LoopLag()
    for at_ns, lag_ms in enumerate(lags_ms):
        lag._note(at_ns, lag_ms * 1000)
    noted = [ms * 1000 for at, ms in enumerate(lags_ms) if at >= since and ms > 1]
    assert lag.since_us(since) == max(noted, default=0)
