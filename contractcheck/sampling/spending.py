"""What answers cost while they come, and whether one more may be asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from contractcheck.errors import UsageError
from contractcheck.providers.answer import read_answer

if TYPE_CHECKING:
    from contractcheck.model.exchange import Exchange
    from contractcheck.model.target import Target
    from contractcheck.providers.prices import PriceTable


@dataclass(slots=True)
class Spending:
    """Money spent in a session, by the tokens that providers account for.

    Attributes:
        prices: What tokens cost.
        max_usd: Most that may be spent, USD, > 0; None only counts.
        spent_usd: Spent so far, USD; an answer without accounted tokens counts nothing.
        dearest_usd: Price of the dearest exchange so far, USD.
        under_way: Requests that were allowed and are not accounted for yet.
    """

    prices: PriceTable
    max_usd: float | None = None
    spent_usd: float = 0.0
    dearest_usd: float = 0.0
    under_way: int = field(default=0)

    @property
    def words(self) -> str:
        """What was spent of what, for people."""
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
        if self.max_usd is None:
            return True
        likely = self.spent_usd + (self.under_way + 1) * self.dearest_usd
        if likely > self.max_usd:
            return False
        self.under_way += 1
        return True

    def note(self, target: Target, exchange: Exchange) -> None:
        """Account for a finished exchange."""
        self.under_way = max(0, self.under_way - 1)
        price = self.prices.of(target.id)
        if price is None:
            return
        if exchange.response is not None:
            # On its way to the disk a body is of a kind that readers of JSON do not take.
            plain = replace(exchange.response, body=bytes(exchange.response.body))
            exchange = replace(exchange, response=plain)
        completion = read_answer(exchange, target.provider).completion
        cost_usd = price.cost_usd(
            input_tokens=completion.input_tokens or 0, output_tokens=completion.output_tokens or 0
        )
        self.spent_usd += cost_usd
        self.dearest_usd = max(self.dearest_usd, cost_usd)
