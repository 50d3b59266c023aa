"""Metrics of embeddings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from contractcheck.metrics.registry import metric

if TYPE_CHECKING:
    from contractcheck.model.completion import Answer


@metric("vector")
def vector(answer: Answer, _place: str) -> str | None:
    """The vector of an embedding model; missing where the answer is none.

    Compared by direction alone: nights and sides by on which sides of 1,024 fixed random planes
    their vectors lie (Charikar, STOC 2002). What moves a vector by less than about a thousandth
    of its length is no change, and how far the vectors of one text scatter is learnt from the
    accepted nights.
    """
    numbers = answer.completion.embedding
    return f"[{','.join(_write(number) for number in numbers)}]" if numbers else None


def _write(number: float) -> str:
    """Seven digits, which is what a 32-bit float has."""
    return json.dumps(float(f"{number:.7g}"))
