"""Why a request is none of the recorded ones: the nearest of them, and where it differs."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from contractcheck.cassettes.canonical import written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contractcheck.cassettes.canonical import CanonicalRequest
    from contractcheck.model.json_value import JsonValue

_LOOKED_AT = 500
"""Recorded requests of one case that are compared; the text is for a human who waits for it."""

_SHOWN = 8
_WIDTH = 48
_ABSENT = "nothing"


def explain_mismatch(sent: CanonicalRequest, recorded: Iterable[CanonicalRequest]) -> str:
    """Say why a request does not match; both sides must be free of secrets.

    Args:
        sent: The request.
        recorded: All recorded requests of its case.
    """
    theirs = _parts(sent)
    nearest: dict[str, tuple[str, str]] | None = None
    for candidate in islice(recorded, _LOOKED_AT):
        found = _differences(_parts(candidate), theirs)
        if nearest is None or len(found) < len(nearest):
            nearest = found
    if nearest is None:
        return "this case has no recording; record it first"
    if not nearest:
        return (
            "is recorded with the same parts under another digest, which cannot be told from it; "
            "record it again"
        )
    lines = [f"  {place}: recorded {was} -> sent {now}" for place, (was, now) in nearest.items()]
    if len(lines) > _SHOWN:
        lines[_SHOWN:] = [f"  and {len(lines) - _SHOWN} more"]
    return (
        "was never recorded; the nearest recorded request differs in:\n"
        + "\n".join(lines)
        + "\nRecord it again, or declare what may differ (volatile: [JSONPath])"
    )


def _parts(request: CanonicalRequest) -> dict[str, JsonValue | bytes]:
    parts: dict[str, JsonValue | bytes] = {
        "method": request.method,
        "host": request.place.host,
        "path": request.place.path,
    }
    if request.operation:
        parts["header x-amz-target"] = request.operation
    for name, value in request.place.query:
        parts[f"query {name}" + "'" * sum(key.startswith(f"query {name}") for key in parts)] = value
    body = request.body
    if isinstance(body, bytes):
        parts["body"] = body
    else:
        parts.update(_leaves(body, "$"))
    return parts


def _leaves(value: JsonValue, path: str) -> Iterator[tuple[str, JsonValue]]:
    """Every leaf of a JSON value with its path; empty containers are leaves."""
    left: list[tuple[JsonValue, str]] = [(value, path)]
    while left:
        item, place = left.pop()
        if isinstance(item, dict) and item:
            left.extend((item[key], f"{place}.{key}") for key in sorted(item, reverse=True))
        elif isinstance(item, list) and item:
            left.extend((item[n], f"{place}[{n}]") for n in reversed(range(len(item))))
        else:
            yield place, item


def _differences(
    was: dict[str, JsonValue | bytes], now: dict[str, JsonValue | bytes]
) -> dict[str, tuple[str, str]]:
    return {
        place: _shown(was, now, place)
        for place in dict.fromkeys((*was, *now))
        if place not in was or place not in now or was[place] != now[place]
    }


def _shown(
    was: dict[str, JsonValue | bytes], now: dict[str, JsonValue | bytes], place: str
) -> tuple[str, str]:
    """Both values around the first place where they differ."""
    left, right = (_text(side[place]) if place in side else _ABSENT for side in (was, now))
    same = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), 0)
    start = max(0, same - _WIDTH // 3)
    return _window(left, start), _window(right, start)


def _window(text: str, start: int) -> str:
    if len(text) <= _WIDTH:
        return text
    end = start + _WIDTH
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


def _text(value: JsonValue | bytes) -> str:
    return repr(value) if isinstance(value, bytes) else written(value).decode()
