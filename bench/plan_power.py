"""Does a gate do what its plan said? Planned and measured chances, side by side.

    .venv/bin/python bench/plan_power.py [--repeats 400] [--seed 1]

The plan draws from ten accepted nights of the simulated provider. The measurement asks the
provider anew: both sides of each gate on a night of their own, every answer simulated, read,
measured and judged by the product's code, in process.
"""

from __future__ import annotations

import argparse
import multiprocessing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from simulated_nights import History, ask_more, start_service, with_samples

from contractcheck.judging.calibrating import run_gate
from contractcheck.judging.gate import plan_looks
from contractcheck.judging.gate_plan import pool_trials, simulate_gates
from contractcheck.model.suite import Margin
from contractcheck.providers import DIALECTS
from contractcheck.simulator import Change
from contractcheck.stats.intervals import clopper_pearson
from contractcheck.suite import load_suite
from contractcheck.workflows.planned_gate import gate_rules, with_margin_metrics

if TYPE_CHECKING:
    from contractcheck.judging.gate import GateRules
    from contractcheck.model.suite import Suite

ROOT = Path(__file__).parents[1]
SUITES = (
    ROOT / "suites" / "support-triage",
    ROOT / "suites" / "order-tools",
    ROOT / "contractcheck" / "workflows" / "demo_suite",
)
PLANNED = 4000
AGREEMENT = 0.07
"""Planned and measured chances may differ by this much."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is planned, then measured.

    Attributes:
        name: In words.
        margins: What the gate decides by.
        slots: Its size.
        changes: What the simulator changes on the new side.
        planned: The same change, as the plan puts it in.
        outcome: What is counted: ``safe`` or ``do-not-upgrade``.
    """

    name: str
    margins: dict[str, Margin]
    slots: int
    changes: tuple[Change, ...]
    planned: dict[str, Margin]
    outcome: str


def _ratio(value):
    return Margin(value=value, kind="ratio")


def _share(value):
    return Margin(value=value, kind="difference")


QUESTIONS = (
    Question(
        name="safe, nothing changed",
        margins={"refusals": _share(0.08), "ttft": _ratio(1.25), "total": _ratio(1.25)},
        slots=8,
        changes=(),
        planned={},
        outcome="safe",
    ),
    Question(
        name="found, first token 1.5 times later",
        margins={"refusals": _share(0.08), "ttft": _ratio(1.25)},
        slots=8,
        changes=(Change(name="slow_first_token", rate=1.5),),
        planned={"ttft": _ratio(1.5)},
        outcome="do-not-upgrade",
    ),
    Question(
        name="found, 20 % refusals",
        margins={"refusals": _share(0.02), "ttft": _ratio(1.5)},
        slots=8,
        changes=(Change(name="refusals", rate=0.2),),
        planned={"refusals": _share(0.2)},
        outcome="do-not-upgrade",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One question about one suite."""

    suite: str
    question: str
    planned: float
    count: int
    repeats: int

    @property
    def measured(self):
        return self.count / self.repeats

    @property
    def agrees(self):
        return abs(self.planned - self.measured) <= AGREEMENT


def load(path):
    suite = load_suite(next(path.glob("*.contract.yaml")), providers=DIALECTS)
    target = next(target for target in suite.targets if target.provider == "openai")
    return suite, target


def rules_for(suite: Suite, question: Question) -> tuple[Suite, GateRules]:
    policy = replace(suite.policy, margins=question.margins)
    ready = with_margin_metrics(replace(suite, policy=policy))
    return ready, gate_rules(ready, plan_looks(question.slots))


def plan(path, question, seed):
    """Chance that the plan states, from ten nights that were accepted."""
    suite, target = load(path)
    ready, rules = rules_for(suite, question)
    _, runs, _ = History(suite=ready, target=target, seed=seed).accept()
    pool = pool_trials([run.table for run in runs], rules)
    chances = simulate_gates(
        pool,
        rules,
        slots=question.slots,
        repeats=PLANNED,
        rng=np.random.default_rng(seed),
        changed=question.planned,
    )
    return chances.safe if question.outcome == "safe" else chances.found


def measure(job):
    """Whether one gate, asked anew on a night of its own, says what is counted."""
    path, question, seed, night = job
    suite, target = load(path)
    ready, rules = rules_for(suite, question)
    sampled = with_samples(ready, question.slots)
    service = start_service(seed, night)
    old = ask_more(service, sampled, target)
    service.conditions = replace(service.conditions, changes=question.changes)
    new = ask_more(service, sampled, target)
    table = pd.concat(
        [old.table.assign(side="from"), new.table.assign(side="to")], ignore_index=True
    )
    return run_gate(table, rules).outcome == question.outcome


def ask(path, question, *, repeats, seed, pool):
    jobs = [(path, question, seed, index) for index in range(repeats)]
    said = pool.map(measure, jobs, chunksize=10)
    suite, _ = load(path)
    return Row(
        suite=suite.name,
        question=question.name,
        planned=plan(path, question, seed),
        count=sum(said),
        repeats=repeats,
    )


def ask_all(*, repeats, seed, processes=2):
    """Every question about every suite."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for path in SUITES:
            for question in QUESTIONS:
                yield ask(path, question, repeats=repeats, seed=seed, pool=pool)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"Seed {options.seed}; planned from ten nights, {PLANNED:,} simulated gates each.\n")
    print("| suite | question | planned | measured | 95 % | difference |")
    print("|---|---|---|---|---|---|")
    for row in ask_all(repeats=options.repeats, seed=options.seed):
        interval = clopper_pearson(row.count, row.repeats)
        gap = row.planned - row.measured
        shown = f"{gap:+.3f}" if row.agrees else f"**{gap:+.3f}**"
        print(
            f"| {row.suite} | {row.question} | {row.planned:.3f} | {row.measured:.3f} "
            f"| {interval.low:.2f} – {interval.high:.2f} | {shown} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
