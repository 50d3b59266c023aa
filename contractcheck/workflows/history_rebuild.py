"""Make the history again from the sealed runs: after a loss, and for tables of a new version.

Every night that lies in the run store or in the archive is measured by its suite as it is now, and
all nights since the last accepted one are judged again, oldest first. What the history holds of
runs that are gone stays. Killed and started again, it ends in the same history.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from contractcheck.cassettes import is_being_recorded, is_sealed, read_header
from contractcheck.errors import MeasurementError, RecordingError
from contractcheck.store.history import open_history
from contractcheck.workflows.engine import map_in_order
from contractcheck.workflows.night_runs import night_record
from contractcheck.workflows.night_sampling import read_night
from contractcheck.workflows.night_source import NightSource
from contractcheck.workflows.runs_list import run_folders
from contractcheck.workflows.watch_again import judge_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor

    from contractcheck.model.history import NightRecord
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.run import RunHeader
    from contractcheck.model.suite import Suite
    from contractcheck.store.history import History
    from contractcheck.workflows.run_archive import RunArchive
    from contractcheck.workflows.watch_again import JudgedAgain
    from contractcheck.workflows.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class Rebuilt:
    """What a rebuild did.

    Attributes:
        nights: Runs that were measured.
        changed: Of them, those that the history had not, or otherwise.
        judged: Nights that were judged again.
        left: Nights since the last accepted one that were not, for want of a whole recording: what
            was said of them stands.
        digest: Of the whole history afterwards (``History.digest``).
        problems: Runs, and rows of the history, that could not be read, and why; the history has
            none of them from here.
    """

    nights: int
    changed: int
    judged: int
    left: int
    digest: str
    problems: tuple[str, ...] = ()


def rebuild_history(
    workspace: Workspace,
    suites: Sequence[Suite],
    url: str | Path,
    *,
    executor: Executor,
    archive: RunArchive | None = None,
) -> Rebuilt:
    """Fill a history from the runs that are at hand.

    Args:
        workspace: Where runs and baselines lie.
        suites: Whose nights.
        url: The history; its tables may be of an older version.
        executor: Where runs are measured.
        archive: Further runs, or None.

    Raises:
        UsageError: If the history's address is wrong.
        RecordingError: If a baseline is damaged, or the history cannot be reached or is newer.
    """
    by_name = {suite.name: suite for suite in suites}
    problems: list[str] = []
    with (
        open_history(url, renew=True) as history,
        tempfile.TemporaryDirectory(prefix="contractcheck-rebuild-") as scratch,
    ):
        for suite in suites:
            for target in suite.targets:
                problems.extend(history.clear_damage(suite.name, target.id))
        measured = changed = 0
        pieces = _bring_nights(workspace, archive, by_name, Path(scratch), problems)
        for one in map_in_order(executor, _measure, pieces):
            if Path(scratch) in one.folder.parents:  # the disk never holds all of an archive
                shutil.rmtree(one.folder, ignore_errors=True)
            if one.night is None:
                problems.append(f"{one.folder.name}: {one.problem}")
                continue
            measured += 1
            changed += history.add_night(*one.night) or history.rescore_night(*one.night)
        judged = _judge_all(workspace, suites, history, archive, problems)
        return Rebuilt(
            nights=measured,
            changed=changed,
            judged=sum(len(one.nights) for one in judged),
            left=sum(len(one.left) for one in judged),
            digest=history.digest(),
            problems=tuple(problems),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Piece:
    folder: Path
    suite: Suite


@dataclass(frozen=True, kw_only=True, slots=True)
class _Measured:
    folder: Path
    night: tuple[NightRecord, NightStatistics] | None = None
    problem: str = ""


def _measure(piece: _Piece) -> _Measured:
    """Measure one run; a damaged one is told, so that the others still count."""
    try:
        night = read_night(piece.folder, piece.suite)
    except MeasurementError as error:
        return _Measured(folder=piece.folder, problem=str(error))
    record = night_record(night.run, root=night.root)
    return _Measured(folder=piece.folder, night=(record, night.run.statistics))


def _bring_nights(
    workspace: Workspace,
    archive: RunArchive | None,
    suites: Mapping[str, Suite],
    scratch: Path,
    problems: list[str],
) -> Iterator[_Piece]:
    """All nights, oldest first; one that is archived only is fetched when it is asked for."""
    local = {folder.name: folder for folder in run_folders(workspace)}
    places: dict[str, Callable[[], Path]] = {
        name: partial(_same, folder) for name, folder in local.items()
    }
    for run in archive.list() if archive is not None else ():
        if archive is not None and run.night and run.run_id not in local and run.suite in suites:
            places[run.name] = partial(archive.fetch, run, scratch)
    for name in sorted(places, key=lambda name: (name.rpartition("/")[2], name)):
        try:
            folder = places[name]()
            header = read_header(folder)
        except RecordingError as error:
            problems.append(f"{name}: {error}")
            continue
        if header.suite in suites and _is_night(header, folder):
            yield _Piece(folder=folder, suite=suites[header.suite])
        elif scratch in folder.parents:
            shutil.rmtree(folder, ignore_errors=True)


def _same(folder: Path) -> Path:
    return folder


def _is_night(header: RunHeader, folder: Path) -> bool:
    is_whole = not header.gate and header.status != "partial"
    return bool(header.night) and is_whole and (is_sealed(folder) or not is_being_recorded(folder))


def _judge_all(
    workspace: Workspace,
    suites: Sequence[Suite],
    history: History,
    archive: RunArchive | None,
    problems: list[str],
) -> list[JudgedAgain]:
    """Judge all nights since the last accepted one of every suite and target."""
    judged = []
    for suite in suites:
        for target in suite.targets:
            source = NightSource(
                workspace=workspace, suite=suite.name, target=target, archive=archive
            )
            judged.append(judge_all(source, suite, history))
            if source.trouble:
                problems.append(f"{suite.name} × {target.id}: {source.trouble}")
    return judged
