import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.errors import ContractcheckError, RecordingError, UsageError
from contractcheck.model.gate import GatePlan, UnreadAnswer
from contractcheck.store import GateStore

ID = "20260301t120000z-1a2b3c4d"
PLAN = GatePlan(
    id=ID,
    suite="mail",
    suite_path="suites/mail/mail.contract.yaml",
    suite_fingerprint="f",
    slots=8,
    looks=(4, 8),
    sides=("target=openai:a", "target=openai:b,rev=main"),
    started_at="2026-03-01T12:00:00+00:00",
)


@pytest.fixture
def store(tmp_path):
    made = GateStore(tmp_path / "gates")
    made.write(PLAN)
    return made


def test_a_plan_is_read_as_it_was_written_and_found_by_its_beginning(store):
    other = replace(PLAN, id="20260302t120000z-ab", outcome=("openai:b: PASS",))
    store.write(other)
    assert store.find(ID) == PLAN
    assert store.find("20260302") == other
    store.write(replace(PLAN, outcome=("openai:b: FAIL",)))
    assert store.find(ID).outcome == ("openai:b: FAIL",)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("2027", f"no gate '2027' below {{root}}; the latest is {ID}"),
        ("", f"no gate '' below {{root}}; the latest is {ID}"),
        ("../x", f"no gate '../x' below {{root}}; the latest is {ID}"),
        ("20260301", f"'20260301' fits 2 gates: 20260301t110000z-ab, {ID}; give more of the id"),
    ],
)
def test_a_name_that_fits_no_gate_or_several_is_told(store, name, words):
    store.write(replace(PLAN, id="20260301t110000z-ab"))
    with pytest.raises(UsageError) as refused:
        store.find(name)
    assert str(refused.value) == words.format(root=store.root)


def test_without_any_gate_it_says_so(tmp_path):
    with pytest.raises(UsageError, match="there is none"):
        GateStore(tmp_path / "gates").find("2026")


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"format": 2}, "is no gate of format 1; was it written by a newer contractcheck?"),
        ({"contractcheck": "run"}, "is no gate of format 1"),
        ({"slots": 0}, "0 is no count"),
        ({"slots": True}, "True is no count"),
        ({"slots": 9}, "do not lead to 9 slots"),
        ({"looks": [8, 4]}, "do not lead to 8 slots"),
        ({"looks": []}, "do not lead to 8 slots"),
        ({"sides": "a"}, "'a' is no list"),
        ({"suite": 3}, "3 is no text"),
        ({"id": "20200101t000000z-ab"}, "holds the gate '20200101t000000z-ab'"),
    ],
)
def test_a_damaged_plan_is_named(store, edit, words):
    path = store.root / f"{ID}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | edit))
    with pytest.raises(RecordingError) as refused:
        store.find(ID)
    assert str(refused.value).startswith(f"{path}: ")
    assert words in str(refused.value)


@given(data=st.binary(max_size=80))
def test_any_bytes_are_a_plan_or_an_error_that_names_the_file(tmp_path_factory, data):
    store = GateStore(tmp_path_factory.mktemp("gates"))
    path = store.root / f"{ID}.json"
    path.write_bytes(data)
    with pytest.raises(ContractcheckError, match=ID):
        store.find(ID)


def test_what_an_sdk_could_not_read_is_kept_and_a_torn_line_passed_over(store):
    assert store.read_unread(ID) == ()
    answers = [
        UnreadAnswer(side="to", case="a", trial=trial, words="JSONDecodeError: é\n")
        for trial in range(2)
    ]
    for answer in answers:
        store.note_unread(ID, answer)
    assert store.read_unread(ID) == tuple(answers)
    assert store.find(ID) == PLAN
    path = store.root / f"{ID}.unread.jsonl"
    path.write_bytes(path.read_bytes() + b'{"side": "to", "ca')
    store.note_unread(ID, answers[0])
    assert store.read_unread(ID) == (*answers, answers[0])
    path.write_bytes(b'{"side": "to"}\n')
    with pytest.raises(RecordingError, match=r"unread\.jsonl:1: is no note of a gate"):
        store.read_unread(ID)
