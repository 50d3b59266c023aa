"""Checks that look at the answer's text and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.checks.registry import PASSED, CheckOutcome, check, excerpt, failed, listing
from contractcheck.model.pattern import PatternError, check_pattern, search_pattern

if TYPE_CHECKING:
    from contractcheck.checks.registry import Offer
    from contractcheck.model.completion import Completion


@check("texts")
def finish_reason(answer: Completion, allowed: tuple[str, ...], _offer: Offer) -> CheckOutcome:
    """The answer ends for one of these reasons, spelled as the provider spells them."""
    if answer.finish_reason in allowed:
        return PASSED
    got = "no finish reason" if answer.finish_reason is None else excerpt(answer.finish_reason)
    return failed(f"expected {listing(allowed)}, got {got}")


@check("texts")
def contains(answer: Completion, wanted: tuple[str, ...], _offer: Offer) -> CheckOutcome:
    """Each of these texts occurs in the answer, letter by letter."""
    missing = tuple(text for text in wanted if text not in answer.text)
    if not missing:
        return PASSED
    return failed(f"{', '.join(map(excerpt, missing))} not found in {excerpt(answer.text)}")


def _refuse_pattern(texts: tuple[str, ...], _offer: Offer | None) -> str | None:
    try:
        check_pattern(texts[0])
    except PatternError as error:
        return f"{excerpt(texts[0])} is {error}"
    return None


@check("text", refuse=_refuse_pattern)
def matches(answer: Completion, pattern: tuple[str, ...], _offer: Offer) -> CheckOutcome:
    """The pattern (RE2 syntax: no lookaround, no backreferences) is found in the answer."""
    if search_pattern(pattern[0], answer.text) is not None:
        return PASSED
    return failed(f"{excerpt(pattern[0])} does not match {excerpt(answer.text)}")
