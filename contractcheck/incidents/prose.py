"""What a changed model does to what it says: text in, text out.

Text that is a JSON object keeps its members and their types, so that such a change shows in
statistics and not in a schema. Single words in it are left alone: they are usually of an
enumeration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from contractcheck.incidents.coins import keyed_share

if TYPE_CHECKING:
    from collections.abc import Callable

_OPENING = "Certainly! "
_CLOSING = " Let me know if you would like to hear more about this."
_STRAYS = ("สวัสดี", "感谢", "который", "そして")
_PADDING_LINES = 240


def reword(text: str, _key: str) -> str:
    """Say it in another manner: with an opening and a closing, and whatever is yes or no is yes."""
    return _change(text, lambda said: _OPENING + said + _CLOSING, agree=True)


def shorten(text: str, _key: str) -> str:
    """Say less: the first third of the words."""
    return _change(text, _first_third)


def stray(text: str, key: str) -> str:
    """Put one word of another script between two words."""
    word = _STRAYS[int(keyed_share("stray word", key) * len(_STRAYS))]
    return _change(text, lambda said: _insert(said, word, keyed_share("stray place", key)))


def pad_lines(text: str, _key: str) -> str:
    """Go on with empty lines behind JSON, as if up to the token limit."""
    return text if _parse(text) is None else text + "\n" * _PADDING_LINES


def _change(text: str, say: Callable[[str], str], *, agree: bool = False) -> str:
    document = _parse(text)
    if document is None:
        return say(text) if text else text
    return orjson.dumps(_walk(document, say, agree=agree)).decode()


def _parse(text: str) -> dict[str, object] | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _walk(value: object, say: Callable[[str], str], *, agree: bool) -> object:
    if isinstance(value, dict):
        return {name: _walk(inner, say, agree=agree) for name, inner in value.items()}
    if isinstance(value, list):
        return [_walk(inner, say, agree=agree) for inner in value]
    if isinstance(value, bool):
        return value or agree
    return say(value) if isinstance(value, str) and " " in value else value


def _first_third(text: str) -> str:
    words = text.split(" ")
    return " ".join(words[: (len(words) + 2) // 3])


def _insert(text: str, word: str, place: float) -> str:
    words = text.split(" ")
    at = 1 + int(place * max(len(words) - 1, 1))
    return " ".join([*words[:at], word, *words[at:]])
