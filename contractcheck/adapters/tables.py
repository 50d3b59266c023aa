"""Recorded tables (CSV, JSON Lines) → observation tables (columns as ``measuring.COLUMNS``)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from contractcheck.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

NO_MATCH = "<no match>"
"""Category of an output in which the label's pattern does not occur."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TableColumns:
    """Which column is what.

    Attributes:
        case: Names the case; rows of one case are its repeats.
        output: The answer.
        label: Pattern (RE2) whose first group, or whole match, is the answer's category; None
            compares the answers as text.
        latency: Seconds, or None.
        night: Night of the row, or None.
        where: Pairs ``(column, value)`` that a row must have.
    """

    case: str
    output: str
    label: str | None = None
    latency: str | None = None
    night: str | None = None
    where: tuple[tuple[str, str], ...] = ()


def read_table(path: Path, columns: TableColumns) -> pd.DataFrame:
    """Read one side of a comparison.

    Args:
        path: ``.csv`` with a header, or ``.jsonl`` with one object per line.
        columns: Which column is what.

    Raises:
        TableError: If the file cannot be read, a column is missing, or no row is left.
    """
    rows = _read_rows(path)
    wanted = {columns.case, columns.output, *(name for name, _ in columns.where)}
    wanted |= {name for name in (columns.latency, columns.night) if name}
    missing = sorted(wanted - set(rows.columns))
    if missing:
        raise TableError(
            f"{path}: no column {', '.join(map(repr, missing))}; "
            f"the columns are: {', '.join(map(repr, rows.columns))}"
        )
    for name, value in columns.where:
        kept = rows[rows[name] == value]
        if kept.empty:
            seen = ", ".join(map(repr, sorted(set(rows[name]))[:6]))
            raise TableError(f"{path}: no row with {name} = {value!r}; values there: {seen}")
        rows = kept
    if rows.empty:
        raise TableError(f"{path}: holds no rows")
    return _observations(path, rows, columns)


def _read_rows(path: Path) -> pd.DataFrame:
    """Read every cell as text: what a number or a blank means is decided per column."""
    import pandas as pd

    try:
        if path.suffix.lower() == ".csv":
            return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
        if path.suffix.lower() in (".jsonl", ".ndjson"):
            return pd.DataFrame(_read_json_lines(path))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise TableError(f"{path}: cannot be read as a table: {error}") from error
    raise TableError(f"{path}: expected a name that ends in .csv or .jsonl")


def _read_json_lines(path: Path) -> list[dict[str, str]]:
    rows = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise TableError(f"{path}:{number}: not JSON: {error}") from error
        if not isinstance(row, dict):
            raise TableError(f"{path}:{number}: expected an object per line")
        rows.append({str(key): _as_text(value) for key, value in row.items()})
    return rows


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _observations(path: Path, rows: pd.DataFrame, columns: TableColumns) -> pd.DataFrame:
    import pandas as pd

    cases = rows[columns.case].tolist()
    outputs = rows[columns.output].tolist()
    nights: Sequence[str | None] = [None] * len(rows)
    if columns.night:
        nights = rows[columns.night].tolist()
    frame = pd.DataFrame(
        {
            "run": path.name,
            "night": nights,
            "case": cases,
            "trial": rows.groupby([columns.case, *_listed(columns.night)]).cumcount().tolist(),
            "metric": "label" if columns.label else columns.output,
            "kind": "label" if columns.label else "text",
            "plane": "outputs",
            "number": math.nan,
            "string": _labels(outputs, columns.label) if columns.label else outputs,
        }
    )
    if columns.latency is None:
        return frame
    seconds = frame.assign(
        metric="total_s",
        kind="number",
        plane="latency",
        number=_seconds(path, rows[columns.latency].tolist(), columns.latency),
        string=None,
    )
    return pd.concat([frame, seconds], ignore_index=True)


def _listed(name: str | None) -> list[str]:
    return [name] if name else []


def _labels(outputs: Sequence[str], pattern: str) -> list[str]:
    from contractcheck.model.pattern import PatternError, search_pattern

    try:
        found = [search_pattern(pattern, text) for text in outputs]
    except PatternError as error:
        raise TableError(f"--label {pattern!r}: {error}") from error
    return [NO_MATCH if label is None else label for label in found]


def _seconds(path: Path, cells: Sequence[str], name: str) -> list[float]:
    values = []
    for row, cell in enumerate(cells, start=2):
        try:
            value = float(cell) if cell.strip() else math.nan
        except ValueError as error:
            raise TableError(
                f"{path}:{row}: {name} is {cell!r}; expected seconds as a number"
            ) from error
        values.append(value if value > 0 else math.nan)
    return values
