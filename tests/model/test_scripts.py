"""Scripts of letters, held against the names that Unicode gives to characters."""

from __future__ import annotations

import sys
import unicodedata
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.model.scripts import SCRIPTS, find_foreign_letter, scripts_in


@pytest.mark.parametrize(
    ("text", "scripts"),
    [
        ("", ()),
        ("12 + 3 = 15!", ()),
        ("Hello", ("Latin",)),
        ("Größe 5 µm", ("Latin",)),
        ("naïve 😀", ("Latin",)),
        ("Hello, мир", ("Cyrillic", "Latin")),
        ("漢字 and かな and カナ", ("Han", "Hiragana", "Katakana", "Latin")),
        ("ᚠᚢᚦ", ("other",)),
        ("a ᚠ", ("Latin", "other")),
        ("\ud800", ()),
    ],
)
def test_scripts(text, scripts):
    assert scripts_in(text) == scripts


@pytest.fixture(scope="module")
def letters_by_word():
    """Letters of the basic plane by the first word of their names."""
    found = defaultdict(list)
    for character in map(chr, range(0x10000)):
        if unicodedata.category(character) in {"Lo", "Ll", "Lu"}:
            found[unicodedata.name(character, "").partition(" ")[0]].append(character)
    return found


@pytest.mark.parametrize("script", SCRIPTS)
def test_letters_that_unicode_names_after_a_script_are_of_it(script, letters_by_word):
    letters = letters_by_word["CJK" if script == "Han" else script.upper()]
    assert len(letters) > 20
    assert find_foreign_letter("".join(letters), (script,)) is None
    others = tuple(name for name in SCRIPTS if name != script)
    assert find_foreign_letter("".join(letters), others) == letters[0]


@given(st.text(alphabet=st.characters(max_codepoint=sys.maxunicode)))
def test_scripts_and_foreign_letters_agree(text):
    found = scripts_in(text)
    listed = tuple(name for name in found if name != "other")
    assert (find_foreign_letter(text, listed) is None) == ("other" not in found)
    for name in listed:
        rest = tuple(other for other in listed if other != name)
        assert find_foreign_letter(text, rest) is not None
