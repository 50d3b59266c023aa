"""Reading JSON that others wrote: strictly, and without a way to crash or stall the reader."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonValue

MAX_DEPTH = 50
"""Deepest nesting accepted: far beyond real contracts, far below Python's recursion limit."""

_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


class JsonTextError(ValueError):
    """A text is not JSON as RFC 8259 has it; ``line`` is 1-based, or None when unknown."""

    def __init__(self, what: str, *, line: int | None = None) -> None:
        super().__init__(what)
        self.line = line


def parse_json(text: str, *, unique_keys: bool = False) -> JsonValue:
    """Parse a JSON text (RFC 8259).

    Stricter than the standard library: ``NaN``, ``Infinity``, numbers beyond the range of a
    double, integers too long to read, and nesting deeper than ``MAX_DEPTH`` are refused.

    Args:
        text: The whole text.
        unique_keys: Refuse an object that names a key twice (otherwise the last one wins, as
            in most parsers).

    Raises:
        JsonTextError: If the text is not such JSON; the message is one clause, without a stop.
    """
    depth = _depth(text)
    if depth > MAX_DEPTH:
        raise JsonTextError(f"nested {depth} deep; at most {MAX_DEPTH} levels are read")
    hook = _unique_object if unique_keys else None
    try:
        return cast(
            "JsonValue",
            json.loads(
                text,
                object_pairs_hook=hook,
                parse_constant=_refuse_constant,
                parse_float=_finite_float,
            ),
        )
    except JsonTextError:
        raise
    except json.JSONDecodeError as error:
        what = f"not JSON: {error.msg} (line {error.lineno} column {error.colno})"
        raise JsonTextError(what, line=error.lineno) from None
    except ValueError:
        # CPython refuses integers of more than 4300 digits (CVE-2020-10735).
        raise JsonTextError("holds an integer with too many digits to read") from None


def canonical_json(value: JsonValue, *, sort_keys: bool = True) -> str:
    """One spelling per value: no blanks, keys sorted (unless their order is meant), no escapes."""
    return json.dumps(
        value, sort_keys=sort_keys, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def _depth(text: str) -> int:
    depth = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _unique_object(pairs: list[tuple[str, JsonValue]]) -> JsonValue:
    found: dict[str, JsonValue] = {}
    for key, value in pairs:
        if key in found:
            raise JsonTextError(f"names the key {key!r} twice in one object")
        found[key] = value
    return found


def _refuse_constant(name: str) -> JsonValue:
    raise JsonTextError(f"not JSON: {name} is not a JSON number")


def _finite_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise JsonTextError(f"holds {digits[:20]}, which is beyond the range of a number")
    return number
