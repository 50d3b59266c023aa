"""Where in an answer a label or number is: a JSONPath (RFC 9535), or a pattern in its text."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, cast

from contractcheck.model.json_text import JsonTextError, parse_json
from contractcheck.model.pattern import PatternError, check_pattern, search_pattern

if TYPE_CHECKING:
    from jsonpath_rfc9535 import JSONPathQuery

    from contractcheck.model.json_value import JsonValue


class NothingThereError(LookupError):
    """An answer has no value at a place; ``category`` says why, as a label."""

    def __init__(self, category: str) -> None:
        super().__init__(category)
        self.category = category


NOT_JSON = "<not json>"
ABSENT = "<absent>"
NO_MATCH = "<no match>"


def refuse_place(place: str) -> str | None:
    """Say what is wrong with a place; None for a singular JSONPath or an RE2 pattern.

    A JSONPath must be singular (RFC 9535 §2.3.5.1: names and indices only), because a label
    or number is one value; that also keeps regular expressions out of it.
    """
    if not _is_path(place):
        try:
            check_pattern(place)
        except PatternError as error:
            return f"{place!r} is {error}; a JSONPath begins with '$'"
        return None
    from jsonpath_rfc9535 import JSONPathError

    try:
        path = _compile(place)
    except (JSONPathError, ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        return f"{place!r} is not a JSONPath of RFC 9535 ({reason}), such as $.order.items[0]"
    if not path.singular_query():
        return f"{place!r} can mean several values; name one, such as $.order.items[0]"
    return None


def look_up(place: str, text: str) -> JsonValue:
    """Return the value at a place that ``refuse_place`` accepts.

    Raises:
        NothingThereError: If the text is not JSON, or has nothing there.
    """
    if not _is_path(place):
        found = search_pattern(place, text)
        if found is None:
            raise NothingThereError(NO_MATCH)
        return found
    try:
        document = parse_json(text)
    except JsonTextError:
        raise NothingThereError(NOT_JSON) from None
    if not isinstance(document, dict | list):
        # The library would take a bare string for a JSON text and parse it again.
        values = [document] if place == "$" else []
    else:
        values = cast("list[JsonValue]", _compile(place).find(document).values())
    if not values:
        raise NothingThereError(ABSENT)
    return values[0]


def _is_path(place: str) -> bool:
    # A pattern that begins with the end of the text matches nothing of use: no ambiguity.
    return place.startswith("$")


@lru_cache(maxsize=256)
def _compile(place: str) -> JSONPathQuery:
    """Pure, so the cache is invisible."""
    from jsonpath_rfc9535 import compile as compile_path

    return compile_path(place)
