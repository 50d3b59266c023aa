from datetime import UTC, datetime

import pytest

from contractcheck.errors import UsageError
from contractcheck.model.target import Target
from contractcheck.store import RunStore, new_run_id

TARGET = Target(provider="openai", model="m")


@pytest.fixture
def store(tmp_path):
    store = RunStore(tmp_path / "runs")
    for name in ("20260101t000000z-aaaa", "20260102t000000z-bbbb"):
        store.folder("demo", TARGET, name).mkdir(parents=True)
    (store.root / "demo" / TARGET.folder / "not a run").mkdir()
    return store


def test_ids_sort_by_time_and_do_not_meet():
    early = new_run_id(datetime(2026, 1, 1, tzinfo=UTC))
    late = new_run_id(datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC))
    assert early < late
    assert len({new_run_id(datetime(2026, 1, 1, tzinfo=UTC)) for _ in range(100)}) == 100
    assert new_run_id(datetime(2026, 1, 1, tzinfo=UTC), "x1") == "20260101t000000z-x1"


@pytest.mark.parametrize("name", ["../x", "", "20260101t000000z-", "20260101t000000z-A", "a/b"])
def test_only_ids_of_ours_become_folders(store, name):
    with pytest.raises(UsageError, match="is not a run id"):
        store.folder("demo", TARGET, name)


def test_runs_are_listed_oldest_first(store):
    names = [folder.name for folder in store.folders("demo", TARGET)]
    assert names == ["20260101t000000z-aaaa", "20260102t000000z-bbbb"]
    assert store.folders("other", TARGET) == ()


def test_a_run_is_found_by_folder_id_or_beginning(store):
    folder = store.folder("demo", TARGET, "20260101t000000z-aaaa")
    assert store.find(str(folder)) == folder
    assert store.find("20260101t000000z-aaaa") == folder
    assert store.find("20260101") == folder


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("2026", "fits 2 runs: 20260101t000000z-aaaa, 20260102t000000z-bbbb; give more of the id"),
        ("", "fits "),
        ("1999", "no run '1999' below "),
        ("[a-z]*", "no run "),
        ("x" * 300, "no run 'xxx"),
    ],
)
def test_a_name_that_fits_none_or_several_is_told(store, name, words):
    with pytest.raises(UsageError) as refused:
        store.find(name)
    assert words in str(refused.value)


def test_a_whole_id_is_the_run_of_the_store_whatever_lies_here(store, tmp_path, monkeypatch):
    folder = store.folder("demo", TARGET, "20260101t000000z-aaaa").resolve()
    monkeypatch.chdir(tmp_path)
    (tmp_path / folder.name).mkdir()
    assert store.find(folder.name).resolve() == folder
    assert store.find(f"./{folder.name}").resolve() == tmp_path / folder.name
