"""Measure a suite's own error rates on recorded answers; nothing is asked."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.cassettes import read_run
from contractcheck.errors import NothingToCheckError
from contractcheck.incidents import INCIDENTS
from contractcheck.judging.calibrating import count_gates, count_night_alarms, measured_rate
from contractcheck.judging.gate import plan_looks
from contractcheck.judging.gate_plan import pool_trials, simulate_gates
from contractcheck.judging.resampling import make_pool
from contractcheck.measuring import measure_answers, observe
from contractcheck.model.calibration import Calibration
from contractcheck.model.completion import Outcome
from contractcheck.sampling import SilentProgress, Tally
from contractcheck.workflows.planned_gate import gate_rules, with_margin_metrics
from contractcheck.workflows.recorded_nights import read_recorded_nights

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from contractcheck.incidents import Incident
    from contractcheck.judging.gate import GateRules
    from contractcheck.judging.resampling import AnswerPool
    from contractcheck.model.calibration import MeasuredRate, RuleName
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.run import Run
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.sampling import Progress
    from contractcheck.workflows.workspace import Workspace

_AT_MARGIN = 2000
"""Simulated gates per margin: they are cheap, and a rate of 5 % is then known to a point."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrateOptions:
    """How a suite is calibrated.

    Attributes:
        repeats: Gates where nothing is changed.
        found_repeats: Gates per change and size.
        slots: Slots of a gate; None takes the suite's.
        seed: Of the draws; None makes a new one.
        progress: Told after every gate.
    """

    repeats: int = 400
    found_repeats: int = 50
    slots: int | None = None
    seed: int | None = None
    progress: Progress = field(default_factory=SilentProgress)

    @property
    def gates(self) -> int:
        """Gates in all, if every change touches the suite."""
        sizes = sum(len(incident.sizes) for incident in INCIDENTS.values())
        return self.repeats + sizes * self.found_repeats


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bench:
    """What every measurement here needs, and how many gates are done."""

    suite: Suite
    runs: tuple[MeasuredRun, ...]
    rules: GateRules
    rng: np.random.Generator
    tally: Tally
    progress: Progress

    def note(self, gates: int) -> None:
        """Tell that so many more gates are done."""
        self.tally.done += gates
        self.progress.update(self.tally)


def calibrate_suite(
    workspace: Workspace, suite: Suite, target: Target, options: CalibrateOptions
) -> Calibration:
    """Calibrate a suite on the accepted nights of a target whose recordings are at hand.

    Raises:
        NothingToCheckError: If no accepted night's recording is at hand.
        RecordingError: If the baseline is damaged.
    """
    baseline = workspace.baselines.read(suite.name, target)
    runs = () if baseline is None else read_recorded_nights(workspace, baseline)
    if baseline is None or not runs:
        raise NothingToCheckError(
            f"no recording of an accepted night of {suite.name} × {target.id} is at hand; record "
            "and accept a night first, or name a run"
        )
    nights = [n.statistics for n in baseline.nights if n.statistics.is_complete]
    source = f"{len(runs)} of {len(baseline.nights)} accepted nights, whose recordings are at hand"
    return _calibrate(suite, target, runs, nights, options, source=source)


def calibrate_run(suite: Suite, folder: Path, options: CalibrateOptions) -> Calibration:
    """Calibrate a suite on one recorded run.

    Raises:
        NothingToCheckError: If the run has no answer.
        RecordingError: If it is damaged.
    """
    run = read_run(folder)
    return _calibrate(suite, run.header.target, (run,), (), options, source=f"run {run.header.id}")


def _calibrate(
    suite: Suite,
    target: Target,
    runs: Sequence[Run],
    nights: Sequence[NightStatistics],
    options: CalibrateOptions,
    *,
    source: str,
) -> Calibration:
    ready = with_margin_metrics(suite)
    measured = tuple(run for run in (observe(run, ready) for run in runs) if len(run.table))
    if not measured:
        raise NothingToCheckError(f"{source}: no answer of {suite.name} is in them")
    slots = options.slots or suite.policy.gate.slots
    seed = secrets.randbits(32) if options.seed is None else options.seed
    bench = _Bench(
        suite=ready,
        runs=measured,
        rules=gate_rules(ready, plan_looks(slots)),
        rng=np.random.default_rng(seed),
        tally=Tally(planned=options.gates),
        progress=options.progress,
    )
    return Calibration(
        suite=suite.name,
        version=suite.version,
        target=target.id,
        source=source,
        slots=slots,
        seed=seed,
        quiet=(*_quiet_gates(bench, options), *_at_margins(bench), *_quiet_nights(suite, nights)),
        found=tuple(_found(bench, options)),
        notes=tuple(_notes(measured, nights)),
    )


def _quiet_gates(bench: _Bench, options: CalibrateOptions) -> Iterator[MeasuredRate]:
    pools = [make_pool(run.table) for run in bench.runs]
    said = count_gates(
        pools, bench.rules, repeats=options.repeats, rng=bench.rng, tell=lambda _: bench.note(1)
    )
    alpha = bench.rules.alpha
    stated: dict[RuleName, float | None] = {
        "gate: do not upgrade": alpha,
        "outputs: differ": alpha,
        "gate: safe": None,
    }
    for rule, limit in stated.items():
        yield measured_rate(rule, said[rule], options.repeats, stated=limit)


def _at_margins(bench: _Bench) -> Iterator[MeasuredRate]:
    """The new side is exactly as much worse as is just not tolerated: both answers are wrong."""
    pool = pool_trials([run.table for run in bench.runs], bench.rules)
    rules = bench.rules
    for name, margin in rules.margins.items():
        if name in rules.muted or name not in pool.trials:
            continue
        ended = simulate_gates(
            pool,
            rules,
            slots=rules.looks[-1],
            repeats=_AT_MARGIN,
            rng=bench.rng,
            changed={name: margin},
        )
        change = f"{name} at its margin"
        shares: dict[RuleName, float] = {
            "gate: safe": ended.safe,
            "gate: do not upgrade": ended.found,
        }
        for rule, share in shares.items():
            count = round(share * _AT_MARGIN)
            yield measured_rate(
                rule, count, _AT_MARGIN, change=change, size=margin.value, stated=rules.alpha
            )


def _quiet_nights(suite: Suite, nights: Sequence[NightStatistics]) -> Iterator[MeasuredRate]:
    counted = count_night_alarms(suite, nights)
    if counted is not None:
        yield measured_rate("watch: drift", *counted)


def _found(bench: _Bench, options: CalibrateOptions) -> Iterator[MeasuredRate]:
    for incident in INCIDENTS.values():
        for size in incident.sizes:
            pools = [_struck_pool(bench, run, incident, size) for run in bench.runs]
            if not any(pool.is_changed for pool in pools):
                bench.note(options.found_repeats)
                continue
            share = size if incident.unit == "share" else 1.0
            said: Counter[RuleName] = count_gates(
                pools,
                bench.rules,
                repeats=options.found_repeats,
                rng=bench.rng,
                struck_share=share,
                tell=lambda _: bench.note(1),
            )
            for rule in ("gate: do not upgrade", "outputs: differ"):
                yield measured_rate(
                    rule, said[rule], options.found_repeats, change=incident.name, size=size
                )


def _struck_pool(bench: _Bench, run: MeasuredRun, incident: Incident, size: float) -> AnswerPool:
    """The run's answers as they were, and as the incident would have made each of them."""
    struck = tuple(
        replace(one, answer=incident.strike(one.answer, size))
        if one.answer.completion.outcome is Outcome.ANSWERED
        else one
        for one in run.answers
    )
    return make_pool(run.table, measure_answers(run.header, struck, bench.suite).table)


def _notes(measured: Sequence[MeasuredRun], nights: Sequence[NightStatistics]) -> Iterator[str]:
    yield (
        "gates draw both sides from the same recorded answers, so nothing differs but what was "
        "put in; what the provider has never answered cannot be drawn"
    )
    if nights and len(measured) < len(nights):
        yield (
            f"{len(nights) - len(measured)} nights have their statistics only (their recordings "
            "are in another run store): gates do not draw from them"
        )
    if nights:
        yield (
            "watch: every two accepted nights in turn against the others; pairs share nights, so "
            "the interval is too narrow"
        )
