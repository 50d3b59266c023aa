"""Columns by which rows are looked up: what damage left there is told, cleared and made again."""

import sqlite3

import pytest

from contractcheck.errors import RecordingError
from contractcheck.model.history import HistoryEvent, NightJudgement, NightRecord
from contractcheck.model.judgement import Verdict
from contractcheck.model.night import NightStatistics
from contractcheck.store.history import open_history

OF = ("hello", "openai:gpt-sim-mini")
NIGHT = "2026-03-01"
RUN = "20260301t020000z-aa"


def fill(path):
    subject = {"suite": OF[0], "target": OF[1], "night": NIGHT}
    known = NightRecord(
        **subject,
        run_id=RUN,
        run_root="0f",
        is_complete=True,
        suite_version="1.0.0",
        suite_fingerprint="f" * 8,
        started_at=f"{NIGHT}T02:00:00+00:00",
        ended_at=f"{NIGHT}T02:05:00+00:00",
        vantage={},
        parts={},
    )
    said = NightJudgement(
        **subject, run_id=RUN, baseline="b", verdict=Verdict.FAIL, headline="it moved"
    )
    night = NightStatistics(night=NIGHT, run_id=RUN, is_complete=True, cases={})
    with open_history(path) as history:
        history.add_night(known, night)
        history.put_judgement(said)
        history.add_event(HistoryEvent(**subject, kind="alarm", words="it moved"))
        return history.digest()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "h.sqlite"


def spoil(path, table, column, damage):
    with sqlite3.connect(path) as connection:
        statement = "UPDATE contractcheck_table SET column = ?"
        words = statement.replace("table", table).replace("column", column)
        connection.execute(words, (damage,))
    connection.close()


def test_the_keys_of_runs_are_read_as_they_were_written(path):
    fill(path)
    with open_history(path) as history:
        (key,) = history.run_keys(*OF)
        assert (key.night, key.run_id, key.run_root, key.is_complete) == (NIGHT, RUN, "0f", True)
        assert history.run_keys(*OF, "confirmation") == ()
        assert history.clear_damage(*OF) == ()


@pytest.mark.parametrize(
    ("column", "damage"),
    [
        *[("night", damage) for damage in (b"\xff", 7, "x", "", "2026-3-1", "20260301")],
        *[("run_id", damage) for damage in (b"\xff", 7, "x", "../../other", f"{RUN}\n")],
        ("run_root", b"\xff"),
    ],
)
def test_the_key_of_no_run_is_told_with_the_remedy(path, column, damage):
    fill(path)
    spoil(path, "nights", column, damage)
    with open_history(path) as history:
        with pytest.raises(RecordingError) as told:
            history.run_keys(*OF)
        assert f"history {path}: hello × openai:gpt-sim-mini, night " in str(told.value)
        assert "contractcheck history rebuild" in str(told.value)
        assert len(history.clear_damage(*OF)) == 1
        assert history.run_keys(*OF) == ()


@pytest.mark.parametrize("damage", [b"\xff", 7, 0, "x", "2026-03-02"])
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("nights", "night"),
        ("nights", "part"),
        ("nights", "run_id"),
        ("nights", "run_root"),
        ("judgements", "night"),
        ("events", "night"),
        ("events", "digest"),
    ],
)
def test_a_row_that_is_not_where_its_document_belongs_is_cleared_away(path, table, column, damage):
    wanted = fill(path)
    spoil(path, table, column, damage)
    with open_history(path) as history:
        (problem,) = history.clear_damage(*OF)
        assert history.clear_damage(*OF) == ()
    assert "hello × openai:gpt-sim-mini, night " in problem
    assert column in problem
    assert fill(path) == wanted


def test_a_night_that_is_complete_in_one_place_only_is_cleared_away(path):
    wanted = fill(path)
    spoil(path, "nights", "is_complete", 0)
    with open_history(path) as history:
        (problem,) = history.clear_damage(*OF)
    assert "is_complete" in problem
    assert fill(path) == wanted
