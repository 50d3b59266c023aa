"""Accept a change: from a dated night on, the provider stands somewhere else.

The nights since place the new location, one is enough; the nights before go on telling how much
nights vary. So the night after the acceptance is watched again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from contractcheck.cassettes import is_sealed, read_header, read_run
from contractcheck.errors import AcceptRefusedError, RecordingError
from contractcheck.measuring import observe
from contractcheck.store.history import open_history
from contractcheck.workflows.accept import accept_runs, begin_era
from contractcheck.workflows.archive_accepted import bring_nights, mark_nights
from contractcheck.workflows.night_runs import is_complete, part_of

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.model.baseline import Baseline
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.workflows.accept import AcceptOptions
    from contractcheck.workflows.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class Rebased:
    """A baseline that begins anew.

    Attributes:
        baseline: As it is now.
        since: First night of the new era.
        passed_over: Runs of nights since that do not count, and why.
    """

    baseline: Baseline
    since: str
    passed_over: tuple[str, ...] = ()


def accept_since(
    workspace: Workspace,
    suite: Suite,
    target: Target,
    since: str,
    options: AcceptOptions,
    *,
    history: str | Path | None = None,
) -> Rebased:
    """Accept all complete nights since a change, as the first of a new era.

    Args:
        workspace: Where runs and baselines lie.
        suite: The contract.
        target: Who changed.
        since: ISO date: the first night after the change, as the report dated it.
        options: Who accepts, and why; nights that only its archive has are fetched.
        history: URL or path; None is the project's own file, which need not exist.

    Raises:
        AcceptRefusedError: If there is no baseline to begin anew, no complete night since, a run
            of one is elsewhere, or any of those nights may not be accepted; nothing was written.
        UsageError: If the history that was named is not one.
        RecordingError: If the baseline or the history is damaged, or the archive out of reach.
    """
    _refuse_date(since)
    baseline = workspace.baselines.read(suite.name, target)
    _refuse_place(baseline, suite, target, since)
    accepted = {night.statistics.night for night in baseline.nights} if baseline else set()
    lacking = bring_nights(workspace, options.archive, suite, target, since=since, but=accepted)
    passed_over = list(lacking)
    nights = _nights_since(workspace, suite, target, since, passed_over)
    _refuse_absent(workspace, suite, target, since, history, {*nights, *accepted})
    folders = [folder for night, folder in nights.items() if night not in accepted]
    if not folders and max(accepted, default="") < since:
        why = f" ({'; '.join(passed_over)})" if passed_over else ""
        raise AcceptRefusedError(
            f"no complete night of {suite.name} × {target.id} since {since}{why}; "
            "`contractcheck watch` records one"
        )
    if folders:
        (made,) = accept_runs(workspace, folders, [suite], replace(options, since=since))
    else:
        mark_nights(options.archive, baseline)
        made = _mark(workspace, suite, target, since)
    return Rebased(baseline=made, since=made.rebases[-1], passed_over=tuple(sorted(passed_over)))


def _mark(workspace: Workspace, suite: Suite, target: Target, since: str) -> Baseline:
    """Begin a new era with nights that were accepted already."""
    store = workspace.baselines
    with store.locked(suite.name, target, locks=workspace.locks):
        old = store.read(suite.name, target)
        if old is None:
            raise AcceptRefusedError(f"the baseline of {suite.name} × {target.id} is gone")
        nights = [night.statistics.night for night in old.nights]
        made = replace(old, rebases=begin_era(nights, old.rebases, since))
        store.write(made, None)
    return made


def _refuse_date(since: str) -> None:
    try:
        right = date.fromisoformat(since).isoformat() == since
    except ValueError:
        right = False
    if not right:
        raise AcceptRefusedError(f"--since {since!r} is not a date such as 2027-01-31")


def _refuse_place(baseline: Baseline | None, suite: Suite, target: Target, since: str) -> None:
    name = f"{suite.name} × {target.id}"
    if baseline is None or not baseline.nights:
        raise AcceptRefusedError(
            f"{name} has no accepted nights; accept its first ones by naming their runs"
        )
    first = baseline.nights[0].statistics.night
    if since <= first:
        raise AcceptRefusedError(
            f"--since {since} leaves no accepted night of {name} before it ({first} is the first), "
            "and those tell how much nights vary"
        )
    if baseline.rebases and since <= baseline.rebases[-1]:
        raise AcceptRefusedError(
            f"{name} was re-based on {baseline.rebases[-1]}; --since has to be later"
        )


def _refuse_absent(  # noqa: PLR0917 - what is asked of the history, and what is here
    workspace: Workspace,
    suite: Suite,
    target: Target,
    since: str,
    history: str | Path | None,
    here: set[str],
) -> None:
    """Refuse to place the location by the nights that happen to lie on this disk."""
    if history is None and not workspace.history.exists():
        return
    with open_history(history or workspace.history, create=False) as opened:
        records = opened.nights(suite.name, target.id)
    absent = [
        record
        for record in records
        if record.is_complete and record.night >= since and record.night not in here
    ]
    if absent:
        nights = ", ".join(record.night for record in absent)
        runs = " ".join(record.run_id for record in absent)
        raise AcceptRefusedError(
            f"complete nights of {suite.name} × {target.id} since {since} are not here: {nights}; "
            f"bring them with `contractcheck runs fetch {runs}`, or name their archive by --store"
        )


def _nights_since(
    workspace: Workspace, suite: Suite, target: Target, since: str, passed_over: list[str]
) -> dict[str, Path]:
    """The first complete run of each night since."""
    found: dict[str, Path] = {}
    for folder in workspace.runs.folders(suite.name, target):
        try:
            header = read_header(folder)
        except RecordingError as error:
            passed_over.append(f"{folder.name}: {error}")
            continue
        night = header.night or ""
        is_own = part_of(header) == "night" and not header.gate and header.status != "partial"
        if night < since or night in found or not is_own:
            continue
        if not is_sealed(folder):
            passed_over.append(f"{night}: {folder.name} was interrupted")
        elif not is_complete(observe(read_run(folder), suite)):
            passed_over.append(f"{night}: {folder.name} is an outage")
        else:
            found[night] = folder
    return found
