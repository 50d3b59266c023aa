"""Values that a suite writes in short: ids, budgets, margins, checks and metrics.

Each reader takes what the file holds and returns a noun, or raises a ``FieldError`` whose text
is the sentence that users read: what was expected, what was there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from contractcheck.checks import CHECKS
from contractcheck.checks.registry import excerpt, listing, read_texts
from contractcheck.metrics import METRICS
from contractcheck.model.suite import ID_PATTERN, CheckMode, Margin

if TYPE_CHECKING:
    from collections.abc import Collection

    from contractcheck.model.json_value import JsonValue

VERSION_PATTERN = (
    r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)
"""Semantic Versioning 2.0.0, https://semver.org."""

BUDGET_PATTERN = r"(0?\.[0-9]+)/year"

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file: also with an extension.
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_DIFFERENCE = re.compile(r"[+-]?(0|1|0?\.[0-9]+|1\.0+)")
_RATIO = re.compile(r"([1-9][0-9]*(\.[0-9]+)?)x")


class FieldError(ValueError):
    """A value is not what its place in the file allows; the text is for users."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckEntry:
    """One check as written: name, argument, mode."""

    name: str
    argument: str | tuple[str, ...] | None
    mode: CheckMode
    rate: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricEntry:
    """One metric as written: name and argument."""

    name: str
    argument: str | None


def show(value: JsonValue) -> str:
    """Name a value in an error: ``the text 'a'``, ``the number 3``, ``nothing``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {excerpt(value)}"
    if isinstance(value, int | float):
        return f"the number {str(value)[:40]}"
    if isinstance(value, dict):
        return "a mapping"
    return f"a list of {len(value)}" if value else "an empty list"


def guess(wrong: str, allowed: Collection[str]) -> str:
    """Suggest the nearest allowed name, then list them all."""
    near = get_close_matches(wrong, sorted(allowed), n=1)
    names = ", ".join(sorted(allowed))
    return f"did you mean {near[0]!r}? Allowed: {names}" if near else f"allowed: {names}"


def read_id(value: JsonValue) -> str:
    """Read the name of a suite or case."""
    if not isinstance(value, str):
        raise FieldError(f"expected a name such as refund-json, got {show(value)}")
    if not re.fullmatch(ID_PATTERN, value):
        raise FieldError(
            f"{excerpt(value)} is not a name: 1 to 64 of a-z, 0-9, '.', '_' and '-', "
            "beginning with a letter or digit"
        )
    if _RESERVED.fullmatch(value) or value.endswith("."):
        raise FieldError(f"{value!r} cannot be a file name on Windows; choose another name")
    return value


def read_version(value: JsonValue) -> str:
    """Read a semantic version."""
    if isinstance(value, str) and re.fullmatch(VERSION_PATTERN, value):
        return value
    raise FieldError(f"expected a semantic version such as 2.1.0, got {show(value)}")


def read_budget(value: JsonValue) -> float:
    """Read a yearly alarm budget, ``0.10/year`` → 0.10."""
    found = re.fullmatch(BUDGET_PATTERN, value) if isinstance(value, str) else None
    if found is None or not 0 < float(found[1]) < 1:
        raise FieldError(
            "expected the chance of any false alarm in a year, between 0 and 1, such as "
            f"0.10/year; got {show(value)}"
        )
    return float(found[1])


def read_difference(value: JsonValue) -> Margin:
    """Read a tolerated difference of a share, ``-0.02`` or ``+0.02``."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    text = str(value) if is_number else value
    if not isinstance(text, str) or not _DIFFERENCE.fullmatch(text):
        raise FieldError(
            f"expected a difference between -1 and 1, such as -0.02 or +0.02; got {show(value)}"
        )
    return Margin(value=float(text), kind="difference")


def read_ratio(value: JsonValue) -> Margin:
    """Read a tolerated ratio of times, ``1.25x``."""
    found = _RATIO.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise FieldError(f"expected a ratio of at least 1, such as 1.25x; got {show(value)}")
    return Margin(value=float(found[1]), kind="ratio")


def read_path(value: JsonValue) -> str:
    """Read a JSONPath (RFC 9535), ``$.metadata.request_id``; it may name several values."""
    from jsonpath_rfc9535 import JSONPathError
    from jsonpath_rfc9535 import compile as compile_path

    if not isinstance(value, str):
        raise FieldError(f"expected a JSONPath such as $.metadata.request_id, got {show(value)}")
    try:
        compile_path(value)
    except (JSONPathError, ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise FieldError(
            f"{excerpt(value)} is not a JSONPath of RFC 9535 ({reason}), such as "
            "$.metadata.request_id"
        ) from error
    return value


def read_check(value: JsonValue) -> CheckEntry:
    """Read ``conforms`` or ``{finish_reason: [stop], mode: always}``."""
    mapping: dict[str, JsonValue]
    if isinstance(value, str):
        mapping = {value: None}
    elif isinstance(value, dict):
        mapping = dict(value)
    else:
        raise FieldError(f"expected a check, such as conforms, got {show(value)}")
    written = mapping.pop("mode", CheckMode.NO_WORSE.value)
    name, argument = _read_one("check", mapping, CHECKS)
    problem = CHECKS[name].problem_with(argument, None)
    if problem is not None:
        raise FieldError(problem)
    texts = read_texts(argument, CHECKS[name].form) or ()
    mode, rate = _read_mode(written)
    as_written = texts if isinstance(argument, list) else next(iter(texts), None)
    return CheckEntry(name=name, argument=as_written, mode=mode, rate=rate)


def read_metric(value: JsonValue) -> MetricEntry:
    """Read ``text`` or ``{label: $.priority}``."""
    mapping: dict[str, JsonValue]
    if isinstance(value, str):
        mapping = {value: None}
    elif isinstance(value, dict):
        mapping = dict(value)
    else:
        raise FieldError(f"expected a metric, such as text, got {show(value)}")
    name, argument = _read_one("metric", mapping, METRICS)
    problem = METRICS[name].problem_with(argument)
    if problem is not None:
        raise FieldError(problem)
    return MetricEntry(name=name, argument=argument if isinstance(argument, str) else None)


def label_of(name: str, argument: str | tuple[str, ...] | None) -> str:
    """How tables call a check or metric: stable under edits of its neighbours."""
    if argument is None:
        return name
    return f"{name}:{argument if isinstance(argument, str) else '|'.join(argument)}"


def _read_one(
    noun: str, mapping: dict[str, JsonValue], known: Collection[str]
) -> tuple[str, JsonValue]:
    unknown = [name for name in mapping if name not in known]
    if unknown:
        raise FieldError(f"unknown {noun} {excerpt(unknown[0])}; {guess(unknown[0], known)}")
    if len(mapping) != 1:
        named = f"{len(mapping)} names ({', '.join(mapping)})" if mapping else "no name"
        raise FieldError(f"expected one {noun} here, got {named}")
    return next(iter(mapping.items()))


def _read_mode(value: JsonValue) -> tuple[CheckMode, float | None]:
    if value == CheckMode.ALWAYS.value:
        return CheckMode.ALWAYS, None
    if value == CheckMode.NO_WORSE.value:
        return CheckMode.NO_WORSE, None
    if isinstance(value, dict) and set(value) == {"rate"}:
        rate = value["rate"]
        if isinstance(rate, int | float) and not isinstance(rate, bool) and 0 < rate <= 1:
            return CheckMode.RATE, float(rate)
        raise FieldError(f"mode: expected a rate above 0 and at most 1, got {show(rate)}")
    allowed = (CheckMode.ALWAYS.value, CheckMode.NO_WORSE.value)
    raise FieldError(f"mode: expected {listing(allowed)} or {{rate: 0.98}}, got {show(value)}")
