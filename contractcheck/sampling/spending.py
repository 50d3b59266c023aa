"""What answers cost while they come, and whether one more may be asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from contractcheck.errors import UsageError
from contractcheck.model.completion import Outcome
from contractcheck.providers.answer import read_answer
from contractcheck.providers.prices import PriceTable

if TYPE_CHECKING:
    from contractcheck.model.completion import Completion
    from contractcheck.model.exchange import Exchange
    from contractcheck.model.suite import Case
    from contractcheck.model.target import Target


BYTES_PER_TOKEN: Final = 4.0
"""Of a request that was never answered: the usual length of a token of English text (OpenAI's help
centre, "What are tokens")."""

_PAID: Final = (Outcome.ANSWERED, Outcome.MALFORMED)
"""What came whole was made, and so is on the bill, whether it tells what it took or not."""


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class Claim:
    """What is held back for a request until its answer is accounted for; each is its own.

    An answer whose usage nobody tells is charged this.

    Attributes:
        target: Who is asked.
        case: What for.
        tokens: The most that it may take, as far as that is known.
        usd: Their price, USD.
        is_known: Whether anything says how long request and answer may be.
    """

    target: Target
    case: str
    tokens: int
    usd: float
    is_known: bool


@dataclass(slots=True)
class Spending:
    """Money and tokens spent in a session, as providers account for them.

    Under a bound no request leaves unless it would still hold if that one, and all that are under
    way, took the most that they may: the input as the same request took it before, the output as
    long as the case allows. Of a case that allows any length the longest answer so far stands in;
    before there is one, a request leaves alone, and so does one with pictures before its first
    account. An answer without any usage is charged what was held back for it.

    Attributes:
        prices: What tokens cost.
        max_usd: Most that may be spent, USD, > 0; None only counts.
        spent_usd: Spent so far, USD; without a bound, an answer without usage counts nothing.
        max_tokens: Most tokens, input and output, that may be spent; None only counts.
        spent_tokens: Tokens spent so far.
        refused: The request that does not fit now; None while all do.
        is_out_of_tokens: Whether it is tokens that it lacks.
        untold: Answers without usage that were charged what was held back for them.
    """

    prices: PriceTable
    max_usd: float | None = None
    spent_usd: float = 0.0
    max_tokens: int | None = None
    spent_tokens: int = 0
    refused: Claim | None = None
    is_out_of_tokens: bool = False
    untold: int = 0
    _claims: set[Claim] = field(default_factory=set)
    _input_tokens: dict[tuple[str, str], int] = field(default_factory=dict)
    _longest: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def is_bounded(self) -> bool:
        """Whether what an answer took decides whether the next one may be asked for."""
        return self.max_usd is not None or self.max_tokens is not None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way that could turn out to take less than was held back."""
        return not self._claims

    @property
    def option(self) -> str:
        """The option that would allow more, as it is written."""
        return "--max-tokens N" if self.is_out_of_tokens else "--max-usd X"

    @property
    def words(self) -> str:
        """What was spent of what, for people: of the bound that is reached, else the money."""
        if self.is_out_of_tokens:
            more = "" if self.refused is None else f"{self.refused.tokens}"
            spent = f"{self.spent_tokens} of at most {self.max_tokens} tokens were spent"
        else:
            more = "" if self.refused is None else f"{self.refused.usd:.4g}"
            bound = "" if self.max_usd is None else f" of at most {self.max_usd:.4g} USD"
            spent = f"{self.spent_usd:.4g} USD{bound} were spent"
        if self.untold:
            answers = "an answer" if self.untold == 1 else f"{self.untold} answers"
            spent += f", of which {answers} without usage by what was held back"
        return f"{spent} (one more request may take {more})" if more else spent

    def require(self, target: Target) -> None:
        """Refuse a bound on money for a target whose price nobody knows.

        Raises:
            UsageError: If there is a bound and no price.
        """
        if self.max_usd is not None and self.prices.of(target.id) is None:
            raise UsageError(
                f"no price of {target.id} is known, so --max-usd cannot be kept; give one with "
                "--prices FILE, or bound the requests with --max-requests"
            )

    def claim(self, target: Target, case: Case, request_bytes: int) -> Claim | None:
        """Hold back what a request may take; None, and nothing is held, if it does not fit now.

        Args:
            target: Whom to ask.
            case: What for.
            request_bytes: Length of the request's body.
        """
        claim = self._need(target, case, request_bytes)
        if not self.is_bounded:
            return claim
        self.is_out_of_tokens = not self._has_tokens(claim)
        has_all = self._has_money(claim) and not self.is_out_of_tokens
        if not has_all or not (claim.is_known or self.is_idle):
            self.refused = claim
            return None
        self.refused = None
        self._claims.add(claim)
        return claim

    def release(self, claim: Claim) -> None:
        """Hold nothing back any more for a request that is over."""
        self._claims.discard(claim)

    def note(self, target: Target, case: Case, exchange: Exchange) -> None:
        """Account for an exchange of an earlier session."""
        answer = read_answer(plain(exchange), target.provider, target.mapping)
        claim = self._need(target, case, len(exchange.request.body))
        self.note_answer(claim, answer.completion)

    def note_answer(self, claim: Claim, completion: Completion) -> None:
        """Account for an exchange that was read already.

        Args:
            claim: What was held back for it.
            completion: What came.
        """
        given, said = completion.input_tokens, completion.output_tokens
        if given is None and said is None:
            if self.is_bounded and completion.outcome in _PAID:
                self.untold += 1
                self.spent_tokens += claim.tokens
                self.spent_usd += claim.usd
            return
        if said is None and completion.embedding:
            said = 0  # vectors are not counted as output
        self.spent_tokens += (given or 0) + (said or 0)
        price = self.prices.of(claim.target.id)
        if price is not None:
            self.spent_usd += price.cost_usd(input_tokens=given or 0, output_tokens=said or 0)
        place = claim.target.id, claim.case
        if given is not None:
            self._input_tokens[place] = max(given, self._input_tokens.get(place, 0))
        if said is not None:
            self._longest[place] = max(said, self._longest.get(place, 0))

    def _need(self, target: Target, case: Case, request_bytes: int) -> Claim:
        place, allowed = (target.id, case.id), case.parameters.max_output_tokens
        # Nobody counts the tokens of a picture by its bytes.
        is_text = not any(message.images for message in case.messages)
        guessed = math.ceil(request_bytes / BYTES_PER_TOKEN) if is_text else 0
        given = self._input_tokens.get(place, guessed)
        has_size = is_text or place in self._input_tokens
        said = self._longest.get(place, 0) if allowed else max(self._longest.values(), default=0)
        said = max(said, allowed or 0)
        price = self.prices.of(target.id)
        return Claim(
            target=target,
            case=case.id,
            tokens=given + said,
            usd=0.0 if price is None else price.cost_usd(input_tokens=given, output_tokens=said),
            is_known=has_size and (allowed is not None or bool(self._longest)),
        )

    def _has_tokens(self, claim: Claim) -> bool:
        if self.max_tokens is None:
            return True
        held = sum(one.tokens for one in self._claims)
        likely = self.spent_tokens + held + claim.tokens
        return likely <= self.max_tokens and self.spent_tokens < self.max_tokens

    def _has_money(self, claim: Claim) -> bool:
        if self.max_usd is None:
            return True
        return self.spent_usd + sum(one.usd for one in self._claims) + claim.usd <= self.max_usd


def plain(exchange: Exchange) -> Exchange:
    """The exchange as readers take it: on its way to the disk its body is of a kind of its own."""
    if exchange.response is None:
        return exchange
    return replace(
        exchange, response=replace(exchange.response, body=bytes(exchange.response.body))
    )


def count_only() -> Spending:
    """A spending without bounds and prices."""
    return Spending(prices=PriceTable())
