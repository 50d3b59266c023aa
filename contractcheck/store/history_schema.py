"""The tables of a history: made when they are missing, refused when they are of another version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.errors import RecordingError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from contractcheck.store.database import Database

_LOCK = 0x636F6E74
"""Key of the advisory lock under which PostgreSQL makes the tables (``cont``): two that create
them at once would meet in its catalogue."""


def prepare_tables(database: Database, *, renew: bool = False) -> None:
    """Make the tables of an empty database.

    Args:
        database: Where.
        renew: Replace tables of an older version by empty ones.

    Raises:
        RecordingError: If they are of another version, or the database refuses.
    """
    from contractcheck.store.history_tables import SCHEMA

    found: object = database.do(_read_version)
    if not isinstance(found, int | None):
        # SQLite keeps in a column of numbers whatever damage left there.
        raise RecordingError(
            f"history {database.shown}: its version {found!r} is no number, as only damage makes "
            "it; move it away, and `contractcheck history rebuild` makes it again from the runs"
        )
    version = database.do(_create) if found is None else found
    if renew and version < SCHEMA:
        version = database.do(_recreate)
    _check_version(version, database)


def _check_version(version: int, database: Database) -> None:
    from contractcheck.store.history_tables import SCHEMA

    if version > SCHEMA:
        raise RecordingError(
            f"history {database.shown}: its tables are of version {version}, and this version "
            f"reads up to {SCHEMA}: upgrade contractcheck"
        )
    if version < SCHEMA:
        raise RecordingError(
            f"history {database.shown}: its tables are of version {version}, older than {SCHEMA}; "
            "`contractcheck history rebuild` makes them again from the runs"
        )


def _read_version(connection: Connection) -> int | None:
    """Version of the tables; None without any, or when a kill left some of them unmade."""
    from sqlalchemy import inspect, select

    from contractcheck.store.history_tables import VERSIONS

    if not inspect(connection).has_table(VERSIONS.name):
        return None
    return connection.execute(select(VERSIONS.c.version)).scalar()


def _create(connection: Connection) -> int:
    _hold_lock(connection)
    return _fill(connection)


def _fill(connection: Connection) -> int:
    """Make what is missing; the version is written last. Returns the version that stands."""
    from sqlalchemy import insert, select
    from sqlalchemy.schema import CreateTable

    from contractcheck.store.history_tables import METADATA, SCHEMA, VERSIONS

    for table in METADATA.sorted_tables:
        connection.execute(CreateTable(table, if_not_exists=True))
    version = connection.execute(select(VERSIONS.c.version)).scalar()
    if version is not None:
        return int(version)
    connection.execute(insert(VERSIONS).values(name="history", version=SCHEMA))
    return SCHEMA


def _recreate(connection: Connection) -> int:
    from contractcheck.store.history_tables import METADATA, SCHEMA

    _hold_lock(connection)
    if (_read_version(connection) or 0) < SCHEMA:  # else another process has made them anew
        METADATA.drop_all(connection)
    return _fill(connection)


def _hold_lock(connection: Connection) -> None:
    """Let nobody else change the tables until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    else:
        # The driver itself would commit every CREATE TABLE, and read before it writes.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
