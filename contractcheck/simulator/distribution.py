"""One choice of the simulated model: options, their chances, and a draw."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """One piece of an answer.

    Attributes:
        text: The piece as it stands in the answer.
        logprob: Natural log of its chance before temperature and top-p, <= 0.
        source: What it was drawn from; None where there was no choice.
    """

    text: str
    logprob: float = 0.0
    source: Distribution | None = None

    def alternatives(self, count: int) -> list[tuple[str, float]]:
        """Return ``(text, logprob)`` of the ``count`` likeliest options, best first."""
        if self.source is None:
            return [(self.text, self.logprob)][:count]
        pairs = zip(self.source.options, self.source.logprobs, strict=True)
        return sorted(pairs, key=lambda pair: -pair[1])[:count]


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """A categorical distribution, ready to draw from.

    Attributes:
        options: What can be drawn.
        logprobs: Natural log chance of each option at temperature 1.
        ladder: Cumulative chances after temperature and top-p; ends with 1.
    """

    options: tuple[str, ...]
    logprobs: tuple[float, ...]
    ladder: tuple[float, ...]

    def draw(self, random: Random) -> int:
        """Return the index of one drawn option."""
        return bisect_right(self.ladder, random.random())

    def token(self, index: int) -> Token:
        """Return option ``index`` as a token."""
        return Token(text=self.options[index], logprob=self.logprobs[index], source=self)


def normalise(logits: Sequence[float]) -> list[float]:
    """Return ``logits`` shifted so that their exponentials sum to 1."""
    top = max(logits)
    total = top + math.log(sum([math.exp(logit - top) for logit in logits]))
    return [logit - total for logit in logits]


def make_distribution(
    options: Sequence[str], logits: Sequence[float], *, temperature: float, top_p: float
) -> Distribution:
    """Turn logits into a distribution.

    Args:
        options: One text per option, at least one.
        logits: Same length, natural-log scale, any offset.
        temperature: >= 0; 0 always takes the likeliest option (the first of equals).
        top_p: In (0, 1]: keep the smallest set of likeliest options whose chances
            reach it (nucleus sampling, Holtzman et al. 2020, arXiv 1904.09751).
    """
    logprobs = normalise(logits)
    if temperature <= 0.0:
        weights = [0.0] * len(logprobs)
        weights[logprobs.index(max(logprobs))] = 1.0
    else:
        top = max(logprobs)
        weights = [math.exp((logprob - top) / temperature) for logprob in logprobs]
        if top_p < 1.0:
            weights = _keep_nucleus(weights, top_p)
    ladder = list(accumulate(weights))
    total = ladder[-1]
    return Distribution(
        options=tuple(options),
        logprobs=tuple(logprobs),
        ladder=tuple(step / total for step in ladder),
    )


def _keep_nucleus(weights: list[float], top_p: float) -> list[float]:
    kept = [0.0] * len(weights)
    reached, goal = 0.0, top_p * sum(weights)
    for i in sorted(range(len(weights)), key=lambda i: -weights[i]):
        kept[i] = weights[i]
        reached += weights[i]
        if reached >= goal:
            break
    return kept
