from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.model.json_text import JsonTextError, canonical_json, parse_json

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_reads_what_the_standard_library_writes(value):
    assert parse_json(json.dumps(value)) == value
    assert parse_json(canonical_json(value)) == value


@given(st.text() | st.text(alphabet='[]{}",:\\ntrue019.eE-+ '))
def test_any_text_is_read_or_refused(text):
    try:
        value = parse_json(text)
    except JsonTextError:
        return
    assert json.loads(text) == value


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "not JSON: Expecting value (line 1 column 1)"),
        ("{} x", "not JSON: Extra data (line 1 column 4)"),
        ("```json\n{}\n```", "not JSON: Expecting value (line 1 column 1)"),
        ("NaN", "not JSON: NaN is not a JSON number"),
        ("[-Infinity]", "not JSON: -Infinity is not a JSON number"),
        ("1e999", "holds 1e999, which is beyond the range of a number"),
        ("9" * 5000, "holds an integer with too many digits to read"),
        ("[" * 51 + "]" * 51, "nested 51 deep; at most 50 levels are read"),
        ('{"a":' * 100_000, "nested 100000 deep; at most 50 levels are read"),
    ],
)
def test_says_why_a_text_is_refused(text, what):
    with pytest.raises(JsonTextError) as caught:
        parse_json(text)
    assert str(caught.value) == what


def test_brackets_in_strings_are_not_nesting():
    text = json.dumps(["[" * 100, '\\"[[[' * 30])
    assert parse_json(text) == json.loads(text)


def test_a_key_given_twice_is_refused_on_request():
    assert parse_json('{"a": 1, "a": 2}') == {"a": 2}
    with pytest.raises(JsonTextError, match="names the key 'a' twice in one object"):
        parse_json('{"a": 1, "a": 2}', unique_keys=True)


def test_canonical_json_keeps_the_order_on_request():
    assert canonical_json({"b": 1, "a": "é"}) == '{"a":"é","b":1}'
    assert canonical_json({"b": 1, "a": "é"}, sort_keys=False) == '{"b":1,"a":"é"}'
