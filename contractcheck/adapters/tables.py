"""Recorded tables (CSV, JSON Lines) → observation tables (columns as ``measuring.COLUMNS``)."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import orjson

from contractcheck.adapters.tool_calls import NoToolCallsError, read_tool_calls
from contractcheck.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pandas as pd

NO_MATCH = "<no match>"
"""Category of an output in which the label's pattern does not occur."""

TableKind = Literal["text", "label", "number", "json", "tools", "embedding"]
"""``embedding`` compares texts by meaning, the others are the kinds of metrics."""

_SHOWN = 60
"""Characters of a cell that an error quotes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TableColumns:
    """Which column is what.

    Attributes:
        case: Names the case; rows of one case are its repeats.
        output: The answer.
        label: Pattern (RE2) whose first group, or whole match, is the answer's category.
        kind: How the answers are compared; ``label`` with a pattern for it.
        latency: Seconds, or None.
        night: Night of the row, or None.
        where: Pairs ``(column, value)`` that a row must have.
    """

    case: str
    output: str
    label: str | None = None
    kind: TableKind = "text"
    latency: str | None = None
    night: str | None = None
    where: tuple[tuple[str, str], ...] = ()


def read_table(path: Path, columns: TableColumns) -> pd.DataFrame:
    """Read one side of a comparison.

    Args:
        path: ``.csv`` with a header (RFC 4180), or ``.jsonl`` with one object per line; UTF-8.
        columns: Which column is what.

    Raises:
        TableError: If the file cannot be read, a column or cell is missing, or no row is left;
            says where.
    """
    rows = _read_rows(path)
    if rows.empty:
        raise TableError(f"{path}: holds no rows")
    wanted = {columns.case, columns.output, *(name for name, _ in columns.where)}
    wanted |= {name for name in (columns.latency, columns.night) if name}
    missing = sorted(wanted - set(rows.columns))
    if missing:
        raise TableError(
            f"{path}: no column {', '.join(map(repr, missing))}; "
            f"the columns are: {', '.join(map(repr, rows.columns))}"
        )
    for name in sorted(wanted):
        absent = rows.index[rows[name].isna()]
        if len(absent):
            raise TableError(f"{path}:{absent[0]}: this row has no {name!r}")
    for column, value in columns.where:
        kept = rows[rows[column] == value]
        if kept.empty:
            seen = ", ".join(map(repr, sorted(set(rows[column]))[:6]))
            raise TableError(f"{path}: no row with {column} = {value!r}; values there: {seen}")
        rows = kept
    for name in [columns.case, *_listed(columns.night)]:
        blank = rows.index[rows[name] == ""]
        if len(blank):
            raise TableError(f"{path}:{blank[0]}: {name!r} is blank; every row needs one")
    return _observations(path, rows, columns)


def _read_rows(path: Path) -> pd.DataFrame:
    """Read every cell as text, rows indexed by their line.

    What a number or a blank means is decided per column; NaN is a cell that is not there.
    """
    import pandas as pd

    readers = {".csv": _read_csv, ".jsonl": _read_json_lines, ".ndjson": _read_json_lines}
    read = readers.get(path.suffix.lower())
    if read is None:
        raise TableError(f"{path}: expected a name that ends in .csv or .jsonl")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TableError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TableError(
            f"{path}:{line}: not UTF-8 (byte 0x{data[error.start]:02x}); save the table as UTF-8"
        ) from error
    rows = read(path, text)
    return pd.DataFrame(list(rows.values()), index=list(rows), dtype=object)


def _read_csv(path: Path, text: str) -> dict[int, dict[str, str]]:
    """Read a table whose rows all have as many cells as the header.

    The parser of pandas would fill short rows with blanks, and take the first column of long
    ones for an index, without a word.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: dict[int, dict[str, str]] = {}
    header: list[str] | None = None
    line = 1
    with _cells_up_to(len(text) + 1):
        try:
            for cells in reader:
                if header is None:
                    header = _refuse_twins(path, cells)
                elif len(cells) == len(header):
                    rows[line] = dict(zip(header, cells, strict=True))
                elif cells:
                    raise TableError(
                        f"{path}:{line}: {len(cells)} cells under a header of {len(header)}; is a "
                        "quote or a comma missing?"
                    )
                line = reader.line_num + 1
        except csv.Error as error:
            raise TableError(f"{path}:{line}: not CSV ({error})") from error
    return rows


@contextmanager
def _cells_up_to(length: int) -> Iterator[None]:
    """Let cells be as long as an answer may be; the csv module has one limit per process."""
    limit = csv.field_size_limit()
    csv.field_size_limit(max(limit, length))
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _refuse_twins(path: Path, header: list[str]) -> list[str]:
    twins = sorted(name for name, count in Counter(header).items() if count > 1)
    if twins:
        raise TableError(f"{path}:1: column {twins[0]!r} is there twice; which one is meant?")
    return header


def _read_json_lines(path: Path, text: str) -> dict[int, dict[str, str]]:
    rows = {}
    # Not splitlines: an answer may hold any of the other line separators of Unicode.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise TableError(f"{path}:{number}: not JSON: {error}") from error
        if not isinstance(row, dict):
            raise TableError(f"{path}:{number}: expected an object per line")
        rows[number] = {str(key): _as_text(value) for key, value in row.items()}
    return rows


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _observations(path: Path, rows: pd.DataFrame, columns: TableColumns) -> pd.DataFrame:
    import pandas as pd

    cases = rows[columns.case].tolist()
    kind: TableKind = "label" if columns.label else columns.kind
    numbers, strings = _answers(path, rows[columns.output], columns)
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
            "kind": kind,
            "plane": "outputs",
            "number": numbers,
            "string": strings,
        }
    )
    if columns.latency is None:
        return frame
    seconds = frame.assign(
        metric="total_s",
        kind="number",
        plane="latency",
        number=_seconds(path, rows[columns.latency], columns.latency),
        string=None,
    )
    return pd.concat([frame, seconds], ignore_index=True)


def _listed(name: str | None) -> list[str]:
    return [name] if name else []


def _answers(
    path: Path, cells: pd.Series[str], columns: TableColumns
) -> tuple[float | list[float], list[str] | None]:
    """The answers as numbers, or as texts of the kind asked for."""
    if columns.label:
        return math.nan, _labels(path, cells.tolist(), columns)
    if columns.kind == "number":
        return _numbers(path, cells, columns.output), None
    if columns.kind == "tools":
        return math.nan, _calls(path, cells, columns.output)
    return math.nan, cells.tolist()


def _numbers(path: Path, cells: pd.Series[str], name: str) -> list[float]:
    """Finite numbers; blank is none."""
    values = []
    for line, cell in cells.items():
        try:
            value = float(cell) if cell.strip() else None
        except ValueError:
            value = math.inf
        if value is not None and not math.isfinite(value):
            raise TableError(f"{path}:{line}: {name} is {cell[:_SHOWN]!r}; expected a number")
        values.append(math.nan if value is None else value)
    return values


def _calls(path: Path, cells: pd.Series[str], name: str) -> list[str]:
    values = []
    for line, cell in cells.items():
        try:
            values.append(read_tool_calls(cell))
        except NoToolCallsError as error:
            raise TableError(f"{path}:{line}: {name} holds no tool calls: {error}") from error
    return values


def _labels(path: Path, outputs: Sequence[str], columns: TableColumns) -> list[str]:
    from contractcheck.model.pattern import PatternError, search_pattern

    pattern = columns.label or ""
    try:
        found = [search_pattern(pattern, text) for text in outputs]
    except PatternError as error:
        raise TableError(f"--label {pattern!r}: {error}") from error
    if all(label is None for label in found):
        raise TableError(
            f"{path}: --label {pattern!r} occurs in none of {len(found)} cells of "
            f"{columns.output!r}, the first of which is {outputs[0][:_SHOWN]!r}"
        )
    return [NO_MATCH if label is None else label for label in found]


def _seconds(path: Path, cells: pd.Series[str], name: str) -> list[float]:
    """Times in s; blank is none, as for a request that failed."""
    values = []
    for line, cell in cells.items():
        try:
            value = float(cell) if cell.strip() else None
        except ValueError:
            value = math.nan
        if value is not None and not 0 < value < math.inf:
            raise TableError(
                f"{path}:{line}: {name} is {cell!r}; expected seconds as a number above 0, or blank"
            )
        values.append(math.nan if value is None else value)
    return values
