"""The history of nights: what every night came to, what was said of it, what happened.

All of it follows from the sealed runs, the baselines and the exemptions, and can be made again
from them. Rows are inserted once by their keys, or replaced by what a fixed rule prefers: in
whichever order, however often and by however many processes the same nights are added, the same
history comes out.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contractcheck.errors import RecordingError
from contractcheck.store.database import open_database
from contractcheck.store.history_codec import (
    decode_event,
    decode_judgement,
    decode_record,
    decode_statistics,
    decode_values,
    encode_judgement,
    encode_values,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import ColumnElement, Connection, Row, Select, Table

    from contractcheck.model.history import (
        HistoryEvent,
        NightJudgement,
        NightPart,
        NightRecord,
        NightValues,
        RunKey,
    )
    from contractcheck.model.night import NightStatistics
    from contractcheck.store.database import Database


@contextmanager
def open_history(url: str | Path, *, create: bool = True, renew: bool = False) -> Iterator[History]:
    """Open a history for a ``with`` block; its tables are made when they are missing.

    Args:
        url: A path, ``sqlite:///PATH`` or ``postgresql://USER@HOST/NAME``.
        create: Make the file of an SQLite history; else it has to be there.
        renew: Replace tables of an older version by empty ones, to be filled from the runs.

    Raises:
        UsageError: If it is none of these, or absent and not to be made.
        RecordingError: If it cannot be reached, or its tables are of another version.
    """
    from contractcheck.store.history_schema import prepare_tables

    database = open_database(url, create=create)
    try:
        prepare_tables(database, renew=renew)
        yield History(database)
    finally:
        database.close()


@dataclass(frozen=True, slots=True)
class History:
    """An open history; every method is one transaction."""

    _database: Database

    @property
    def shown(self) -> str:
        """Where it lies, without a password."""
        return self._database.shown

    def add_night(self, record: NightRecord, statistics: NightStatistics) -> bool:
        """Add a run of the watch, unless a better one of the same night is there.

        A complete run is better than one that is not; of two alike, the one that began first.

        Returns:
            Whether anything changed. When it did, values and judgement of another run of this
            night are gone.

        Raises:
            RecordingError: If the history cannot be written.
        """
        from contractcheck.store import history_rows

        return self._database.do(lambda link: history_rows.add_night(link, record, statistics))

    def rescore_night(self, record: NightRecord, statistics: NightStatistics) -> bool:
        """Replace what a run came to by what it comes to under the suite as it is now.

        Returns:
            Whether anything changed; False also when another run stands for this night.

        Raises:
            RecordingError: If the history cannot be written.
        """
        from contractcheck.store import history_rows

        return self._database.do(lambda link: history_rows.rescore_night(link, record, statistics))

    def nights(
        self,
        suite: str,
        target: str,
        *,
        part: NightPart = "night",
        after: str = "",
        last: int | None = None,
    ) -> tuple[NightRecord, ...]:
        """Runs of the watch, oldest night first.

        Args:
            suite: Suite name.
            target: Target id.
            part: Nights themselves, or their confirmations.
            after: Only nights after this ISO date.
            last: Only so many of the latest; None is all.

        Raises:
            RecordingError: If the history cannot be read.
        """
        from contractcheck.store.history_tables import NIGHTS

        conditions = (NIGHTS.c.part == part, NIGHTS.c.night > after)
        rows = self._of_subject(NIGHTS, suite, target, *conditions, last=last)
        return tuple(decode_record(row.record, self._place(row)) for row in rows)

    def run_keys(self, suite: str, target: str, part: NightPart = "night") -> tuple[RunKey, ...]:
        """Which runs of the watch there are, oldest night first; nothing of them is decoded.

        Raises:
            RecordingError: If the history cannot be read, or holds what is no key of a run.
        """
        from contractcheck.store.history_keys import run_keys

        return self._database.do(lambda link: run_keys(link, suite, target, part, self._place))

    def night(
        self, suite: str, target: str, night: str, part: NightPart = "night"
    ) -> NightRecord | None:
        """The run that stands for a night, or None.

        Raises:
            RecordingError: If the history cannot be read.
        """
        row = self._night_row(suite, target, night, part)
        return None if row is None else decode_record(row.record, self._place(row))

    def statistics(
        self, suite: str, target: str, night: str, part: NightPart = "night"
    ) -> NightStatistics | None:
        """What that run came to, as ``store.stored_form`` has it, or None.

        Raises:
            RecordingError: If the history cannot be read.
        """
        row = self._night_row(suite, target, night, part)
        return None if row is None else decode_statistics(row.statistics, self._place(row))

    def put_values(
        self, suite: str, target: str, baseline: str, values: Iterable[NightValues]
    ) -> None:
        """Keep what nights are against a baseline; the same again changes nothing.

        Args:
            suite: Suite name.
            target: Target id.
            baseline: Digest of the accepted nights.
            values: One per night.

        Raises:
            RecordingError: If the history cannot be written.
        """
        from contractcheck.store.history_tables import VALUES

        key = {"suite": suite, "target": target, "baseline": baseline}
        rows = [{**key, "night": one.night, "document": encode_values(one)} for one in values]
        if rows:
            self._put(VALUES, rows)

    def values(
        self, suite: str, target: str, baseline: str, *, last: int | None = None
    ) -> tuple[NightValues, ...]:
        """What nights are against a baseline, oldest first; those that were kept so far.

        Raises:
            RecordingError: If the history cannot be read.
        """
        from contractcheck.store.history_tables import VALUES

        is_against = VALUES.c.baseline == baseline
        rows = self._of_subject(VALUES, suite, target, is_against, last=last)
        return tuple(decode_values(row.document, self._place(row)) for row in rows)

    def put_judgement(self, judgement: NightJudgement) -> None:
        """Keep what was said of a night, in the place of what was said before.

        Raises:
            RecordingError: If the history cannot be written.
        """
        from contractcheck.store.history_tables import JUDGEMENTS

        key = {"suite": judgement.suite, "target": judgement.target, "night": judgement.night}
        self._put(JUDGEMENTS, [{**key, "document": encode_judgement(judgement)}])

    def judgements(
        self, suite: str, target: str, *, last: int | None = None
    ) -> tuple[NightJudgement, ...]:
        """What was said, oldest night first.

        Raises:
            RecordingError: If the history cannot be read.
        """
        from contractcheck.store.history_tables import JUDGEMENTS

        rows = self._of_subject(JUDGEMENTS, suite, target, last=last)
        return tuple(decode_judgement(row.document, self._place(row)) for row in rows)

    def add_event(self, event: HistoryEvent) -> bool:
        """Add something that happened, in the place of what was said of the same before.

        Of a night, kind and case there is one event; of what people do, one for each reason.

        Returns:
            Whether anything changed.

        Raises:
            RecordingError: If the history cannot be written.
        """
        from contractcheck.store.history_rows import event_row, put_document
        from contractcheck.store.history_tables import EVENTS

        row = event_row(event)
        return self._database.do(lambda link: put_document(link, EVENTS, row))

    def drop_event(self, event: HistoryEvent) -> None:
        """Take back what did not happen after all.

        Raises:
            RecordingError: If the history cannot be written.
        """
        from contractcheck.store.history_rows import event_row, forget
        from contractcheck.store.history_tables import EVENTS

        self._database.do(lambda link: forget(link, EVENTS, event_row(event)))

    def clear_damage(self, suite: str, target: str) -> tuple[str, ...]:
        """Delete rows that cannot be read, and all values, which follow from the others.

        Returns:
            What was wrong with each row that is gone.

        Raises:
            RecordingError: If a row is of a newer version, or the history cannot be written.
        """
        from contractcheck.store.history_damage import clear_damage

        return self._database.do(lambda link: clear_damage(link, suite, target, self._place))

    def events(self, suite: str, target: str) -> tuple[HistoryEvent, ...]:
        """What happened, by night; within one in a fixed order.

        Raises:
            RecordingError: If the history cannot be read.
        """
        from contractcheck.store.history_tables import EVENTS

        rows = self._of_subject(EVENTS, suite, target, last=None)
        found = [decode_event(row.document, self._place(row)) for row in rows]
        return tuple(sorted(found, key=lambda e: (e.night, e.kind, e.case or "", e.words, e.by)))

    def subjects(self) -> tuple[tuple[str, str], ...]:
        """Suite and target of everything that was watched, sorted.

        Raises:
            RecordingError: If the history cannot be read.
        """
        from contractcheck.store.history_rows import subjects

        found = self._database.do(subjects)
        if not all(isinstance(one, str) for pair in found for one in pair):
            raise RecordingError(
                f"history {self.shown}: has a row of nobody, as only damage makes it; move it "
                "away, and `contractcheck history rebuild` makes it again from the runs"
            )
        return tuple(sorted(found))

    def claim(
        self,
        suite: str,
        target: str,
        night: str,
        holder: str,
        lease_s: float,
        *,
        tries: int | None = None,
    ) -> bool:
        """Say that ``holder`` makes this night, so that others need not.

        Advisory, and by the database's clock: a night that two made all the same counts once.

        Args:
            suite: Suite name.
            target: Target id.
            night: ISO date.
            holder: A name of this process alone.
            lease_s: After so long the claim is void.
            tries: How often a lost connection is made again at most; None is as usual.

        Returns:
            False when another holder's claim stands.

        Raises:
            RecordingError: If the history cannot be written.
        """
        from contractcheck.store import history_rows

        row = {"suite": suite, "target": target, "night": night, "holder": holder}
        return self._database.do(lambda link: history_rows.claim(link, row, lease_s), tries)

    def release(self, suite: str, target: str, night: str, holder: str) -> None:
        """Give a claim back; another holder's stays.

        Raises:
            RecordingError: If the history cannot be written.
        """
        from sqlalchemy import delete

        from contractcheck.store.history_rows import is_row
        from contractcheck.store.history_tables import CLAIMS

        key = {"suite": suite, "target": target, "night": night}
        statement = delete(CLAIMS).where(*is_row(CLAIMS, key), CLAIMS.c.holder == holder)
        self._database.do(lambda link: link.execute(statement))

    def digest(self) -> str:
        """Digest (sha256, hex) of all that it holds but claims.

        Two histories with the same digest hold the same, wherever and however they came to it.

        Raises:
            RecordingError: If the history cannot be read.
        """
        from sqlalchemy import select

        from contractcheck.store.history_tables import DERIVED

        digest = hashlib.sha256()
        for table in DERIVED:
            for row in sorted(map(repr, map(tuple, self._rows(select(table))))):
                digest.update(f"{table.name} {row}\n".encode())
        return digest.hexdigest()

    def _put(self, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert documents or replace them, all or none."""
        from contractcheck.store.history_rows import put_document

        def work(link: Connection) -> None:
            for row in rows:
                put_document(link, table, row)

        self._database.do(work)

    def _rows(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        return self._database.do(lambda link: link.execute(statement).all())

    def _of_subject(
        self,
        table: Table,
        suite: str,
        target: str,
        *conditions: ColumnElement[bool],
        last: int | None,
    ) -> list[Row[Any]]:
        """The latest rows of a suite and target, oldest of them first."""
        from contractcheck.store.history_rows import of_subject

        statement = of_subject(table, suite, target).where(*conditions).limit(last)
        return list(reversed(self._rows(statement)))

    def _night_row(self, suite: str, target: str, night: str, part: NightPart) -> Row[Any] | None:
        from sqlalchemy import select

        from contractcheck.store.history_rows import is_row
        from contractcheck.store.history_tables import NIGHTS

        key = {"suite": suite, "target": target, "night": night, "part": part}
        return next(iter(self._rows(select(NIGHTS).where(*is_row(NIGHTS, key)))), None)

    def _place(self, row: Row[Any]) -> str:
        return f"history {self.shown}: {row.suite} × {row.target}, night {row.night}"
