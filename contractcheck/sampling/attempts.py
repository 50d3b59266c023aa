"""One trial with all its attempts: leave to send, send, read, and perhaps once more.

Every attempt is an exchange of its own. What is worth another one, and how often, is decided in
``providers/failures.py``; when it may leave, by the limiter and the breaker of its target.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from contractcheck.model.completion import Completion, Outcome
from contractcheck.providers.answer import read_answer
from contractcheck.providers.error_envelope import read_envelope
from contractcheck.providers.failures import Remedy, remedy_for
from contractcheck.providers.rate_headers import LONGEST_WAIT_S, RateAdvice, read_rate_headers
from contractcheck.sampling.limiter import PauseTooLongError
from contractcheck.sampling.options import remedy_of, wants_more
from contractcheck.sampling.session import Place
from contractcheck.sampling.stop import StoppedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.model.exchange import Exchange, Headers, Response
    from contractcheck.model.run import Trial
    from contractcheck.model.suite import Case
    from contractcheck.model.wire import WireRequest
    from contractcheck.providers.wire import Dialect
    from contractcheck.sampling.breaker import Breaker, Leave
    from contractcheck.sampling.limiter import Limiter
    from contractcheck.sampling.options import Side
    from contractcheck.sampling.sending import Sender
    from contractcheck.sampling.session import Session
    from contractcheck.sampling.spending import Claim

_READ_AFTER_S: Final = 0.005
"""An answer is read so long (s) after its end: the request that takes its place leaves first, which
takes a few turns of the event loop."""

_OK: Final = 200

_FOR_LOAD: Final = frozenset({429, 503, 529})
"""Statuses by which a provider refuses for load: everybody slows down, not only who was told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sent:
    """A request that has ended; ``exchange`` is None if it never left this process."""

    exchange: Exchange | None
    sent_s: float
    headers: Headers
    words: str
    advice: RateAdvice

    @property
    def is_plain(self) -> bool:
        """Whether it looks like an answer from outside: nobody has to wait for what it says."""
        exchange = self.exchange
        if exchange is None or exchange.response is None:
            return False
        return exchange.response.status == _OK and exchange.ended == "eof"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Attempt:
    """What became of one request."""

    completion: Completion
    remedy: Remedy
    headers: Headers


@dataclass(kw_only=True, slots=True)
class Asker:
    """Makes the trials of one side.

    Attributes:
        session: What all sides share.
        index: The side's place.
        side: The run.
        dialect: How its target speaks.
        sender: The way to it.
        limiter: When a request may leave; of the target, so that sides may share it.
        breaker: Whether there is any sense in asking; likewise.
    """

    session: Session
    index: int
    side: Side
    dialect: Dialect
    sender: Sender
    limiter: Limiter
    breaker: Breaker
    _cases: dict[str, Case] = field(init=False)
    _before: dict[tuple[str, int], list[Exchange]] = field(init=False)

    def __post_init__(self) -> None:
        self._cases = {case.id: case for case in self.side.cases}
        self._before = {}
        for exchange in self.side.run.done:
            self._before.setdefault((exchange.case, exchange.trial), []).append(exchange)

    async def make(self, trial: Trial) -> None:
        """Make one trial; what goes wrong on the wire is in the journal, not an exception.

        Raises:
            StoppedError: If the session ends before the trial is finished.
        """
        header, retry = self.side.run.header, self.session.pace.bounds.retry
        wire = self.dialect.build(self._cases[trial.case], header.target)
        wire = _with_idempotency(wire, self.dialect.idempotency_header, header.id, trial)
        before = self._before.get((trial.case, trial.index), [])
        remedies = [remedy_of(x, header.target) for x in before if x.ended != "closed"]
        made = 0
        async with Place(self.session.places) as place:
            while True:
                await place.take()
                attempt = await self._attempt(trial, wire, place, made=len(before))
                remedies.append(attempt.remedy)
                made += 1
                if not (self.sender.may_repeat and await self._is_renewed(attempt, remedies)):
                    break
                if not wants_more(remedies, retry, attempts=made):
                    break
                if attempt.remedy is Remedy.BUDGETED:
                    await self._pause(retry.draw_wait_s(made))
                self.session.tally.retries += 1
        if attempt.completion.outcome is not Outcome.ANSWERED:
            self.session.tally.errors += 1

    async def _is_renewed(self, attempt: _Attempt, remedies: Sequence[Remedy]) -> bool:
        """Renew a credential that was refused: for trials to come, if this one is not repeated.

        Once per trial: what is refused as soon as it is granted is not granted again.
        """
        if attempt.remedy is not Remedy.RENEWED or remedies.count(Remedy.RENEWED) > 1:
            return True
        return await self.side.authorizer.renew(attempt.headers)

    async def _pause(self, wait_s: float) -> None:
        async with self.session.stop.interrupting():
            await asyncio.sleep(wait_s)

    async def _wait_for_leave(self) -> None:
        """Wait until a request may leave: as the breaker says, then as the limiter does."""
        async with self.session.stop.interrupting():
            while (leave := self._ask_breaker()).kind == "wait":  # noqa: ASYNC110 - the breaker knows when, not that
                await asyncio.sleep(leave.wait_s)
            if leave.kind == "stop":
                words = self.breaker.words(self.limiter.now_s(), self.session.tally.last_error)
                self.session.stop.call(words, is_trouble=True)
                raise StoppedError
            try:
                await self.limiter.enter()
            except BaseException as error:
                self.breaker.note_nothing()
                if isinstance(error, PauseTooLongError):
                    self._stop_if_endless(error.wait_s)
                    raise StoppedError from None
                raise

    def _ask_breaker(self) -> Leave:
        return self.breaker.ask(self.limiter.now_s(), is_alone=not self.limiter.under_way)

    async def _attempt(
        self, trial: Trial, wire: WireRequest, place: Place, *, made: int
    ) -> _Attempt:
        """Send one request as soon as it may leave, and read what came.

        What looks like an answer frees its place when it has ended: the next one asks before this
        one is read.
        """
        target = self.side.run.header.target
        claim = await self.session.claim(target, self._cases[trial.case], len(wire.body))
        try:
            await self._wait_for_leave()
            return await self._send_and_learn(trial, wire, place, claim, made=made)
        finally:
            self.session.settle(claim)

    async def _send_and_learn(
        self, trial: Trial, wire: WireRequest, place: Place, claim: Claim, *, made: int
    ) -> _Attempt:
        """Send one request, for which there is leave, and read what came."""
        try:
            try:
                sent = await self._send(trial, wire, made=made)
                if not sent.is_plain or self._is_awaited:
                    return await self._learn(sent, claim)
                await self.limiter.note_answer(sent.advice)
            finally:
                await self.limiter.leave()
            place.free()
            await asyncio.sleep(_READ_AFTER_S)
            return await self._learn(sent, claim, is_heeded=True)
        except BaseException:
            self.breaker.note_nothing()
            raise

    @property
    def _is_awaited(self) -> bool:
        """Whether what an answer says decides if another one may be asked for."""
        return self.session.spending.is_bounded or self.breaker.in_a_row > 0

    async def _send(self, trial: Trial, wire: WireRequest, *, made: int) -> _Sent:
        """Send one request and hear it out."""
        number = self.session.sink.number(self.index, trial.index)
        sent_s = self.limiter.now_s()
        self.session.take_one()
        try:
            sent = await self.sender.send(trial, wire, number=number, made=made)
        finally:
            exchange = self.session.sink.fetch(trial.case, number)
        return _Sent(
            exchange=exchange,
            sent_s=sent_s,
            headers=sent.headers,
            words=sent.words,
            advice=_advice(
                exchange.response if exchange is not None else None,
                self.side.run.header.target.provider,
            ),
        )

    async def _learn(self, sent: _Sent, claim: Claim, *, is_heeded: bool = False) -> _Attempt:
        """Read an attempt, and tell everybody what it says of the target.

        Args:
            sent: The attempt.
            claim: What is held back for it.
            is_heeded: Whether the limiter knows the headers of the answer already.
        """
        exchange = sent.exchange
        if exchange is None:
            # Nothing left this process, so nothing is known.
            self.breaker.note_nothing()
            self.session.tally.last_error = sent.words or "nothing was sent"
            nothing = Completion(outcome=Outcome.INFRA, detail="nothing was sent")
            return _Attempt(completion=nothing, remedy=Remedy.NEVER, headers=sent.headers)
        target = self.side.run.header.target
        completion = read_answer(exchange, target.provider, target.mapping).completion
        self.session.spending.note_answer(claim, completion)
        if completion.outcome is not Outcome.ANSWERED:
            self.session.tally.last_error = _words(exchange, completion)
        if completion.outcome is not Outcome.INFRA:
            self.breaker.note_answer()
            self.limiter.note_tokens(_tokens(completion))
            if not is_heeded:
                await self.limiter.note_answer(sent.advice)
        else:
            self.breaker.note_failure(sent_s=sent.sent_s, now_s=self.limiter.now_s())
            await self._heed_refusal(exchange, sent)
        self.session.tally.last_error = sent.words or self.session.tally.last_error
        remedy = remedy_for(exchange, completion)
        return _Attempt(completion=completion, remedy=remedy, headers=sent.headers)

    async def _heed_refusal(self, exchange: Exchange, sent: _Sent) -> None:
        """Slow everybody down if the provider refused for load."""
        advice = sent.advice
        status = exchange.response.status if exchange.response is not None else 0
        is_for_load = status in _FOR_LOAD or advice.retry_after_s is not None
        # Who measures raw reliability does not spare the provider either.
        if is_for_load and self.session.pace.bounds.retry.retries:
            await self.limiter.note_refusal(advice, sent_s=sent.sent_s)
            self._stop_if_endless(advice.retry_after_s or 0.0)

    def _stop_if_endless(self, wait_s: float) -> None:
        bounds = self.session.pace.bounds
        if wait_s > bounds.patience_s:
            self.session.stop.call(
                f"the next request would have to wait {wait_s:.0f} s, which is more than "
                f"--patience {bounds.patience_s:g}",
                is_trouble=True,
            )


def _with_idempotency(
    wire: WireRequest, header: str | None, run_id: str, trial: Trial
) -> WireRequest:
    """Name the trial to the provider, so that a repeated request is known for a repetition.

    The same in every session, so that an answer that a kill lost is not paid twice.
    """
    if header is None:
        return wire
    name = f"{run_id} {trial.case} {trial.index}"
    key = hashlib.sha256(name.encode()).hexdigest()[:32]
    return replace(wire, headers=(*wire.headers, (header, key)))


def _advice(response: Response | None, provider: str) -> RateAdvice:
    """What an answer says about sending more: in its headers, or in its body as Google does."""
    if response is None:
        return RateAdvice()
    advice = read_rate_headers(response.headers, now=datetime.now(UTC), provider=provider)
    if response.status in _FOR_LOAD and advice.retry_after_s is None:
        told_s = read_envelope(response.body).retry_s
        if told_s is not None:
            return replace(advice, retry_after_s=min(told_s, LONGEST_WAIT_S))
    return advice


def _words(exchange: Exchange, completion: Completion) -> str:
    """The latest error in few words: a status, the class of a transport error, or what was read."""
    if exchange.response is None:
        return exchange.error or "no response"
    if exchange.response.status != _OK:
        return f"HTTP {exchange.response.status}"
    return exchange.error or completion.outcome.value


def _tokens(completion: Completion) -> int | None:
    if completion.input_tokens is None and completion.output_tokens is None:
        return None
    return (completion.input_tokens or 0) + (completion.output_tokens or 0)
