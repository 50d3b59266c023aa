"""What the nights of a suite and target are judged on: the accepted ones, and all nights since."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from contractcheck.judging import Evidence
from contractcheck.judging.night_values import values_of
from contractcheck.judging.standing import place_tonight
from contractcheck.workflows.previous_night import (
    CONSECUTIVE_DAYS,
    PreviousNight,
    find_previous_night,
)
from contractcheck.workflows.rescoring import rescore
from contractcheck.workflows.watch_seen import MOST_LATER, NOTHING, seen_digest, seen_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.judging.night_values import Reference
    from contractcheck.model.history import Exemption, NightRecord, NightValues
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.run import RunHeader
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.store.history import History
    from contractcheck.workflows.rescoring import Rescored
    from contractcheck.workflows.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """What a night is judged by.

    Attributes:
        evidence: For ``judge_run``.
        last_accepted: The last accepted night, or empty.
        after: The last accepted night before this one, or empty.
        seen: Digest of the runs of the nights in between (``seen_digest``).
        baseline: Digest of the accepted nights it is held against; empty without any.
        fresh: Values of later nights that the history does not keep yet.
        notes: What a reader must know of how it was gathered.
    """

    evidence: Evidence
    last_accepted: str
    after: str = ""
    seen: str = ""
    baseline: str = ""
    fresh: tuple[NightValues, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What every night of a suite and target is judged on: read once, for as many as there are.

    Attributes:
        workspace: Where baselines and runs lie.
        suite: The contract.
        target: Who is asked.
        history: All nights of the watch.
        rescored: The accepted nights, measured by the suite as it is now; None without any.
        exemptions: What people took out of the watch for a while.
        most_values: How many kept values are read at most; None is all.
    """

    workspace: Workspace
    suite: Suite
    target: Target
    history: History
    rescored: Rescored | None
    exemptions: tuple[Exemption, ...]
    most_values: int | None
    _records: dict[str, tuple[NightRecord, ...]] = field(default_factory=dict)
    _values: dict[str, dict[tuple[str, str], NightValues]] = field(default_factory=dict)

    @property
    def accepted(self) -> tuple[str, ...]:
        """ISO dates of the accepted nights."""
        nights = self.rescored.baseline.nights if self.rescored else ()
        return tuple(one.statistics.night for one in nights)

    @property
    def last_accepted(self) -> str:
        """The last accepted night, or empty."""
        return max(self.accepted, default="")

    def gather(self, run: MeasuredRun) -> Gathered:
        """Gather what one run is judged by.

        Args:
            run: A night, measured.

        Raises:
            RecordingError: If the history is damaged.
        """
        header, tonight = run.header, run.statistics.night
        rescored, history = self.rescored, self.history
        after = max((night for night in self.accepted if night < tonight), default="")
        records = self._later_nights(after, tonight)
        baseline = rescored.baseline if rescored else None
        placed = place_tonight(self.suite, baseline, header)
        reference = placed.reference if placed else None
        later = self._later_values(records, reference) if reference else _Later()
        previous = _previous(history, records, tonight) or find_previous_night(
            self.workspace, self.suite, header, baseline
        )
        own = history.night(self.suite.name, header.target.id, tonight)
        confirmation = _confirmation(history, header, tonight)
        evidence = Evidence(
            suite=self.suite,
            run=run,
            baseline=baseline,
            placed=placed,
            previous=previous.statistics,
            watch=own is not None and own.run_id == header.id,
            later=later.values,
            records={record.night: record for record in records},
            exemptions=self.exemptions,
            confirmation=confirmation.statistics,
        )
        return Gathered(
            evidence=evidence,
            last_accepted=self.last_accepted,
            after=after,
            seen=seen_digest(map(seen_line, records), confirmation.line) if reference else NOTHING,
            baseline=reference.digest if reference else "",
            fresh=later.fresh,
            notes=(*(rescored.notes if rescored else ()), *previous.notes),
        )

    def _later_nights(self, after: str, tonight: str) -> tuple[NightRecord, ...]:
        """Complete nights between the last one that was accepted before tonight, and tonight."""
        if after not in self._records:
            nights = self.history.nights(self.suite.name, self.target.id, after=after)
            self._records[after] = tuple(one for one in nights if one.is_complete)
        return tuple(one for one in self._records[after] if one.night < tonight)[-MOST_LATER:]

    def _later_values(self, records: Sequence[NightRecord], reference: Reference) -> _Later:
        """Values of later nights: those that are kept, and those that have to be worked out."""
        if not records:
            return _Later()
        of, digest = (self.suite.name, self.target.id), reference.digest
        if digest not in self._values:
            newest = self.history.values(*of, digest, last=self.most_values)
            self._values[digest] = {(one.night, one.run_id): one for one in newest}
        kept = self._values[digest]
        fresh = []
        for record in records:
            if (record.night, record.run_id) not in kept and (
                statistics := self.history.statistics(*of, record.night)
            ):
                # As the history keeps it, so that the same comes out whenever it is worked out.
                one = values_of(reference, statistics)
                kept[record.night, record.run_id] = one
                fresh.append(one)
        found = (kept.get((record.night, record.run_id)) for record in records)
        return _Later(values=tuple(filter(None, found)), fresh=tuple(fresh))


def read_ground(
    workspace: Workspace,
    suite: Suite,
    target: Target,
    history: History,
    *,
    most_values: int | None = MOST_LATER,
) -> Ground:
    """Read what the nights of a suite and target are judged on.

    Args:
        workspace: Where baselines lie.
        suite: The contract.
        target: Who is asked.
        history: All nights of the watch.
        most_values: How many kept values are read at most: enough for the newest night as it is;
            None, all of them, where nights further back are judged too.

    Raises:
        RecordingError: If the baseline is damaged.
    """
    baseline = workspace.baselines.read(suite.name, target)
    return Ground(
        workspace=workspace,
        suite=suite,
        target=target,
        history=history,
        rescored=rescore(workspace, suite, baseline) if baseline else None,
        exemptions=workspace.exemptions.read(suite.name, target),
        most_values=most_values,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Later:
    values: tuple[NightValues, ...] = ()
    fresh: tuple[NightValues, ...] = ()


def _previous(history: History, later: Sequence[NightRecord], tonight: str) -> PreviousNight | None:
    """The night before, if it is near enough to confirm anything."""
    if not later:
        return None
    last = later[-1]
    days = (date.fromisoformat(tonight) - date.fromisoformat(last.night)).days
    if days > CONSECUTIVE_DAYS:
        return None
    return PreviousNight(statistics=history.statistics(last.suite, last.target, last.night))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Confirmation:
    statistics: NightStatistics | None = None
    line: str = ""


def _confirmation(history: History, header: RunHeader, tonight: str) -> _Confirmation:
    """What the second run of this night came to, if it was a complete one."""
    record = history.night(header.suite, header.target.id, tonight, "confirmation")
    if record is None or not record.is_complete:
        return _Confirmation()
    found = history.statistics(header.suite, header.target.id, tonight, "confirmation")
    return _Confirmation(statistics=found, line=seen_line(record))
