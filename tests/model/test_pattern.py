from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.model.pattern import PatternError, check_pattern, search_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^\{", '{"a": 1}', "{"),
        (r"^\{", ' {"a": 1}', None),
        (r"answer: ([A-E])", "The answer: C, because", "C"),
        (r"(?i)SORRY", "so sorry", "sorry"),
        (r"(x)|(é)", "aé", ""),
        (r"é(.)", "né\ud800", "�"),
    ],
)
def test_finds_the_first_group_or_the_whole_match(pattern, text, found):
    assert search_pattern(pattern, text) == found


@given(st.text(alphabet="ab.*|()", max_size=8), st.text(alphabet="ab", max_size=12))
def test_agrees_with_backtracking_on_plain_patterns(pattern, text):
    try:
        expected = re.search(f"(?:{pattern})", text)
        check_pattern(pattern)
    except (re.error, PatternError):
        return
    assert (search_pattern(pattern, text) is None) == (expected is None)


@pytest.mark.parametrize("pattern", ["(?=a)", "(?<!a)b", r"(a)\1", "(", "a{1,9999}", "\ud800"])
def test_what_re2_does_not_have_is_said(pattern, capfd):
    with pytest.raises(PatternError, match="not an RE2 pattern"):
        check_pattern(pattern)
    assert capfd.readouterr() == ("", "")


EVIL = [
    (r"^(a+)+$", "a" * 50_000 + "!"),
    (r"^(a|a)*$", "a" * 50_000 + "!"),
    (r"^(a|aa)+$", "a" * 50_000 + "!"),
    (r"(.*a){12}$", "a" * 20_000 + "!"),
    (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 50_000),
    (r"\s+$", " " * 50_000 + "x"),
    (r"^(\w+\s?)*$", "word " * 10_000 + "!"),
]


@pytest.mark.parametrize(("pattern", "text"), EVIL)
def test_evil_patterns_take_linear_time(pattern, text):
    start_s = time.process_time()
    search_pattern(pattern, text)
    assert time.process_time() - start_s < 1
