"""Statements over the tables of the history; imported only when a history is opened."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from contractcheck.store.history_codec import encode_event, encode_record, encode_statistics
from contractcheck.store.history_tables import CLAIMS, EVENTS, JUDGEMENTS, NIGHTS, VALUES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Connection, Select, Table, Update
    from sqlalchemy.sql.base import ReadOnlyColumnCollection

    from contractcheck.model.history import HistoryEvent, NightRecord
    from contractcheck.model.night import NightStatistics

    Insert = postgresql.Insert | sqlite.Insert
    Columns = ReadOnlyColumnCollection[str, Any]

_HUMAN = ("mute", "quarantine")


def add_night(connection: Connection, record: NightRecord, statistics: NightStatistics) -> bool:
    """Insert a night, or replace one that is not as good; whether anything changed."""
    row = _night_row(record, statistics)
    insert = insert_into(connection, NIGHTS, row)
    is_better = _is_better(insert.excluded, NIGHTS.c)
    statement = insert.on_conflict_do_update(
        index_elements=list(NIGHTS.primary_key), set_=_all_but_key(row), where=is_better
    )
    has_changed = _changes(connection, statement)
    if has_changed and record.part == "night":
        # Of a run that no longer stands, if there was one.
        forget(connection, VALUES, row)  # of every baseline
        forget(connection, JUDGEMENTS, row)
    return has_changed


def _is_better(new: Columns, old: Columns) -> ColumnElement[bool]:
    """Complete before not, then who began first, then sealed before open, then by digest.

    An order over all runs, so that the same one stands in whichever order they come.
    """
    is_alike = new.is_complete == old.is_complete
    is_same_run = and_(is_alike, new.run_id == old.run_id)
    return or_(
        and_(new.is_complete, ~old.is_complete),
        and_(is_alike, new.run_id < old.run_id),
        and_(is_same_run, old.run_root == "", new.run_root != ""),
        and_(is_same_run, old.run_root != "", new.run_root != "", new.run_root < old.run_root),
        # Still open, and come further since.
        and_(is_same_run, old.run_root == "", new.run_root == "", new.statistics != old.statistics),
    )


def subjects(connection: Connection) -> set[tuple[str, str]]:
    """Suite and target of every row."""
    found: set[tuple[str, str]] = set()
    for table in (NIGHTS, JUDGEMENTS, EVENTS):
        rows = connection.execute(select(table.c.suite, table.c.target).distinct())
        found.update((row.suite, row.target) for row in rows)
    return found


def rescore_night(connection: Connection, record: NightRecord, statistics: NightStatistics) -> bool:
    """Replace what a run came to; whether anything changed."""
    row = _night_row(record, statistics)
    is_other = or_(NIGHTS.c.statistics != row["statistics"], NIGHTS.c.record != row["record"])
    statement: Update = (
        update(NIGHTS)
        .where(*is_row(NIGHTS, row), NIGHTS.c.run_id == record.run_id, is_other)
        .values(_all_but_key(row))
    )
    has_changed = _changes(connection, statement)
    if has_changed and record.part == "night":
        forget(connection, VALUES, row)
    return has_changed


def claim(connection: Connection, row: Mapping[str, object], lease_s: float) -> bool:
    """Take a claim that is free, void or one's own; whether it was."""
    now_s = _clock_s(connection)
    insert = insert_into(connection, CLAIMS, {**row, "until_s": now_s + lease_s})
    statement = insert.on_conflict_do_update(
        index_elements=list(CLAIMS.primary_key),
        set_={"holder": row["holder"], "until_s": now_s + lease_s},
        where=or_(CLAIMS.c.holder == row["holder"], CLAIMS.c.until_s <= now_s),
    )
    return _changes(connection, statement)


def put_document(connection: Connection, table: Table, row: Mapping[str, object]) -> bool:
    """Insert a document, or replace the one of the same key; whether anything changed."""
    insert = insert_into(connection, table, row)
    statement = insert.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={"document": row["document"]},
        where=table.c.document != row["document"],
    )
    return _changes(connection, statement)


def insert_into(connection: Connection, table: Table, row: Mapping[str, object]) -> Insert:
    """An INSERT that knows ON CONFLICT, which both databases have and SQL has not."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).values(row)
    return postgresql.insert(table).values(row)


def of_subject(table: Table, suite: str, target: str) -> Select[Any]:
    """All rows of a suite and target, latest night first."""
    is_of = and_(table.c.suite == suite, table.c.target == target)
    return select(table).where(is_of).order_by(table.c.night.desc())


def is_row(table: Table, row: Mapping[str, object]) -> list[ColumnElement[bool]]:
    """Conditions that find the row with this key; of part of a key, all such rows."""
    return [column == row[column.name] for column in table.primary_key if column.name in row]


def forget(connection: Connection, table: Table, row: Mapping[str, object]) -> None:
    """Delete the row with this key; of part of a key, all such rows."""
    connection.execute(delete(table).where(*is_row(table, row)))


def event_row(event: HistoryEvent) -> dict[str, object]:
    """The row of an event; what people do may happen to one case twice in a night."""
    same = [event.kind, event.case or ""]
    if event.kind in _HUMAN:
        same.append(event.words)
    return {
        "suite": event.suite,
        "target": event.target,
        "night": event.night,
        "digest": hashlib.sha256("\0".join(same).encode(errors="replace")).hexdigest(),
        "document": encode_event(event),
    }


def _changes(connection: Connection, statement: Insert | Update) -> bool:
    """Execute a statement; whether it touched a row, which is not counted unless asked for."""
    counted = statement.execution_options(preserve_rowcount=True)
    return connection.execute(counted).rowcount > 0


def _all_but_key(row: Mapping[str, object]) -> dict[str, object]:
    return {name: row[name] for name in row if name not in NIGHTS.primary_key.columns}


def _night_row(record: NightRecord, statistics: NightStatistics) -> dict[str, object]:
    return {
        "suite": record.suite,
        "target": record.target,
        "night": record.night,
        "part": record.part,
        "run_id": record.run_id,
        "run_root": record.run_root,
        "is_complete": record.is_complete,
        "record": encode_record(record),
        "statistics": encode_statistics(statistics),
    }


def _clock_s(connection: Connection) -> float:
    """Seconds since 1970 where the database is: of several machines, one clock decides."""
    if connection.dialect.name == "sqlite":
        return time.time()
    return float(connection.execute(text("SELECT extract(epoch FROM now())")).scalar_one())
