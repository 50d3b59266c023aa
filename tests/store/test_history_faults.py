"""Kills, full disks, lost connections and other writers: the same history comes out."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
from itertools import count
from pathlib import Path

import pytest

from contractcheck.cassettes import create_run, seal_run
from contractcheck.errors import RecordingError
from contractcheck.model.history import HistoryEvent
from contractcheck.model.run import CasePlan, RunHeader
from contractcheck.model.target import Target
from contractcheck.redaction import Scrubber
from contractcheck.store.history import open_history
from contractcheck.workflows.workspace import Workspace

DAYS = [1, 2]


@pytest.fixture(scope="module")
def obey():
    """Have orders done at the same time, each in a process of its own."""
    command = [sys.executable, Path(__file__).with_name("history_driver.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as driver:

        def ask(*orders):
            driver.stdin.write(json.dumps(orders).encode() + b"\n")
            driver.stdin.flush()
            return json.loads(driver.stdout.readline())

        yield ask
        driver.stdin.close()


def fill(url, days=DAYS, **more):
    return {"do": "fill", "url": str(url), "with": {"days": days}, **more}


def digest(url):
    with open_history(url, create=False) as history:
        return history.digest()


def done(outcomes):
    return [(outcome["status"], outcome["words"]) for outcome in outcomes] == [(0, "")] * len(
        outcomes
    )


@pytest.fixture(scope="module")
def undisturbed(obey, tmp_path_factory):
    path = tmp_path_factory.mktemp("undisturbed") / "h.sqlite"
    (outcome,) = obey(fill(path))
    assert done([outcome])
    return digest(path), outcome["points"]


@pytest.fixture(params=["sqlite", "postgres"])
def fresh(request, tmp_path):
    """Urls of empty histories, one after another."""
    if request.param == "sqlite":
        numbers = count()
        return lambda: tmp_path / f"{next(numbers)}.sqlite"
    url = request.getfixturevalue("postgres_url")

    def empty():
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return url

    return empty


def spread(total, most):
    """At most so many points, evenly, the first and the last among them."""
    return sorted({1 + round(n * (total - 1) / (most - 1)) for n in range(most)})


@pytest.mark.parametrize(
    ("most", "days"),
    [
        pytest.param(20, DAYS, id="20 points"),
        pytest.param(200, [*range(1, 9)], id="200 points", marks=pytest.mark.calibration),
    ],
)
def test_a_kill_at_any_point_is_made_up_for_by_the_next_time(obey, fresh, most, days):
    first = fresh()
    (counted,) = obey(fill(first, days))
    wanted = digest(first)
    is_quick = most > 20 or isinstance(first, Path)
    points = spread(counted["points"], most if is_quick else 8)
    assert len(points) == (most if is_quick else 8)
    for at in points:
        url = fresh()
        (killed,) = obey(fill(url, days, kill_at=at))
        assert killed["status"] == -9, killed
        assert done(obey(fill(url, days)))
        assert digest(url) == wanted, at


def test_one_that_is_killed_again_and_again_gets_there(obey, fresh, undisturbed):
    wanted, _ = undisturbed
    url = fresh()
    for at in (2, 9, 31, 40, 41):
        (killed,) = obey(fill(url, kill_at=at))
        assert killed["status"] == -9
    assert done(obey(fill(url)))
    assert digest(url) == wanted


def test_writers_at_the_same_time_end_as_one_alone(obey, fresh, undisturbed):
    wanted, _ = undisturbed
    url = fresh()
    orders = [fill(url, days) for days in (DAYS, DAYS[::-1], DAYS, DAYS[::-1])]
    assert done(obey(*orders, fill(url, kill_at=40))[:4])
    assert done(obey(fill(url)))
    assert digest(url) == wanted


def test_eight_that_open_an_empty_history_at_once_make_it_once(obey, fresh, undisturbed):
    url = fresh()
    order = {"do": "open_and_close", "url": str(url), "with": {}}
    assert done(obey(*[order] * 8))
    assert done(obey(fill(url)))
    assert digest(url) == undisturbed[0]


@pytest.mark.parametrize("fsize_bytes", [0, 4096, 40_000, 70_000])
def test_a_full_disk_is_told_and_nothing_is_half(obey, tmp_path, undisturbed, fsize_bytes):
    url = tmp_path / "h.sqlite"
    (refused,) = obey(fill(url, fsize_bytes=fsize_bytes))
    assert refused["status"] == 4, refused["words"]
    assert str(url) in refused["words"]
    assert done(obey(fill(url)))
    assert digest(url) == undisturbed[0]


SUITE = """\
suite: hello
version: 1.0.0
targets: [openai:gpt-sim-mini]
cases:
  - id: greet
    messages: [{role: user, content: "Say hello."}]
    metrics: [text]
"""


def make_night(root, day):
    """A sealed night to which nobody answered: enough to be measured, judged and kept."""
    at = f"2026-03-0{day}T02:00:00+00:00"
    header = RunHeader(
        id=f"2026030{day}t020000z-aa",
        suite="hello",
        suite_version="1.0.0",
        suite_fingerprint="f",
        target=Target(provider="openai", model="gpt-sim-mini"),
        night=f"2026-03-0{day}",
        started_at=at,
        ended_at=at,
        status="complete",
        cases={"greet": CasePlan(samples=1, request_fingerprint="q", parts={})},
        vantage={},
    )
    folder = Workspace(root).runs.folder(header.suite, header.target, header.id)
    create_run(folder, header, Scrubber.for_secrets([])).close()
    seal_run(folder, status="complete", ended_at=at)


def test_a_rebuild_that_is_killed_at_any_point_ends_the_same(obey, tmp_path):
    root = tmp_path / "project"
    (root / "suites").mkdir(parents=True)
    (root / "suites" / "hello.contract.yaml").write_text(SUITE)
    for day in DAYS:
        make_night(root, day)

    def order(number, **more):
        url = tmp_path / f"{number}.sqlite"
        return {"do": "rebuild", "url": str(url), "with": {"root": str(root)}, **more}

    (counted,) = obey(order("whole"))
    assert done([counted])
    wanted = digest(tmp_path / "whole.sqlite")
    points = spread(counted["points"], 5)
    for at in points:
        (killed,) = obey(order(at, kill_at=at))
        assert killed["status"] == -9
    assert done(obey(*[order(at) for at in points]))
    assert {digest(tmp_path / f"{at}.sqlite") for at in points} == {wanted}


def event(day):
    night = f"2026-03-{day:02}"
    return HistoryEvent(suite="s", target="p:m", night=night, kind="alarm", words="x")


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr("contractcheck.store.database._PAUSES_S", (0.0, 0.0, 0.0))


@pytest.mark.parametrize("moment", ["before_cursor_execute", "after_cursor_execute", "commit"])
def test_a_connection_that_the_server_ends_is_made_up_for(postgres_url, at_once, moment):
    import psycopg
    import sqlalchemy.event

    points = count()
    struck = []

    def end_others(*_arguments, **_options):
        if next(points) % 5 != 2:
            return
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        struck.append(1)

    with open_history(postgres_url) as history:
        sqlalchemy.event.listen(history._database.engine, moment, end_others)
        for day in range(1, 11):
            history.add_event(event(day))
        sqlalchemy.event.remove(history._database.engine, moment, end_others)
        assert history.events("s", "p:m") == tuple(event(day) for day in range(1, 11))
    assert len(struck) >= 2


class Cutting:
    """Passes bytes on to a server, and loses one of its answers together with the connection."""

    def __init__(self, port):
        self.upstream = port
        self.answers = count(1)
        self.lose = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.upstream))
                for run in (self.ask, self.answer):
                    self.threads.append(threading.Thread(target=run, args=(client, server)))
                    self.threads[-1].start()

    def ask(self, client, server):
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                server.sendall(data)
        self.end(client, server)

    def answer(self, client, server):
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                if next(self.answers) == self.lose:
                    break
                client.sendall(data)
        self.end(client, server)

    @staticmethod
    def end(*sockets):
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def close(self):
        self.end(self.listener)
        for thread in self.threads:
            thread.join(10)


def test_an_answer_that_is_lost_even_to_a_commit_changes_nothing(postgres_url, at_once):
    head, _, tail = postgres_url.rpartition("@")
    port, _, name = tail.rpartition(":")[2].partition("/")
    proxy = Cutting(int(port))
    try:
        with open_history(f"{head}@127.0.0.1:{proxy.port}/{name}") as history:
            for day in range(1, 13):
                proxy.lose = next(proxy.answers) + 1 + day % 4
                history.add_event(event(day))
                history.add_event(event(day))
            proxy.lose = None
            assert history.events("s", "p:m") == tuple(event(day) for day in range(1, 13))
    finally:
        proxy.close()
    with open_history(postgres_url) as direct:
        assert len(direct.events("s", "p:m")) == 12


def test_a_database_that_stays_away_is_told_once_patience_ends(postgres_url, at_once):
    head, _, tail = postgres_url.rpartition("@")
    port, _, name = tail.rpartition(":")[2].partition("/")
    proxy = Cutting(int(port))
    with open_history(f"{head}@127.0.0.1:{proxy.port}/{name}") as history:
        history.add_event(event(1))
        history._database.engine.dispose()
        proxy.close()
        with pytest.raises(RecordingError, match="the same can be done again") as told:
            history.add_event(event(2))
    assert ":***@" in str(told.value)


def test_a_writer_that_holds_the_file_is_waited_for_and_then_told(tmp_path, at_once, monkeypatch):
    import sqlite3

    monkeypatch.setattr("contractcheck.store.database._BUSY_S", 0.05)
    path = tmp_path / "h.sqlite"
    with open_history(path) as history:
        other = sqlite3.connect(path)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RecordingError, match="database is locked"):
            history.add_event(event(1))
        assert history.events("s", "p:m") == ()  # readers do not wait
        other.rollback()
        other.close()
        assert history.add_event(event(1))
