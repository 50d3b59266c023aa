"""Tool calls as other tools record them → one form: a list of names and arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.model.json_text import JsonTextError, canonical_json, parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.json_value import JsonValue

_ARGUMENTS = ("arguments", "input", "args")


class NoToolCallsError(ValueError):
    """A cell holds no list of tool calls; the message says what it holds."""


def read_tool_calls(cell: str) -> str:
    """Write a cell's tool calls as canonical JSON: ``[{"name": …, "arguments": …}]``.

    Read are lists of calls (or one call, or an object with ``tool_calls``) with ``name`` and
    ``arguments``, OpenAI's ``function`` around them, Anthropic's ``input``, and ``args``. Arguments
    may be an object or its JSON text; a text that is not JSON stays a text. Identifiers are left
    out. A blank cell and ``null`` are no call.

    Raises:
        NoToolCallsError: If the cell is something else.
    """
    if not cell.strip():
        return "[]"
    try:
        found = parse_json(cell)
    except JsonTextError as error:
        raise NoToolCallsError(str(error)) from error
    if isinstance(found, dict) and "tool_calls" in found:
        found = found["tool_calls"]
    if found is None:
        return "[]"
    calls = found if isinstance(found, list) else [found]
    return canonical_json([_read_call(call) for call in calls])


def _read_call(call: JsonValue) -> JsonValue:
    inner = call.get("function", call) if isinstance(call, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
        raise NoToolCallsError(f"a call without a name: {canonical_json(call)[:60]}")
    call_read: JsonValue = {"name": inner["name"], "arguments": _read_arguments(inner)}
    return call_read


def _read_arguments(call: Mapping[str, JsonValue]) -> JsonValue:
    value = next((call[key] for key in _ARGUMENTS if call.get(key) is not None), {})
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value) if value.strip() else {}
    except JsonTextError:
        return value
