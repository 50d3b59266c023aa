"""What a check is, and how one is made from a plain function."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from contractcheck.model.completion import Completion
    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.suite import Parameters, Tool

ArgumentForm = Literal["none", "text", "texts", "count"]
"""No argument; one text; one text or a list of them; a whole number or a text such as ``0..2``."""

_EXCERPT_LENGTH = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckOutcome:
    """Whether one answer passed; ``detail`` says why not: short, no control characters."""

    passed: bool
    detail: str = ""


PASSED = CheckOutcome(passed=True)


def failed(detail: str) -> CheckOutcome:
    """Return the outcome of an answer that did not pass, and why."""
    return CheckOutcome(passed=False, detail=detail)


class Offer(Protocol):
    """What a check needs to know of a case: what the model was offered."""

    @property
    def response_schema(self) -> JsonObject | None:
        """JSON Schema the answer was asked to conform to."""

    @property
    def tools(self) -> tuple[Tool, ...]:
        """Tools the model may call."""

    @property
    def parameters(self) -> Parameters:
        """How the answer was asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One check.

    Attributes:
        name: As written in suites.
        summary: What it demands, for users.
        form: Which argument it takes.
        apply: Judges a completion; the argument comes as a tuple of texts.
        refuse: Says what is wrong with an argument of the right form, or None.
    """

    name: str
    summary: str
    form: ArgumentForm
    apply: Callable[[Completion, tuple[str, ...], Offer], CheckOutcome]
    refuse: Callable[[tuple[str, ...], Offer | None], str | None]

    def problem_with(self, argument: JsonValue, offer: Offer | None) -> str | None:
        """Say what is wrong with an argument and what is allowed; None when it is right.

        Args:
            argument: As written in the suite.
            offer: The case, or None when it could not be read: then only what does not
                depend on the case is judged.
        """
        texts = read_texts(argument, self.form)
        if texts is None:
            return f"{self.name} takes {_FORM_WORDS[self.form]}"
        return self.refuse(texts, offer)


def check(
    form: ArgumentForm,
    *,
    refuse: Callable[[tuple[str, ...], Offer | None], str | None] = lambda _texts, _offer: None,
) -> Callable[[Callable[[Completion, tuple[str, ...], Offer], CheckOutcome]], Check]:
    """Make a check of a function; its name and docstring become the user's."""

    def make(apply: Callable[[Completion, tuple[str, ...], Offer], CheckOutcome]) -> Check:
        return Check(
            name=apply.__name__,
            summary=inspect.getdoc(apply) or "",
            form=form,
            apply=apply,
            refuse=refuse,
        )

    return make


def read_texts(argument: JsonValue, form: ArgumentForm) -> tuple[str, ...] | None:
    """Bring an argument into one shape; None when it does not have the form asked for."""
    if form == "none":
        return () if argument is None else None
    if form == "count" and isinstance(argument, int) and not isinstance(argument, bool):
        return (str(argument),)
    if isinstance(argument, str):
        return (argument,) if argument else None
    if form != "texts" or not isinstance(argument, list | tuple):
        return None
    texts = tuple(item for item in argument if isinstance(item, str) and item)
    return texts if texts and len(texts) == len(argument) else None


def excerpt(text: str) -> str:
    """Quote the beginning of a text that others wrote; nothing in it can act on a terminal."""
    if len(text) <= _EXCERPT_LENGTH:
        return repr(text)
    return f"{text[:_EXCERPT_LENGTH]!r}… ({len(text)} characters)"


def listing(texts: tuple[str, ...]) -> str:
    """Quote the allowed values: ``'a', 'b' or 'c'``."""
    quoted = [repr(text) for text in texts]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


_FORM_WORDS = {
    "none": "no argument",
    "text": "one text",
    "texts": "a text or a list of texts, none of them empty",
    "count": "a whole number, or a range such as 0..2 or 1..",
}
