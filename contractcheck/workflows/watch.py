"""Watch a target: make tonight once, keep it in the history, judge it by all nights since.

A night is the UTC date on which the watch starts. Everything but the sampling is worked out anew
from what is kept, so a watch that is run again, killed, or started twice ends in the same history.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, get_args

from contractcheck.cassettes import is_sealed
from contractcheck.errors import MeasurementError
from contractcheck.model.history import NightPart
from contractcheck.store.history import open_history
from contractcheck.workflows.archive_accepted import mark_nights
from contractcheck.workflows.night_runs import night_record
from contractcheck.workflows.night_sampling import NightRun, make_night, read_night
from contractcheck.workflows.night_source import NightSource
from contractcheck.workflows.record import RecordOptions
from contractcheck.workflows.run_archive import open_archive
from contractcheck.workflows.watch_again import JudgedAgain, judge_outdated
from contractcheck.workflows.watch_again_words import told_again
from contractcheck.workflows.watch_judging import judge_night
from contractcheck.workflows.watch_keeping import keep_judged
from contractcheck.workflows.watch_lock import alone, claimed

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.model.baseline import Baseline
    from contractcheck.model.history import NightRecord
    from contractcheck.model.report import Report
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.sampling import Progress
    from contractcheck.store.history import History
    from contractcheck.workflows.run_archive import RunArchive
    from contractcheck.workflows.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchOptions:
    """How a night is watched.

    Attributes:
        record: How the provider is asked; its selection and run id are not used.
        history: URL or path of the history; None is the project's own file.
        store: URL of the archive of runs, or None.
        night: ISO date; None is the UTC date of ``now``.
        now: When this watch started, with its time zone.
        wait_s: How long to wait for another machine that watches the same night (s).
    """

    record: RecordOptions = field(default_factory=RecordOptions)
    history: str | Path | None = None
    store: str | None = None
    night: str | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    wait_s: float = 900.0

    @property
    def tonight(self) -> str:
        """ISO date of the night."""
        return self.night or self.now.astimezone(UTC).date().isoformat()


def watch_target(
    workspace: Workspace,
    suite: Suite,
    target: Target,
    options: WatchOptions,
    progress: Progress | None = None,
) -> Report:
    """Watch one target of a suite tonight, and say what its night came to.

    A night that is complete is judged again without asking anybody.

    Raises:
        UsageError: If the endpoint, the credential or the history's address is wrong.
        MeasurementError: If another machine watches this night, or a disk or database refuses.
        KeyboardInterrupt: On Ctrl-C; what was finished is kept for the next watch of the night.
    """
    night = options.tonight
    place = options.history or workspace.history
    # A place that cannot be is told before anybody is asked.
    archive = None if options.store is None else open_archive(options.store)
    with (
        alone(workspace, suite.name, target),
        open_history(place) as history,
        claimed(history, suite.name, target.id, night, root=workspace.root, wait_s=options.wait_s),
    ):
        watch = _Watch(workspace, suite, target, options, history, archive)
        return watch.report(watch.take(progress), progress)


@dataclass(frozen=True, slots=True)
class _Watch:
    """One watch of one night, alone with its history."""

    workspace: Workspace
    suite: Suite
    target: Target
    options: WatchOptions
    history: History
    archive: RunArchive | None

    def take(self, progress: Progress | None) -> NightRun:
        """Tonight's own run: the one that the history has, else one that is made now."""
        night = self.options.tonight
        known = self.history.night(self.suite.name, self.target.id, night)
        if known is not None and known.is_complete:
            return self._read_known(known)
        return self._make("night", progress)

    def report(self, night: NightRun, progress: Progress | None) -> Report:
        """Judge a night, confirm it if it is time, keep and say what it came to.

        Later nights that rest on it are judged again, last of all: what stops that costs nothing of
        this night, whose report and exit code these are.
        """
        judged = judge_night(self.workspace, self.suite, self.history, night.run)
        asks_to_confirm = judged.may_be_confirmed(self.options.now)
        if asks_to_confirm:
            self._make("confirmation", progress)
            judged = judge_night(self.workspace, self.suite, self.history, night.run)
        keep_judged(self.history, judged)
        report = judged.report(self.suite, was_asked=night.was_asked or asks_to_confirm)
        report = self._with_copy(report, judged.gathered.evidence.baseline)
        return self._with_others(report, progress)

    @property
    def source(self) -> NightSource:
        """Where recordings of nights lie."""
        return NightSource(
            workspace=self.workspace,
            suite=self.suite.name,
            target=self.target,
            archive=self.archive,
        )

    def _make(self, part: NightPart, progress: Progress | None) -> NightRun:
        made = make_night(
            self.workspace,
            self.suite,
            self.target,
            replace(self.options.record, night=self.options.tonight),
            part=part,
            progress=progress,
            now=self.options.now,
        )
        # Before the history names it: this disk may not outlive the watch. What fails here is
        # tried again, and told, when the night is judged.
        with suppress(MeasurementError):
            self._push(made.folder, made.root)
        self.history.add_night(night_record(made.run, root=made.root), made.run.statistics)
        return made

    def _read_known(self, known: NightRecord) -> NightRun:
        """The very run that the history names, from here or from the archive."""
        folder = self._folder(known)
        if not is_sealed(folder) and self.archive is not None:
            for run in self.archive.list(self.suite.name, self.target):
                if (run.run_id, run.root) == (known.run_id, known.run_root):
                    self.archive.fetch(run, into=self.workspace.runs.root)
        problem = f"{self.suite.name} × {self.target.id}: the night of {known.night} is run "
        if not is_sealed(folder):
            raise MeasurementError(
                f"{problem}{known.run_id}, which is not below {self.workspace.runs.root}; give "
                "--store of the watch that made it"
            )
        found = read_night(folder, self.suite)
        if (found.root or "") != known.run_root:
            raise MeasurementError(
                f"{problem}{known.run_id}, but what lies in {folder} is another one (its root "
                "digest differs): move it away, and give --store of the watch that made the night"
            )
        return found

    def _with_copy(self, report: Report, baseline: Baseline | None) -> Report:
        """Copy the runs of the night to the archive, and let it know which nights are accepted.

        A night is judged and kept whether its copy can be made or not; but a watch without its
        copy did not do what it was asked to, and the next one of this night tries again.
        """
        try:
            self._copy()
            mark_nights(self.archive, baseline)
        except MeasurementError as error:
            return _with_trouble(report, f"the store was not brought up to date: {error}")
        return report

    def _with_others(self, report: Report, progress: Progress | None) -> Report:
        """Judge nights again that rest on other nights now, and tell what became of them."""
        source, again = self.source, JudgedAgain()
        try:
            judge_outdated(source, self.suite, self.history, into=again, progress=progress)
        except MeasurementError as error:
            words = f"other nights were not all judged again, the next watch tries anew: {error}"
            report = _with_trouble(report, words)
        if source.trouble:
            words = f"nights whose recordings lie in the store wait for it: {source.trouble}"
            report = _with_trouble(report, words)
        return told_again(report, again)

    def _copy(self) -> None:
        for part in get_args(NightPart):
            name, night = self.suite.name, self.options.tonight
            known = self.history.night(name, self.target.id, night, part)
            if known is not None:
                self._push(self._folder(known), known.run_root)

    def _push(self, folder: Path, root: str | None) -> None:
        """Copy a sealed run, unless it is there or there is nowhere to copy it to."""
        if self.archive is None or not is_sealed(folder):
            return
        if not self.archive.has(self.suite.name, self.target, folder.name, root=root):
            self.archive.push(folder)

    def _folder(self, known: NightRecord) -> Path:
        return self.workspace.runs.folder(self.suite.name, self.target, known.run_id)


def _with_trouble(report: Report, words: str) -> Report:
    """A report of a watch that did not do all that it was asked to: never green."""
    code = report.exit_code or MeasurementError.exit_code
    return replace(report, exit_code=code, notes=(*report.notes, words))
