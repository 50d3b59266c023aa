"""The history as people see it: numbers per case and stream, charts, and what happened."""

from __future__ import annotations

import json
import math
from datetime import date, timedelta

import click.testing
import pandas as pd
import pytest

from contractcheck.cli import cli
from contractcheck.errors import UsageError
from contractcheck.history import COLUMNS, frame
from contractcheck.model.history import (
    ChartReading,
    HistoryEvent,
    NightJudgement,
    NightRecord,
    NightValue,
    NightValues,
)
from contractcheck.model.judgement import Verdict
from contractcheck.model.night import (
    CaseNight,
    LabelCell,
    NightStatistics,
    NumberCell,
    RateCell,
    TextCell,
)
from contractcheck.store.history import open_history
from contractcheck.workflows.history_views import view_history

SUBJECT = {"suite": "hello", "target": "openai:gpt-sim"}
HOSTILE = "\x1b[2Jyes"


def night_of(day):
    return (date(2026, 3, 1) + timedelta(days=day)).isoformat()


def record(day, **changes):
    values = {
        **SUBJECT,
        "night": night_of(day),
        "run_id": f"20260301t0200{day:02d}z-a",
        "run_root": "r",
        "is_complete": True,
        "suite_version": "1.0.0",
        "suite_fingerprint": "f",
        "started_at": f"{night_of(day)}T02:00:00+00:00",
        "ended_at": f"{night_of(day)}T02:10:00+00:00",
        "vantage": {},
        "parts": {"greet": {}},
    }
    return NightRecord(**{**values, **changes})


def statistics(day, *, usual=7):
    turn = day * day / 40
    cells = {
        "label": LabelCell(counts={HOSTILE: usual, "no": 10 - usual}),
        "output_tokens": NumberCell(values=(10.0, 20.0 + day, 30.0 + 2 * day)),
        "text": TextCell(count=10, mean=(math.cos(turn), math.sin(turn)), effective_dimension=3.0),
        "conforms": RateCell(passed=9, count=10),
        "ttft_s": NumberCell(values=(), missing=10),
    }
    one = CaseNight(request_fingerprint="r", answered=9, planned=10, cells=cells)
    return NightStatistics(
        night=night_of(day),
        run_id=record(day).run_id,
        is_complete=True,
        cases={"greet": one, "part": one},
    )


def judgement(day, value):
    reading = ChartReading(
        stream="label", plane="outputs", kind="squares", value=value, threshold=4.0
    )
    verdict = Verdict.FAIL if value > 4.0 else Verdict.QUIET
    return NightJudgement(
        **SUBJECT,
        night=night_of(day),
        run_id=record(day).run_id,
        baseline="digest",
        verdict=verdict,
        headline=f"{verdict.value}: {HOSTILE}",
        charts=(reading,),
    )


@pytest.fixture
def place(tmp_path):
    path = tmp_path / ".contractcheck/history.sqlite"
    with open_history(path) as history:
        for day in range(5):
            history.add_night(record(day), statistics(day, usual=7 - day))
            history.put_judgement(judgement(day, float(day) * 1.2))
        value = NightValue(value=-0.5, variance=0.04)
        rows = {"label": {"greet": value}, "conformance": {"greet#conforms": value}}
        history.put_values(
            *SUBJECT.values(),
            "digest",
            [NightValues(night=night_of(4), run_id=record(4).run_id, streams=rows)],
        )
        for day, kind, by in ((1, "acceptance", "ada"), (4, "alarm", ""), (6, "mute", "bo")):
            history.add_event(
                HistoryEvent(**SUBJECT, night=night_of(day), kind=kind, words="words", by=by)
            )
    return path


def run(place, *words):
    arguments = ["history", *words, "--root", str(place.parents[1])]
    return click.testing.CliRunner().invoke(cli, arguments, catch_exceptions=False)


def test_every_kind_of_cell_becomes_a_number_that_people_read(place):
    (view,) = view_history(place)
    rows = {(row.case, row.stream): row for row in view.nights[-1].rows}
    label = rows["greet", "label"]
    assert (label.kind, label.of, label.value, label.n) == ("share", HOSTILE, 0.3, 10)
    assert rows["greet", "output_tokens"].value == 24.0
    assert rows["part", "conforms"].value == 0.9
    assert rows["greet", "text"].value == pytest.approx(0.4, abs=1e-3)
    assert (rows["greet", "ttft_s"].value, rows["greet", "ttft_s"].n) == (None, 0)
    assert view.nights[-1].planned == 20
    assert view.nights[-1].answered == 18
    assert view.nights[-1].deviations["label", "greet"] == pytest.approx(-2.5)


def test_only_what_is_asked_for_is_read(place):
    (view,) = view_history(place, last=2, cases=["part"])
    assert [night.record.night for night in view.nights] == [night_of(3), night_of(4)]
    assert {row.case for night in view.nights for row in night.rows} == {"part"}
    assert [event.kind for event in view.events] == ["alarm", "mute"]


def test_what_is_not_there_is_said(place, tmp_path):
    with pytest.raises(UsageError, match="the history has no gone; there is: hello × openai:gpt"):
        view_history(place, suite="gone")
    with pytest.raises(UsageError, match="has no hello × a:b"):
        view_history(place, suite="hello", target="a:b")
    with pytest.raises(UsageError, match=r"no night shown has a case gone; .* have: greet, part"):
        view_history(place, cases=["gone"])
    with pytest.raises(UsageError, match="there is no history"):
        view_history(tmp_path / "nowhere.sqlite")


def test_nights_are_shown_with_what_happened_between_them(place):
    shown = run(place, "hello").stdout
    lines = shown.splitlines()
    assert lines[0] == "hello × openai:gpt-sim"
    assert lines[2] == f"  {night_of(1)}  18/20  QUIET: \\x1b[2Jyes"
    assert lines[3] == f"  {night_of(1)}  ── acceptance: words (ada)"
    assert lines[6].startswith(f"  {night_of(4)}  18/20  FAIL: ")
    assert lines[7] == f"  {night_of(4)}  ── alarm: words"
    assert lines[8] == f"  {night_of(6)}  ── mute: words (bo)"
    assert lines[9:] == ["  charts", "    label squares  ▁▃▅▇█  4.8 of 4"]
    assert "\x1b" not in shown
    assert run(place).stdout == run(place, "show").stdout == shown


def test_a_cases_numbers_are_drawn_when_it_is_named(place):
    shown = run(place, "hello", "--case", "greet", "--last", "3").stdout
    drawn = shown.split("  cases\n")[1].splitlines()
    assert [line.split()[:3] for line in drawn] == [
        ["greet", "conforms", "███"],
        ["greet", "label", "▅▅▆"],
        ["greet", "output_tokens", "▁▅█"],
        ["greet", "text", "▁▄█"],
        ["greet", "ttft_s", "···"],
    ]
    assert drawn[1].endswith("0.5 … 0.7, last 0.7 (share of 'no')")
    assert drawn[4].endswith("no value")


def test_programs_get_every_number(place):
    document = json.loads(run(place, "--format", "json").stdout)
    (subject,) = document["subjects"]
    assert [night["record"]["night"] for night in subject["nights"]] == [
        night_of(d) for d in range(5)
    ]
    deviations = {one["row"]: one["deviation"] for one in subject["nights"][4]["deviations"]}
    assert deviations == {"greet": -2.5, "greet#conforms": -2.5}
    assert subject["nights"][4]["judgement"]["verdict"] == "FAIL"
    assert [event["kind"] for event in subject["events"]] == ["acceptance", "alarm", "mute"]


def test_the_table_has_one_row_per_night_case_and_stream(place):
    table = frame(place)
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 5 * 2 * 5
    assert table["night"].is_monotonic_increasing
    last = table[table["night"] == pd.Timestamp(night_of(4))].set_index(["case", "stream"])
    assert last.loc[("greet", "label"), "value"] == pytest.approx(0.3)
    assert last.loc[("greet", "label"), "deviation"] == pytest.approx(-2.5)
    assert last.loc[("greet", "conforms"), "deviation"] == pytest.approx(-2.5)
    assert math.isnan(last.loc[("part", "label"), "deviation"])
    assert math.isnan(last.loc[("greet", "ttft_s"), "value"])
    assert set(last["verdict"]) == {"FAIL"}
    assert set(last["event"]) == {"alarm: words"}
    assert set(frame(place, case="part", **SUBJECT)["case"]) == {"part"}


def test_the_table_of_this_folder_is_the_default(place, monkeypatch):
    monkeypatch.chdir(place.parents[1])
    assert len(frame()) == 50


def test_a_history_without_nights_is_an_empty_table(tmp_path):
    with open_history(tmp_path / "history.sqlite"):
        pass
    table = frame(tmp_path / "history.sqlite")
    assert (len(table), tuple(table.columns)) == (0, COLUMNS)
