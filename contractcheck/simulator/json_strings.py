"""Which strings the simulated model considers for one place of a JSON text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contractcheck.simulator.json_schema import count_limit
from contractcheck.simulator.question import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from contractcheck.simulator.prompt import Prompt

_IDENTIFYING = frozenset(
    {
        *("id", "ids", "code", "key", "number", "no", "order"),
        *("ref", "reference", "sku", "ticket", "tracking", "invoice", "booking"),
    }
)
_NAMING = frozenset(
    {
        *("name", "customer", "city", "country", "product"),
        *("person", "company", "destination", "origin", "location"),
    }
)
_FORMATS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "date": (r"\b\d{4}-\d{2}-\d{2}\b", ("2026-03-02", "2026-03-09", "2026-04-01")),
    "date-time": (
        r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z",
        ("2026-03-02T08:00:00Z", "2026-03-09T12:30:00Z"),
    ),
    "time": (r"\b\d{2}:\d{2}:\d{2}Z", ("08:00:00Z", "12:30:00Z")),
    "email": (r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b", ("support@example.com", "billing@example.com")),
    "uri": (r"\bhttps?://[\w./-]+\w", ("https://example.com/help", "https://example.com/status")),
    "uuid": (
        r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
        ("3f0c7c1e-5d0b-4b1e-9a52-0a6c2f4be001", "9b1d2a44-77c3-4e1f-8f3e-c0de5a5e0002"),
    ),
}
"""Format to the pattern that finds it in a prompt, and what is taken otherwise."""

_FILLER = " and so on"


def find_string_options(
    schema: Mapping[str, object], prompt: Prompt, place: str
) -> tuple[list[str], list[float]]:
    """Return strings to choose from with their logits; nothing means: write prose.

    Identifiers, names, dates and the like come from the prompt when it has them.

    Raises:
        RequestError: A ``pattern`` is invalid or matches nothing in the prompt
            (the simulated provider cannot invent text for arbitrary patterns).
    """
    candidates = list(_candidates(schema, prompt, place))
    least, most = count_limit(schema, "minLength", 0), count_limit(schema, "maxLength", 10**6)
    options = list(dict.fromkeys(text for text in candidates if least <= len(text) <= most))
    if "pattern" in schema and not options:
        raise RequestError(
            f"Invalid schema at {place}: nothing in the prompt matches 'pattern'.", param="schema"
        )
    # What is mentioned first is the likeliest.
    return options, [-0.8 * rank for rank in range(len(options))]


def _candidates(schema: Mapping[str, object], prompt: Prompt, place: str) -> Iterable[str]:
    pattern, form = schema.get("pattern"), schema.get("format")
    if isinstance(pattern, str):
        return _find_matching(pattern, prompt, place)
    if isinstance(form, str) and form in _FORMATS:
        finder, otherwise = _FORMATS[form]
        return re.findall(finder, prompt.text) or otherwise
    words = re.findall(r"[a-z]+", place.rsplit(".", 1)[-1].lower())
    if _IDENTIFYING.intersection(words):
        return prompt.identifiers or prompt.numbers
    if "email" in words:
        return re.findall(_FORMATS["email"][0], prompt.text)
    return prompt.names if _NAMING.intersection(words) else ()


def _find_matching(pattern: str, prompt: Prompt, place: str) -> list[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise RequestError(f"Invalid schema at {place}: pattern: {error}", param="schema") from None
    words = (word.strip(".,;:!?()[]\"'") for word in prompt.text.split())
    pool = [*prompt.identifiers, *prompt.names, *prompt.numbers, *words]
    return [text for text in dict.fromkeys(pool) if compiled.search(text)]


def fit_length(texts: Sequence[str], least: int, most: int, place: str) -> list[str]:
    """Cut or pad pieces of prose so that together they have ``least`` to ``most`` characters.

    Raises:
        RequestError: ``least`` exceeds ``most``.
    """
    if least > most:
        raise RequestError(f"Invalid schema at {place}: minLength > maxLength.", param="schema")
    fitted: list[str] = []
    room = most
    for text in texts:
        if room <= 0:
            break
        fitted.append(text[:room])
        room -= len(fitted[-1])
    missing = least - (most - room)
    if missing > 0 and fitted:
        fitted[-1] += (_FILLER * (missing // len(_FILLER) + 1))[:missing]
    return fitted
