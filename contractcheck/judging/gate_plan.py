"""What a gate would say, by simulated gates that draw from recorded answers.

A simulated gate is the gate of ``judging.gate`` on what it decides by: the share of checks that a
trial passed, whether it was a refusal, its times. Trials of both sides are drawn from the recorded
ones of their case; a change is put into the new side; then the bounds, the looks and Holm's steps
are those of the real thing, for many repeats at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.judging.gate import plan_looks
from contractcheck.judging.gate_blocks import RATES, SIDES, place, trial_values
from contractcheck.judging.gate_margins import Look
from contractcheck.judging.gate_terms import is_ceiling
from contractcheck.model.plan import GateOutlook, SlotsOutlook
from contractcheck.stats.block_means import BlockRates, mean_tails, rate_tails

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from contractcheck.judging.gate_terms import GateRules
    from contractcheck.model.suite import Margin

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_ELEMENTS = 2**20
"""Trials drawn at once: 8 MB per margin and side."""
_MOST_SLOTS = 640
_LARGEST = 1000
"""Slots that one gate may have."""
_ASSUMED = 400
_ASSUMED_SD = 0.35
_NORMAL = NormalDist()


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialPool:
    """What recorded trials came to, per margin.

    Attributes:
        trials: From each measured margin to one array per case, (trials,): a share for rates, a
            logarithm for ratios, else the number itself; NaN where a trial has none. Trials are
            aligned across margins.
    """

    trials: Mapping[str, Sequence[Floats]]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Trials per case."""
        first = next(iter(self.trials.values()))
        return tuple(len(own) for own in first)


@dataclass(frozen=True, kw_only=True, slots=True)
class GateChances:
    """How simulated gates ended.

    Attributes:
        safe: Share that said *safe*.
        found: Share that said *do not upgrade*.
        blocks: Mean number of blocks they took.
    """

    safe: float
    found: float
    blocks: float


def pool_trials(nights: Sequence[pd.DataFrame], rules: GateRules) -> TrialPool:
    """Pool the trials of recorded nights, which were not sampled together.

    A night moves all times; the two sides of a gate share theirs. So each night's logarithms are
    taken from their mean, and what is left is what differs inside a night.

    Args:
        nights: One observation table per night (columns as ``measuring.COLUMNS``).
        rules: Margins and cases.
    """
    values: dict[str, list[list[Floats]]] = {name: [] for name in rules.margins}
    for table in nights:
        blocks = int(table["trial"].max()) + 1 if len(table) else 1
        grid = place(table.assign(side=SIDES[0]), rules.cases, blocks)
        for name, margin in rules.margins.items():
            is_ratio = margin.kind == "ratio"
            own = trial_values(
                grid, name, is_ratio=is_ratio, comparable_tokens=rules.comparable_tokens
            )
            values[name].append(list(own[0]))
    return TrialPool(
        trials={
            name: [np.concatenate(own) for own in zip(*_level(name, found), strict=True)]
            for name, found in values.items()
            if np.isfinite(np.concatenate([t for own in found for t in own])).any()
        }
    )


def assumed_pool(rules: GateRules, cases: int) -> TrialPool:
    """Trials of a typical provider, where nothing is recorded: a fixed table, not a draw.

    Nineteen answers of twenty pass, one in two hundred is refused or lost, and logarithms of times
    inside a session spread by .35 (recorded sessions of several providers: .06 to .5).
    """
    quantiles = (np.arange(_ASSUMED) + 0.5) / _ASSUMED
    shares = {"conformance": 0.95, "refusals": 0.005, "error_rate": 0.005}
    trials = {
        name: (quantiles < shares[name]).astype(np.float64)
        if name in shares
        else np.array([_NORMAL.inv_cdf(q) for q in quantiles]) * _ASSUMED_SD
        for name in rules.margins
    }
    return TrialPool(trials={name: [own] * cases for name, own in trials.items()})


def _level(name: str, nights: list[list[Floats]]) -> list[list[Floats]]:
    """Take the differences between nights out of everything but rates."""
    if name in RATES:
        return nights
    leveled = []
    for own in nights:
        known = [t[np.isfinite(t)] for t in own]
        here = np.concatenate(known)
        leveled.append([trials - (here.mean() if here.size else 0.0) for trials in own])
    return leveled


def plan_gate(
    pool: TrialPool, rules: GateRules, *, slots: int, repeats: int, rng: np.random.Generator
) -> GateOutlook:
    """Say what gates of several sizes would say of no change, and of each margin exceeded twice.

    Args:
        pool: Recorded trials.
        rules: The gate's; its looks are planned anew for each size.
        slots: The size that the suite asks for.
        repeats: Simulated gates behind every chance, >= 1.
        rng: Source of the draws.
    """
    sizes = [
        _plan_size(pool, rules, size, repeats, rng)
        for size in (slots, 2 * slots, 4 * slots)
        if size == slots or size <= _LARGEST
    ]
    enough = next((size.slots for size in sizes if size.safe >= rules.power), None)
    while enough is None and sizes[-1].slots * 2 <= _MOST_SLOTS:
        # Beyond, only the question that was asked: how many slots would do.
        chances = simulate_gates(pool, rules, slots=2 * sizes[-1].slots, repeats=repeats, rng=rng)
        sizes.append(
            SlotsOutlook(
                slots=2 * sizes[-1].slots, safe=chances.safe, found={}, blocks=chances.blocks
            )
        )
        enough = sizes[-1].slots if chances.safe >= rules.power else None
    if enough is not None and enough > slots:
        enough = _refine(pool, rules, enough, repeats, rng)
    return GateOutlook(
        margins=rules.margins,
        sizes=tuple(sizes),
        usual=sizes[0],
        slots_needed=enough,
        simulations=repeats,
    )


def _refine(
    pool: TrialPool, rules: GateRules, enough: int, repeats: int, rng: np.random.Generator
) -> int:
    """Halve the step below a size that is enough, three times: good to an eighth of it."""
    low, high = enough // 2, enough
    for _ in range(3):
        middle = (low + high) // 2
        chances = simulate_gates(pool, rules, slots=middle, repeats=repeats, rng=rng)
        low, high = (low, middle) if chances.safe >= rules.power else (middle, high)
    return high


def _plan_size(
    pool: TrialPool, rules: GateRules, slots: int, repeats: int, rng: np.random.Generator
) -> SlotsOutlook:
    quiet = simulate_gates(pool, rules, slots=slots, repeats=repeats, rng=rng)
    found = {
        name: simulate_gates(
            pool, rules, slots=slots, repeats=repeats, rng=rng, changed={name: twice(margin)}
        ).found
        for name, margin in rules.margins.items()
        if name not in rules.muted
    }
    return SlotsOutlook(slots=slots, safe=quiet.safe, found=found, blocks=quiet.blocks)


def twice(margin: Margin) -> Margin:
    """A change of twice a margin: its square for a ratio."""
    value = margin.value**2 if margin.kind == "ratio" else 2.0 * margin.value
    return replace(margin, value=value)


def _edge(margin: Margin) -> float:
    return math.log(margin.value) if margin.kind == "ratio" else margin.value


def simulate_gates(
    pool: TrialPool,
    rules: GateRules,
    *,
    slots: int,
    repeats: int,
    rng: np.random.Generator,
    changed: Mapping[str, Margin] | None = None,
) -> GateChances:
    """Let gates of one size decide on drawn trials.

    Args:
        pool: Recorded trials.
        rules: The gate's; its looks are planned anew for ``slots``.
        slots: Blocks at most, >= 1.
        repeats: Gates.
        rng: Source of the draws.
        changed: By margin, how the new side truly differs, as far as shares allow it.
    """
    looks = plan_looks(slots)
    outcomes = [
        _decide(_draw_blocks(pool, slots, count, rng, changed or {}), rules, looks)
        for count in _batches(repeats, slots * len(pool.sizes))
    ]
    safe, found, blocks = (np.concatenate(column) for column in zip(*outcomes, strict=True))
    return GateChances(
        safe=float(safe.mean()), found=float(found.mean()), blocks=float(blocks.mean())
    )


def _batches(repeats: int, trials: int) -> Iterator[int]:
    step = max(1, _ELEMENTS // trials)
    for start in range(0, repeats, step):
        yield min(step, repeats - start)


def _draw_blocks(
    pool: TrialPool,
    slots: int,
    count: int,
    rng: np.random.Generator,
    changed: Mapping[str, Margin],
) -> dict[str, BlockRates | Floats]:
    """Per margin, (count, slots) events of both sides, or differences."""
    places = [rng.integers(size, size=(2, count, slots)) for size in pool.sizes]
    drawn: dict[str, BlockRates | Floats] = {}
    for name, own in pool.trials.items():
        old, new = (
            np.stack([values[place[side]] for values, place in zip(own, places, strict=True)])
            for side in (0, 1)
        )
        if name in RATES:
            old, new = _doubt((old, new), name, own, rng)
        if name in changed:
            new = _change(new, name, changed[name], own, rng)
        drawn[name] = _reduce(old, new, is_rate=name in RATES)
    return drawn


def _doubt(
    sides: tuple[Floats, Floats], name: str, own: Sequence[Floats], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Let what was never seen happen: no failure in seventy answers is no rate of zero.

    Each gate has its own rate of failures besides the recorded ones, drawn from what Jeffreys'
    prior leaves possible after as many trials (Proc. R. Soc. A 186 (1946) 453-461). Chances over
    such draws are assurances (O'Hagan, Stevens and Campbell, Pharmaceutical Statistics 4 (2005)
    187-201).
    """
    seen = sum(len(trials) for trials in own)
    besides = rng.beta(0.5, seen + 0.5, size=(1, sides[0].shape[1], 1))
    bad = 0.0 if name == "conformance" else 1.0
    old, new = (
        np.where((rng.random(side.shape) < besides) & ~np.isnan(side), bad, side) for side in sides
    )
    return old, new


def _change(
    new: Floats, name: str, change: Margin, own: Sequence[Floats], rng: np.random.Generator
) -> Floats:
    """Put a change into the new side: other numbers, or events that come or go by lot."""
    if name not in RATES:
        return new + _edge(change)
    amount = change.value
    share = float(np.nanmean(np.concatenate(own)))
    if amount < 0:
        goes = rng.random(new.shape) < min(1.0, -amount / max(share, 1e-9))
        return np.where(goes & ~np.isnan(new), 0.0, new)
    comes = rng.random(new.shape) < min(1.0, amount / max(1.0 - share, 1e-9))
    return np.where(comes & ~np.isnan(new), 1.0, new)


def _reduce(old: Floats, new: Floats, *, is_rate: bool) -> BlockRates | Floats:
    """From (case, count, slots) trials to blocks; cases are paired inside a block."""
    pairs = ~(np.isnan(old) | np.isnan(new))
    trials = pairs.sum(axis=0)
    if is_rate:
        return BlockRates(
            old=np.where(pairs, old, 0.0).sum(axis=0),
            new=np.where(pairs, new, 0.0).sum(axis=0),
            # A block without a pair would divide by zero; it counts as one unchanged trial.
            trials=np.maximum(trials, 1).astype(np.float64),
        )
    moved: Floats = np.where(pairs, new - old, 0.0).sum(axis=0) / np.maximum(trials, 1)
    return moved


def _decide(
    blocks: Mapping[str, BlockRates | Floats], rules: GateRules, looks: Sequence[int]
) -> tuple[Flags, Flags, Floats]:
    """Whether each gate says safe, whether it says do not upgrade, and after how many blocks."""
    names = [name for name in rules.margins if name not in rules.muted]
    critical = np.array([rules.is_critical(name) for name in names])
    count = _count(next(iter(blocks.values())))
    safe, found = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    ended = np.full(count, float(looks[-1]))
    for index, look in enumerate(looks):
        level = Look(shares=tuple(n / looks[-1] for n in looks[: index + 1]))
        inside, beyond = _tails(blocks, rules, names, look)
        kept = (inside <= level.level(rules.alpha)).all(axis=0)
        broken = _step_down(beyond, [level.level(rules.alpha / m) for m in _counts(names)])
        is_last = index == len(looks) - 1
        counts = broken.any(axis=0) if is_last else broken[critical].any(axis=0)
        going = ~(safe | found)
        found |= going & counts
        safe |= going & ~counts & kept
        ended = np.where(going & (safe | found), float(look), ended)
    return safe, found, ended


def _counts(names: Sequence[str]) -> range:
    return range(len(names), 0, -1)


def _count(first: BlockRates | Floats) -> int:
    return len(first.old) if isinstance(first, BlockRates) else len(first)


def _tails(
    blocks: Mapping[str, BlockRates | Floats], rules: GateRules, names: Sequence[str], look: int
) -> tuple[Floats, Floats]:
    """(margins, gates) p-values against "not inside" and against "not beyond"."""
    inside, beyond = [], []
    count = _count(next(iter(blocks.values())))
    for name in names:
        margin, own = rules.margins[name], blocks.get(name)
        if own is None:
            above = below = np.ones(count)
        elif isinstance(own, BlockRates):
            first = BlockRates(
                old=own.old[:, :look], new=own.new[:, :look], trials=own.trials[:, :look]
            )
            above, below = rate_tails(first, margin.value)
        else:
            above, below = mean_tails(own[:, :look], _edge(margin))
        is_upper = is_ceiling(name, margin)
        inside.append(below if is_upper else above)
        beyond.append(above if is_upper else below)
    return np.stack(inside), np.stack(beyond)


def _step_down(p_values: Floats, levels: Sequence[float]) -> Flags:
    """Holm's steps, column by column: the i-th smallest must reach the i-th level, all before too.

    Args:
        p_values: (margins, gates).
        levels: One per step, for as many margins as are then left.
    """
    order = np.argsort(p_values, axis=0, kind="stable")
    reached = np.take_along_axis(p_values, order, axis=0) <= np.asarray(levels)[:, None]
    rejected = np.logical_and.accumulate(reached, axis=0)
    flags = np.zeros_like(rejected)
    np.put_along_axis(flags, order, rejected, axis=0)
    return flags
