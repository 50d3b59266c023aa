"""The tables of the history; imported only when a history is opened.

What is looked up is a column, all the rest is one document per row (``history_codec``), so that a
new field needs no new column.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Integer, LargeBinary, MetaData, String, Table

SCHEMA = 1
"""Version of these tables; readers refuse newer ones, and rebuild older ones."""

METADATA = MetaData()

_TEXT = String().with_variant(String(collation="C"), "postgresql")
"""Ordered byte by byte, as SQLite does, whatever language the server speaks."""

VERSIONS = Table(
    "contractcheck_schema",
    METADATA,
    Column("name", _TEXT, primary_key=True),
    Column("version", Integer, nullable=False),
)
"""One row: which version the other tables have."""

NIGHTS = Table(
    "contractcheck_nights",
    METADATA,
    Column("suite", _TEXT, primary_key=True),
    Column("target", _TEXT, primary_key=True),
    Column("night", _TEXT, primary_key=True),
    Column("part", _TEXT, primary_key=True),
    Column("run_id", _TEXT, nullable=False),
    Column("run_root", _TEXT, nullable=False),
    Column("is_complete", Boolean, nullable=False),
    Column("record", LargeBinary, nullable=False),
    Column("statistics", LargeBinary, nullable=False),
)

VALUES = Table(
    "contractcheck_values",
    METADATA,
    Column("suite", _TEXT, primary_key=True),
    Column("target", _TEXT, primary_key=True),
    Column("baseline", _TEXT, primary_key=True),
    Column("night", _TEXT, primary_key=True),
    Column("document", LargeBinary, nullable=False),
)

JUDGEMENTS = Table(
    "contractcheck_judgements",
    METADATA,
    Column("suite", _TEXT, primary_key=True),
    Column("target", _TEXT, primary_key=True),
    Column("night", _TEXT, primary_key=True),
    Column("document", LargeBinary, nullable=False),
)

EVENTS = Table(
    "contractcheck_events",
    METADATA,
    Column("suite", _TEXT, primary_key=True),
    Column("target", _TEXT, primary_key=True),
    Column("night", _TEXT, primary_key=True),
    Column("digest", _TEXT, primary_key=True),
    Column("document", LargeBinary, nullable=False),
)
"""``digest`` is of what makes two events of a night the same, see ``History.add_event``."""

CLAIMS = Table(
    "contractcheck_claims",
    METADATA,
    Column("suite", _TEXT, primary_key=True),
    Column("target", _TEXT, primary_key=True),
    Column("night", _TEXT, primary_key=True),
    Column("holder", _TEXT, nullable=False),
    Column("until_s", Float, nullable=False),
)
"""Who samples a night right now; ``until_s`` is in seconds since 1970, by the database's clock."""

DERIVED = (NIGHTS, VALUES, JUDGEMENTS, EVENTS)
"""What ``digest`` compares; claims come and go."""
