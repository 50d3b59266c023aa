"""A baseline may hold nights of several eras; only the last one says where the provider stands."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from contractcheck.errors import RecordingError
from contractcheck.model.target import Target
from contractcheck.store import BaselineStore

FORMATS = Path(__file__).parent / "formats"
TARGET = Target(provider="openai", model="gpt-sim-mini-2026-03-01")
SUITE = "support-triage"


@pytest.fixture
def store(tmp_path):
    shutil.copytree(FORMATS / "format-2", tmp_path / "cassettes")
    return BaselineStore(tmp_path / "cassettes")


def document_of(store):
    return json.loads((store.folder(SUITE, TARGET) / "baseline.json").read_bytes())


def nights_of(era):
    return [night.statistics.night for night in era]


def test_nights_of_every_era_come_back(store):
    read = store.read(SUITE, TARGET)
    assert [nights_of(era) for era in read.eras] == [["2026-03-01", "2026-03-02"]]
    store.write(replace(read, rebases=("2026-03-02",)), None)
    again = store.read(SUITE, TARGET)
    assert again == replace(read, rebases=("2026-03-02",))
    assert [nights_of(era) for era in again.eras] == [["2026-03-01"], ["2026-03-02"]]


def test_an_older_version_refuses_only_a_baseline_that_it_would_misread(store):
    read = store.read(SUITE, TARGET)
    store.write(read, None)
    assert document_of(store)["format"] == 2
    store.write(replace(read, rebases=("2026-03-02",)), None)
    assert document_of(store)["format"] == 3


def test_a_baseline_without_nights_has_no_era(store):
    assert replace(store.read(SUITE, TARGET), nights=()).eras == ()


@pytest.mark.parametrize(
    ("rebases", "words"),
    [
        ("2026-03-02", "rebases '2026-03-02' is no list"),
        (["2026-03-05"], "'2026-03-05' in rebases is no accepted night"),
        (["2026-03-02", "2026-03-01"], "rebases 2026-03-02, 2026-03-01 are not in order"),
        (["2026-03-02", "2026-03-02"], "are not in order"),
        ([{"a": 1}], "is no accepted night"),
    ],
)
def test_rebases_that_make_no_sense_are_named(store, rebases, words):
    path = store.folder(SUITE, TARGET) / "baseline.json"
    path.write_text(json.dumps(document_of(store) | {"rebases": rebases}))
    with pytest.raises(RecordingError) as refused:
        store.read(SUITE, TARGET)
    assert str(refused.value).startswith(f"{path}: damaged (")
    assert words in str(refused.value)
