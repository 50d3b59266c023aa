"""One queue for all processes: what is shared, what survives, what is forgotten."""

import asyncio
import json
import math
import os
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.providers.rate_headers import RateAdvice, RateWindow
from contractcheck.sampling.backoff import RetryPolicy
from contractcheck.sampling.limiter import Limiter, PauseTooLongError
from contractcheck.sampling.quota import Lease, Quota, Rate
from contractcheck.sampling.quota_file import (
    LocalQuota,
    SharedQuota,
    decode_quota,
    encode_quota,
    open_quota,
)

KEY = ("http://127.0.0.1:9", "m", "sk-very-secret")
KNOWN = replace(Quota(), window=3.0, at_s=100.0)


def open_at(folder, now_s, key=KEY):
    store, trouble = open_quota(folder, key, lambda: now_s)
    assert trouble == ""
    return store


def put(store, quota):
    asyncio.run(store.update(lambda _: (quota, None)))


def get(store):
    return asyncio.run(store.update(lambda quota: (quota, quota)))


def test_what_one_learns_another_knows(tmp_path):
    one, other = open_at(tmp_path, 100.0), open_at(tmp_path, 101.0)
    assert one.is_blank
    assert other.is_blank
    put(one, KNOWN)
    assert not other.is_blank
    assert get(other) == KNOWN


def test_other_accounts_models_and_hosts_have_limits_of_their_own(tmp_path):
    put(open_at(tmp_path, 100.0), KNOWN)
    for place in range(3):
        key = tuple("else" if i == place else part for i, part in enumerate(KEY))
        assert open_at(tmp_path, 100.0, key).is_blank


@pytest.mark.parametrize("now_s", [401.0, 99.0], ids=["old", "from before a reboot"])
def test_what_is_stale_is_forgotten(tmp_path, now_s):
    put(open_at(tmp_path, 100.0), KNOWN)
    assert get(open_at(tmp_path, now_s)) == Quota()


def test_a_process_that_died_holds_no_place(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    mine = {os.getpid(): Lease(under_way=2, at_s=100.0)}
    leases = {**mine, gone.pid: Lease(under_way=3, at_s=100.0)}
    put(open_at(tmp_path, 100.0), replace(KNOWN, leases=leases))
    assert get(open_at(tmp_path, 100.0)).leases == mine


def test_no_file_holds_the_credential_or_can_be_read_by_others(tmp_path):
    folder = tmp_path / "limits"
    put(open_at(folder, 100.0), KNOWN)
    assert folder.stat().st_mode & 0o077 == 0
    for path in folder.iterdir():
        assert b"sk-very-secret" not in path.read_bytes()
        assert "secret" not in path.name
    # Without the salt nobody can try keys against the name.
    other = tmp_path / "other"
    put(open_at(other, 100.0), KNOWN)
    names = [{p.name for p in place.glob("*.json")} for place in (folder, other)]
    assert names[0] != names[1]


def test_a_folder_that_cannot_be_had_is_told_and_nothing_fails(tmp_path):
    (tmp_path / "file").write_text("")
    store, trouble = open_quota(tmp_path / "file" / "limits", KEY, time.monotonic)
    assert isinstance(store, LocalQuota)
    assert trouble.startswith("limits are not shared with other processes: ")
    assert trouble.endswith(": Not a directory")


def test_a_disk_that_refuses_later_leaves_each_to_itself(tmp_path):
    store = open_at(tmp_path / "limits", 100.0)
    put(store, KNOWN)
    for path in (tmp_path / "limits").iterdir():
        path.unlink()
    (tmp_path / "limits").rmdir()
    (tmp_path / "limits").write_text("in the way")
    put(store, replace(KNOWN, window=2.0))
    assert isinstance(store, SharedQuota)
    assert store.alone is not None
    assert get(store).window == 2.0


@given(
    window=st.none() | st.floats(1, 64),
    level=st.floats(-5, 5000) | st.just(math.inf),
    rate=st.none() | st.floats(0.01, 1e4),
    leases=st.dictionaries(st.integers(1, 4_000_000), st.integers(0, 64), max_size=5),
)
@settings(deadline=None)
def test_a_quota_is_read_as_it_was_written(window, level, rate, leases):
    quota = Quota(
        advertised=None if rate is None else Rate(per_s=rate, burst=rate),
        level=level,
        window=window,
        leases={p: Lease(under_way=n, at_s=1.5) for p, n in leases.items()},
        at_s=2.5,
        strikes=3,
    )
    assert decode_quota(encode_quota(quota)) == quota


@given(data=st.binary(max_size=60) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(
        st.sampled_from(["advertised", "level", "window", "leases", "at_s", "strikes"]), x),
    max_leaves=9,
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
@settings(deadline=None)
def test_what_is_no_quota_counts_as_an_empty_one(data):
    assert decode_quota(data) == Quota()


STORM = textwrap.dedent("""
    import asyncio, sys, time
    from pathlib import Path
    from contractcheck.sampling.backoff import RetryPolicy
    from contractcheck.sampling.limiter import Limiter
    from contractcheck.sampling.quota import Rate
    from contractcheck.sampling.quota_file import open_quota

    async def main():
        store, trouble = open_quota(Path(sys.argv[1]), ("h", "m", "k"), time.monotonic)
        assert not trouble
        limiter = Limiter(store=store, policy=RetryPolicy(), declared=Rate(per_s=25.0, burst=5.0))

        async def ask():
            await limiter.enter()
            print(time.monotonic(), flush=True)
            await limiter.leave()

        await asyncio.gather(*(ask() for _ in range(10)))

    asyncio.run(main())
""")


def test_four_processes_keep_one_rate(tmp_path):
    children = [
        subprocess.Popen(
            [sys.executable, "-c", STORM, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    sent_s = []
    for child in children:
        out, _ = child.communicate(timeout=60)
        assert child.returncode == 0
        sent_s += [float(line) for line in out.split()]
    sent_s.sort()
    assert len(sent_s) == 40
    # Told a moment after they were let go: a lower bound on the time that all of them took.
    assert sent_s[-1] - sent_s[0] >= (40 - 5 - 1) / 25.0 - 0.3


def test_a_healthy_provider_is_asked_without_a_file(tmp_path):
    async def main():
        store, _ = open_quota(tmp_path, KEY, time.monotonic)
        limiter = Limiter(store=store, policy=RetryPolicy())
        for _ in range(50):
            await limiter.enter()
            await limiter.leave()
            limiter.note_tokens(5)
            await limiter.note_answer(RateAdvice())
        return limiter

    limiter = asyncio.run(main())
    assert (limiter.under_way, limiter.tokens) == (0, 5)
    assert list(tmp_path.glob("*.json")) == []


def test_who_waits_in_vain_is_not_counted(tmp_path):
    async def main():
        store, _ = open_quota(tmp_path, KEY, time.monotonic)
        limiter = Limiter(store=store, policy=RetryPolicy())
        await limiter.note_refusal(RateAdvice(retry_after_s=30.0), sent_s=time.monotonic())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await limiter.enter()
        return limiter

    assert asyncio.run(main()).under_way == 0


def test_tokens_that_run_out_pause_by_what_requests_usually_take(tmp_path):
    window = RateWindow(unit="tokens", limit=6000, remaining=300, reset_s=None, period_s=60.0)

    async def main():
        store, _ = open_quota(tmp_path, KEY, time.monotonic)
        limiter = Limiter(store=store, policy=RetryPolicy())
        limiter.note_tokens(1300)
        await limiter.note_answer(RateAdvice(windows=(window,)))
        return await store.update(lambda quota: (quota, quota.paused_until_s - quota.at_s))

    assert asyncio.run(main()) == pytest.approx(10.0)


def test_a_wait_that_people_notice_is_told_and_so_is_its_end(tmp_path):
    told = []

    async def main():
        clock = [100.0]
        store, _ = open_quota(tmp_path, KEY, lambda: clock[0])
        limiter = Limiter(
            store=store,
            policy=RetryPolicy(share=lambda: 0.0),
            tell=told.append,
            now_s=lambda: clock[0],
        )
        await limiter.note_refusal(RateAdvice(retry_after_s=4.0), sent_s=99.0)
        asyncio.get_running_loop().call_later(0.01, clock.__setitem__, 0, 105.0)
        sleep = asyncio.sleep
        asyncio.sleep = lambda _wait_s: sleep(0.02)
        try:
            await limiter.enter()
        finally:
            asyncio.sleep = sleep

    asyncio.run(main())
    assert told == [4.0, 0.0]


@pytest.mark.parametrize(
    ("declared", "retry_after_s", "is_too_long"),
    [(Rate(per_s=0.004, burst=1.0), None, False), (Rate(per_s=0.004, burst=1.0), 90.0, True), (None, 90.0, True), (None, 30.0, False)],
)  # fmt: skip
def test_patience_is_for_the_provider_not_for_the_pace_that_was_asked_for(
    tmp_path, declared, retry_after_s, is_too_long
):
    async def main():
        store, _ = open_quota(tmp_path, KEY, time.monotonic)
        limiter = Limiter(store=store, policy=RetryPolicy(), declared=declared, patience_s=60.0)
        if declared is not None:
            await limiter.enter()
        if retry_after_s is not None:
            await limiter.note_refusal(RateAdvice(retry_after_s=retry_after_s), sent_s=0.0)
        async with asyncio.timeout(0.05):
            await limiter.enter()

    with pytest.raises(PauseTooLongError if is_too_long else TimeoutError):
        asyncio.run(main())
