"""Limits in simulated time: nothing here waits."""

import heapq
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.providers.rate_headers import RateAdvice, RateWindow
from contractcheck.sampling.quota import (
    Lease,
    Quota,
    Rate,
    admit,
    note_answer,
    note_refusal,
    release,
)

NOTHING = RateAdvice()


def ask(quota, now_s=0.0, *, process=1, under_way=0, declared=None):
    return admit(quota, now_s=now_s, process=process, under_way=under_way, declared=declared)


def answered(quota, *windows, now_s=0.0, tokens=0.0):
    return note_answer(quota, RateAdvice(windows=windows), now_s=now_s, tokens=tokens)


def refused(quota, now_s=0.0, *, sent_s=None, busy=8, retry_after_s=None, pause_s=0.0):
    return note_refusal(
        quota,
        RateAdvice(retry_after_s=retry_after_s),
        sent_s=now_s if sent_s is None else sent_s,
        now_s=now_s,
        pause_s=pause_s,
        busy=busy,
    )


def window(unit, limit, remaining, reset_s=None, period_s=60.0):
    return RateWindow(
        unit=unit, limit=limit, remaining=remaining, reset_s=reset_s, period_s=period_s
    )


def test_whoever_knows_of_no_limit_is_not_held_back():
    quota, wait_s = ask(Quota())
    assert wait_s == 0.0
    assert not quota.is_restricting


def test_what_is_advertised_is_kept_and_refills():
    quota = answered(Quota(), window("requests", 60, 1))
    quota, first_s = ask(quota)
    quota, second_s = ask(quota)
    assert (first_s, second_s) == (0.0, 1.0)
    assert ask(quota, 1.0)[1] == 0.0


def test_the_strictest_of_several_windows_counts_and_months_do_not():
    quota = answered(
        Quota(),
        window("requests", 600, 500),
        window("requests", 5, 5, period_s=10.0),
        window("tokens", 1e6, 0, period_s=30 * 86400.0),
    )
    assert quota.advertised == Rate(per_s=0.5, burst=5)
    assert quota.level == 5
    assert quota.paused_until_s == 0.0


def test_tokens_that_are_used_up_make_everybody_wait():
    used_up = window("tokens", 6000, 100, reset_s=40.0)
    quota = answered(Quota(), used_up, tokens=600.0)
    # 500 tokens are missing, and 100 come back each second.
    assert ask(quota)[1] == 5.0
    assert ask(quota, 5.0)[1] == 0.0
    assert answered(Quota(), used_up, tokens=50.0).paused_until_s == 0.0
    # What every answer passed counts something else, such as answers alone, or nothing.
    assert answered(Quota(), used_up, tokens=6001.0).paused_until_s == 0.0


def test_a_refusal_halves_once_for_all_that_were_under_way():
    quota = refused(Quota(), 10.0, busy=8, sent_s=9.0)
    assert (quota.window, quota.strikes) == (4.0, 1)
    same_burst = refused(quota, 10.1, busy=7, sent_s=9.5)
    assert (same_burst.window, same_burst.strikes) == (4.0, 1)
    later = refused(quota, 11.0, busy=4, sent_s=10.5)
    assert (later.window, later.strikes) == (2.0, 2)
    for now_s in range(12, 20):
        later = refused(later, float(now_s))
    assert later.window == 1.0


def test_the_window_grows_by_one_per_window_of_answers():
    quota = refused(Quota(), busy=8)
    for _ in range(4):
        quota = answered(quota)
    assert quota.window == pytest.approx(5.0, abs=0.25)
    assert quota.strikes == 0


def test_a_wait_that_is_named_holds_for_everybody_and_a_later_refusal_extends_it():
    quota = refused(Quota(), 0.0, retry_after_s=3.0, pause_s=50.0)
    assert ask(quota, 1.0, process=2)[1] == 2.0
    quota = refused(quota, 1.0, sent_s=-1.0, retry_after_s=4.0)
    assert ask(quota, 1.0)[1] == 4.0
    assert ask(quota, 5.0)[1] == 0.0


def test_without_a_named_wait_our_own_pause_is_taken():
    quota = refused(Quota(), 0.0, pause_s=1.5)
    assert ask(quota, 0.5)[1] == 1.0


def test_the_window_counts_what_all_processes_have_under_way():
    quota = replace(Quota(), window=4.0, leases={7: Lease(under_way=3, at_s=0.0)})
    quota, wait_s = ask(quota, process=1, under_way=0)
    assert wait_s == 0.0
    assert ask(quota, process=1, under_way=1)[1] > 0.0
    freed = release(quota, now_s=0.1, process=7, under_way=2)
    assert ask(freed, 0.1, process=1, under_way=1)[1] == 0.0


def test_a_process_that_fell_silent_holds_no_place_for_ever():
    quota = replace(Quota(), window=1.0, leases={7: Lease(under_way=1, at_s=0.0)})
    assert ask(quota, 119.0)[1] > 0.0
    assert ask(quota, 121.0)[1] == 0.0


@given(
    per_s=st.floats(0.2, 50.0),
    burst=st.integers(1, 20),
    clients=st.integers(1, 12),
    took_s=st.floats(0.0, 2.0),
)
@settings(max_examples=60, deadline=None)
def test_however_many_ask_no_more_leave_than_was_declared(per_s, burst, clients, took_s):
    declared, quota = Rate(per_s=per_s, burst=burst), Quota()
    asking = [(0.0, client) for client in range(clients)]
    heapq.heapify(asking)
    sent_s = []
    while len(sent_s) < 60:
        now_s, client = heapq.heappop(asking)
        quota, wait_s = ask(quota, now_s, process=client + 1, declared=declared)
        if wait_s <= 0.0:
            sent_s.append(now_s)
        heapq.heappush(asking, (now_s + (wait_s if wait_s > 0.0 else max(took_s, 1e-3)), client))
    # In any interval: the burst and what came in meanwhile.
    for first in range(0, 60, 7):
        for last in range(first, 60, 7):
            most = burst + (sent_s[last] - sent_s[first]) * per_s
            assert last - first + 1 <= most + 1e-6


def test_a_storm_settles_below_what_the_provider_takes():
    """Thirty-two clients and a provider that takes ten a second and names no limit."""
    quota, asking, sent, refusals = Quota(), [(i * 1e-3, i) for i in range(32)], [], []
    under_way = dict.fromkeys(range(32), 0)
    ends = []
    while asking:
        now_s, client = heapq.heappop(asking)
        if now_s > 120.0:
            break
        while ends and ends[0][0] <= now_s:
            end_s, other, begun_s, is_refused = heapq.heappop(ends)
            under_way[other] = 0
            quota = (
                refused(quota, end_s, sent_s=begun_s, busy=1, retry_after_s=1.0)
                if is_refused
                else answered(quota, now_s=end_s)
            )
            quota = release(quota, now_s=end_s, process=other + 1, under_way=0)
        quota, wait_s = ask(quota, now_s, process=client + 1, under_way=under_way[client])
        if wait_s > 0.0:
            heapq.heappush(asking, (now_s + wait_s, client))
            continue
        is_refused = sum(now_s - t < 1.0 for t in sent[-40:]) >= 10
        sent.append(now_s)
        refusals.append(is_refused)
        under_way[client] = 1
        heapq.heappush(ends, (now_s + 0.5, client, now_s, is_refused))
        heapq.heappush(asking, (now_s + 0.5, client))
    late = [refused for t, refused in zip(sent, refusals, strict=True) if t > 20.0]
    assert sum(late) / len(late) < 0.25
    assert len(late) / 100.0 > 3.0


@settings(deadline=None)
@given(
    level=st.floats(-5, 5) | st.just(math.inf),
    now_s=st.floats(0, 1e6),
    pause_s=st.floats(0, 60),
)
def test_a_wait_is_never_negative_nor_endless(level, now_s, pause_s):
    quota = replace(Quota(), level=level, level_at_s=now_s, paused_until_s=now_s + pause_s)
    _, wait_s = ask(quota, now_s, declared=Rate(per_s=0.5, burst=1))
    assert 0.0 <= wait_s <= 72.0


def test_who_finds_no_place_takes_nothing_out_of_the_bucket_and_puts_nothing_in():
    busy = {7: Lease(under_way=1, at_s=0.0)}
    for declared in (None, Rate(per_s=1.0, burst=5.0)):
        quota = replace(Quota(), window=1.0, leases=busy, level=3.0)
        for _ in range(10):
            quota, wait_s = ask(quota, 0.0, declared=declared)
            assert wait_s > 0.0
        assert quota.level == 3.0
