"""Which silent changes are found, and which are missed: every change of the simulator x seeds.

    python bench/changes.py [--seeds 10] [--suite NAME]... [--change NAME]... > changes.md

Each history has ten accepted nights and then two nights with the change in force, all in process
(simulated_nights.py) and at the sizes that the suites ship with. Printed per suite and amount:

- night 1: of how many histories the first changed night turned red (a broken contract needs no
  second night), and how many were suspected;
- night 2: of how many it was red by then, and how: breach or drift, by plane;
- miss: histories in which two changed nights went by without a red.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from quiet_fortnights import verdicts_only
from simulated_nights import History

from contractcheck.model.judgement import FindingKind
from contractcheck.providers import DIALECTS
from contractcheck.simulator import CHANGES, Change
from contractcheck.suite import load_suite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.judging import Judgement
    from contractcheck.model.measurement import MeasuredRun

SUITES = Path(__file__).parents[1] / "suites"
SHARES = (0.1, 0.3, 1.0)
_RED = {FindingKind.IDENTITY, FindingKind.BREACH, FindingKind.DRIFT}


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What two changed nights of one history showed.

    Attributes:
        red: Per night, ``kind (plane)`` of every red finding.
        suspect: Whether night 1 was suspected.
        noticed: Whether there was at least a notice.
        touched: Whether any answer of night 1 or its time is not what it would have been.
    """

    red: tuple[frozenset[str], frozenset[str]]
    suspect: bool
    noticed: bool
    touched: bool


def list_amounts(only: Sequence[str]) -> Iterator[tuple[str, tuple[Change, ...]]]:
    """Name every change and amount that is tried, ``none`` first."""
    yield "none", ()
    for name, description in CHANGES.items():
        if only and name not in only:
            continue
        factor = description.default
        amounts = SHARES if description.unit == "share" else (factor, 2.0 * factor)
        for amount in amounts:
            shown = f"{amount:.0%}" if description.unit == "share" else f"x{amount:g}"
            yield f"{name} {shown}", (Change(name=name, rate=amount),)


def try_change(history: History, amounts: Sequence[tuple[Change, ...]]) -> list[Found]:
    """Play two changed nights per amount after the same ten accepted ones."""
    with verdicts_only():
        baseline, runs, refused = history.accept()
        first = len(runs) + refused
        unchanged = history.night(first)
        return [
            _sum_up(list(history.judge(baseline, nights=2, first=first, changes=one)), unchanged)
            for one in amounts
        ]


def _sum_up(nights: Sequence[tuple[MeasuredRun, Judgement]], unchanged: MeasuredRun) -> Found:
    one, two = (
        frozenset(f"{f.kind.value} ({f.plane})" for f in judgement.findings if f.kind in _RED)
        for _, judgement in nights
    )
    run, judgement = nights[0]
    kinds = {finding.kind for finding in judgement.findings}
    return Found(
        red=(one, two),
        suspect=FindingKind.SUSPECT in kinds,
        noticed=FindingKind.NOTICE in kinds,
        touched=run.answers != unchanged.answers,
    )


def print_table(
    suite: str, samples: int, names: Sequence[str], found: Sequence[list[Found]]
) -> None:
    """Print one suite's rows; ``found`` is per history, then per amount."""
    count = len(found)
    print(f"\n**{suite}**: {samples} answers a night, {count} histories\n")
    print("| change | red on night 1 | suspect on night 1 | red by night 2 | how | missed |")
    print("|---|---|---|---|---|---|")
    for place, name in enumerate(names):
        print("| " + " | ".join([name, *_cells([history[place] for history in found])]) + " |")


def _cells(rows: Sequence[Found]) -> list[str]:
    count = len(rows)
    by_two = sum(any(row.red) for row in rows)
    ways = Counter(way for row in rows for way in row.red[0] | row.red[1])
    how = [f"{way} {times}" for way, times in ways.most_common()]
    if not how and any(row.noticed for row in rows):
        how = [f"notice {sum(row.noticed for row in rows)}"]
    touched = any(row.touched for row in rows)
    missed = f"**{count - by_two}**" if by_two < count else "0"
    return [
        str(sum(bool(row.red[0]) for row in rows)),
        str(sum(row.suspect for row in rows)),
        f"{by_two} of {count}",
        ", ".join(how) or "–",
        missed if touched else "– (no answer touched)",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--suite", action="append", default=[])
    parser.add_argument("--change", action="append", default=[], choices=list(CHANGES))
    options = parser.parse_args()
    amounts = list(list_amounts(options.change))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for name in options.suite or sorted(path.name for path in SUITES.iterdir()):
            path = SUITES / name / "suite.contract.yaml"
            suite = load_suite(path, providers=DIALECTS)
            target = next(target for target in suite.targets if target.provider == "openai")
            histories = [
                History(suite=suite, target=target, seed=seed) for seed in range(options.seeds)
            ]
            changes = [changes for _, changes in amounts]
            found = pool.starmap(try_change, [(h, changes) for h in histories], chunksize=1)
            samples = sum(case.samples for case in suite.cases)
            print_table(name, samples, [shown for shown, _ in amounts], found)


if __name__ == "__main__":
    main()
