"""Make a night, or take the one that is there: nobody is asked twice for the same night."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from contractcheck.cassettes import is_sealed, read_header, read_run
from contractcheck.errors import RecordingError, UsageError
from contractcheck.measuring import observe
from contractcheck.store import new_run_id
from contractcheck.workflows.endpoint import is_local, resolve_endpoint
from contractcheck.workflows.night_runs import (
    FARTHEST_DAYS,
    find_night_runs,
    is_complete,
    night_key,
    with_completeness,
)
from contractcheck.workflows.record import RecordOptions, record_run, resume

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.model.history import NightPart
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.sampling import Progress
    from contractcheck.workflows.workspace import Workspace

_CONFIRMATION = "confirmation"


@dataclass(frozen=True, kw_only=True, slots=True)
class NightRun:
    """A recorded run of a night, measured.

    Attributes:
        folder: Where it lies.
        run: Its answers; ``statistics.is_complete`` says whether it may enter the charts.
        root: Root digest; None while the run is open.
        was_asked: Whether the provider was asked for it just now.
    """

    folder: Path
    run: MeasuredRun
    root: str | None
    was_asked: bool


def make_night(
    workspace: Workspace,
    suite: Suite,
    target: Target,
    options: RecordOptions,
    *,
    part: NightPart = "night",
    progress: Progress | None = None,
    now: datetime | None = None,
) -> NightRun:
    """Take a night's complete run, else go on with an interrupted one, else sample anew.

    Args:
        workspace: Where runs lie.
        suite: The contract.
        target: Whom to ask.
        options: How; ``night`` says which night.
        part: The night itself, or its confirmation.
        progress: Told of every trial.
        now: With its time zone; None is the present moment.

    Raises:
        UsageError: If the endpoint or the credential is wrong, or nothing is there of a night
            that is not now.
        RecordingError: If the disk refuses, or another process records this night right now.
        KeyboardInterrupt: On Ctrl-C; what was finished is kept for the next time.
    """
    night = options.night or ""
    runs = find_night_runs(workspace, suite.name, target, night, part)
    for folder in runs:
        found = _take_sealed(folder, suite)
        if found is not None:
            return found
    begun = next((folder for folder in runs if _can_go_on(folder, suite)), None)
    if begun is not None:
        return read_night(resume(begun, suite, options, progress), suite, was_asked=True)
    _refuse_far(target, options, now or datetime.now(UTC))
    label = " ".join(filter(None, (_CONFIRMATION if part == _CONFIRMATION else "", options.label)))
    named = replace(
        options,
        cases=None,
        label=label,
        run_id=_new_id(night_key(suite.name, target.id, night, part)),
    )
    folder = record_run(workspace, suite, target, named, progress)
    return read_night(folder, suite, was_asked=True)


def read_night(folder: Path, suite: Suite, *, was_asked: bool = False) -> NightRun:
    """Read and measure a run of a night.

    Raises:
        RecordingError: If it is damaged.
    """
    recorded = read_run(folder)
    run = with_completeness(observe(recorded, suite))
    return NightRun(folder=folder, run=run, root=recorded.root, was_asked=was_asked)


def _take_sealed(folder: Path, suite: Suite) -> NightRun | None:
    """A sealed run that is a complete night; one that is damaged is no night."""
    if not is_sealed(folder):
        return None
    try:
        found = read_night(folder, suite)
    except RecordingError:
        return None
    return found if is_complete(found.run) else None


def _can_go_on(folder: Path, suite: Suite) -> bool:
    """Whether an open run asks what the suite asks now."""
    if is_sealed(folder):
        return False
    try:
        begun = read_header(folder).cases
    except RecordingError:
        return False
    return {case: plan.request_fingerprint for case, plan in begun.items()} == {
        case.id: case.request_fingerprint for case in suite.cases
    }


def _refuse_far(target: Target, options: RecordOptions, now: datetime) -> None:
    """Answers of today are no night of another date; a simulator here may play any night."""
    today, night = now.astimezone(UTC).date(), date.fromisoformat(options.night or "")
    if abs((night - today).days) <= FARTHEST_DAYS:
        return
    endpoint = resolve_endpoint(target, base_url=options.base_url, environment=os.environ)
    if not is_local(urlsplit(endpoint.base_url)):
        raise UsageError(
            f"--night {night}: today is {today}, and what {target.id} answers now is no night of "
            f"another date; leave --night out, or give one at most {FARTHEST_DAYS} day away"
        )


def _new_id(key: str) -> str:
    """An id that no other run of this night has, on whatever machine.

    Ids count in seconds, and an outage may be over sooner.
    """
    return new_run_id(datetime.now(UTC), key + secrets.token_hex(4))
