"""Compare two recorded tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from contractcheck.adapters import holds_json_objects, mark_as_json, read_table
from contractcheck.errors import NothingToCheckError, UsageError
from contractcheck.judging import TableSides, exit_code, judge_table_nights, judge_tables
from contractcheck.measuring import reduce_table
from contractcheck.model.report import Report
from contractcheck.model.suite import Policy

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.adapters import TableColumns


_NOT_BY_NIGHT = frozenset({"json", "tools", "embedding"})


@dataclass(frozen=True, kw_only=True, slots=True)
class CompareOptions:
    """Two tables and how to read them.

    Attributes:
        baseline: File of the old side.
        candidate: File of the new side.
        baseline_columns: How to read the old side.
        candidate_columns: How to read the new side.
        detect_json: Whether texts that are JSON objects on both sides are compared as such.
        alpha: Level of the comparison, 0..1.
        on_inconclusive: ``warn`` exits 0, ``fail`` exits 3.
    """

    baseline: Path
    candidate: Path
    baseline_columns: TableColumns
    candidate_columns: TableColumns
    detect_json: bool = False
    alpha: float = 0.05
    on_inconclusive: Literal["warn", "fail"] = "warn"


def compare_tables(options: CompareOptions) -> Report:
    """Read both tables, compare, report.

    Raises:
        TableError: If a table cannot be read as asked.
        UsageError: If nights are to be compared in a way that they do not keep.
        NothingToCheckError: If the tables have no case in common.
    """
    has_nights = options.baseline_columns.night is not None
    if has_nights and options.baseline_columns.kind in _NOT_BY_NIGHT:
        raise UsageError(
            f"--kind {options.baseline_columns.kind} compares two sides answer by answer; nights "
            "are compared as text, number or label: give --kind text, or a --label"
        )
    sides, notes = _read_sides(options)
    _require_common_case(sides, options)
    policy = Policy(alpha=options.alpha)
    if not has_nights:
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
        notes=(*notes, *judgement.notes),
        next_steps=(),
        path_changes=judgement.path_changes,
    )


def _read_sides(options: CompareOptions) -> tuple[TableSides, tuple[str, ...]]:
    """Both tables, and a note on how their answers are read when nobody said."""
    old = read_table(options.baseline, options.baseline_columns)
    new = read_table(options.candidate, options.candidate_columns)
    detect = options.detect_json and options.baseline_columns.night is None
    if not (detect and holds_json_objects(old) and holds_json_objects(new)):
        return TableSides(baseline=old, candidate=new), ()
    note = (
        "every answer is a JSON object, so they are compared path by path; --kind text compares "
        "their wording"
    )
    return TableSides(baseline=mark_as_json(old), candidate=mark_as_json(new)), (note,)


def _require_common_case(sides: TableSides, options: CompareOptions) -> None:
    """A column of another name must not stay green for ever."""
    old, new = (
        {str(case) for case in table["case"]} for table in (sides.baseline, sides.candidate)
    )
    if old.isdisjoint(new):
        first, other = (repr(min(side, default="")[:60]) for side in (old, new))
        raise NothingToCheckError(
            f"{options.baseline} and {options.candidate} have no case in common (the first ones "
            f"are {first} and {other}); check --case and --where"
        )


def _describe(path: Path, columns: TableColumns) -> str:
    where = ", ".join(f"{column}={value}" for column, value in columns.where)
    return f"{path.name} ({where})" if where else path.name
