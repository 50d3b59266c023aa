"""Which scripts a text is written in, by the Unicode property of its letters.

Source: Unicode Standard Annex #24, "Unicode Script Property", in the tables of RE2.
"""

from __future__ import annotations

from typing import Final

from contractcheck.model.pattern import search_pattern

SCRIPTS: Final = (
    "Arabic",
    "Armenian",
    "Bengali",
    "Bopomofo",
    "Cyrillic",
    "Devanagari",
    "Ethiopic",
    "Georgian",
    "Greek",
    "Gujarati",
    "Gurmukhi",
    "Han",
    "Hangul",
    "Hebrew",
    "Hiragana",
    "Kannada",
    "Katakana",
    "Khmer",
    "Lao",
    "Latin",
    "Malayalam",
    "Mongolian",
    "Myanmar",
    "Oriya",
    "Sinhala",
    "Tamil",
    "Telugu",
    "Thaana",
    "Thai",
    "Tibetan",
)
"""The recommended scripts of today (Unicode Standard Annex #31, table 5)."""

OTHER_SCRIPT: Final = "other"


def scripts_in(text: str) -> tuple[str, ...]:
    """Return the scripts of a text's letters in alphabetical order, ``other`` last.

    Digits, signs, emoji and letters that many scripts share belong to none.
    """
    if text.isascii():
        return ("Latin",) if any(map(str.isalpha, text)) else ()
    found = [name for name in SCRIPTS if search_pattern(rf"[^\P{{L}}\P{{{name}}}]", text)]
    if find_foreign_letter(text, SCRIPTS) is not None:
        found.append(OTHER_SCRIPT)
    return tuple(found)


def find_foreign_letter(text: str, scripts: tuple[str, ...]) -> str | None:
    """Return the first letter that is of none of the scripts; None when there is none.

    Args:
        text: Any text.
        scripts: Names out of ``SCRIPTS``.
    """
    # No letter of these, written as what is neither no letter nor of these.
    ours = "".join(rf"\p{{{name}}}" for name in ("Common", "Inherited", *scripts))
    return search_pattern(rf"[^\P{{L}}{ours}]", text)
