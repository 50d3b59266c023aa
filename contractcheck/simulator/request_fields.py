"""Read the fields that dialects share from a JSON request body."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from contractcheck.simulator.keyed import keyed_integer
from contractcheck.simulator.question import RequestError, Tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_STREAM_FIELDS = frozenset({"stream", "stream_options"})


def read_text(body: Mapping[str, object], name: str) -> str:
    """Return a required string field.

    Raises:
        RequestError: It is missing or no string.
    """
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise RequestError(f"'{name}' must be a non-empty string.", param=name)
    return value


def read_number(
    body: Mapping[str, object], name: str, default: float, low: float, high: float
) -> float:
    """Return an optional number field inside ``[low, high]``.

    Raises:
        RequestError: It is no number or outside the range.
    """
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RequestError(f"'{name}' must be a number.", param=name)
    if not low <= value <= high:
        raise RequestError(f"'{name}' must be between {low:g} and {high:g}.", param=name)
    return value


def read_integer(body: Mapping[str, object], name: str, default: int, low: int, high: int) -> int:
    """Return an optional integer field inside ``[low, high]``.

    Raises:
        RequestError: It is no integer or outside the range.
    """
    value = read_number(body, name, default, low, high)
    if value != int(value):
        raise RequestError(f"'{name}' must be an integer.", param=name)
    return int(value)


def read_messages(body: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Return the ``messages`` field.

    Raises:
        RequestError: It is not a non-empty list of objects with a role.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RequestError("'messages' must be a non-empty array.", param="messages")
    for i, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise RequestError(f"'messages[{i}]' must have a role.", param=f"messages[{i}]")
    return messages


def flatten_content(content: object) -> str:
    """Return the text of a message's content: a string or a list of typed parts.

    The content of a tool result may again be a list of parts, once.
    """
    if isinstance(content, str):
        return content
    parts = [as_mapping(part) for part in as_list(content)]
    nested = [as_mapping(inner) for part in parts for inner in as_list(part.get("content"))]
    found = [part.get(name) for part in (*parts, *nested) for name in ("text", "content")]
    return "\n".join(text for text in found if isinstance(text, str))


def read_schema(value: object, param: str) -> Mapping[str, object]:
    """Return an object-valued schema field.

    Raises:
        RequestError: It is no object.
    """
    if not isinstance(value, dict):
        raise RequestError(f"'{param}' must be a JSON Schema object.", param=param)
    return value


def read_tools(
    written: Iterable[object],
    read_parameters: Callable[[Mapping[str, object]], Mapping[str, object]],
) -> tuple[Tool, ...]:
    """Return the tools that a request offers.

    Args:
        written: Of each tool the object with ``name`` and ``description``.
        read_parameters: Finds the JSON Schema of its arguments in such an object.

    Raises:
        RequestError: One has no name, or its parameters are no schema.
    """
    return tuple(
        Tool(
            name=read_text(tool, "name"),
            description=str(tool.get("description") or ""),
            parameters=read_parameters(tool),
        )
        for tool in map(as_mapping, written)
    )


def read_function_tools(body: Mapping[str, object]) -> tuple[Tool, ...]:
    """Return the ``tools`` field of chat completions, in which every tool wraps a ``function``.

    Raises:
        RequestError: As ``read_tools``.
    """
    return read_tools(
        (as_mapping(tool).get("function") for tool in as_list(body.get("tools"))),
        lambda function: read_schema(function.get("parameters", {}), "tools"),
    )


def as_mapping(value: object) -> Mapping[str, object]:
    """Return ``value`` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """Return ``value`` if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def read_stops(value: object, param: str) -> tuple[str, ...]:
    """Return stop texts: one, several or none.

    Raises:
        RequestError: One of them is empty or no string.
    """
    stops = [value] if isinstance(value, str) else as_list(value)
    kept = tuple(stop for stop in stops if isinstance(stop, str) and stop)
    if len(kept) != len(stops):
        raise RequestError(f"'{param}' must hold non-empty strings.", param=param)
    return kept


def canonical_key(body: Mapping[str, object]) -> str:
    """Return a digest that names a request: its body with sorted keys, without streaming options.

    A streamed and a plain request therefore get the same answers.

    Raises:
        RequestError: The body is nested deeper than can be written again.
    """
    kept = {name: value for name, value in body.items() if name not in _STREAM_FIELDS}
    try:
        canonical = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        raise RequestError("The JSON body of your request is nested too deeply.") from None
    return f"{keyed_integer(canonical.decode()):016x}"
