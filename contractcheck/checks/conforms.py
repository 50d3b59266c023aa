"""The check that an answer is what was asked for: JSON of the declared shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.checks.json_schema import explain_mismatch
from contractcheck.checks.registry import PASSED, CheckOutcome, check, excerpt, failed
from contractcheck.model.json_text import JsonTextError, parse_json

if TYPE_CHECKING:
    from contractcheck.checks.registry import Offer
    from contractcheck.model.completion import Completion, ToolCall
    from contractcheck.model.suite import Tool


def _refuse_without_schema(_texts: tuple[str, ...], offer: Offer | None) -> str | None:
    if offer is None or offer.response_schema is not None or offer.tools:
        return None
    return "conforms needs a case with a response_schema or with tools"


@check("none", refuse=_refuse_without_schema)
def conforms(answer: Completion, _texts: tuple[str, ...], offer: Offer) -> CheckOutcome:
    """The answer is JSON of the case's response_schema, and tool calls fit their tools.

    The text is taken as a program would take it: JSON inside a code fence does not conform.
    An answer that only calls tools has no text to conform.
    """
    for call in answer.tool_calls:
        reason = _explain_call(call, offer)
        if reason is not None:
            return failed(reason)
    only_calls = bool(answer.tool_calls) and not answer.text
    if offer.response_schema is None or only_calls:
        return PASSED
    try:
        value = parse_json(answer.text)
    except JsonTextError as error:
        return failed(f"{error}; the answer is {excerpt(answer.text)}")
    reason = explain_mismatch(value, offer.response_schema)
    return PASSED if reason is None else failed(reason)


def _explain_call(call: ToolCall, offer: Offer) -> str | None:
    tool = next((tool for tool in offer.tools if tool.name == call.name), None)
    if tool is None:
        return f"calls {excerpt(call.name)}, which was not offered"
    return explain_arguments(call, tool)


def explain_arguments(call: ToolCall, tool: Tool) -> str | None:
    """Say why the arguments of a call do not fit its tool; None when they do."""
    if not call.is_parsed:
        return f"arguments of {tool.name} are not JSON: {excerpt(str(call.arguments))}"
    reason = explain_mismatch(call.arguments, tool.parameters)
    return None if reason is None else f"arguments of {tool.name}: {reason}"
