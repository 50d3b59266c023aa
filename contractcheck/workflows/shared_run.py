"""One run for a whole test session, however many processes take part in it.

The first process to need a suite and target takes a lock and samples all selected cases; the
others wait and read the same run. What it met instead of a run (a missing key, a full disk) is
told to the others too, so that nobody asks the provider twice.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from contractcheck.cassettes import read_run
from contractcheck.errors import ContractcheckError, MeasurementError, UsageError
from contractcheck.files import write_atomically
from contractcheck.judging import judge_case
from contractcheck.measuring import observe
from contractcheck.store import new_run_id
from contractcheck.workflows.judging import judge_recorded
from contractcheck.workflows.record import record_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from contractcheck.judging import CaseJudgement
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.report import Report
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.workflows.record import RecordOptions
    from contractcheck.workflows.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedRun:
    """A live run of this session, judged.

    Attributes:
        suite: The contract.
        run: Tonight's answers.
        report: The verdict on all of it.
        folder: Where it lies.
    """

    suite: Suite
    run: MeasuredRun
    report: Report
    folder: Path

    def judge(self, case_id: str) -> CaseJudgement:
        """Judge one case."""
        return judge_case(self.run, self.suite, case_id)


def open_shared_run(
    workspace: Workspace, suite: Suite, target: Target, options: RecordOptions, *, session: str
) -> SharedRun:
    """Record, or read what another process of this session recorded.

    Args:
        workspace: Where runs lie.
        suite: The contract.
        target: Whom to ask.
        options: How; every process of the session must give the same.
        session: Id that the processes of one session share.

    Raises:
        ContractcheckError: What the recording process met.
    """
    key = hashlib.sha256(f"{session} {suite.name} {target.id}".encode()).hexdigest()[:16]

    def record() -> Path:
        named = replace(options, run_id=new_run_id(datetime.now(UTC), key))
        return record_run(workspace, suite, target, named)

    folder = _once(workspace.locks, key, record)
    return SharedRun(
        suite=suite,
        run=observe(read_run(folder), suite),
        report=judge_recorded(workspace, suite, folder),
        folder=folder,
    )


def _once(locks: Path, key: str, record: Callable[[], Path]) -> Path:
    """Call ``record`` in the first process that comes here; all get what it came to."""
    from filelock import FileLock

    locks.mkdir(parents=True, exist_ok=True)
    outcome = locks / f"run-{key}.json"
    with FileLock(locks / f"run-{key}.lock"):
        if not outcome.is_file():
            try:
                told = {"folder": str(record())}
            except ContractcheckError as error:
                told = {"error": str(error), "usage": str(isinstance(error, UsageError))}
            write_atomically(outcome, orjson.dumps(told))
        told = orjson.loads(outcome.read_bytes())
    if "folder" in told:
        return Path(told["folder"])
    if told["usage"] == "True":
        raise UsageError(told["error"])
    raise MeasurementError(told["error"])
