"""Tokens that expire: one request for them however many wait, and known before they are sent."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from contractcheck.auth import RenewingAuthorizer, Token
from contractcheck.errors import MeasurementError

IN_TRIAL = ContextVar("in_trial", default=False)


class Source:
    """Grants ``token-1``, ``token-2`` and so on; can be made to wait and to fail."""

    secrets = ("client-secret",)

    def __init__(self, lifetime_s=None, *, same=False):
        self.lifetime_s, self.same = lifetime_s, same
        self.granted, self.contexts, self.threads = 0, [], []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.fails = False

    def fetch(self):
        assert self.may_answer.wait(10)
        self.contexts.append(IN_TRIAL.get())
        self.threads.append(threading.current_thread())
        if self.fails:
            raise MeasurementError("no token")
        self.granted += 1
        value = "token-1" if self.same else f"token-{self.granted}"
        return Token(value=value, lifetime_s=self.lifetime_s)


class Clock:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


def shown(headers):
    return dict(headers)["authorization"]


@pytest.fixture
def ask(request_of):
    async def authorize(authorizer):
        return await authorizer.authorize(request_of(), "https://gw.example")

    return authorize


def test_a_token_is_sent_with_the_requests_own_headers(ask):
    headers = asyncio.run(ask(RenewingAuthorizer(source=Source())))
    assert headers == (("content-type", "application/json"), ("authorization", "Bearer token-1"))


def test_a_token_that_says_nothing_of_its_life_is_used_until_it_is_refused(ask):
    source, clock = Source(), Clock()
    authorizer = RenewingAuthorizer(source=source, clock=clock)

    async def talk():
        first = await ask(authorizer)
        clock.now_s += 1e9
        assert await ask(authorizer) == first
        assert await authorizer.renew(first)
        assert shown(await ask(authorizer)) == "Bearer token-2"

    asyncio.run(talk())


@pytest.mark.parametrize(("lifetime_s", "margin_s"), [(3600, 60), (600, 60), (100, 10), (1, 0.1)])
def test_a_token_is_replaced_before_it_expires(ask, lifetime_s, margin_s):
    source, clock = Source(lifetime_s), Clock()
    authorizer = RenewingAuthorizer(source=source, clock=clock)

    async def talk():
        await ask(authorizer)
        clock.now_s = 1000 + lifetime_s - 1.01 * margin_s
        assert shown(await ask(authorizer)) == "Bearer token-1"
        clock.now_s = 1000 + lifetime_s - 0.99 * margin_s
        assert shown(await ask(authorizer)) == "Bearer token-2"

    asyncio.run(talk())


def test_many_that_are_refused_at_once_cause_one_request(ask):
    source = Source()
    authorizer = RenewingAuthorizer(source=source)

    async def talk():
        used = await ask(authorizer)
        source.may_answer.clear()
        waiting = [asyncio.create_task(authorizer.renew(used)) for _ in range(64)]
        await asyncio.sleep(0)
        source.may_answer.set()
        assert await asyncio.gather(*waiting) == [True] * 64
        # Whoever hears late that the old one was refused needs no other either.
        assert await authorizer.renew(used)

    asyncio.run(talk())
    assert source.granted == 2


def test_many_first_requests_cause_one_too(ask):
    source = Source()
    authorizer = RenewingAuthorizer(source=source)

    async def talk():
        return await asyncio.gather(*(ask(authorizer) for _ in range(16)))

    assert set(map(shown, asyncio.run(talk()))) == {"Bearer token-1"}
    assert source.granted == 1


def test_to_be_given_the_same_token_again_is_worth_no_other_attempt(ask):
    authorizer = RenewingAuthorizer(source=Source(same=True))

    async def talk():
        return await authorizer.renew(await ask(authorizer))

    assert asyncio.run(talk()) is False


def test_who_gives_up_waiting_takes_nothing_from_the_others(ask):
    source = Source()
    authorizer = RenewingAuthorizer(source=source)

    async def talk():
        source.may_answer.clear()
        impatient, patient = (
            asyncio.create_task(ask(authorizer)),
            asyncio.create_task(ask(authorizer)),
        )
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.sleep(0)
        source.may_answer.set()
        assert shown(await patient) == "Bearer token-1"
        with pytest.raises(asyncio.CancelledError):
            await impatient

    asyncio.run(talk())


def test_one_authorizer_serves_several_event_loops(ask):
    source = Source()
    authorizer = RenewingAuthorizer(source=source)
    used = asyncio.run(ask(authorizer))

    async def renew_at_once():
        return await asyncio.gather(*(authorizer.renew(used) for _ in range(8)))

    assert asyncio.run(renew_at_once()) == [True] * 8
    assert shown(asyncio.run(ask(authorizer))) == "Bearer token-2"


def test_an_old_token_is_used_while_it_is_good_and_no_other_can_be_had(ask):
    source, clock = Source(100), Clock()
    authorizer = RenewingAuthorizer(source=source, clock=clock)

    async def talk():
        await ask(authorizer)
        source.fails = True
        clock.now_s = 1091
        assert shown(await ask(authorizer)) == "Bearer token-1"
        tried = len(source.contexts)
        clock.now_s = 1095
        await ask(authorizer)
        assert len(source.contexts) == tried, "not asked again at once"
        clock.now_s = 1100
        with pytest.raises(MeasurementError, match="no token"):
            await ask(authorizer)
        source.fails = False
        assert shown(await ask(authorizer)) == "Bearer token-2"

    asyncio.run(talk())


def test_a_failed_renewal_is_told_to_all_that_wait(ask):
    source = Source()
    authorizer = RenewingAuthorizer(source=source)

    async def talk():
        used = await ask(authorizer)
        source.fails = True
        return await asyncio.gather(
            *(authorizer.renew(used) for _ in range(4)), return_exceptions=True
        )

    assert [type(error) for error in asyncio.run(talk())] == [MeasurementError] * 4


def test_tokens_are_got_outside_of_the_trial_and_of_the_loop(ask):
    source = Source()

    async def talk():
        IN_TRIAL.set(True)
        await ask(RenewingAuthorizer(source=source))

    asyncio.run(talk())
    assert source.contexts == [False]
    assert source.threads != [threading.current_thread()]


def test_every_token_is_told_before_it_is_sent(ask):
    source, told = Source(), []
    authorizer = RenewingAuthorizer(source=source)
    authorizer.tell(told.extend)

    async def talk():
        assert told == ["client-secret"]
        used = await ask(authorizer)
        assert told == ["client-secret", "token-1"]
        await authorizer.renew(used)
        assert told == ["client-secret", "token-1", "token-2"]

    asyncio.run(talk())
    assert authorizer.secrets == ("client-secret", "token-1", "token-2")
    late = []
    authorizer.tell(late.extend)
    assert late == told, "who comes late is told all"


def test_to_be_told_twice_is_to_be_told_once(ask):
    told = []
    authorizer = RenewingAuthorizer(source=Source())
    learn = told.append
    authorizer.tell(learn)
    authorizer.tell(learn)
    asyncio.run(ask(authorizer))
    assert told[2:] == [("token-1",)]


@pytest.mark.parametrize("value", ["", "a b", "a\r\nx-evil: 1", "é", "\x00", "a" * 65537])
def test_what_could_hide_in_a_header_is_no_token(value):
    with pytest.raises(MeasurementError) as caught:
        Token(value=value)
    assert len(value) < 3 or value not in str(caught.value)


def test_nothing_secret_is_shown(ask):
    authorizer = RenewingAuthorizer(source=Source())
    asyncio.run(ask(authorizer))
    assert "token-1" not in repr(authorizer)
    assert repr(Token(value="token-1")) == "Token(lifetime_s=None)"
