"""How often the gate is wrong, and how many requests it takes.

Every simulated gate stands exactly at its margin, where *safe* and *do not upgrade* are both
false and both most likely. Nights and hours move both sides alike, as they do when sides are
sampled interleaved; each trial, and in some families each side, has noise of its own.

    .venv/bin/python bench/gate_errors.py [--repeats 20000] [--gates 1000] [--seed 1]
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from contractcheck.judging.gate import GateState, advance, open_gate, plan_looks
from contractcheck.judging.gate_margins import SPENDING
from contractcheck.judging.gate_terms import GateRules
from contractcheck.model.suite import Margin
from contractcheck.stats.block_means import BlockRates, mean_tails, rate_tails
from contractcheck.stats.group_sequential import look_levels
from contractcheck.stats.intervals import clopper_pearson

ALPHA = 0.05
ALLOWED = 0.07
"""Bound on the upper end of each error's interval."""
SIZES = tuple((blocks, cases) for blocks in (5, 8, 12, 20) for cases in (3, 10, 50))
TIMES = ("normal", "t3", "skewed")
RATES = tuple(
    (base, margin, shape)
    for base, margin in ((1.0, 0.02), (1.0, 0.1), (0.99, 0.02), (0.95, 0.05), (0.8, 0.1))
    for shape in ("even", "nights", "cases")
)
BURSTS = tuple(
    (base, margin, f"bursts {likeness}")
    for base, margin in ((1.0, 0.02), (0.95, 0.05))
    for likeness in (0.01, 0.05)
)
LIKENESS = (0.2, 0.3, 0.5)


@dataclass(frozen=True, kw_only=True)
class Errors:
    """How a family of gates at the margin ended."""

    family: str
    blocks: int
    cases: int
    repeats: int
    safe: int
    broken: int
    mean_blocks: float

    @property
    def bounds(self):
        """Upper 95 % bounds of both error rates (one-sided)."""
        return tuple(clopper_pearson(k, self.repeats, 0.9).high for k in (self.safe, self.broken))


def autocorrelated(rng, shape, likeness):
    """Unit-variance series whose neighbours along the last axis are alike."""
    noise = rng.standard_normal(shape)
    for i in range(1, shape[-1]):
        noise[..., i] *= math.sqrt(1 - likeness**2)
        noise[..., i] += likeness * noise[..., i - 1]
    return noise


def trial_noise(rng, kind, shape):
    """Logarithms of times of single trials around their mean, spread about .35."""
    if kind == "t3":
        return 0.35 / math.sqrt(3) * rng.standard_t(3, shape)
    if kind == "skewed":
        return 0.35 * (rng.standard_exponential(shape) - 1.0)
    return 0.35 * rng.standard_normal(shape)


def time_blocks(rng, repeats, blocks, cases, kind):
    """(repeats, blocks) differences of mean log times; nights and hours cancel, noise does not."""
    night = 0.3 * rng.standard_normal((repeats, 1))
    hour = night + 0.3 * autocorrelated(rng, (repeats, blocks), 0.7)
    old, new = (
        hour + sum(trial_noise(rng, kind, (repeats, blocks)) for _ in range(cases)) / cases
        for _ in range(2)
    )
    return new - old


def rate_blocks(rng, shape, *, base, margin, kind):
    """Passes of two sides whose rates differ by exactly the margin.

    ``nights``: the night lowers both sides alike. ``cases``: half of them pass less often.
    ``bursts``: failures of the new side come in bad blocks (with this intraclass correlation).

    Args:
        rng: Source of the draws.
        shape: Repeats, blocks, cases.
        base: Pass rate of the old side.
        margin: By how much the new side's is lower.
        kind: ``even``, ``nights``, ``cases`` or ``bursts`` with a number.
    """
    repeats, blocks, cases = shape
    old = np.full((repeats, 1, cases), base)
    if kind == "nights":
        old = old - 0.1 * rng.random((repeats, 1, 1))
    if kind == "cases":
        spread = min(0.15, (1.0 - base) or 0.15, base - margin)
        old = old + spread * np.where(np.arange(cases) % 2, -1.0, 1.0 if base < 1 else 0.0)
    new = np.broadcast_to(old - margin, shape)
    if kind.startswith("bursts"):
        strength = 1 / float(kind.split()[1]) - 1
        new = rng.beta(new[..., :1] * strength, (1 - new[..., :1]) * strength)
    passed = [(rng.random(shape) < rate).sum(axis=2).astype(float) for rate in (old, new)]
    return BlockRates(old=passed[0], new=passed[1], trials=np.full((repeats, blocks), float(cases)))


def first(blocks, look):
    """What the first blocks alone say."""
    if isinstance(blocks, BlockRates):
        return BlockRates(
            old=blocks.old[:, :look], new=blocks.new[:, :look], trials=blocks.trials[:, :look]
        )
    return blocks[:, :look]


def decide_all(blocks, edge, looks, *, is_ceiling, spending=SPENDING, serial=True):
    """Whether each gate says safe, whether it says broken, and after how many blocks."""
    shares = tuple(look / looks[-1] for look in looks)
    levels = look_levels(ALPHA, shares, spending)
    count = len(blocks.old) if isinstance(blocks, BlockRates) else len(blocks)
    safe, broken = np.zeros(count, bool), np.zeros(count, bool)
    ended = np.full(count, looks[-1])
    for look, level in zip(looks, levels, strict=True):
        seen = first(blocks, look)
        is_rate = isinstance(seen, BlockRates)
        tails = rate_tails(seen, edge) if is_rate else mean_tails(seen, edge, serial=serial)
        above, below = tails
        kept, gone = (below, above) if is_ceiling else (above, below)
        going = ~(safe | broken)
        safe |= going & (kept <= level)
        broken |= going & (gone <= level)
        ended = np.where(going & (safe | broken), look, ended)
    return safe, broken, ended


def count_errors(family, blocks, size, edge, *, is_ceiling):
    """Let one family of gates decide, all of them at the margin."""
    safe, broken, ended = decide_all(blocks, edge, plan_looks(size[0]), is_ceiling=is_ceiling)
    return Errors(
        family=family,
        blocks=size[0],
        cases=size[1],
        repeats=len(safe),
        safe=int(safe.sum()),
        broken=int(broken.sum()),
        mean_blocks=float(ended.mean()),
    )


def time_errors(rng, repeats, *, sizes=SIZES, kinds=TIMES):
    """Errors of margins on times."""
    edge = math.log(1.25)
    return [
        count_errors(
            f"time, {kind} noise",
            time_blocks(rng, repeats, *size, kind) + edge,
            size,
            edge,
            is_ceiling=True,
        )
        for kind in kinds
        for size in sizes
    ]


def rate_errors(rng, repeats, *, sizes=SIZES, families=RATES):
    """Errors of margins on rates."""
    return [
        count_errors(
            f"rate {base:.0%}, margin {margin:.0%}, {kind}",
            rate_blocks(rng, (repeats, *size), base=base, margin=margin, kind=kind),
            size,
            -margin,
            is_ceiling=False,
        )
        for base, margin, kind in families
        for size in sizes
    ]


def drifting_errors(rng, repeats):
    """Errors when one side drifts by itself: nothing of that cancels."""
    edge = math.log(1.25)
    return [
        count_errors(
            f"time, one side drifts by itself, autocorrelation {likeness}",
            0.1 * autocorrelated(rng, (repeats, blocks), likeness) + edge,
            (blocks, 1),
            edge,
            is_ceiling=True,
        )
        for likeness in LIKENESS
        for blocks in (5, 8, 12, 20)
    ]


@dataclass(frozen=True, kw_only=True)
class World:
    """How the sides of a whole gate truly differ, in margins."""

    name: str
    fails: int
    refuses: int
    slower: int


UNCHANGED = World(name="nothing changed", fails=0, refuses=0, slower=0)
TWICE = World(name="every margin exceeded twice", fails=2, refuses=2, slower=2)
AT_ALL = World(name="every margin just reached", fails=1, refuses=1, slower=1)
AT_ONE = (
    World(name="conformance just at its margin", fails=1, refuses=0, slower=0),
    World(name="refusals just at their margin", fails=0, refuses=1, slower=0),
    World(name="ttft just at its margin", fails=0, refuses=0, slower=1),
)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A suite's size and its margins: points for rates, a ratio for time to first token."""

    blocks: int
    cases: int
    points: float
    ratio: float

    @property
    def rules(self):
        margins = {
            "conformance": Margin(value=-self.points, kind="difference"),
            "refusals": Margin(value=self.points, kind="difference"),
            "ttft": Margin(value=self.ratio, kind="ratio"),
        }
        return GateRules(margins=margins, alpha=ALPHA, power=0.8, looks=plan_looks(self.blocks))


SMALL = Setup(blocks=8, cases=6, points=0.2, ratio=1.5)
ORDINARY = Setup(blocks=20, cases=10, points=0.1, ratio=1.25)


def gate_table(rng, world, setup):
    """The observation table of one gate, night and hours included."""
    shape = (2, setup.cases, setup.blocks)
    bad_night = 0.05 * rng.random()
    hour = 0.3 * rng.standard_normal() + 0.3 * autocorrelated(rng, shape[2:], 0.7)
    moved = np.array([0.0, 1.0])[:, None, None]
    passed = rng.random(shape) >= bad_night + moved * world.fails * setup.points
    refused = rng.random(shape) < 0.01 + moved * world.refuses * setup.points
    log_s = hour + moved * world.slower * math.log(setup.ratio) + trial_noise(rng, "t3", shape)
    side, case, trial = (index.ravel() for index in np.indices(shape))
    size, nothing = side.size, np.full(side.size, None, dtype=object)
    return pd.DataFrame(
        {
            "side": np.tile(np.array(["from", "to"], dtype=object)[side], 3),
            "case": np.tile(
                np.array([f"case-{i}" for i in range(setup.cases)], dtype=object)[case], 3
            ),
            "trial": np.tile(trial, 3),
            "metric": np.repeat(np.array(["conforms", "refusal", "ttft_s"], dtype=object), size),
            "kind": np.repeat(np.array(["check", "label", "number"], dtype=object), size),
            "plane": np.repeat(np.array(["conformance", "outputs", "latency"], dtype=object), size),
            "number": np.concatenate(
                [passed.ravel().astype(float), np.full(size, np.nan), np.exp(log_s).ravel()]
            ),
            "string": np.concatenate(
                [nothing, np.where(refused.ravel(), "yes", "no").astype(object), nothing]
            ),
        }
    )


def play_gate(rng, world, setup):
    """One whole gate over its own table, as ``contractcheck gate`` decides it."""
    table = gate_table(rng, world, setup)
    state = open_gate(setup.rules)
    while isinstance(state, GateState):
        state = advance(state, table)
    return state


def play_gates(rng, world, setup, *, gates):
    """How many gates ended how, and the mean number of requests."""
    ends = [play_gate(rng, world, setup) for _ in range(gates)]
    requests = [2 * setup.cases * end.blocks for end in ends]
    return Counter(end.outcome for end in ends), float(np.mean(requests))


def spending_costs(rng, repeats, blocks=20):
    """Chance of an answer and expected blocks, for three ways to spend and for one look.

    The distance from the margin is given by the chance that a fixed design would see it.
    """
    rows = []
    looks = plan_looks(blocks)
    for power in (0.5, 0.8, 0.95, 0.999):
        shift = (-ndtri(ALPHA) + ndtri(power)) / math.sqrt(blocks)
        noise = rng.standard_normal((repeats, blocks)) - shift
        row = {"power": power}
        for name, at, how in (
            ("fixed", (blocks,), SPENDING),
            *((s, looks, s) for s in ("obrien-fleming", "power-2", "pocock")),
        ):
            safe, _, ended = decide_all(noise, 0.0, at, is_ceiling=True, spending=how)
            row[name] = (float(safe.mean()), float(ended.mean()))
        rows.append(row)
    return rows


def print_errors(title, errors):
    print(f"\n### {title}\n")
    print("| family | blocks | cases | false safe | bound | false do-not-upgrade | bound |")
    print("|---|---|---|---|---|---|---|")
    for one in errors:
        safe, broken = one.bounds
        print(
            f"| {one.family} | {one.blocks} | {one.cases} | {one.safe / one.repeats:.3f} | "
            f"{safe:.3f} | {one.broken / one.repeats:.3f} | {broken:.3f} |"
        )


def print_worst(title, errors):
    worst = [max(errors, key=lambda one, i=i: one.bounds[i]) for i in (0, 1)]
    safe, broken = (one.bounds[i] for i, one in enumerate(worst))
    print(f"\n{title}: {len(errors)} families, worst bounds {safe:.3f} and {broken:.3f}")


def print_gates(rng, gates, setup):
    print(f"\n### Whole gates: {setup.cases} cases, at most {setup.blocks} slots, three margins\n")
    print("| truth | safe | do not upgrade | cannot tell | requests | of at most |")
    print("|---|---|---|---|---|---|")
    for world in (UNCHANGED, *AT_ONE, AT_ALL, TWICE):
        ends, requests = play_gates(rng, world, setup, gates=gates)
        shares = (ends[o] / gates for o in ("safe", "do-not-upgrade", "cannot-tell"))
        words = " | ".join(f"{share:.3f}" for share in shares)
        print(f"| {world.name} | {words} | {requests:.0f} | {2 * setup.blocks * setup.cases} |")


def print_costs(rows):
    print("\n### Spending: chance of an answer, expected slots of 20\n")
    names = [name for name in rows[0] if name != "power"]
    print("| a fixed design would see it with chance | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    for row in rows:
        cells = " | ".join(f"{row[n][0]:.2f}, {row[n][1]:.1f}" for n in names)
        print(f"| {row['power']:.1%} | {cells} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20_000)
    parser.add_argument("--gates", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    started = time.process_time()
    print(f"# Errors of the gate, seed {options.seed}, {options.repeats} repeats per family")
    times, rates = time_errors(rng, options.repeats), rate_errors(rng, options.repeats)
    print_errors("Margins on times", times)
    print_errors("Margins on rates", rates)
    print_errors("What does not cancel: one side drifts", drifting_errors(rng, options.repeats))
    bursts = rate_errors(rng, options.repeats, families=BURSTS)
    print_errors("What does not cancel: failures of one side come in bursts", bursts)
    print_costs(spending_costs(rng, options.repeats))
    print_gates(rng, options.gates, SMALL)
    print_gates(rng, options.gates, ORDINARY)
    print_worst("Times", times)
    print_worst("Rates", rates)
    print(f"\n{time.process_time() - started:.0f} s of processor time")


if __name__ == "__main__":
    main()
