"""Failures on a real wire, and what is done about each: a provider that tells a story per trial."""

import asyncio
import json
import re
from collections import Counter
from dataclasses import replace

import pytest

from contractcheck.auth import KeyAuthorizer
from contractcheck.cassettes import read_run, resume_run
from contractcheck.errors import LimitReachedError
from contractcheck.model.suite import Parameters
from contractcheck.providers import dialect
from contractcheck.providers.answer import read_answer
from contractcheck.providers.prices import PriceTable
from contractcheck.redaction import Scrubber
from contractcheck.sampling import (
    Bounds,
    RetryPolicy,
    SilentProgress,
    Spending,
    attempts,
    sample,
    sampler,
)
from contractcheck.sampling.sending import OwnSender

ANSWER = (
    b'{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":30,"completion_tokens":10,"total_tokens":40}}'
)
FAST = RetryPolicy(base_s=0.001, longest_s=0.002)


def error(code):
    return json.dumps({"error": {"message": "no", "type": code, "code": code}}).encode()


def telling(*story, wait_s=0.0):
    """Answer the requests of each case by a story of its own; its last line is repeated."""
    heard = Counter()

    async def respond(_number, body):
        case = body["messages"][0]["content"]
        line = story[min(heard[case], len(story) - 1)]
        heard[case] += 1
        await asyncio.sleep(wait_s)
        return line

    return respond


def made(run):
    return [
        (x.attempt, x.response.status if x.response else x.error)
        for x in read_run(run.folder).exchanges
    ]


GOOD = (200, ANSWER)


@pytest.mark.parametrize(
    ("story", "statuses"),
    [
        ([(503, b""), GOOD], [503, 200]),
        ([(429, error("rate_limit_exceeded")), (500, b""), (529, b""), GOOD], [429, 500, 529, 200]),
        ([(503, b"")], [503] * 4),
        ([(408, b""), (409, b""), GOOD], [408, 409, 200]),
        ([(200, error("server_error")), GOOD], [200, 200]),
        ([(200, error("server_error"))], [200, 200]),
        ([(200, b"<html>")], [200, 200]),
        ([(200, ANSWER[:40]), GOOD], [200, 200]),
        ([(200, ANSWER[:40])], [200, 200]),
        ([(204, b"")], [204, 204]),
        ([(503, b""), (200, b"<html>"), (503, b""), GOOD], [503, 200, 503, 200]),
        ([(429, error("insufficient_quota"))], [429]),
        ([(400, error("invalid_request_error"))], [400]),
        ([(404, error("model_not_found"))], [404]),
        ([(401, error("invalid_api_key"))], [401]),
        ([(400, error("content_filter"))], [400]),
        ([GOOD], [200]),
    ],
)
def test_what_may_pass_is_asked_again_and_nothing_else(
    serve, make_cases, make_run, story, statuses
):
    cases = make_cases(a=1)
    with serve(telling(*story)) as provider:
        run = make_run(cases)
        options = replace(provider.options, bounds=Bounds(retry=FAST))
        tally = sample(run, cases, options, SilentProgress())
    assert made(run) == list(enumerate(statuses))
    assert (tally.done, tally.requests, tally.retries) == (1, len(statuses), len(statuses) - 1)
    is_answered = story[-1] == GOOD or story[-1][1] == error("content_filter")
    assert tally.errors == (0 if is_answered else 1)


def test_each_attempt_has_its_own_time_and_a_named_wait_lies_between(serve, make_cases, make_run):
    cases = make_cases(a=1)

    async def respond(number, _body):
        return (429, b"{}", {"retry-after-ms": "300"}) if number == 0 else GOOD

    with serve(respond) as provider:
        run = make_run(cases)
        options = replace(provider.options, bounds=Bounds(retry=FAST))
        sample(run, cases, options, SilentProgress())
        first, second = provider.asked_s
    assert second - first >= 0.3
    # The wait is ours: no attempt took as long.
    assert [x.end_us < 300_000 for x in read_run(run.folder).exchanges] == [True, True]


def test_one_named_wait_holds_everybody_back(serve, make_cases, make_run):
    cases = make_cases(a=16)

    async def respond(number, _body):
        return (429, b"{}", {"retry-after": "0.4"}) if number == 0 else GOOD

    with serve(respond) as provider:
        run = make_run(cases)
        options = replace(provider.options, concurrency=2, bounds=Bounds(retry=FAST))
        tally = sample(run, cases, options, SilentProgress())
        told_s = provider.asked_s[0]
        meanwhile = [t for t in provider.asked_s[1:] if t - told_s < 0.4]
    assert (tally.errors, tally.retries) == (0, 1)
    # At most the one that was on its way already.
    assert len(meanwhile) <= 1


def test_a_provider_that_fails_for_good_ends_the_run_and_it_can_be_gone_on_with(
    serve, make_cases, make_run
):
    cases = make_cases(a=40)
    bounds = Bounds(retry=FAST, patience_s=0.5)
    with serve(telling(*[GOOD] * 5, (503, b""))) as provider:
        run = make_run(cases)
        with pytest.raises(LimitReachedError) as ended:
            sample(
                run,
                cases,
                replace(provider.options, bounds=bounds, concurrency=4),
                SilentProgress(),
            )
        # Ten in a row, what was under way with them, and a probe or two.
        assert len(provider.asked) <= 25
    assert ended.value.reason.startswith("the provider failed ")
    assert "times in a row over" in ended.value.reason
    assert ended.value.reason.endswith("(last: HTTP 503)")
    with serve(telling(GOOD)) as provider:
        resumed = resume_run(run.folder, Scrubber.for_secrets([]))
        tally = sample(resumed, cases, replace(provider.options, bounds=bounds), SilentProgress())
    # What the outage took all attempts of is asked again too: it has no answer yet.
    assert (tally.done, tally.errors) == (40, 0)
    last = read_run(run.folder).last_attempts().values()
    assert {x.response.status for x in last} == {200}


def test_endless_429_ends_at_the_deadline(serve, make_cases, make_run):
    cases = make_cases(a=30)

    async def respond(_number, _body):
        return 429, error("rate_limit_exceeded"), {"retry-after": "0.2"}

    with serve(respond) as provider:
        run = make_run(cases)
        bounds = Bounds(retry=FAST, deadline_s=0.8)
        with pytest.raises(LimitReachedError) as ended:
            sample(run, cases, replace(provider.options, bounds=bounds), SilentProgress())
    assert ended.value.reason == "--deadline reached"
    # It was asked once in a while, not hammered.
    assert len(provider.asked) <= 8 + 8 * 4


def test_the_deadline_breaks_off_what_is_under_way_and_the_resumed_run_makes_it(
    serve, make_cases, make_run
):
    cases = make_cases(a=6)
    with serve(telling(GOOD, wait_s=30.0)) as provider:
        run = make_run(cases)
        bounds = Bounds(deadline_s=0.3)
        with pytest.raises(LimitReachedError):
            sample(run, cases, replace(provider.options, bounds=bounds), SilentProgress())
    assert {x.ended for x in read_run(run.folder).exchanges} == {"closed"}
    with serve(telling(GOOD)) as provider:
        resumed = resume_run(run.folder, Scrubber.for_secrets([]))
        tally = sample(resumed, cases, provider.options, SilentProgress())
    assert (tally.done, tally.errors) == (6, 0)


def test_a_wait_beyond_patience_ends_the_run_at_once(serve, make_cases, make_run):
    cases = make_cases(a=9)

    async def respond(_number, _body):
        return 429, b"{}", {"retry-after": "3600"}

    with serve(respond) as provider:
        run = make_run(cases)
        with pytest.raises(LimitReachedError) as ended:
            sample(run, cases, replace(provider.options, concurrency=2), SilentProgress())
        assert len(provider.asked) <= 2
    assert ended.value.reason == (
        "the next request would have to wait 600 s, which is more than --patience 120"
    )


def test_retries_count_as_requests(serve, make_cases, make_run):
    cases = make_cases(a=4)
    with serve(telling((503, b""))) as provider:
        run = make_run(cases)
        options = replace(
            provider.options, concurrency=1, max_requests=6, bounds=Bounds(retry=FAST)
        )
        with pytest.raises(LimitReachedError) as ended:
            sample(run, cases, options, SilentProgress())
        assert len(provider.asked) == 6
    assert str(ended.value).startswith("--max-requests 6 reached with 3 of 4 trials to go")


def test_tokens_end_a_run_before_they_are_overspent(serve, make_cases, make_run):
    cases = make_cases(a=20)
    spending = Spending(prices=PriceTable(), max_tokens=210)
    with serve(telling(GOOD)) as provider:
        run = make_run(cases)
        options = replace(provider.options, concurrency=1)
        with pytest.raises(LimitReachedError) as ended:
            sample(run, cases, options, SilentProgress(), spending=spending)
        assert len(provider.asked) == 5
    why = "200 of at most 210 tokens were spent (one more request may take 40)"
    assert ended.value.reason == why


def test_the_first_requests_leave_one_after_the_other_while_nobody_knows_what_they_take(
    serve, make_cases, make_run
):
    cases = make_cases(a=20)
    with serve(telling(GOOD)) as provider:
        run = make_run(cases)
        options = replace(provider.options, concurrency=16)
        spending = Spending(prices=PriceTable(), max_tokens=210)
        with pytest.raises(LimitReachedError):
            sample(run, cases, options, SilentProgress(), spending=spending)
        assert (len(provider.asked), spending.spent_tokens) == (5, 200)


def test_what_cannot_surely_be_paid_is_not_asked(serve, make_cases, make_run):
    cases = tuple(
        replace(case, parameters=Parameters(max_output_tokens=500)) for case in make_cases(a=3)
    )
    with serve(telling(GOOD)) as provider:
        run = make_run(cases)
        spending = Spending(prices=PriceTable(), max_tokens=500)
        with pytest.raises(LimitReachedError) as ended:
            sample(run, cases, provider.options, SilentProgress(), spending=spending)
        assert provider.asked == []
    assert ended.value.reason.startswith("0 of at most 500 tokens were spent (one more request may")


def test_a_declared_rate_is_kept(serve, make_cases, make_run):
    cases = make_cases(a=30)
    with serve(telling(GOOD)) as provider:
        run = make_run(cases)
        options = replace(provider.options, bounds=Bounds(requests_per_minute=60.0 * 20))
        sample(run, cases, options, SilentProgress())
        spread_s = provider.asked_s[-1] - provider.asked_s[0]
    # Thirty at twenty a second with twenty at once: the last ten take half a second, less what
    # the first one was stamped late.
    assert spread_s >= 0.25


def test_what_a_provider_says_of_its_limits_is_believed(serve, make_cases, make_run):
    cases = make_cases(a=14)
    limit = {"x-ratelimit-limit-requests": "1200", "x-ratelimit-remaining-requests": "0"}

    async def respond(_number, _body):
        return 200, ANSWER, limit

    with serve(respond) as provider:
        run = make_run(cases)
        sample(run, cases, replace(provider.options, concurrency=4), SilentProgress())
        spread_s = provider.asked_s[-1] - provider.asked_s[0]
    # Four leave before anything is known; the other ten come back at twenty a second.
    assert spread_s >= 0.25


def test_limits_are_read_as_those_of_who_sends_them(serve, make_cases, make_run, monkeypatch):
    read, senders = attempts.read_rate_headers, []

    def spy(headers, **how):
        senders.append(how["provider"])
        return read(headers, **how)

    monkeypatch.setattr(attempts, "read_rate_headers", spy)
    cases = make_cases(a=2)
    with serve(telling(GOOD)) as provider:
        sample(make_run(cases), cases, provider.options, SilentProgress())
    assert senders == ["openai", "openai"]


class Renewing:
    """A credential that has to be renewed, and may be once."""

    account = "mine"

    def __init__(self, *, good):
        self.token, self.good, self.renewed = "old-token", good, 0
        self.lock = asyncio.Lock()

    @property
    def secrets(self):
        return (self.token,)

    def tell(self, learn):
        learn(self.secrets)

    async def authorize(self, request, _base_url):
        return (*request.headers, ("authorization", f"Bearer {self.token}"))

    async def renew(self, used):
        async with self.lock:
            if ("authorization", f"Bearer {self.token}") in used and self.good:
                await asyncio.sleep(0.05)
                self.token, self.renewed = "new-token", self.renewed + 1
        return self.good


@pytest.mark.parametrize("good", [True, False])
def test_a_refused_credential_is_renewed_once_for_all(serve, make_cases, make_run, good):
    cases = make_cases(a=12)
    authorizer = Renewing(good=good)

    async def respond(number, _body):
        await asyncio.sleep(0.02)
        is_new = b"new-token" in provider.asked[number][0]
        return GOOD if is_new else (401, error("invalid_api_key"))

    with serve(respond) as provider:
        run = make_run(cases)
        options = replace(provider.options, authorizer=authorizer, concurrency=6)
        tally = sample(run, cases, options, SilentProgress())
    last = read_run(run.folder).last_attempts().values()
    if good:
        assert (authorizer.renewed, tally.errors) == (1, 0)
        assert {x.response.status for x in last} == {200}
        assert tally.retries <= 6
    else:
        assert (authorizer.renewed, tally.errors, tally.retries) == (0, 12, 0)


def test_time_outs_are_told_apart(serve, make_cases, make_run):
    cases = make_cases(a=1)
    role = b'data: {"model":"m","choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'
    word = b'data: {"model":"m","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
    once = RetryPolicy(attempts=1)

    def ended_by(bounds, *pieces):
        with serve(telling(GOOD)) as provider:
            provider.stream = pieces
            run = make_run(cases, folder=f"run-{ended_by.count}")
            ended_by.count += 1
            sample(run, cases, replace(provider.options, bounds=bounds), SilentProgress())
        (exchange,) = read_run(run.folder).exchanges
        return exchange.error, exchange.response is not None

    ended_by.count = 0
    soon = Bounds(retry=once, first_token_timeout_s=0.5, request_timeout_s=1.2)
    assert ended_by(soon) == ("FirstTokenTimeout", False)
    assert ended_by(soon, role) == ("FirstTokenTimeout", True)
    assert ended_by(soon, role, word) == ("RequestTimeout", True)


def test_a_pause_that_another_session_left_is_not_waited_out_beyond_patience(
    serve, make_cases, make_run, tmp_path
):
    cases = make_cases(a=3)

    async def respond(_number, _body):
        return 429, b"{}", {"retry-after": "300"}

    with serve(respond) as provider:
        options = replace(provider.options, bounds=Bounds(shared=tmp_path / "limits"))
        for folder, asked in (("one", 3), ("two", 3)):
            run = make_run(cases, folder=folder)
            with pytest.raises(LimitReachedError) as ended:
                sample(run, cases, options, SilentProgress())
            assert ended.value.reason.startswith("the next request would have to wait ")
            assert ended.value.reason.endswith(" s, which is more than --patience 120")
            # The second session asks nobody: it knows.
            assert len(provider.asked) <= asked


def test_waits_that_each_are_short_end_with_patience_too(serve, make_cases, make_run):
    cases = make_cases(a=30)

    async def respond(_number, _body):
        return 429, b"{}", {"retry-after": "0.3"}

    with serve(respond) as provider:
        run = make_run(cases)
        options = replace(
            provider.options, concurrency=1, bounds=Bounds(retry=FAST, patience_s=0.7)
        )
        with pytest.raises(LimitReachedError) as ended:
            sample(run, cases, options, SilentProgress())
        assert len(provider.asked) < 10
    assert "times in a row over" in ended.value.reason


def test_one_trial_carries_one_key_for_all_of_its_attempts(
    serve, make_cases, make_run, monkeypatch
):
    """No built-in wire documents such a header; a package's may."""
    keyed = replace(dialect("openai"), idempotency_header="idempotency-key")
    monkeypatch.setattr(sampler, "dialect", lambda *_: keyed)
    cases = make_cases(a=2)
    with serve(telling((503, b""), (503, b""), (503, b""), GOOD)) as provider:
        run = make_run(cases)
        once = replace(provider.options, bounds=Bounds(retry=replace(FAST, attempts=2)))
        sample(run, cases, replace(once, concurrency=1), SilentProgress())
    sent = [re.search(rb"idempotency-key: (\S+)", head)[1] for head, _ in provider.asked]
    assert sent[0] == sent[1]
    assert sent[2] == sent[3]
    assert sent[0] != sent[2]


def test_an_answer_without_end_is_cut_off_and_the_run_goes_on(serve, make_cases, make_run):
    cases = make_cases(a=1, b=1)

    async def respond(_number, body):
        is_huge = body["messages"][0]["content"] == cases[0].messages[0].content
        return (200, b" " * (9 << 20)) if is_huge else GOOD

    with serve(respond) as provider:
        run = make_run(cases)
        options = replace(provider.options, bounds=Bounds(retry=FAST))
        tally = sample(run, cases, options, SilentProgress())
    assert (tally.done, tally.errors) == (2, 1)
    cut, cut_again, whole = sorted(
        read_run(run.folder).exchanges, key=lambda x: (x.case, x.attempt)
    )
    for one in (cut, cut_again):
        assert (one.ended, one.error) == ("error", "AnswerTooLarge")
        assert (8 << 20) < len(one.response.body) < (9 << 20)
    assert (whole.ended, whole.response.body) == ("eof", ANSWER)


@pytest.mark.parametrize("attempts", [1, 4])
def test_a_refused_token_is_renewed_for_trials_to_come_also_without_retries(
    serve, make_cases, make_run, attempts
):
    class Expiring(KeyAuthorizer):
        __slots__ = ()
        renewals = 0

        async def renew(self, used):
            assert ("authorization", "Bearer stale") in used
            type(self).renewals += 1
            return True

    cases = make_cases(a=1)
    with serve(telling((401, error("invalid_api_key")))) as provider:
        run = make_run(cases)
        bounds = Bounds(retry=replace(FAST, attempts=attempts))
        stale = Expiring(key="stale")
        sample(
            run, cases, replace(provider.options, bounds=bounds, authorizer=stale), SilentProgress()
        )
    assert Expiring.renewals == 1
    assert len(provider.asked) == min(2, attempts)


@pytest.mark.parametrize(
    ("first", "order"),
    [
        (GOOD, ["ask", "ask", "read", "ask", "read", "read"]),
        ((200, ANSWER[:40]), ["ask", "ask", "read", "ask", "read"]),
    ],
)
def test_the_next_one_is_asked_before_an_answer_is_read(
    first, order, serve, *, make_cases, make_run, monkeypatch
):
    cases, seen = make_cases(a=1, b=1, c=1), []

    def noting(word, function):
        def noted(*arguments, **options):
            seen.append(word)
            return function(*arguments, **options)

        return noted

    monkeypatch.setattr(attempts, "read_answer", noting("read", read_answer))
    monkeypatch.setattr(OwnSender, "send", noting("ask", OwnSender.send))
    with serve(telling(first, GOOD)) as provider:
        run = make_run(cases)
        options = replace(provider.options, concurrency=1, bounds=Bounds(retry=FAST))
        tally = sample(run, cases, options, SilentProgress())
        assert provider.most_at_once == 1
    assert tally.done == 3
    assert seen[: len(order)] == order


def test_an_answer_after_failures_is_known_before_the_next_one_asks(serve, make_cases, make_run):
    cases = make_cases(a=1, b=1)
    heard = Counter()

    async def respond(_number, _body):
        heard["all"] += 1
        if heard["all"] <= 3:
            return 503, b""
        await asyncio.sleep(0.6 if heard["all"] == 4 else 0.0)
        return GOOD

    with serve(respond) as provider:
        run = make_run(cases)
        # The fourth attempt takes longer than there is patience for, and answers.
        bounds = Bounds(retry=FAST, patience_s=0.5)
        options = replace(provider.options, concurrency=1, bounds=bounds)
        tally = sample(run, cases, options, SilentProgress())
    assert (tally.done, tally.errors, tally.stopped) == (2, 0, "")
