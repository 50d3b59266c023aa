"""A night that is being watched stays claimed, whatever the watch is busy with."""

import sqlite3
import time

import pytest

from contractcheck.store.history import open_history
from contractcheck.workflows import watch_lock
from contractcheck.workflows.watch_lock import claimed

NIGHT = ("hello", "openai:gpt-sim", "2026-03-01")


@pytest.fixture
def soon(monkeypatch):
    """Claims that run out within the test."""
    monkeypatch.setattr(watch_lock, "LEASE_S", 0.4)
    monkeypatch.setattr(watch_lock, "_RENEW_S", 0.02)


def test_a_claim_outlives_its_lease_while_the_watch_goes_on(tmp_path, soon):
    with open_history(tmp_path / "history.sqlite") as history:
        with claimed(history, *NIGHT, root=tmp_path, wait_s=0.0):
            time.sleep(0.8)
            assert not history.claim(*NIGHT, "elsewhere", 600.0)
        assert history.claim(*NIGHT, "elsewhere", 600.0)


def test_a_watch_goes_on_while_the_database_does_not_answer(tmp_path, soon):
    path = tmp_path / "history.sqlite"
    steps = []
    with (
        open_history(path) as history,
        claimed(history, *NIGHT, root=tmp_path, wait_s=0.0),
    ):
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for step in range(5):
            time.sleep(0.02)
            steps.append(step)
        other.execute("ROLLBACK")
        other.close()
    assert len(steps) == 5
    with open_history(path) as history:
        assert history.claim(*NIGHT, "elsewhere", 600.0)
