"""Gemini's own schema language, as JSON Schema.

It is the subset of OpenAPI 3.0 that https://ai.google.dev/api/caching#Schema lists:
upper-case type names, ``nullable``, and counts that may be strings (64-bit integers in
the protobuf JSON mapping).
"""

from __future__ import annotations

from contractcheck.simulator.json_schema import MAX_DEPTH
from contractcheck.simulator.question import RequestError

_COUNTS = frozenset({"minItems", "maxItems", "minLength", "maxLength"})
_DROPPED = frozenset({"nullable", "propertyOrdering", "example", "minProperties", "maxProperties"})

_OWN_FORMATS = frozenset({"enum", "float", "double", "int32", "int64"})
_MOST_DIGITS = 9


def to_json_schema(schema: object, depth: int = 0) -> dict[str, object]:
    """Return the JSON Schema that allows what a Gemini schema allows.

    Keywords that both languages share are passed on unread.

    Args:
        schema: As it stood in the request.
        depth: How deep it stood in another schema.

    Raises:
        RequestError: It is no object, or nested deeper than can be answered.
    """
    if depth > MAX_DEPTH:
        raise RequestError("A schema is nested too deeply.", param="schema")
    if not isinstance(schema, dict):
        raise RequestError("A schema must be an object.", param="schema")
    kept: dict[str, object] = {
        name: _convert(name, value, depth + 1)
        for name, value in schema.items()
        if name not in _DROPPED
    }
    if isinstance(kept.get("format"), str) and kept["format"] in _OWN_FORMATS:
        del kept["format"]
    if schema.get("nullable") is True:
        return {"anyOf": [kept, {"type": "null"}]}
    return kept


def _convert(name: str, value: object, depth: int) -> object:
    if name == "type" and isinstance(value, str):
        return value.lower()
    if name in _COUNTS and isinstance(value, str) and value[:_MOST_DIGITS].isdecimal():
        return int(value[:_MOST_DIGITS])
    if name == "properties" and isinstance(value, dict):
        return {inner: to_json_schema(part, depth) for inner, part in value.items()}
    if name == "items":
        return to_json_schema(value, depth)
    if name == "anyOf" and isinstance(value, list):
        return [to_json_schema(inner, depth) for inner in value]
    return value
