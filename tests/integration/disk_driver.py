"""Does what the lines of its input say, each in a process of its own, on a disk that may fail.

A line is a JSON list of orders that run at the same time. For each of them, a list of outcomes
comes back: exit status (negative: killed), words of the error, calls that the disk saw. Forking
keeps the imports out of every order, and lets each have its own faults (``FAULT_*``, see
faulty_disk.c) or its own bound on file sizes.
"""

import ctypes
import json
import os
import resource
import sys
import traceback
from pathlib import Path

# What is imported late, and would be imported in each order anew.
import httpcore2  # noqa: F401
import pandas  # noqa: F401, ICN001
import scipy.optimize
import scipy.special  # noqa: F401
import sqlalchemy.dialects.sqlite  # noqa: F401
import vcr  # noqa: F401

import contractcheck.providers.openai_chat
import contractcheck.store.history_schema
import contractcheck.store.history_tables  # noqa: F401
from contractcheck.cassettes import resume_run, seal_run
from contractcheck.errors import ContractcheckError
from contractcheck.model.target import Target
from contractcheck.redaction import Scrubber
from contractcheck.workflows.accept import AcceptOptions, accept_runs
from contractcheck.workflows.record import RecordOptions, record_run, resume
from contractcheck.workflows.watch import WatchOptions, watch_target
from contractcheck.workflows.workspace import Workspace


class Acknowledging:
    """Notes each trial that the recorder called finished, outside of the disk that fails."""

    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def update(self, _tally):
        os.write(self.file, b"finished\n")


def record(root, *, run_id, base_url, acknowledged, night=None, fsync="close"):
    workspace = Workspace(Path(root))
    (suite,) = workspace.load_suites()
    target = Target(provider="openai", model="gpt-sim-mini", base_url=base_url)
    options = RecordOptions(run_id=run_id, concurrency=4, night=night, fsync=fsync)
    record_run(workspace, suite, target, options, Acknowledging(acknowledged))


def go_on(root, *, folder, base_url):
    (suite,) = Workspace(Path(root)).load_suites()
    resume(Path(folder), suite, RecordOptions(base_url=base_url))


def hold(_root, *, folder, wait_on):
    """Take a run up, and keep it until a line comes through a named pipe."""
    run = resume_run(Path(folder), Scrubber.for_secrets([]))
    Path(wait_on).read_bytes()
    run.close()


def seal(_root, *, folder, ended_at):
    seal_run(Path(folder), status="complete", ended_at=ended_at)


def accept(root, *, folders):
    workspace = Workspace(Path(root))
    options = AcceptOptions(reason="looked at", by="me")
    accept_runs(workspace, [Path(f) for f in folders], workspace.load_suites(), options)


def watch(root, *, night, base_url, wait_s=60.0):
    workspace = Workspace(Path(root))
    (suite,) = workspace.load_suites()
    record = RecordOptions(base_url=base_url, concurrency=4)
    options = WatchOptions(night=night, record=record, wait_s=wait_s)
    watch_target(workspace, suite, suite.targets[0], options)


ORDERS = {function.__name__: function for function in (record, go_on, hold, seal, accept, watch)}


def obey(order, answer):
    """Do one order in this process, and end it."""
    status, words = 99, ""
    if "fsize_bytes" in order:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["fsize_bytes"], order["fsize_bytes"]))
    os.environ.update(order.get("env", {}))
    try:
        ORDERS[order["do"]](order["root"], **order["with"])
        status = 0
    except ContractcheckError as error:
        status, words = error.exit_code, str(error)
    except BaseException:  # noqa: BLE001 - told to the test, which wants none
        words = traceback.format_exc()
    for name in order.get("env", {}):
        del os.environ[name]
    seen = getattr(ctypes.CDLL(None), "faulty_calls_seen", lambda: 0)()
    os.write(answer, json.dumps({"words": words, "calls": seen}).encode())
    os._exit(status)


def start(order):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        obey(order, writing)
    os.close(writing)
    return child, reading


def main():
    for line in sys.stdin:
        started = [start(order) for order in json.loads(line)]
        outcomes = []
        for child, reading in started:
            with open(reading, "rb") as pipe:  # noqa: PTH123 - a descriptor has no path
                told = json.loads(pipe.read() or '{"words": "", "calls": 0}')
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            outcomes.append({"status": status, **told})
        sys.stdout.write(json.dumps(outcomes) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
