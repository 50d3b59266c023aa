"""Every margin in every case: where a move over all cases comes from. Description, no decision."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from contractcheck.judging.gate_blocks import METRIC_OF, RATES, place, summarise
from contractcheck.model.gate import CaseAccount

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from contractcheck.judging.gate import GateRules
    from contractcheck.judging.gate_blocks import Blocks


def describe_cases(table: pd.DataFrame, rules: GateRules, blocks: int) -> tuple[CaseAccount, ...]:
    """Describe every case by every margin, both sides paired inside blocks.

    Args:
        table: Observation table with the column ``side``.
        rules: The gate's; its cases in suite order.
        blocks: Leading blocks that count.
    """
    by_case = {str(case): rows for case, rows in table.groupby("case", sort=False)}
    empty = table.iloc[:0]
    return tuple(
        account
        for case in rules.cases
        for account in _of_case(case, by_case.get(case, empty), rules, blocks)
    )


def _of_case(case: str, rows: pd.DataFrame, rules: GateRules, blocks: int) -> Iterator[CaseAccount]:
    grid = place(rows, (case,), blocks)
    for name, margin in rules.margins.items():
        is_ratio = margin.kind == "ratio"
        found = summarise(grid, name, is_ratio=is_ratio, comparable_tokens=rules.comparable_tokens)
        unit = "share" if name in RATES else "ratio" if is_ratio else "value"
        yield CaseAccount(
            case=case,
            margin=name,
            old=_words(found.old, name),
            new=_words(found.new, name),
            effect=_effect(found),
            unit=unit,
            n_old=found.pairs,
            n_new=found.pairs,
        )


def _effect(found: Blocks) -> float | None:
    if not found.pairs:
        return None
    if found.is_ratio:
        value = found.new / found.old if found.old else math.nan
    else:
        value = found.new - found.old
    return value if math.isfinite(value) else None


def _words(value: float, name: str) -> str:
    if not math.isfinite(value):
        return "–"
    if name in RATES:
        return f"{value:.1%}"
    if name in METRIC_OF:
        return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
    return f"{value:.4g}"
