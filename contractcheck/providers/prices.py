"""What tokens cost: a dated table of list prices, and the user's own over it.

The shipped table, ``prices.json``, names its source and its day. Prices move, contracts differ and
a gateway adds its share: a file of one's own replaces single entries and keeps the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING

import orjson

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from contractcheck.model.json_value import JsonValue

_PER = 1_000_000
_KNOWN = frozenset({"as_of", "source", "unit", "models"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """Price of one model's tokens, without discounts for caches and batches.

    Attributes:
        input_usd: USD per million input tokens, >= 0.
        output_usd: USD per million output tokens, >= 0.
        as_of: ISO date of the table it came from.
    """

    input_usd: float
    output_usd: float
    as_of: str

    def cost_usd(self, *, input_tokens: float, output_tokens: float) -> float:
        """Price of that many tokens, USD."""
        return (input_tokens * self.input_usd + output_tokens * self.output_usd) / _PER


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceTable:
    """Prices by target id.

    Attributes:
        sources: Where the prices come from, the strongest last.
        prices: ``provider:model`` → price.
    """

    sources: tuple[str, ...] = ()
    prices: Mapping[str, Price] = field(default_factory=dict)

    def of(self, target_id: str) -> Price | None:
        """Price of a target, or None if nobody told.

        OpenAI prices a model the same whichever way it is asked.
        """
        other = target_id.replace("openai-responses:", "openai:", 1)
        return self.prices.get(target_id) or self.prices.get(other)


def load_prices(own: Path | None = None) -> PriceTable:
    """Read the shipped prices, and a file of the same form whose entries go before them.

    The form, in JSON: ``{"as_of": "2026-11-21", "models": {"openai:gpt-5-mini": [0.25, 2.0]}}``,
    USD per million input and output tokens; ``source`` and ``unit`` are for readers.

    Raises:
        UsageError: If the file cannot be read or has another form.
    """
    shipped = _parse(
        files("contractcheck.providers").joinpath("prices.json").read_bytes(), "prices.json"
    )
    if own is None:
        return shipped
    try:
        data = own.read_bytes()
    except OSError as error:
        raise UsageError(f"{own}: prices cannot be read: {error.strerror}") from error
    mine = _parse(data, str(own))
    return PriceTable(
        sources=(*shipped.sources, *mine.sources), prices={**shipped.prices, **mine.prices}
    )


def _parse(data: bytes, name: str) -> PriceTable:
    try:
        table: JsonValue = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{name}: prices are not JSON: {error}") from error
    if not isinstance(table, dict) or not isinstance(table.get("models"), dict):
        raise UsageError(f'{name}: expected {{"as_of": "2026-11-21", "models": {{…}}}}')
    if unknown := sorted(table.keys() - _KNOWN):
        raise UsageError(
            f"{name}: unknown field {unknown[0]!r}; known: {', '.join(sorted(_KNOWN))}"
        )
    as_of = table.get("as_of")
    if not isinstance(as_of, str):
        raise UsageError(f"{name}: as_of is missing: the day these prices were read (YYYY-MM-DD)")
    source = table.get("source")
    prices = {target: _price(target, pair, as_of, name) for target, pair in table["models"].items()}
    words = source if isinstance(source, str) else name
    return PriceTable(sources=(f"{words}, {as_of}",), prices=prices)


def _price(target: str, pair: JsonValue, as_of: str, name: str) -> Price:
    if isinstance(pair, list) and len(pair) == 2:  # noqa: PLR2004 - input and output
        amounts = [float(a) for a in pair if isinstance(a, int | float) and a is not True]
        if len(amounts) == len(pair) and all(math.isfinite(a) and a >= 0 for a in amounts):
            return Price(input_usd=amounts[0], output_usd=amounts[1], as_of=as_of)
    raise UsageError(
        f"{name}: {target}: expected [input, output] in USD per million tokens, got {pair!r}"
    )
