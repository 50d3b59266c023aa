"""Who has nothing under way any more stands in nobody's way."""

import asyncio
import os

from contractcheck.providers.rate_headers import RateAdvice
from contractcheck.sampling.backoff import RetryPolicy
from contractcheck.sampling.limiter import Limiter
from contractcheck.sampling.quota import Quota, Rate
from contractcheck.sampling.quota_file import LocalQuota


def test_a_worker_that_finished_before_the_first_refusal_holds_nobody_up(monkeypatch):
    """Its requests ended while nobody counted what is under way; then somebody is refused."""
    store = LocalQuota(Quota(advertised=Rate(per_s=1e6, burst=1e6)))
    policy = RetryPolicy(share=lambda: 0.0)
    finished, other = (Limiter(store=store, policy=policy) for _ in range(2))

    async def work():
        monkeypatch.setattr(os, "getpid", lambda: 1001)
        for _ in range(7):
            await finished.enter()
        for _ in range(7):
            await finished.leave()
        monkeypatch.setattr(os, "getpid", lambda: 1002)
        for _ in range(8):
            await other.enter()
        await other.note_refusal(RateAdvice(), sent_s=other.now_s())
        assert store.quota.window is not None
        for _ in range(8):
            await other.leave()
        async with asyncio.timeout(5):
            await other.enter()

    asyncio.run(work())
    assert sum(lease.under_way for lease in store.quota.leases.values()) == 1
