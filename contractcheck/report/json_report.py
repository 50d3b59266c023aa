"""The report for programs: every number, stable keys, no NaN."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contractcheck.model.report import Report

SCHEMA_VERSION = 1
"""Raised when a key changes its meaning or disappears."""


def render(report: Report) -> str:
    """Render a report as JSON; the same report gives the same bytes."""
    import orjson

    document = {"contractcheck_report": SCHEMA_VERSION, **plain_fields(report)}
    if report.gate is None:
        del document["gate"]
    if not report.charts:
        del document["charts"]
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


def plain_fields(value: object) -> dict[str, object]:
    """The fields of one of our nouns as JSON has them: numbers to nine digits, no NaN.

    Raises:
        TypeError: If the value is not a dataclass.
    """
    if not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} is not part of a report")
    return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return plain_fields(value)
    if isinstance(value, Mapping | tuple):
        return _plain_items(value)
    if isinstance(value, float):
        return float(f"{value:.9g}") if math.isfinite(value) else None
    if isinstance(value, str):
        # JSON text must be encodable: half of a surrogate pair is not.
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def _plain_items(values: Mapping[str, object] | tuple[object, ...]) -> object:
    if isinstance(values, Mapping):
        return {str(key): _plain(item) for key, item in values.items()}
    return [_plain(item) for item in values]
