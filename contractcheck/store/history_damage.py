"""Rows that cannot be read are deleted, so that what they followed from can fill their places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete

from contractcheck.errors import RecordingError
from contractcheck.store.history_codec import (
    REMEDY,
    decode_event,
    decode_judgement,
    decode_record,
    decode_statistics,
)
from contractcheck.store.history_keys import refuse_misplaced
from contractcheck.store.history_rows import event_row, is_row, of_subject
from contractcheck.store.history_tables import EVENTS, JUDGEMENTS, NIGHTS, VALUES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection, Row

_NEWER: Final = "upgrade contractcheck"


def clear_damage(
    connection: Connection, suite: str, target: str, place: Callable[[Row[Any]], str]
) -> tuple[str, ...]:
    """Delete rows of a suite and target that are unreadable or misplaced, and all its values.

    Args:
        connection: In a transaction.
        suite: Suite name.
        target: Target id.
        place: Where a row is, for errors.

    Returns:
        What was wrong with each row.

    Raises:
        RecordingError: If a row is of a newer version; nothing has changed then.
    """
    problems: list[str] = []
    for table in (NIGHTS, JUDGEMENTS, EVENTS):
        for row in connection.execute(of_subject(table, suite, target)).all():
            try:
                refuse_misplaced(row, _DECODE[table.name](row, place(row)), place(row))
            except RecordingError as error:
                if _NEWER in str(error):
                    raise
                problems.append(str(error).removesuffix(f"; {REMEDY}"))
                connection.execute(delete(table).where(*is_row(table, row._asdict())))
    connection.execute(delete(VALUES).where(*is_row(VALUES, {"suite": suite, "target": target})))
    return tuple(problems)


def _read_night(row: Row[Any], place: str) -> Mapping[str, object]:
    decode_statistics(row.statistics, place)
    known = decode_record(row.record, place)
    return {name: getattr(known, name) for name in _NIGHT_COLUMNS}


def _read_judgement(row: Row[Any], place: str) -> Mapping[str, object]:
    said = decode_judgement(row.document, place)
    return {"suite": said.suite, "target": said.target, "night": said.night}


def _read_event(row: Row[Any], place: str) -> Mapping[str, object]:
    belongs = event_row(decode_event(row.document, place))
    # The same event is written with the same digest; its document may be of an earlier version.
    return {name: value for name, value in belongs.items() if name != "document"}


_NIGHT_COLUMNS: Final = ("suite", "target", "night", "part", "run_id", "run_root", "is_complete")

_DECODE: Final[dict[str, Callable[[Row[Any], str], Mapping[str, object]]]] = {
    NIGHTS.name: _read_night,
    JUDGEMENTS.name: _read_judgement,
    EVENTS.name: _read_event,
}
