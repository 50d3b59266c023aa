"""Fills histories as the lines of its input say, each in a process of its own that may be killed.

A line is a JSON list of orders that run at the same time; a list of exit statuses (negative:
killed) and words comes back. Forking keeps the imports out of every order. ``kill_at`` counts
what happens between a history and its database: each statement before and after, each commit.
"""

import json
import os
import resource
import signal
import sys
import time
import traceback
from itertools import count
from pathlib import Path

import pandas  # noqa: F401, ICN001 - what is imported late, here once
import psycopg  # noqa: F401 - the same
from sqlalchemy import event
from sqlalchemy.engine import Engine

import contractcheck.judging.night_watch
import contractcheck.providers.openai_chat
import contractcheck.store.history_rows  # noqa: F401 - the same
from contractcheck.errors import ContractcheckError
from contractcheck.model.history import (
    HistoryEvent,
    NightJudgement,
    NightRecord,
    NightValue,
    NightValues,
)
from contractcheck.model.judgement import Verdict
from contractcheck.model.night import CaseNight, LabelCell, NightStatistics
from contractcheck.store.history import open_history
from contractcheck.workflows.engine import open_engine
from contractcheck.workflows.history_rebuild import rebuild_history
from contractcheck.workflows.workspace import Workspace

OF = {"suite": "hello", "target": "openai:sim"}


def night(day):
    return f"2026-03-{day:02}"


def record(day, number, *, is_complete):
    return NightRecord(
        **OF,
        night=night(day),
        run_id=f"202603{day:02}t02000{number}z-aa",
        run_root=f"{number}",
        is_complete=is_complete,
        suite_version="1.0.0",
        suite_fingerprint="f",
        started_at="",
        ended_at="",
        vantage={},
        parts={},
    )


def statistics_of(known):
    cells = {"text": LabelCell(counts={f"{known.run_id} {number}": 1 for number in range(200)})}
    one = CaseNight(request_fingerprint="q", answered=3, planned=3, cells=cells)
    return NightStatistics(
        night=known.night, run_id=known.run_id, is_complete=known.is_complete, cases={"greet": one}
    )


def add(history, day, number, *, is_complete):
    known = record(day, number, is_complete=is_complete)
    history.add_night(known, statistics_of(known))


def fill(url, *, days):
    """An outage, a first and a second run of every night, and all that is said of it."""
    with open_history(url) as history:
        for day in days:
            add(history, day, 0, is_complete=False)
            add(history, day, 3, is_complete=True)
            add(history, day, 2, is_complete=True)
            number = NightValue(value=day / 3, variance=0.1)
            values = NightValues(night=night(day), run_id="", streams={"text": {"greet": number}})
            history.put_values(OF["suite"], OF["target"], "base", [values])
            history.put_judgement(
                NightJudgement(
                    **OF,
                    night=night(day),
                    run_id="",
                    baseline="base",
                    verdict=Verdict.QUIET,
                    headline=f"night {day}",
                )
            )
            history.add_event(HistoryEvent(**OF, night=night(day), kind="alarm", words="x"))


def rebuild(url, *, root):
    place = Workspace(Path(root))
    with open_engine(None) as executor:
        rebuild_history(place, place.load_suites(), url, executor=executor)


def open_and_close(url):
    with open_history(url):
        pass


ORDERS = {function.__name__: function for function in (fill, rebuild, open_and_close)}


def strike(at):
    """Count what happens, and end this process at one of the points."""
    points = count(1)

    def happen(*_arguments, **_options):
        if next(points) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(Engine, name, happen)
    return points


def obey(order, answer):
    status, words = 99, ""
    points = strike(order.get("kill_at"))
    if "fsize_bytes" in order:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["fsize_bytes"], order["fsize_bytes"]))
    try:
        ORDERS[order["do"]](order["url"], **order["with"])
        status = 0
    except ContractcheckError as error:
        status, words = error.exit_code, str(error)
    except BaseException:  # noqa: BLE001 - told to the test, which wants none
        words = traceback.format_exc()
    os.write(answer, json.dumps({"words": words, "points": next(points) - 1}).encode())
    os._exit(status)


def start(order):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        time.sleep(order.get("after_s", 0))
        obey(order, writing)
    os.close(writing)
    return child, reading


def main():
    for line in sys.stdin:
        outcomes = []
        for child, reading in [start(order) for order in json.loads(line)]:
            with open(reading, "rb") as pipe:  # noqa: PTH123 - a descriptor has no path
                told = json.loads(pipe.read() or '{"words": "", "points": 0}')
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            outcomes.append({"status": status, **told})
        sys.stdout.write(json.dumps(outcomes) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
