from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from contractcheck.model.json_text import parse_json
from contractcheck.suite.yaml_reader import YamlError, dotted, read_yaml


def read(text: str):
    return read_yaml(text.encode(), file="x")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("12:30:45", "12:30:45"),
        ("2026-03-01", "2026-03-01"),
        ("0o17", 15),
        ("017", 17),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("-3", -3),
        ("+0.02", 0.02),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'true'", "true"),
        ('"3"', "3"),
        ("|\n  3\n", "3\n"),
        ("1.25x", "1.25x"),
        ("${HOME}", "${HOME}"),
        ("'{{ 1 + 1 }}'", "{{ 1 + 1 }}"),
    ],
)
def test_scalars_follow_the_core_schema(text, value):
    found = read(f"a: {text}").value["a"]
    assert found == value
    assert type(found) is type(value)


def test_every_value_has_its_line():
    document = read("# c\na: 1\n\nb:\n  - x\n  - {y: 2,\n     z: 3}\n")
    assert document.value == {"a": 1, "b": ["x", {"y": 2, "z": 3}]}
    assert document.line_of(("a",)) == 2
    assert document.line_of(("b",)) == 4
    assert document.line_of(("b", 1)) == 6
    assert document.line_of(("b", 1, "z")) == 7
    assert document.line_of(("b", 1, "missing")) == 6
    assert document.line_of(("missing", 0, "x")) == 2


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(JSON)
def test_reads_json(value):
    """JSON is YAML 1.2, so what json writes is an oracle for the reader."""
    assert read(json.dumps(value)).value == value


@given(st.text(alphabet="ab1:- \n[]{},'\"#.0x~|>", max_size=40))
def test_agrees_with_the_library_on_structure(text):
    try:
        found = read(text).value
    except YamlError:
        return
    assert _shape(found) == _shape(YAML(typ="safe", pure=True).load(text))


def _shape(value):
    """Structure only: the library resolves plain scalars by another schema."""
    if isinstance(value, dict):
        return [_shape(item) for item in value.values()]
    return [_shape(item) for item in value] if isinstance(value, list) else "scalar"


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
)
def test_any_bytes_are_read_or_refused(data):
    problems, value = (), None
    try:
        value = read_yaml(data, file="x").value
    except YamlError as error:
        problems = error.problems
    assert all(str(problem).isprintable() for problem in problems)
    assert parse_json(json.dumps(value)) == value


def test_paths_are_written_as_people_do():
    assert dotted(("cases", 2, "checks", 0)) == "cases[2].checks[0]"
    assert dotted((0, "a")) == "[0].a"
    assert dotted(("a", "\x1b[31m")) == "a.'\\x1b[31m'"
