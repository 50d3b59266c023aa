"""An alarm of charts is over when charts say so, not when there are none."""

import pytest

from contractcheck.model.history import ChartReading, FindingRecord, NightJudgement
from contractcheck.model.judgement import FindingKind, Verdict
from contractcheck.store.history import open_history
from contractcheck.workflows.watch_keeping import settle_events

OF = ("hello", "openai:gpt-sim")
CHART = ChartReading(stream="text", plane="outputs", kind="mean", value=1.0, threshold=3.0)


def keep(history, day, verdict, *, charts=(CHART,), kind=None):
    judged = NightJudgement(
        suite=OF[0],
        target=OF[1],
        night=f"2026-03-{day:02d}",
        run_id="",
        baseline="",
        verdict=verdict,
        headline=verdict.value,
        charts=charts,
        findings=(FindingRecord(kind=kind, plane="outputs", message="moved"),) if kind else (),
    )
    history.put_judgement(judged)
    settle_events(history, *OF, history.judgements(*OF))


@pytest.fixture
def history(tmp_path):
    with open_history(tmp_path / "history.sqlite") as opened:
        yield opened


def kinds(history):
    return [(event.night[-2:], event.kind) for event in history.events(*OF)]


def test_a_night_without_charts_does_not_end_what_charts_told(history):
    keep(history, 2, Verdict.FAIL, kind=FindingKind.DRIFT)
    keep(history, 3, Verdict.QUIET, charts=())
    assert kinds(history) == [("02", "alarm")]
    keep(history, 4, Verdict.QUIET)
    assert kinds(history) == [("02", "alarm"), ("04", "end")]


@pytest.mark.parametrize(("charts", "kind"), [((CHART,), "breach"), ((), "drift")])
def test_it_ends_any_other_alarm(history, charts, kind):
    keep(history, 2, Verdict.FAIL, charts=charts, kind=FindingKind(kind))
    keep(history, 3, Verdict.QUIET, charts=())
    assert kinds(history) == [("02", "alarm"), ("03", "end")]
