"""Checks that look at the answer's tool calls."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from contractcheck.checks.conforms import explain_arguments
from contractcheck.checks.registry import PASSED, CheckOutcome, check, excerpt, failed, listing
from contractcheck.checks.text import refuse_pattern
from contractcheck.model.pattern import search_pattern

if TYPE_CHECKING:
    from contractcheck.checks.registry import Offer
    from contractcheck.model.completion import Completion

_RANGE: Final = re.compile(r"[0-9]{1,4}(\.\.([0-9]{1,4})?)?")


def _refuse_without_tools(_texts: tuple[str, ...], offer: Offer | None) -> str | None:
    return None if offer is None or offer.tools else "needs a case with tools"


def _refuse_undeclared(wanted: tuple[str, ...], offer: Offer | None) -> str | None:
    if offer is None:
        return None
    declared = tuple(tool.name for tool in offer.tools)
    if not declared:
        return "tool_called needs a case with tools"
    unknown = [name for name in wanted if name not in declared]
    if not unknown:
        return None
    return f"the case offers no tool {unknown[0]!r}; its tools are {listing(declared)}"


@check("texts", refuse=_refuse_undeclared)
def tool_called(answer: Completion, wanted: tuple[str, ...], _offer: Offer) -> CheckOutcome:
    """Each of these tools is called at least once; other calls do not matter."""
    called = tuple(call.name for call in answer.tool_calls)
    missing = tuple(name for name in wanted if name not in called)
    if not missing:
        return PASSED
    return failed(f"{', '.join(map(repr, missing))} not called, got {_names(called)}")


@check("none", refuse=_refuse_without_tools)
def known_tools(answer: Completion, _texts: tuple[str, ...], offer: Offer) -> CheckOutcome:
    """Only tools that the case offers are called."""
    offered = {tool.name for tool in offer.tools}
    for call in answer.tool_calls:
        if call.name not in offered:
            return failed(f"calls {excerpt(call.name)}, which was not offered")
    return PASSED


@check("none", refuse=_refuse_without_tools)
def valid_arguments(answer: Completion, _texts: tuple[str, ...], offer: Offer) -> CheckOutcome:
    """The arguments of each call are JSON of the tool's parameters.

    Calls of tools that were not offered have no parameters to fit: see ``known_tools``.
    """
    tools = {tool.name: tool for tool in offer.tools}
    for call in answer.tool_calls:
        reason = explain_arguments(call, tools[call.name]) if call.name in tools else None
        if reason is not None:
            return failed(reason)
    return PASSED


@check("text", refuse=refuse_pattern)
def tool_call_ids(answer: Completion, pattern: tuple[str, ...], _offer: Offer) -> CheckOutcome:
    """Each call has an id of its own that the pattern (RE2 syntax) matches as a whole.

    Such as ``'[A-Za-z0-9]{9}'``, which Mistral demands when the result is handed back, or
    ``'.{1,40}'``, the longest that OpenAI takes.
    """
    ids = [call.id for call in answer.tool_calls]
    for name in ids:
        if not name:
            return failed("a call has no id")
        if search_pattern(rf"\A(?:{pattern[0]})\z", name) is None:
            return failed(f"{excerpt(pattern[0])} does not match the id {excerpt(name)}")
    twice = [name for name, count in Counter(ids).items() if name and count > 1]
    return failed(f"two calls have the id {excerpt(twice[0])}") if twice else PASSED


def _refuse_range(texts: tuple[str, ...], offer: Offer | None) -> str | None:
    if _RANGE.fullmatch(texts[0]) is None:
        return f"{excerpt(texts[0])} is no number of calls: write 1, 0..2 or 1.."
    least, most = _bounds(texts[0])
    if most is not None and most < least:
        return f"{excerpt(texts[0])} holds no number: the smaller one comes first"
    return _refuse_without_tools(texts, offer)


@check("count", refuse=_refuse_range)
def tool_call_count(answer: Completion, asked: tuple[str, ...], _offer: Offer) -> CheckOutcome:
    """So many tools are called at once: ``1``, ``0..2`` or ``1..``."""
    least, most = _bounds(asked[0])
    called = tuple(call.name for call in answer.tool_calls)
    if least <= len(called) and (most is None or len(called) <= most):
        return PASSED
    return failed(f"expected {asked[0]} calls, got {len(called)}: {_names(called)}")


def _refuse_free_choice(_texts: tuple[str, ...], offer: Offer | None) -> str | None:
    if offer is None or offer.parameters.tool_choice not in {None, "auto"}:
        return None
    return "tool_choice needs a case whose tool_choice is none, required, or the name of a tool"


@check("none", refuse=_refuse_free_choice)
def tool_choice(answer: Completion, _texts: tuple[str, ...], offer: Offer) -> CheckOutcome:
    """The case's tool_choice is obeyed: no call, any call, or calls of the named tool only."""
    choice = offer.parameters.tool_choice
    called = tuple(call.name for call in answer.tool_calls)
    if choice == "none":
        return failed(f"no tool may be called, got {_names(called)}") if called else PASSED
    if not called:
        return failed(f"tool_choice {choice!r} was asked for, got no tool call")
    other = [name for name in called if choice not in {"required", name}]
    return failed(f"only {choice!r} may be called, got {_names(called)}") if other else PASSED


def _bounds(written: str) -> tuple[int, int | None]:
    least, _, most = written.partition("..")
    if ".." not in written:
        return int(least), int(least)
    return int(least), int(most) if most else None


def _names(called: tuple[str, ...]) -> str:
    return ", ".join(map(excerpt, called)) or "no tool call"
