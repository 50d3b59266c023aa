"""What the simulated model notices in a prompt: words, numbers, identifiers, names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from contractcheck.simulator.passages import split_tokens

_NUMBER = re.compile(r"(?<![\w.,-])\d{1,12}(?:\.\d{1,6})?(?![\w-]|\.\d)")
_IDENTIFIER = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\b")
_CAPITALISED = r"[A-Z][a-z\u00df-\u00ff]{2,}"
_NAME = re.compile(
    rf"\b{_CAPITALISED}(?:\s{_CAPITALISED})+\b|(?<![.?!]\s)(?<!^)(?<!\n)\b{_CAPITALISED}\b"
)
_LABELS = re.compile(
    r"(?:one of|choose from|exactly one word|one label)[^:\n]{0,60}:\s*"
    r"([\w-]+(?:\s?(?:,|\||/|\bor\b)\s?(?:or\s)?[\w-]+)+)",
    re.IGNORECASE,
)
_LABEL_SEPARATOR = re.compile(r"\s?(?:,\s?(?:or\s)?|\||/|\bor\b)\s?")
_NEAR_CHARS = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """One prompt, looked at once.

    Attributes:
        text: The whole text of all messages.
        words: Its lower-case words of four letters or more.
        numbers: Numbers that stand alone, in order, without repeats, as written.
        surroundings: For each number, the lower-case text just around it.
        identifiers: Words of letters and digits, such as ``ORD-1042``.
        names: Capitalised words, alone only where they do not begin a sentence.
        labels: The options of an instruction such as "one of: yes, no".
        token_count: Number of tokens, >= 0.
    """

    text: str
    words: frozenset[str]
    numbers: tuple[str, ...]
    surroundings: tuple[str, ...]
    identifiers: tuple[str, ...]
    names: tuple[str, ...]
    labels: tuple[str, ...]
    token_count: int


@lru_cache(maxsize=1024)
def read_prompt(text: str) -> Prompt:
    """Look at a prompt."""
    tokens = split_tokens(text)
    numbers: dict[str, str] = {}
    for found in _NUMBER.finditer(text):
        around = text[max(0, found.start() - _NEAR_CHARS) : found.end() + _NEAR_CHARS]
        numbers.setdefault(found.group(), around.lower())
    labels = _LABELS.search(text)
    return Prompt(
        text=text,
        words=content_words(text),
        numbers=tuple(numbers),
        surroundings=tuple(numbers.values()),
        identifiers=tuple(dict.fromkeys(_IDENTIFIER.findall(text))),
        names=tuple(dict.fromkeys(_NAME.findall(text))),
        labels=tuple(dict.fromkeys(_LABEL_SEPARATOR.split(labels.group(1)))) if labels else (),
        token_count=len(tokens),
    )


def content_words(text: str) -> frozenset[str]:
    """Return the lower-case words of at least four letters (``_`` separates words)."""
    shortest = 4
    return frozenset(word for word in re.findall(r"[a-z]+", text.lower()) if len(word) >= shortest)
