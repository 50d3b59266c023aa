"""Which JSON Schemas the simulated provider can promise to follow.

Like real structured-output endpoints it accepts a subset of JSON Schema 2020-12
and refuses the rest with status 400, so that a schema is never followed by halves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.simulator.question import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

ANNOTATIONS = frozenset(
    {
        *("$schema", "$id", "$comment", "$anchor", "$defs", "definitions", "title"),
        *("description", "default", "examples", "deprecated", "readOnly", "writeOnly"),
    }
)
"""Keywords that constrain nothing."""

_CONSTRAINTS = frozenset(
    {
        *("type", "enum", "const", "$ref", "anyOf"),
        *("properties", "required", "additionalProperties"),
        *("items", "minItems", "maxItems", "uniqueItems"),
        *("minLength", "maxLength", "pattern", "format"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    }
)

MAX_DEPTH = 24
"""Deepest nesting that is written; a schema that recurses further is refused."""


def as_schema(value: object, place: str) -> Mapping[str, object]:
    """Return a (sub)schema as a mapping of understood keywords.

    ``True`` means anything; ``False`` can never be satisfied.

    Raises:
        RequestError: It is no schema, or has a keyword that is not supported.
    """
    if value is True:
        return {}
    if not isinstance(value, dict):
        raise RequestError(f"Invalid schema at {place}: expected an object.", param="schema")
    unknown = sorted(set(value) - ANNOTATIONS - _CONSTRAINTS)
    if unknown:
        raise RequestError(
            f"Invalid schema at {place}: '{unknown[0]}' is not permitted.", param="schema"
        )
    return value


def resolve(schema: Mapping[str, object], root: Mapping[str, object], place: str) -> object:
    """Follow one local ``$ref`` (RFC 6901 pointer into ``root``).

    Raises:
        RequestError: The reference is not local or leads nowhere.
    """
    reference = schema["$ref"]
    found: object = root
    if not isinstance(reference, str) or not reference.startswith("#"):
        raise RequestError(f"Invalid schema at {place}: only local $ref.", param="schema")
    for part in reference.removeprefix("#").split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or key not in found:
            raise RequestError(
                f"Invalid schema at {place}: {reference} leads nowhere.", param="schema"
            )
        found = found[key]
    return found


def possible_types(schema: Mapping[str, object]) -> list[str]:
    """Return the types a schema allows; guessed from its keywords when it names none."""
    named = schema.get("type")
    if isinstance(named, str):
        return [named]
    if isinstance(named, list) and named:
        return [str(name) for name in named]
    if "properties" in schema or "required" in schema:
        return ["object"]
    if "items" in schema or "minItems" in schema:
        return ["array"]
    if schema.keys() & {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}:
        return ["number"]
    return ["string"]


def count_limit(schema: Mapping[str, object], keyword: str, default: int) -> int:
    """Return a non-negative integer keyword such as ``minItems``."""
    value = schema.get(keyword, default)
    return int(value) if isinstance(value, (int, float)) else default
