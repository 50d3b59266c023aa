"""Where two JSON values differ, by JSONPath (RFC 9535 normal form, ``['x']`` as ``.x``)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.model.json_text import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.model.json_value import JsonValue


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One place at which two things differ.

    Attributes:
        where: Path of the place.
        old: What stood there, as text; None when nothing did.
        new: What stands there, as text; None when nothing does.
    """

    where: str
    old: str | None
    new: str | None


def json_differences(old: JsonValue, new: JsonValue, where: str = "$") -> Iterator[Difference]:
    """Yield the smallest places at which two values differ, in the order of the old one.

    Lists are compared by position. ``1`` and ``1.0`` are equal, ``1`` and ``true`` are not.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            place = f"{where}{_step(key)}"
            if key not in new:
                yield Difference(where=place, old=canonical_json(old[key]), new=None)
            elif key not in old:
                yield Difference(where=place, old=None, new=canonical_json(new[key]))
            else:
                yield from json_differences(old[key], new[key], place)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _list_differences(old, new, where)
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield Difference(where=where, old=canonical_json(old), new=canonical_json(new))


def _list_differences(
    old: list[JsonValue], new: list[JsonValue], where: str
) -> Iterator[Difference]:
    for index in range(max(len(old), len(new))):
        place = f"{where}[{index}]"
        if index >= len(new):
            yield Difference(where=place, old=canonical_json(old[index]), new=None)
        elif index >= len(old):
            yield Difference(where=place, old=None, new=canonical_json(new[index]))
        else:
            yield from json_differences(old[index], new[index], place)


def _step(key: str) -> str:
    return f".{key}" if re.fullmatch(r"[A-Za-z_]\w*", key, re.ASCII) else f"[{key!r}]"
