"""Which JSON Schemas the simulated provider can promise to follow.

Like real structured-output endpoints it accepts a subset of JSON Schema 2020-12
and refuses the rest with status 400, so that a schema is never followed by halves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.simulator.question import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ANNOTATIONS = frozenset(
    {
        *("$schema", "$id", "$comment", "$anchor", "$defs", "definitions", "title"),
        *("description", "default", "examples", "deprecated", "readOnly", "writeOnly"),
    }
)
"""Keywords that constrain nothing."""

_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
_LARGEST_NUMBER = 10**15
_LARGEST_COUNT = 2000
_SMALLEST_STEP = 1e-9


def _is_type(value: object) -> bool:
    names = value if isinstance(value, list) else [value]
    return bool(names) and all(isinstance(name, str) and name in _TYPES for name in names)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) <= _LARGEST_NUMBER


def _is_step(value: object) -> bool:
    return _is_number(value) and isinstance(value, (int, float)) and value >= _SMALLEST_STEP


def _is_count(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int):
        return False
    return 0 <= value <= _LARGEST_COUNT


def _is_choice(value: object) -> bool:
    return isinstance(value, list) and bool(value)


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


_CONSTRAINTS: Mapping[str, Callable[[object], bool]] = {
    "type": _is_type,
    **dict.fromkeys(("enum", "anyOf"), _is_choice),
    "const": lambda _: True,
    **dict.fromkeys(("$ref", "pattern", "format"), lambda value: isinstance(value, str)),
    "properties": lambda value: isinstance(value, dict),
    "required": _is_names,
    **dict.fromkeys(
        ("additionalProperties", "items"), lambda value: isinstance(value, (bool, dict))
    ),
    **dict.fromkeys(("minItems", "maxItems", "minLength", "maxLength"), _is_count),
    "uniqueItems": lambda value: isinstance(value, bool),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _is_number),
    "multipleOf": _is_step,
}
"""Every supported keyword, and which values of it are."""

MAX_DEPTH = 24
"""Deepest nesting that is written; a schema that recurses further is refused."""


def as_schema(value: object, place: str) -> Mapping[str, object]:
    """Return a (sub)schema as a mapping of understood keywords.

    ``True`` means anything; ``False`` can never be satisfied.

    Raises:
        RequestError: It is no schema, or has a keyword or value that is not supported.
    """
    if value is True:
        return {}
    if not isinstance(value, dict):
        raise RequestError(f"Invalid schema at {place}: expected an object.", param="schema")
    unknown = sorted(set(value) - ANNOTATIONS - _CONSTRAINTS.keys())
    if unknown:
        raise RequestError(
            f"Invalid schema at {place}: '{unknown[0]}' is not permitted.", param="schema"
        )
    for keyword, is_supported in _CONSTRAINTS.items():
        if keyword in value and not is_supported(value[keyword]):
            raise RequestError(
                f"Invalid schema at {place}: this value of '{keyword}' is not supported.",
                param="schema",
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
