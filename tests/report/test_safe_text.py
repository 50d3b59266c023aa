"""What a model wrote may be read, and may not act."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.report.safe_text import one_line, shorten, show

ATTACKS = [
    "::error::boom",
    "  ::set-output name=x::y",
    "\u00a0::add-mask::x",
    "fine\n::stop-commands::token",
    "fine\r::warning file=a::b",
    "fine\x85::debug::b",
    "text ##[error]boom",
    "##[GROUP]x",
    "::ERROR::x",
    ":::error::x",
    "##vso[task.setvariable variable=x]y",
    "##teamcity[buildStatus text='x']",
]


def commands(log):
    """Port of the runner's rule (actions/runner, ActionCommand.cs): what it would act on."""
    found = []
    for line in re.split(r"\r\n|[\r\n\x85\u2028\u2029]", log):
        text = line.lstrip()
        if text.startswith("::") and "::" in text[2:]:
            found.append(text)
        if re.search(r"##\w*\[[^\]]*\]", line):
            found.append(line)
    return found


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_runner_takes_text_for_a_command(attack):
    assert commands(attack)
    assert not commands(show(attack))
    assert not commands(one_line(attack))
    assert not commands(shorten(attack, 12))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
        ("\x9b31mred", "\\x9b31mred"),
        ("a\rb", "a\\rb"),
        ("\u202eevil", "\\u202eevil"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("\U000e0041", "\\U000e0041"),
        ("half \ud83d", "half \\ud83d"),
        ("tab\tand\nline stay", "tab\tand\nline stay"),
        ("[/bold] [link=x]", "[/bold] [link=x]"),
        ("Grüße, 東京 🙂", "Grüße, 東京 🙂"),
    ],
)
def test_what_acts_is_shown_as_its_escape(text, shown):
    assert show(text) == shown


@given(st.text(st.characters(), max_size=80))
def test_nothing_that_acts_is_left_of_any_text(text):
    safe = show(text)
    assert not commands(safe)
    acting = [c for c in safe if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"]
    assert acting == []
    assert not set(safe) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
    assert "\n" not in one_line(text)
    assert show(safe) == safe


@given(st.text(max_size=300), st.integers(min_value=5, max_value=80))
def test_a_shortened_text_is_short_and_says_how_long_it_was(text, length):
    short = shorten(text, length)
    assert len(short) <= length + len(f" ({len(text)} characters)")
    assert short == one_line(text) or short.endswith(f"… ({len(text)} characters)")


def test_a_megabyte_is_shortened_quickly():
    assert shorten("\x1b" * 2**20, 50).endswith("… (1048576 characters)")
