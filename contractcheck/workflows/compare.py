"""Compare two recorded tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from contractcheck.adapters import read_table
from contractcheck.judging import TableSides, exit_code, judge_table_nights, judge_tables
from contractcheck.measuring import reduce_table
from contractcheck.model.report import Report
from contractcheck.model.suite import Policy

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.adapters import TableColumns


@dataclass(frozen=True, kw_only=True, slots=True)
class CompareOptions:
    """Two tables and how to read them.

    Attributes:
        baseline: File of the old side.
        candidate: File of the new side.
        baseline_columns: How to read the old side.
        candidate_columns: How to read the new side.
        alpha: Level of the comparison, 0..1.
        on_inconclusive: ``warn`` exits 0, ``fail`` exits 3.
    """

    baseline: Path
    candidate: Path
    baseline_columns: TableColumns
    candidate_columns: TableColumns
    alpha: float = 0.05
    on_inconclusive: Literal["warn", "fail"] = "warn"


def compare_tables(options: CompareOptions) -> Report:
    """Read both tables, compare, report.

    Raises:
        TableError: If a table cannot be read as asked.
    """
    sides = TableSides(
        baseline=read_table(options.baseline, options.baseline_columns),
        candidate=read_table(options.candidate, options.candidate_columns),
    )
    policy = Policy(alpha=options.alpha)
    if options.baseline_columns.night is None:
        judgement = judge_tables(sides, alpha=policy.alpha, power=policy.power)
    else:
        judgement = judge_table_nights(
            reduce_table(sides.baseline), reduce_table(sides.candidate), policy
        )
    return Report(
        verdict=judgement.verdict,
        exit_code=exit_code(judgement.verdict, options.on_inconclusive),
        headline=judgement.headline,
        suite=f"{_describe(options.baseline, options.baseline_columns)} → "
        f"{_describe(options.candidate, options.candidate_columns)}",
        suite_version="",
        suite_fingerprint="",
        target="",
        source="tables",
        run_id=None,
        night=None,
        baseline=judgement.baseline,
        error_rates=judgement.error_rates,
        counts=None,
        comparisons=judgement.comparisons,
        findings=judgement.findings,
        notes=judgement.notes,
        next_steps=(),
    )


def _describe(path: Path, columns: TableColumns) -> str:
    where = ", ".join(f"{column}={value}" for column, value in columns.where)
    return f"{path.name} ({where})" if where else path.name
