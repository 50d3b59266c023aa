"""Columns by which rows are looked up; SQLite keeps in any column whatever damage left there."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from contractcheck.errors import RecordingError
from contractcheck.model.history import RunKey
from contractcheck.store.history_codec import REMEDY
from contractcheck.store.history_rows import is_row
from contractcheck.store.history_tables import NIGHTS
from contractcheck.store.runs import is_run_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection, Row

    Place = Callable[[Row[Any]], str]


def run_keys(
    connection: Connection, suite: str, target: str, part: str, place: Place
) -> tuple[RunKey, ...]:
    """Which runs there are, oldest night first.

    Args:
        connection: In a transaction.
        suite: Suite name.
        target: Target id.
        part: Nights themselves, or their confirmations.
        place: Where a row is, for errors.

    Raises:
        RecordingError: If a key is none.
    """
    key = {"suite": suite, "target": target, "part": part}
    documents = ("record", "statistics")
    columns = [column for column in NIGHTS.columns if column.name not in documents]
    chosen = select(*columns).where(*is_row(NIGHTS, key)).order_by(NIGHTS.c.night)
    return tuple(_read_key(row, place(row)) for row in connection.execute(chosen))


def refuse_misplaced(row: Row[Any], belongs: Mapping[str, object], place: str) -> None:
    """Refuse a row whose columns are not what its document says.

    Args:
        row: Of any table.
        belongs: What its document says, by the name of a column.
        place: Where it is.

    Raises:
        RecordingError: With the names of those columns.
    """
    columns = row._mapping  # noqa: SLF001 - public in SQLAlchemy, underscored against column names
    wrong = [name for name, value in belongs.items() if columns[name] != value]
    if wrong:
        words = f"{', '.join(wrong)} of the row and of its document differ"
        raise RecordingError(f"{place}: damaged ({words}); {REMEDY}")


def _read_key(row: Row[Any], place: str) -> RunKey:
    for name, is_right in (
        ("night", _is_date(row.night)),
        ("run_id", isinstance(row.run_id, str) and is_run_id(row.run_id)),
        ("run_root", isinstance(row.run_root, str)),
    ):
        if not is_right:
            raise RecordingError(f"{place}: damaged ({name} of the row is none); {REMEDY}")
    return RunKey(row.night, row.run_id, row.run_root, row.is_complete)


def _is_date(value: object) -> bool:
    """Whether a value is a date as nights are written: ``2026-03-01`` and no other form of it."""
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
