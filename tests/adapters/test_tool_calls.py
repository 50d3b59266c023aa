"""Tool calls as other tools write them."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.adapters import TableColumns, holds_json_objects, mark_as_json, read_table
from contractcheck.adapters.tool_calls import NoToolCallsError, read_tool_calls
from contractcheck.errors import TableError

CALL = {"name": "look_up", "arguments": {"order": "A1"}}
OPENAI = {
    "id": "call_7",
    "type": "function",
    "function": {"name": "look_up", "arguments": '{"order": "A1"}'},
}
ANTHROPIC = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"order": "A1"}}


@pytest.mark.parametrize(
    "written",
    [
        [CALL],
        CALL,
        [OPENAI],
        {"role": "assistant", "content": None, "tool_calls": [OPENAI]},
        [ANTHROPIC],
        [{"name": "look_up", "args": {"order": "A1"}, "id": "x"}],
    ],
)
def test_every_form_reads_as_the_same_calls_without_identifiers(written):
    assert json.loads(read_tool_calls(json.dumps(written))) == [CALL]


@pytest.mark.parametrize("cell", ["", "  ", "null", "[]", '{"tool_calls": null}'])
def test_no_call_is_an_empty_list(cell):
    assert read_tool_calls(cell) == "[]"


def test_arguments_that_do_not_parse_stay_as_they_came():
    cell = json.dumps([{"name": "pay", "arguments": '{"eur": '}, {"name": "pay", "arguments": ""}])
    assert [call["arguments"] for call in json.loads(read_tool_calls(cell))] == ['{"eur": ', {}]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("sorry", "not JSON"),
        ("[1]", "a call without a name: 1"),
        ('{"order": 1}', "a call without a name"),
        ('[{"name": 3}]', "a call without a name"),
    ],
)
def test_what_is_no_call_is_said(cell, words):
    with pytest.raises(NoToolCallsError) as caught:
        read_tool_calls(cell)
    assert words in str(caught.value)


@given(st.text())
def test_no_cell_raises_anything_else(cell):
    with contextlib.suppress(NoToolCallsError):
        assert isinstance(json.loads(read_tool_calls(cell)), list)


@pytest.fixture
def save(tmp_path):
    def write(*answers):
        path = tmp_path / "t.jsonl"
        rows = [{"id": i, "answer": answer} for i, answer in enumerate(answers)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def columns(kind):
    return TableColumns(case="id", output="answer", kind=kind)


def test_a_table_of_calls_is_one_of_canonical_calls(save):
    table = read_table(save([OPENAI], None), columns("tools"))
    assert table["kind"].tolist() == ["tools", "tools"]
    assert [json.loads(text) for text in table["string"]] == [[CALL], []]


def test_a_cell_without_calls_says_where(save):
    path = save([CALL], "sorry")
    with pytest.raises(TableError) as caught:
        read_table(path, columns("tools"))
    assert str(caught.value).startswith(f"{path}:2: answer holds no tool calls: not JSON")


def test_numbers_are_finite_or_blank(save):
    table = read_table(save(1.5, "2", ""), columns("number"))
    assert table["number"].tolist()[:2] == [1.5, 2.0]
    assert table["number"].isna().tolist() == [False, False, True]
    for bad in ("x", "inf", "nan"):
        path = save(1, bad)
        with pytest.raises(TableError) as caught:
            read_table(path, columns("number"))
        assert str(caught.value) == f"{path}:2: answer is {bad!r}; expected a number"


def test_a_whole_answer_may_be_a_category(save):
    table = read_table(save("yes", "no"), columns("label"))
    assert (table["kind"].tolist(), table["string"].tolist()) == (["label"] * 2, ["yes", "no"])


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        (['{"a": 1}', "", '{"b": 2}'], True),
        ([{"a": 1}], True),
        (['{"a": 1}', "sorry"], False),
        (["[1]"], False),
        (["{not json}"], False),
        (["", ""], False),
    ],
)
def test_only_tables_of_json_objects_are_taken_for_json(save, answers, found):
    table = read_table(save(*answers), columns("text"))
    assert holds_json_objects(table) is found
    assert set(mark_as_json(table)["kind"]) == {"json"}
