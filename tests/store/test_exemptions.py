"""Mutes and quarantines come back as they were written, and nothing in their file is believed."""

import json
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contractcheck.errors import RecordingError
from contractcheck.model.history import Exemption
from contractcheck.model.target import Target
from contractcheck.store import ExemptionStore

TARGET = Target(provider="openai", model="m")


def exemption(kind="mute", case="a", **changes):
    values = {
        "reason": "known",
        "owner": "ada",
        "created_at": "2026-03-01T08:00:00+00:00",
        "expires": "2026-03-20",
    }
    return Exemption(kind=kind, case=case, **{**values, **changes})


@pytest.fixture
def store(tmp_path):
    return ExemptionStore(tmp_path / "cassettes")


@pytest.fixture
def written(store):
    store.add("demo", TARGET, exemption(metric="text"))
    return store.path("demo", TARGET)


def refused(store):
    with pytest.raises(RecordingError) as error:
        store.read("demo", TARGET)
    return str(error.value)


def test_they_come_back_in_the_order_in_which_they_were_made(store):
    assert store.read("demo", TARGET) == ()
    one, two = exemption(metric="text"), exemption("quarantine", "b")
    assert not store.add("demo", TARGET, one)
    assert not store.add("demo", TARGET, two)
    assert store.read("demo", TARGET) == (one, two)


def test_one_about_the_same_takes_the_place_of_the_old_one(store, written):
    store.add("demo", TARGET, exemption("quarantine"))
    later = exemption(metric="text", expires="2026-04-20")
    assert store.add("demo", TARGET, later)
    assert store.read("demo", TARGET) == (exemption("quarantine"), later)


def test_one_can_be_taken_back(store, written):
    subject = {"kind": "mute", "case": "a", "metric": "text"}
    before = written.read_bytes()
    assert not store.remove("demo", TARGET, **{**subject, "metric": None})
    assert written.read_bytes() == before
    assert store.remove("demo", TARGET, **subject)
    assert store.read("demo", TARGET) == ()


@pytest.mark.parametrize("place", ["file", "folder", "suite"])
def test_a_link_is_refused(store, written, tmp_path, place):
    path = {"file": written, "folder": written.parent, "suite": written.parent.parent}[place]
    elsewhere = path.rename(tmp_path / "elsewhere")
    path.symlink_to(elsewhere)
    assert refused(store).startswith(f"{path}: is a symbolic link")


def test_a_file_that_is_too_large_is_not_read(store, written):
    with written.open("r+b") as file:
        file.truncate((1 << 20) + 1)
    assert "is larger than 1 MiB" in refused(store)


ROW = {**dict.fromkeys(("case", "metric")), "kind": "mute", "owner": "o", "reason": "r"}
ROW |= {"created_at": "2026-03-01T08:00:00+00:00", "expires": "2026-03-10"}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"format": 2}, "format 2; this version reads up to 1: upgrade contractcheck"),
        ({"format": True}, "format True"),
        ({"format": 1}, "KeyError: 'exemptions'"),
        ({"exemptions": {}}, "exemptions are no list"),
        ({"exemptions": [ROW] * 1001}, "at most 1000"),
        ({"exemptions": [ROW, ROW]}, "the same kind, case and metric"),
        ({"exemptions": [7]}, "7 is no exemption"),
        ({"exemptions": [ROW | {"kind": "hide"}]}, "'hide' is neither a mute nor a quarantine"),
        ({"exemptions": [ROW | {"case": "../x"}]}, "'../x' is not the id of a case"),
        ({"exemptions": [ROW | {"kind": "quarantine"}]}, "a quarantine is about one case"),
        ({"exemptions": [ROW | {"expires": "20260320"}]}, "'20260320' is not a date"),
        ({"exemptions": [ROW | {"expires": "never"}]}, "never"),
        ({"exemptions": [ROW | {"owner": " "}]}, "has an owner and a reason"),
        ({"exemptions": [ROW | {"reason": 5}]}, "5 is no text"),
        ({"exemptions": [ROW | {"created_at": "then"}]}, "then"),
    ],
)
def test_a_document_that_makes_no_sense_is_named(store, written, document, words):
    written.write_text(json.dumps({"format": 1, **document}))
    text = refused(store)
    assert text.startswith(f"{written}: ")
    assert words in text


def test_a_damaged_file_is_not_written_over(store, written):
    written.write_text("<<<<<<< mine\n")
    with pytest.raises(RecordingError, match="holds a merge conflict"):
        store.add("demo", TARGET, exemption())
    assert written.read_text() == "<<<<<<< mine\n"


WORDS = st.text(min_size=1, max_size=20).filter(str.strip)
DATES = st.dates(date(2026, 3, 1), date(2026, 3, 15)).map(str)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.builds(
        Exemption,
        kind=st.just("mute"),
        reason=WORDS,
        owner=WORDS,
        created_at=DATES,
        expires=DATES,
        case=st.none() | st.just("a.b-1"),
        metric=st.none() | WORDS,
    )
)
def test_any_mute_comes_back(store, one):
    store.add("demo", TARGET, one)
    assert store.read("demo", TARGET)[-1] == one
    store.remove("demo", TARGET, kind=one.kind, case=one.case, metric=one.metric)


@pytest.mark.parametrize(
    ("subject", "most"),
    [
        ({"case": "a", "metric": "text"}, "2026-06-01"),
        ({"case": "a"}, "2026-06-01"),
        ({"case": None, "metric": "text"}, "2026-06-01"),
        ({"case": None}, "2026-03-15"),
        ({"kind": "quarantine"}, "2026-06-01"),
    ],
)
def test_one_that_lasts_longer_than_one_may_is_refused(store, subject, most):
    store.add("demo", TARGET, exemption(**subject, expires=most))
    assert len(store.read("demo", TARGET)) == 1
    day = (date.fromisoformat(most) + timedelta(days=1)).isoformat()
    store.add("demo", TARGET, exemption(**subject, expires=day))
    assert f"expires '{day}' is more than" in refused(store)
