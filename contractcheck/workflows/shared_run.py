"""One run for a whole test session, however many processes take part in it.

The first process to need a suite and target takes a lock and samples all selected cases; the
others wait and read the same run. What it met instead of a run (a missing key, a full disk) is
told to the others too, so that nobody asks the provider twice; and when it is killed, the next
process goes on with the run that it had begun.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from contractcheck.cassettes import is_sealed, read_run
from contractcheck.errors import ContractcheckError, MeasurementError, UsageError
from contractcheck.files import write_atomically
from contractcheck.judging import CaseJudgement, find_known_problems, judge_case
from contractcheck.measuring import observe
from contractcheck.model.completion import Outcome
from contractcheck.model.judgement import Verdict
from contractcheck.store import new_run_id
from contractcheck.workflows.judging import judge_recorded
from contractcheck.workflows.record import record_run, resume
from contractcheck.workflows.watch import WatchOptions, watch_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.report import Report
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.workflows.record import RecordOptions
    from contractcheck.workflows.workspace import Workspace

_FORGOTTEN_S = 24 * 3600.0
"""Notes of sessions begun longer ago (s) are swept away; no session lasts that long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedRun:
    """A live run of this session, judged.

    Attributes:
        suite: The contract.
        run: Tonight's answers.
        report: The verdict on all of it.
        folder: Where it lies.
        known: Problems of the wire that accepted nights had.
    """

    suite: Suite
    run: MeasuredRun
    report: Report
    folder: Path
    known: frozenset[str]

    def judge(self, case_id: str) -> CaseJudgement:
        """Judge one case; what was asked too little, or in vain, is never good."""
        judged = judge_case(self.run, self.suite, case_id, known=self.known)
        if judged.verdict is Verdict.FAIL:
            return judged
        own = [one.answer.completion for one in self.run.answers if one.case == case_id]
        lost = [one for one in own if one.outcome not in (Outcome.ANSWERED, Outcome.MALFORMED)]
        planned = self.run.header.cases[case_id].samples
        if lost and self.report.verdict is Verdict.ERROR:
            words = f"could not measure: {len(lost)} of {planned} requests failed"
            return CaseJudgement(verdict=Verdict.ERROR, reason=f"{words}: {lost[0].detail}")
        if len(own) < planned:
            words = f"only {len(own)} of {planned} planned trials were made"
            return CaseJudgement(verdict=Verdict.INCONCLUSIVE, reason=words)
        return judged


def open_shared_run(
    workspace: Workspace,
    suite: Suite,
    target: Target,
    options: RecordOptions,
    *,
    session: str,
    history: str | None = None,
    store: str | None = None,
) -> SharedRun:
    """Record, or read what another process of this session recorded.

    A night is made as ``watch`` makes it, once and by one process, and goes into the history; what
    is no night only reads there.

    Args:
        workspace: Where runs lie.
        suite: The contract.
        target: Whom to ask.
        options: How; every process of the session must give the same.
        session: Id that the processes of one session share.
        history: URL of the history; None is the project's own.
        store: URL of the archive of runs, or None; only for nights.

    Raises:
        ContractcheckError: What the recording process met.
        KeyboardInterrupt: On Ctrl-C; says how to go on with what was finished.
    """
    # A damaged baseline is told before anybody is asked.
    baseline = workspace.baselines.read(suite.name, target)
    key = hashlib.sha256(f"{session} {suite.name} {target.id}".encode()).hexdigest()[:16]
    place = WatchOptions(record=options, history=history, store=store, night=options.night)

    def record() -> Path:
        if options.night is None:
            return _record(workspace, suite, target, options, key)
        report = watch_target(workspace, suite, target, place)
        return workspace.runs.folder(suite.name, target, report.run_id or "")

    folder = _once(workspace.locks, key, record)
    run = observe(read_run(folder), suite)
    return SharedRun(
        suite=suite,
        run=run,
        report=judge_recorded(workspace, suite, folder, history=history),
        folder=folder,
        known=find_known_problems(run, baseline.nights if baseline else ()),
    )


def _record(
    workspace: Workspace, suite: Suite, target: Target, options: RecordOptions, key: str
) -> Path:
    """Begin this session's run, or go on with it where a process was killed."""
    begun = _find_begun(workspace, suite, target, key)
    if begun is not None:
        return _go_on(begun, suite, options)
    run_id = new_run_id(datetime.now(UTC), key)
    try:
        return record_run(workspace, suite, target, replace(options, run_id=run_id))
    except KeyboardInterrupt:
        if _find_begun(workspace, suite, target, key) is None:
            raise
        words = f"what was answered is kept; go on with: contractcheck run --resume {run_id}"
        raise KeyboardInterrupt(words) from None


def _find_begun(workspace: Workspace, suite: Suite, target: Target, key: str) -> Path | None:
    folders = workspace.runs.folders(suite.name, target)
    return next((folder for folder in folders if folder.name.endswith(f"-{key}")), None)


def _go_on(folder: Path, suite: Suite, options: RecordOptions) -> Path:
    if is_sealed(folder):
        return folder
    if options.max_requests is None:
        return resume(folder, suite, options)
    # Requests that were under way at the kill are in no journal, but may have been sent.
    sent = len(read_run(folder).exchanges) + options.concurrency
    left = options.max_requests - sent
    return resume(folder, suite, replace(options, max_requests=left)) if left > 0 else folder


def _once(locks: Path, key: str, record: Callable[[], Path]) -> Path:
    """Call ``record`` in the first process that comes here; all get what it came to."""
    from filelock import FileLock

    locks.mkdir(parents=True, exist_ok=True)
    _sweep(locks)
    note = locks / f"run-{key}.json"
    with FileLock(locks / f"run-{key}.lock"):
        if not note.is_file():
            try:
                told = {"folder": str(record())}
            except UsageError as error:
                told = {"usage_error": str(error)}
            except ContractcheckError as error:
                told = {"error": str(error)}
            write_atomically(note, orjson.dumps(told))
        told = orjson.loads(note.read_bytes())
    if "folder" in told:
        return Path(told["folder"])
    if "usage_error" in told:
        raise UsageError(told["usage_error"])
    raise MeasurementError(told["error"])


def _sweep(locks: Path) -> None:
    """Forget the sessions of other days; nothing tells a process that it is the last of its own."""
    for path in locks.glob("run-*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _FORGOTTEN_S:
                path.unlink()
