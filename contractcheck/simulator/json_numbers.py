"""Which numbers the simulated model considers for one place of a JSON text."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from contractcheck.simulator.prompt import content_words
from contractcheck.simulator.question import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contractcheck.simulator.prompt import Prompt

MENTIONED_LEAN = 1.5
"""Logit of a number that the prompt mentions."""

NEAR_LEAN = 2.0
"""Added when a word of the property's name, or its currency, stands next to the number."""

SLIP_LEAN = -0.5
"""Logit of a plausible mistake: half of, or a little more than, a mentioned number."""

_MOST_MENTIONED = 8
_CURRENCIES = {"\u20ac": "eur", "eur": "eur", "$": "usd", "usd": "usd", "\u00a3": "gbp"}
_MONEY_WORDS = frozenset(
    {
        *("amount", "cost", "due", "eur", "gbp", "paid", "price"),
        *("refund", "total", "usd", "fee", "balance", "charge"),
    }
)


def find_number_options(
    schema: Mapping[str, object], prompt: Prompt, place: str, *, whole: bool
) -> tuple[list[str], list[float]]:
    """Return JSON texts of numbers that satisfy ``schema``, with their logits.

    Args:
        schema: Bounds and ``multipleOf`` are honoured.
        prompt: Its numbers are preferred.
        place: Dotted path; its last name is matched with the words next to each number.
        whole: Integers only.

    Raises:
        RequestError: No number satisfies the schema.
    """
    bounds = _Bounds(schema, whole=whole)
    leans: dict[str, float] = {}
    for text, around in list(zip(prompt.numbers, prompt.surroundings, strict=True))[
        :_MOST_MENTIONED
    ]:
        value = Decimal(text)
        near = NEAR_LEAN if _belongs(place, around) else 0.0
        bounds.collect(leans, [value], MENTIONED_LEAN + near)
        bounds.collect(leans, [value / 2, value + 1], SLIP_LEAN + near / 2)
    if not leans:
        bounds.collect(leans, bounds.guesses(), 0.0)
    if not leans:
        raise RequestError(f"Invalid schema at {place}: no number satisfies it.", param="schema")
    return list(leans), list(leans.values())


def _belongs(place: str, around: str) -> bool:
    name = place.rsplit(".", 1)[-1].lower()
    parts = frozenset(name.replace("[]", "").split("_"))
    if content_words(name) & content_words(around):
        return True
    return bool(parts & _MONEY_WORDS) and any(sign in around for sign in _CURRENCIES)


class _Bounds:
    """The numeric keywords of one schema, as exact decimals."""

    def __init__(self, schema: Mapping[str, object], *, whole: bool) -> None:
        self._low = _limit(schema, "minimum")
        self._high = _limit(schema, "maximum")
        self._above = _limit(schema, "exclusiveMinimum")
        self._below = _limit(schema, "exclusiveMaximum")
        self._step = _limit(schema, "multipleOf")
        self._whole = whole

    def collect(self, leans: dict[str, float], values: Iterable[Decimal], lean: float) -> None:
        """Add the values, moved to the nearest allowed step, that lie inside."""
        for value in values:
            fitted = self._fit(value)
            if self._allows(fitted):
                leans.setdefault(self._write(fitted), lean)

    def guesses(self) -> list[Decimal]:
        """Return numbers to consider when the prompt mentions none that fits."""
        lows = [bound for bound in (self._low, self._above) if bound is not None]
        highs = [bound for bound in (self._high, self._below) if bound is not None]
        steps = [Decimal(n) for n in (0, 1, 2, 3, 5, 10)]
        if self._step is not None:
            steps = [step * self._step for step in steps]
        if lows and highs:
            low, high = max(lows), min(highs)
            between = [low + (high - low) * n / 6 for n in range(7)]
            return [*between, *(low + step for step in steps)]
        if lows:
            return [max(lows) + step for step in steps]
        return [(min(highs) if highs else Decimal(11)) - step for step in steps]

    def _fit(self, value: Decimal) -> Decimal:
        if self._step is not None and self._step > 0:
            value = (value / self._step).to_integral_value() * self._step
        if self._whole:
            return value.to_integral_value()
        return value if self._step is not None else round(value, 6)

    def _allows(self, value: Decimal) -> bool:
        # Readers compare doubles, so the limits must hold for those.
        number = float(value)
        quotient = number / float(self._step) if self._step else 0.0
        return (
            (self._low is None or number >= float(self._low))
            and (self._high is None or number <= float(self._high))
            and (self._above is None or number > float(self._above))
            and (self._below is None or number < float(self._below))
            and quotient.is_integer()
        )

    def _write(self, value: Decimal) -> str:
        text = f"{value:f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        return "0" if text == "-0" else text


def _limit(schema: Mapping[str, object], keyword: str) -> Decimal | None:
    value = schema.get(keyword)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Decimal(repr(value))
    return None
