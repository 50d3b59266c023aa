"""Checks that something was answered, and that it was not cut, withheld or declined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.checks.registry import PASSED, CheckOutcome, check, excerpt, failed, listing
from contractcheck.model.ending import ENDINGS, ending_of
from contractcheck.model.refusal import is_refusal

if TYPE_CHECKING:
    from contractcheck.checks.registry import Offer
    from contractcheck.model.completion import Completion


def _refuse_unknown(texts: tuple[str, ...], _offer: Offer | None) -> str | None:
    unknown = [text for text in texts if text not in ENDINGS]
    if not unknown:
        return None
    return f"{excerpt(unknown[0])} is no ending: use {listing(ENDINGS)}"


@check("texts", refuse=_refuse_unknown)
def ending(answer: Completion, allowed: tuple[str, ...], _offer: Offer) -> CheckOutcome:
    """The answer ends in one of these ways, in words that are the same for all providers.

    ``finished``, ``tool_calls``, ``length`` (a limit of tokens), ``refused``, ``filtered``
    (withheld by the provider), ``malformed`` (the model wrote what the provider could not read),
    ``paused``, ``failed``, ``other``, ``none`` (no reason given).
    """
    how = ending_of(answer.finish_reason)
    if how in allowed:
        return PASSED
    return failed(f"expected {listing(allowed)}, got {how!r} ({_reason(answer)})")


@check("none")
def not_truncated(answer: Completion, _texts: tuple[str, ...], _offer: Offer) -> CheckOutcome:
    """No limit of tokens cut the answer, as far as the provider says."""
    if ending_of(answer.finish_reason) != "length":
        return PASSED
    return failed(f"cut by a limit of tokens ({_reason(answer)})")


@check("none")
def no_refusal(answer: Completion, _texts: tuple[str, ...], _offer: Offer) -> CheckOutcome:
    """The answer does not decline, judged as the metric ``refusal`` does."""
    if not is_refusal(answer):
        return PASSED
    return failed(f"declines ({_reason(answer)}): {excerpt(answer.text)}")


@check("none")
def not_empty(answer: Completion, _texts: tuple[str, ...], _offer: Offer) -> CheckOutcome:
    """There is a tool call, or a text that is more than blanks."""
    if answer.tool_calls or answer.text.strip():
        return PASSED
    return failed(f"neither text nor tool call came ({_reason(answer)})")


def _reason(answer: Completion) -> str:
    reason = answer.finish_reason
    return "no finish reason" if reason is None else f"finish reason {excerpt(reason)}"
