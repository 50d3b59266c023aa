"""What answers cost while they come, and whether one more may be asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from contractcheck.errors import UsageError
from contractcheck.providers.answer import read_answer
from contractcheck.providers.prices import PriceTable

if TYPE_CHECKING:
    from contractcheck.model.completion import Completion
    from contractcheck.model.exchange import Exchange
    from contractcheck.model.target import Target


@dataclass(slots=True)
class Spending:
    """Money and tokens spent in a session, as providers account for them.

    Attributes:
        prices: What tokens cost.
        max_usd: Most that may be spent, USD, > 0; None only counts.
        spent_usd: Spent so far, USD; an answer without accounted tokens counts nothing.
        dearest_usd: Price of the dearest exchange so far, USD.
        under_way: Requests that were allowed and are not accounted for yet.
        max_tokens: Most tokens, input and output, that may be spent; None only counts.
        spent_tokens: Tokens spent so far.
        longest_tokens: Tokens of the longest exchange so far.
        is_out_of_tokens: Whether it was tokens that the latest refused request lacked.
    """

    prices: PriceTable
    max_usd: float | None = None
    spent_usd: float = 0.0
    dearest_usd: float = 0.0
    under_way: int = field(default=0)
    max_tokens: int | None = None
    spent_tokens: int = 0
    longest_tokens: int = 0
    is_out_of_tokens: bool = False

    @property
    def is_bounded(self) -> bool:
        """Whether what an answer took decides whether the next one may be asked for."""
        return self.max_usd is not None or self.max_tokens is not None

    @property
    def option(self) -> str:
        """The option that would allow more, as it is written."""
        return "--max-tokens N" if self.is_out_of_tokens else "--max-usd X"

    @property
    def words(self) -> str:
        """What was spent of what, for people: of the bound that is reached, else the money."""
        if self.is_out_of_tokens:
            return f"{self.spent_tokens} of at most {self.max_tokens} tokens were spent"
        bound = "" if self.max_usd is None else f" of at most {self.max_usd:.4g} USD"
        return f"{self.spent_usd:.4g} USD{bound} were spent"

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

    def allows_one_more(self) -> bool:
        """Whether another request fits, if all that are under way are as dear as the dearest."""
        self.is_out_of_tokens = not self._fits_tokens()
        if self.is_out_of_tokens or not self._fits_money():
            return False
        self.under_way += 1
        return True

    def note(self, target: Target, exchange: Exchange) -> None:
        """Account for a finished exchange."""
        answer = read_answer(plain(exchange), target.provider, target.mapping)
        self.note_answer(target, answer.completion)

    def note_answer(self, target: Target, completion: Completion) -> None:
        """Account for an exchange that was read already."""
        self.note_nothing()
        given, said = completion.input_tokens or 0, completion.output_tokens or 0
        self.spent_tokens += given + said
        self.longest_tokens = max(self.longest_tokens, given + said)
        price = self.prices.of(target.id)
        if price is not None:
            cost_usd = price.cost_usd(input_tokens=given, output_tokens=said)
            self.spent_usd += cost_usd
            self.dearest_usd = max(self.dearest_usd, cost_usd)

    def note_nothing(self) -> None:
        """A request that was allowed left nothing to account for."""
        self.under_way = max(0, self.under_way - 1)

    def _fits_tokens(self) -> bool:
        if self.max_tokens is None:
            return True
        likely = self.spent_tokens + (self.under_way + 1) * self.longest_tokens
        # Before the first answer nobody knows how long they are.
        return likely <= self.max_tokens and self.spent_tokens < self.max_tokens

    def _fits_money(self) -> bool:
        if self.max_usd is None:
            return True
        return self.spent_usd + (self.under_way + 1) * self.dearest_usd <= self.max_usd


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
