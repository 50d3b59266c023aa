"""Checks that look at the answer's tool calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.checks.registry import PASSED, CheckOutcome, check, excerpt, failed, listing

if TYPE_CHECKING:
    from contractcheck.checks.registry import Offer
    from contractcheck.model.completion import Completion


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
    got = ", ".join(map(excerpt, called)) or "no tool call"
    return failed(f"{', '.join(map(repr, missing))} not called, got {got}")
