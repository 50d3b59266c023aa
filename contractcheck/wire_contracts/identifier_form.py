"""The form of an identifier: its prefix, its alphabet and the class of its length."""

from __future__ import annotations

import re

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PREFIX = re.compile(r"(?:[a-z]{2,16}[-_]){1,2}")
_ALPHABETS = (
    ("digits", re.compile(r"[0-9]*", re.ASCII)),
    ("hex", re.compile(r"[0-9a-f]*", re.ASCII)),
    ("letters and digits", re.compile(r"[0-9A-Za-z]*", re.ASCII)),
    ("url-safe", re.compile(r"[0-9A-Za-z_=.~-]*", re.ASCII)),
)
_LENGTH_ENDS = (*range(13), 16, 20, 24, 32, 40, 48, 64, 96, 128)
"""Up to twelve characters the exact length is told (Mistral's ids of tool calls have nine); 40 is
the longest id of a tool call that OpenAI takes back."""


def identifier_form(text: str) -> str:
    """Return the form of an identifier, such as ``chatcmpl-* letters and digits 33-40``.

    The length is that of the whole text, in characters. Nothing random of the text remains.
    """
    if _UUID.fullmatch(text):
        return "uuid"
    found = _PREFIX.match(text)
    prefix = found.group() if found and len(text) >= len(found.group()) + 6 else ""
    rest = text[len(prefix) :]
    alphabet = next((name for name, kind in _ALPHABETS if kind.fullmatch(rest)), "other")
    return f"{prefix}* {alphabet} {_length_class(len(text))}"


def _length_class(length: int) -> str:
    lower = -1
    for end in _LENGTH_ENDS:
        if length <= end:
            return str(end) if end == lower + 1 else f"{lower + 1}-{end}"
        lower = end
    return f"over {lower}"
