"""Pieces of work give the same results wherever they are made, and outlive their workers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap

import pytest

from contractcheck.errors import MeasurementError, UsageError
from contractcheck.workflows import engine
from contractcheck.workflows.engine import map_in_order, open_engine, spawn_seeds

PIECES = """
import os
import signal
from pathlib import Path

import numpy as np


def draw(seed):
    return np.random.default_rng(seed).bytes(8)


def place(_):
    return os.getpid()


def die_once(marker):
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Path(marker).name


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def fail(number):
    raise ValueError(f"piece {number}")
"""


@pytest.fixture
def pieces(tmp_path, monkeypatch):
    """A module that workers can import too: they are given this process's path."""
    (tmp_path / "engine_pieces.py").write_text(textwrap.dedent(PIECES))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    import engine_pieces

    yield engine_pieces
    del sys.modules["engine_pieces"]


@pytest.fixture
def scheduler(pieces, tmp_path):
    """A dask scheduler and two worker processes of its own, none of which anybody restarts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    common = ["--no-dashboard", "--host", "127.0.0.1"]
    module = [sys.executable, "-m", "distributed.cli.dask_scheduler", *common, "--port", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    started = [subprocess.Popen(module, **quiet)]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, *common]
    worker += ["--no-nanny", "--nthreads", "1", "--death-timeout", "30"]
    started += [subprocess.Popen(worker, **quiet) for _ in range(2)]
    yield address
    for process in reversed(started):
        process.kill()
        process.wait()


def made_by(spec, function, items):
    with open_engine(spec) as executor:
        return list(map_in_order(executor, function, items))


def test_processes_make_the_same_as_this_process(pieces):
    seeds = spawn_seeds(7, 100)
    here = made_by(None, pieces.draw, seeds)
    assert len(set(here)) == 100
    assert made_by("processes:2", pieces.draw, seeds) == here
    assert made_by(None, pieces.place, [0]) == [os.getpid()]
    assert os.getpid() not in made_by("processes:2", pieces.place, range(4))


def test_a_killed_process_is_survived(pieces, tmp_path):
    markers = [tmp_path / f"piece {number}" for number in range(8)]
    for marker in markers[1::2]:
        marker.touch()
    found = made_by("processes:2", pieces.die_once, map(str, markers[:4]))
    assert found == [marker.name for marker in markers[:4]]


def test_a_piece_that_always_ends_its_worker_is_told_of(pieces):
    with pytest.raises(MeasurementError, match="lost its worker 4 times"):
        made_by("processes:2", pieces.die, [0])


@pytest.mark.parametrize("spec", [None, "processes:2"])
def test_what_a_piece_raises_reaches_the_caller(pieces, spec):
    with pytest.raises(ValueError, match="piece 3"):
        made_by(spec, pieces.fail, [3, 4])


def test_results_come_as_they_are_asked_for(pieces):
    asked = []
    with open_engine(None) as executor:
        taken = map_in_order(executor, pieces.place, (asked.append(n) for n in range(9)))
        assert asked == []
        next(taken)
        assert len(asked) == 1


def test_dask_makes_the_same_and_outlives_a_killed_worker_but_not_all(
    pieces, scheduler, tmp_path, monkeypatch
):
    seeds = spawn_seeds(7, 100)
    monkeypatch.setattr(engine, "_LOOK_S", 0.2)
    with open_engine(f"dask:{scheduler}", patience_s=1.0) as executor:
        found = list(map_in_order(executor, pieces.draw, seeds))
        workers = set(map_in_order(executor, pieces.place, range(20)))
        died = list(map_in_order(executor, pieces.die_once, [str(tmp_path / "once")]))
        left = set(map_in_order(executor, pieces.place, range(20)))
        for worker in left:
            os.kill(worker, signal.SIGKILL)
        with pytest.raises(MeasurementError, match="no worker for 1 s; start some"):
            list(map_in_order(executor, pieces.place, range(3)))
    assert found == made_by(None, pieces.draw, seeds)
    assert len(workers) == 2
    assert died == ["once"]
    assert len(left) == 1
    assert left < workers


@pytest.mark.parametrize("spec", ["threads", "processes:0", "processes:many", "processes:-1"])
def test_other_engines_are_refused(spec):
    with pytest.raises(UsageError, match="neither processes"):
        made_by(spec, len, ["piece"])


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install contractcheck\[dask\]"):
        made_by("dask", len, ["piece"])


@pytest.mark.calibration
def test_dask_that_is_started_here_is_reached_from_here_only(pieces):
    psutil = pytest.importorskip("psutil")
    with open_engine("dask") as executor:
        assert list(map_in_order(executor, len, ["piece"])) == [5]
        here = psutil.Process()
        listening = {
            found.laddr.ip
            for process in (here, *here.children(recursive=True))
            for found in process.net_connections(kind="inet")
            if found.status == psutil.CONN_LISTEN
        }
    assert listening == {"127.0.0.1"}


def test_a_scheduler_that_is_configured_is_asked_as_it_is(monkeypatch, scheduler, pieces):
    import dask.config

    with dask.config.set({"scheduler-address": scheduler}), open_engine("dask") as executor:
        assert list(map_in_order(executor, len, ["piece"])) == [5]
