"""What a metric is, and how one is made from a plain function."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from contractcheck.model.completion import Answer

Kind = Literal["label", "number", "text", "json", "tools", "logprobs", "vector"]
"""What statistics may do with its values: categories, quantities, words; JSON texts that two
sides are compared in by path: documents, lists of tool calls, log-probabilities by token; or JSON
lists of numbers that are compared as one direction. Nights keep documents and calls as texts, and
no log-probabilities."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One measured quantity.

    Attributes:
        name: As written in suites.
        summary: What it is, for users.
        kind: What statistics may do with its values.
        plane: Where a change of it is reported.
        unit: Unit of a number; empty for labels and texts.
        takes_argument: Whether it needs a place (JSONPath or pattern) to look at.
        apply: Measures an answer at that place (empty without one).
        refuse: Says what is wrong with a place, or None.
    """

    name: str
    summary: str
    kind: Kind
    plane: Literal["outputs", "latency"]
    unit: str
    takes_argument: bool
    apply: Callable[[Answer, str], str | float | None]
    refuse: Callable[[str], str | None] | None

    def problem_with(self, argument: object) -> str | None:
        """Say what is wrong with an argument and what is allowed; None when it is right."""
        if self.refuse is None:
            return None if argument is None else f"{self.name} takes no argument"
        if not isinstance(argument, str) or not argument:
            return f"{self.name} takes one text: where to look, such as $.priority"
        return self.refuse(argument)


def metric(
    kind: Kind,
    *,
    plane: Literal["outputs", "latency"] = "outputs",
    unit: str = "",
    refuse: Callable[[str], str | None] | None = None,
) -> Callable[[Callable[[Answer, str], str | float | None]], Metric]:
    """Make a metric of a function; its name and docstring become the user's.

    Args:
        kind: What statistics may do with its values.
        plane: Where a change of it is reported.
        unit: Unit of a number.
        refuse: Given exactly when the metric takes an argument: says what is wrong with one.
    """

    def make(apply: Callable[[Answer, str], str | float | None]) -> Metric:
        return Metric(
            name=apply.__name__,
            summary=inspect.getdoc(apply) or "",
            kind=kind,
            plane=plane,
            unit=unit,
            takes_argument=refuse is not None,
            apply=apply,
            refuse=refuse,
        )

    return make
