"""The fields of an interaction that vcrpy wrote in many ways: texts, headers, bodies."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, cast

from contractcheck.cassettes.vcr_values import Plain, to_json, to_number
from contractcheck.model.json_text import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.cassettes.vcr_values import Value
    from contractcheck.model.exchange import Headers
    from contractcheck.model.json_value import JsonValue


class NotThisError(ValueError):
    """What is wrong with one interaction, as a clause; never quotes it: it may hold a key."""


def read_text(value: Value, what: str) -> str:
    """Read a text.

    Args:
        value: What the file holds.
        what: Name of the field, for the error.

    Raises:
        NotThisError: If it is none.
    """
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise NotThisError(f"{what} is missing" if value is None else f"{what} is not a text")
    text = str(value)
    if not _is_unicode(text):
        raise NotThisError(f"{what} holds half of a surrogate pair, which is not text")
    return text


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def read_headers(value: Value, what: str) -> Headers:
    """Read headers: a mapping to lists or single values, a list of pairs, or raw lines.

    Args:
        value: What the file holds; None is no headers.
        what: Name of the field, for the error.

    Raises:
        NotThisError: If they are none of these, or would not be headers on a wire (RFC 9110, 5).
    """
    pairs = tuple(_header_pairs(value, what))
    for name, content in pairs:
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}", name):
            raise NotThisError(f"{what}: a name that no header can have")
        if re.search(r"[\r\n\0]", content):
            raise NotThisError(f"{what}: {name} holds a line break")
    return pairs


def _header_pairs(value: Value, what: str) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, dict):
        for name, content in value.items():
            for one in content if isinstance(content, list) else [content]:
                yield name, "" if one is None else read_text(one, f"{what}: {name}")
        return
    if not isinstance(value, list):
        raise NotThisError(f"{what} are neither a mapping nor a list")
    for item in value:
        yield from _header_item(item, what)


def _header_item(item: Value, what: str) -> Iterator[tuple[str, str]]:
    """One entry of a list of headers: a pair, a raw line, or a list of pairs."""
    if isinstance(item, list) and item and isinstance(item[0], list):
        yield from _header_pairs(item, what)
    elif isinstance(item, list) and len(item) == len(("name", "value")):
        yield read_text(item[0], what), read_text(item[1], what)
    elif isinstance(item, str) and ":" in item:
        name, _, content = item.partition(":")
        yield name.strip(), content.strip()
    else:
        raise NotThisError(f"{what}: an entry that is neither a pair nor a line")


def read_body(value: Value, part: dict[str, Value], what: str) -> bytes:
    """Read a body: text, bytes, a mapping that says which, chunks, or JSON stored parsed.

    Args:
        value: What the file holds; None is no body.
        part: The request or response, where ``parsed_body`` may stand instead.
        what: Name of the field, for the error.

    Raises:
        NotThisError: If it is none of these.
    """
    if value is None and "parsed_body" in part:
        return _spelled(part["parsed_body"], what)
    if isinstance(value, dict):
        return _mapped_body(value, what)
    if not isinstance(value, list):
        return _bytes(value, what)
    # An iterator, chunk by chunk; or the bytes one by one.
    numbers = [to_number(item) for item in value if isinstance(item, int | Plain)]
    if value and None not in numbers and len(numbers) == len(value):
        return _from_numbers(cast("list[int]", numbers), what)
    return b"".join(_bytes(item, what) for item in value)


def _mapped_body(value: dict[str, Value], what: str) -> bytes:
    if "base64_string" in value:
        return _base64(value["base64_string"], what)
    if "string" in value or not value:
        return _bytes(value.get("string"), what)
    if "type" in value:
        return _typed_body(value, what)
    raise NotThisError(f"{what} has neither string nor base64_string")


def _typed_body(value: dict[str, Value], what: str) -> bytes:
    kind, content = value["type"], value.get("content")
    if kind == "json":
        return _spelled(content, what)
    if kind == "binary" and not isinstance(content, bytes):
        return _base64(content, what)
    if kind in ("text", "binary", "none"):
        return _bytes(content, what)
    raise NotThisError(f"{what} is of an unknown type")


def _from_numbers(numbers: list[int], what: str) -> bytes:
    try:
        return bytes(numbers)
    except ValueError:
        raise NotThisError(f"{what} is a list of numbers that are no bytes") from None


def _bytes(value: Value, what: str) -> bytes:
    if isinstance(value, bytes):
        return value
    if value is None:
        return b""
    if isinstance(value, str) and not _is_unicode(value):
        raise NotThisError(f"{what} holds half of a surrogate pair, which is not text")
    if isinstance(value, str):
        return value.encode()
    return _spelled(value, what)


def _base64(value: Value, what: str) -> bytes:
    try:
        return base64.b64decode("".join(read_text(value, what).split()), validate=True)
    except (binascii.Error, ValueError):
        raise NotThisError(f"{what} is not base64") from None


def _spelled(value: Value, what: str) -> bytes:
    """Spell JSON that was stored parsed."""
    try:
        return canonical_json(cast("JsonValue", to_json(value)), sort_keys=False).encode()
    except (TypeError, ValueError):
        raise NotThisError(f"{what} was stored parsed, and is not JSON") from None
