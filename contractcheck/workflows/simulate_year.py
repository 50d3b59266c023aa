"""Simulate years of a suite's own watch: how often it would cry, how soon it finds a change."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from contractcheck.errors import NothingToCheckError
from contractcheck.judging.budget import watch_budget
from contractcheck.judging.night_rule import margin_of
from contractcheck.judging.night_values import reference_of
from contractcheck.judging.simulated_years import WatchRules, YearPiece, join_years, play_years
from contractcheck.judging.year_changes import YEAR_CHANGES, shift_of
from contractcheck.judging.year_model import MEASURED_DISPERSION, fit_streams
from contractcheck.judging.year_results import count_family, measure_delay
from contractcheck.model.simulated_year import SimulatedYears
from contractcheck.sampling import SilentProgress, Tally
from contractcheck.stats.monitor_nights import LEAST_CHARTED
from contractcheck.stats.simulated_nights import FAMILIES
from contractcheck.workflows.engine import map_in_order, spawn_seeds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Executor

    import numpy as np
    from numpy.typing import NDArray

    from contractcheck.judging.budget import WatchBudget
    from contractcheck.judging.night_values import Reference
    from contractcheck.judging.simulated_years import PlayedYears
    from contractcheck.judging.year_changes import YearChange
    from contractcheck.judging.year_model import WatchedStream
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.sampling import Progress
    from contractcheck.stats.simulated_nights import Family
    from contractcheck.workflows.workspace import Workspace

    FloatArray = NDArray[np.float64]

_NIGHTS, _WATCHED = 365, 150
_PIECE, _LEAST_PIECE, _CELLS = 100, 5, 1500
"""Years of a piece, at most, at least, and times the coordinates of its widest stream: large enough
that starting it costs nothing, small enough for caches. Part of the result, since each piece has
its own seed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class YearOptions:
    """How years are simulated.

    Attributes:
        years: Years of each family, and histories of each change.
        seed: Of the draws; None makes a new one.
        progress: Told after every piece.
    """

    years: int = 200
    seed: int | None = None
    progress: Progress = field(default_factory=SilentProgress)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """One line of the result and what is played for it."""

    family: Family
    change: YearChange | None
    pieces: tuple[YearPiece, ...]


def simulate_years(
    workspace: Workspace, suite: Suite, target: Target, options: YearOptions, executor: Executor
) -> SimulatedYears:
    """Simulate years of a suite's watch on a target, from its accepted nights.

    Args:
        workspace: Where the baseline lies.
        suite: The contract as it is now.
        target: Whose accepted nights years are fitted to.
        options: How many years, and the seed.
        executor: Makes the pieces (:func:`contractcheck.workflows.engine.open_engine`).

    Raises:
        NothingToCheckError: If too few nights are accepted for charts to judge.
        RecordingError: If the baseline is damaged.
    """
    reference = _read_reference(workspace, suite, target)
    budget = watch_budget(suite, has_charts=True)
    streams = _fit_streams(suite, target, reference, budget)
    seed = secrets.randbits(32) if options.seed is None else options.seed
    rules = _rules(suite, budget, streams, len(reference.nights))
    shifts = {change: shift_of(change, reference, streams) for change in YEAR_CHANGES}
    rows = list(_plan(streams, rules, shifts, options.years, seed))
    played = _play(rows, options.progress, executor)
    return SimulatedYears(
        suite=suite.name,
        version=suite.version,
        target=target.id,
        accepted=rules.accepted,
        nights=_NIGHTS,
        watched=_WATCHED,
        stated=suite.policy.alarm_budget_per_year,
        share=sum(rules.shares.values()),
        pair_share=rules.fast * budget.fast_streams,
        unplayed=_unplayed(budget, rules),
        streams={stream.name: len(stream.rows) for stream in streams},
        dispersion={
            s.name: float(s.model.dispersion.mean()) for s in streams if s.plane != "latency"
        },
        seed=seed,
        families=tuple(
            count_family(row.family, years) for row, years in played if row.change is None
        ),
        changes=tuple(
            measure_delay(row.change, years) for row, years in played if row.change is not None
        ),
        unseen=tuple(change.words for change, moved in shifts.items() if not _moves(moved)),
        notes=_NOTES,
    )


_NOTES = (
    (
        "usual answers, ranks and directions of texts are held as the accepted nights have them; "
        "how answers and nights vary about them is drawn anew for every year, its baseline included"
    ),
    (
        "in families other than fitted nights move at least as those of unchanged models did "
        f"(dispersion {MEASURED_DISPERSION:g}): ten accepted nights may be alike by luck"
    ),
    (
        "checks of mode always are no part of this, for one failure is a breach on any night; nor "
        "are second runs of a suspicious night"
    ),
)


def _read_reference(workspace: Workspace, suite: Suite, target: Target) -> Reference:
    baseline = workspace.baselines.read(suite.name, target)
    era = () if baseline is None else baseline.eras[-1]
    nights = [night.statistics for night in era if night.statistics.is_complete]
    if len(nights) < LEAST_CHARTED:
        raise NothingToCheckError(
            f"{suite.name} × {target.id}: {len(nights)} complete nights are accepted; charts judge "
            f"from {LEAST_CHARTED} on, so there is no year of them to simulate"
        )
    fingerprints = {case.id: case.request_fingerprint for case in suite.cases}
    return reference_of(nights, fingerprints, nights_wanted=suite.policy.nights)


def _fit_streams(
    suite: Suite, target: Target, reference: Reference, budget: WatchBudget
) -> tuple[WatchedStream, ...]:
    """Streams of the budget that accepted nights have values of."""
    streams = tuple(one for one in fit_streams(reference) if one.name in budget.charts)
    if not streams:
        raise NothingToCheckError(
            f"{suite.name} × {target.id}: no metric or check has five accepted nights that asked "
            "what the suite asks now"
        )
    return streams


def _rules(
    suite: Suite, budget: WatchBudget, streams: Sequence[WatchedStream], accepted: int
) -> WatchRules:
    """What the suite's own charts and pairs of nights are held to."""
    margins = {one.name: margin_of(one.name, one.plane, suite.policy) for one in streams}
    return WatchRules(
        accepted=accepted,
        shares={stream.name: budget.charts[stream.name] for stream in streams},
        fast=budget.fast,
        margins={name: margin for name, margin in margins.items() if margin is not None},
    )


def _unplayed(budget: WatchBudget, rules: WatchRules) -> dict[str, float]:
    """What no year has, and the chance of a false red that each adds at most."""
    left = {name: share for name, share in budget.charts.items() if name not in rules.shares}
    found = {f"charts of {name}": share for name, share in left.items()}
    if budget.rules:
        words = "rate checks and limits, exact tests of a rate that is kept"
        found[f"{words} ({budget.rules})"] = budget.rule * budget.rules
    return found


def _plan(
    streams: tuple[WatchedStream, ...],
    rules: WatchRules,
    shifts: Mapping[YearChange, Mapping[str, FloatArray]],
    years: int,
    seed: int,
) -> Iterator[_Row]:
    """Every family without a change, then every change that shows, on fitted nights."""
    wanted: list[tuple[Family, YearChange | None]] = [(family, None) for family in FAMILIES]
    wanted += [("fitted", change) for change, moved in shifts.items() if _moves(moved)]
    widest = max(len(stream.rows) for stream in streams)
    piece = min(max(_CELLS // widest, _LEAST_PIECE), _PIECE)
    sizes = [min(piece, years - first) for first in range(0, years, piece)]
    seeds = iter(spawn_seeds(seed, len(wanted) * len(sizes)))
    for family, change in wanted:
        pieces = tuple(
            YearPiece(
                streams=streams,
                rules=rules,
                family=family,
                years=size,
                later=_NIGHTS if change is None else _WATCHED,
                seed=next(seeds),
                shifts=None if change is None else shifts[change],
                one_case=change is not None and change.one_case,
            )
            for size in sizes
        )
        yield _Row(family=family, change=change, pieces=pieces)


def _moves(shift: Mapping[str, FloatArray]) -> bool:
    return any(one.any() for one in shift.values())


def _play(
    rows: Sequence[_Row], progress: Progress, executor: Executor
) -> list[tuple[_Row, PlayedYears]]:
    tally = Tally(planned=sum(len(row.pieces) for row in rows))
    made = map_in_order(executor, play_years, (piece for row in rows for piece in row.pieces))
    played = []
    for row in rows:
        parts = []
        for part in islice(made, len(row.pieces)):
            parts.append(part)
            tally.done += 1
            progress.update(tally)
        played.append((row, join_years(parts)))
    return played
