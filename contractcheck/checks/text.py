"""Checks that look at the answer's text, and at its finish reason as it is spelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.checks.registry import PASSED, CheckOutcome, check, excerpt, failed, listing
from contractcheck.model.pattern import PatternError, check_pattern, search_pattern
from contractcheck.model.scripts import SCRIPTS, find_foreign_letter

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


def refuse_pattern(texts: tuple[str, ...], _offer: Offer | None) -> str | None:
    """Say what is wrong with an argument that should be an RE2 pattern; None when nothing is."""
    try:
        check_pattern(texts[0])
    except PatternError as error:
        return f"{excerpt(texts[0])} is {error}"
    return None


@check("text", refuse=refuse_pattern)
def matches(answer: Completion, pattern: tuple[str, ...], _offer: Offer) -> CheckOutcome:
    """The pattern (RE2 syntax: no lookaround, no backreferences) is found in the answer."""
    if search_pattern(pattern[0], answer.text) is not None:
        return PASSED
    return failed(f"{excerpt(pattern[0])} does not match {excerpt(answer.text)}")


_LONGEST_BLANK = 50
"""Characters. Indented code and tables stay below; a model that is caught in blanks does not."""

_BLANKS = rf"\s{{{_LONGEST_BLANK + 1}}}"


@check("none")
def no_padding(answer: Completion, _texts: tuple[str, ...], _offer: Offer) -> CheckOutcome:
    """Nowhere are there more than 50 blanks (spaces, tabs, line breaks) in a row.

    Models held to a JSON grammar may emit blanks until the limit of tokens: a grammar allows
    them between any two parts.
    """
    if search_pattern(_BLANKS, answer.text) is None:
        return PASSED
    return failed(f"more than {_LONGEST_BLANK} blanks in a row in {excerpt(answer.text.strip())}")


def _refuse_script(texts: tuple[str, ...], _offer: Offer | None) -> str | None:
    unknown = [text for text in texts if text not in SCRIPTS]
    if not unknown:
        return None
    return f"{excerpt(unknown[0])} is no script that is known here: use {listing(SCRIPTS)}"


@check("texts", refuse=_refuse_script)
def script(answer: Completion, allowed: tuple[str, ...], _offer: Offer) -> CheckOutcome:
    """Every letter is of one of these scripts, such as ``Latin`` or ``[Han, Latin]``.

    Scripts are those of Unicode; Japanese is written in ``[Han, Hiragana, Katakana]``. Digits,
    signs and emoji belong to none and may stand anywhere.
    """
    letter = find_foreign_letter(answer.text, allowed)
    if letter is None:
        return PASSED
    return failed(f"{excerpt(letter)} is not {listing(allowed)}, in {excerpt(answer.text)}")
