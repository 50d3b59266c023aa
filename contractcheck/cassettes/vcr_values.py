"""The values of a cassette's file, and what a YAML scalar without quotes may stand for."""

from __future__ import annotations

import re
from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | bytes | list[Value] | dict[str, Value] | None"
"""What a cassette holds: JSON, and bytes."""


class Plain(str):
    """A YAML scalar without quotes: what type it has is for whoever reads it to say."""

    __slots__ = ()


def to_number(value: Value) -> int | None:
    """A whole number, as YAML or JSON writes it; None when it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= _MOST_DIGITS and value.isascii():
        return int(value) if value.isdigit() else None
    return None


_MOST_DIGITS = 9


def to_json(value: Value) -> Value:
    """Give plain scalars the type that PyYAML would give them (YAML 1.1 as JSON has it)."""
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if not isinstance(value, Plain):
        return value
    if value in _BOOLEANS:
        return _BOOLEANS[value]
    if len(value) > _LONGEST_NUMBER or not _NUMBER.fullmatch(value):
        return str(value)
    return float(value) if "." in value else int(value)


_BOOLEANS = {"true": True, "True": True, "false": False, "False": False}
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)|[-+]?[0-9]+\.[0-9]*([eE][-+][0-9]{1,3})?")
"""As PyYAML resolves and writes them; what else looks like a number was a text to it."""

_LONGEST_NUMBER = 400
