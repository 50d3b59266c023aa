from __future__ import annotations

import csv
import io
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.adapters import TableColumns, read_table
from contractcheck.adapters.tables import NO_MATCH
from contractcheck.errors import TableError
from contractcheck.measuring import COLUMNS

PLAIN = TableColumns(case="id", output="answer")


@pytest.fixture
def save(tmp_path):
    def write(data, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


def problem(path, columns=PLAIN):
    with pytest.raises(TableError) as caught:
        read_table(path, columns)
    return str(caught.value).removeprefix(str(path))


def test_rows_of_one_case_are_its_repeats(save):
    table = read_table(save("id,answer,x\na,one,\nb,two,\na,three,\n"), PLAIN)
    assert list(table.columns) == list(COLUMNS)
    assert table["case"].tolist() == ["a", "b", "a"]
    assert table["trial"].tolist() == [0, 0, 1]
    assert table["string"].tolist() == ["one", "two", "three"]
    assert set(table["metric"]) == {"answer"}


def test_labels_are_the_first_group_and_say_where_there_is_none(save):
    columns = TableColumns(case="id", output="answer", label=r"\(([A-E])\)")
    table = read_table(save("id,answer\na,(B) yes\na,no\n"), columns)
    assert table["string"].tolist() == ["B", NO_MATCH]
    assert set(table["kind"]) == {"label"}


def test_latencies_are_rows_of_their_own(save):
    columns = TableColumns(case="id", output="answer", latency="s", night="day")
    table = read_table(save("id,answer,s,day\na,x,0.5,1\na,y,,1\na,z,2,2\n"), columns)
    times = table[table["metric"] == "total_s"]
    assert times["number"].tolist()[::2] == [0.5, 2.0]
    assert math.isnan(times["number"].tolist()[1])
    assert times["night"].tolist() == ["1", "1", "2"]
    assert times["trial"].tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", ": holds no rows"),
        ("id,answer\n", ": holds no rows"),
        ("id,text\n1,x\n", ": no column 'answer'; the columns are: 'id', 'text'"),
        ("id,answer,answer\n1,x,y\n", ":1: column 'answer' is there twice; which one is meant?"),
        (
            "id,answer\n1,x\n2\n",
            ":3: 1 cells under a header of 2; is a quote or a comma missing?",
        ),
        (
            'id,answer\n1,"x\ny"\n2,a,b\n',
            ":4: 3 cells under a header of 2; is a quote or a comma missing?",
        ),
        ('id,answer\n1,"x\n', ":2: not CSV (unexpected end of data)"),
        ("id,answer\n1,x\n,y\n", ":3: 'id' is blank; every row needs one"),
        (b"id,answer\n1,x\n2,caf\xe9\n", ":3: not UTF-8 (byte 0xe9); save the table as UTF-8"),
    ],
)
def test_a_broken_csv_says_where(save, data, words):
    assert problem(save(data)) == words


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", ": holds no rows"),
        ('{"id": 1, "answer": "x"}\n{oops}\n', ":2: not JSON: "),
        ('{"id": 1, "answer": "x"}\n\n[1]\n', ":3: expected an object per line"),
        ('{"id": 1, "answer": "x"}\n{"id": 2}\n', ":2: this row has no 'answer'"),
        ('{"id": null, "answer": "x"}\n', ":1: 'id' is blank; every row needs one"),
    ],
)
def test_a_broken_json_lines_file_says_where(save, data, words):
    assert problem(save(data, "table.jsonl")).startswith(words)


def test_numbers_objects_and_separators_in_json_lines_are_kept(save):
    rows = [{"id": 7, "answer": {"b": 1, "a": [True]}}, {"id": "7", "answer": "a\u2028b\rc"}]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in rows)
    table = read_table(save(text, "t.jsonl"), PLAIN)
    assert table["case"].tolist() == ["7", "7"]
    assert table["string"].tolist() == ['{"a":[true],"b":1}', "a\u2028b\rc"]


@pytest.mark.parametrize(
    ("cell", "is_fine"), [("0.1", True), ("", True), ("0", False), ("-1", False), ("nan", False)]
)
def test_times_are_seconds_above_zero_or_blank(save, cell, is_fine):
    columns = TableColumns(case="id", output="answer", latency="s", where=(("keep", "y"),))
    path = save(f"id,answer,s,keep\n1,x,1,n\n1,x,1,y\n1,x,{cell},y\n")
    if is_fine:
        assert len(read_table(path, columns)) == 4
    else:
        assert problem(path, columns) == (
            f":4: s is {cell!r}; expected seconds as a number above 0, or blank"
        )


def test_a_filter_that_fits_nothing_says_what_is_there(save):
    columns = TableColumns(case="id", output="answer", where=(("model", "c"),))
    path = save("id,answer,model\n1,x,a\n1,y,b\n")
    assert problem(path, columns) == ": no row with model = 'c'; values there: 'a', 'b'"
    columns = TableColumns(case="id", output="answer", where=(("modle", "a"),))
    assert problem(path, columns).startswith(": no column 'modle'; the columns are: ")


def test_a_label_that_never_occurs_is_a_mistake(save):
    columns = TableColumns(case="id", output="answer", label="[0-9]")
    assert problem(save("id,answer\n1,x\n2,y\n"), columns) == (
        ": --label '[0-9]' occurs in none of 2 cells of 'answer', the first of which is 'x'"
    )


def test_a_wrong_pattern_a_wrong_name_and_no_file_are_said(save, tmp_path):
    columns = TableColumns(case="id", output="answer", label="(")
    with pytest.raises(TableError, match="--label"):
        read_table(save("id,answer\n1,x\n"), columns)
    assert problem(save("x", "t.xlsx")) == ": expected a name that ends in .csv or .jsonl"
    assert problem(tmp_path / "none.csv") == ": cannot be read (No such file or directory)"


def test_an_answer_may_be_longer_than_the_csv_modules_limit_which_stays_as_it_was(save):
    limit = csv.field_size_limit()
    table = read_table(save(f"id,answer\n1,{'x' * 300_000}\n"), PLAIN)
    assert len(table["string"][0]) == 300_000
    assert csv.field_size_limit() == limit


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(CELLS.filter(bool), CELLS), min_size=1, max_size=8))
def test_every_row_that_was_written_is_read(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("rows")
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("id", "answer"), *rows])
    (folder / "t.csv").write_bytes(out.getvalue().encode())
    lines = [json.dumps({"id": case, "answer": answer}) for case, answer in rows]
    (folder / "t.jsonl").write_bytes("\n".join(lines).encode())
    for name in ("t.csv", "t.jsonl"):
        table = read_table(folder / name, PLAIN)
        assert list(zip(table["case"], table["string"], strict=True)) == rows
