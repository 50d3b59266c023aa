"""A run while it is recorded: its plan, its journals, and the one process that writes them.

A run folder while open::

    header.json          the plan; written before the first request; its lock is the run's
    <case>.jsonl.part    one journal per case
"""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from contractcheck.cassettes.attempt_numbers import AttemptSet
from contractcheck.cassettes.case_files import REMEDY, read_plain
from contractcheck.cassettes.chain import chained
from contractcheck.cassettes.headers import decode_header, encode_header
from contractcheck.cassettes.journal import JournalWriter, read_part
from contractcheck.cassettes.layout import (
    HEADER_FILE,
    MANIFEST_FILE,
    PART_SUFFIX,
    is_sealed,
    refuse_linked_folder,
)
from contractcheck.cassettes.lines import exchange_line, request_line
from contractcheck.cassettes.page import first_line
from contractcheck.cassettes.run_lock import release, take_lock
from contractcheck.cassettes.upgrade import FORMAT, check_format
from contractcheck.errors import RecordingError
from contractcheck.files import (
    TEMPORARY_SUFFIX,
    parse_json_object,
    sync_folder,
    write_atomically,
)
from contractcheck.model.suite import ID_PATTERN
from contractcheck.redaction import find_leak

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.cassettes.journal import Fsync, Journal
    from contractcheck.model.exchange import Exchange
    from contractcheck.model.run import RunHeader
    from contractcheck.redaction import Leak, Scrubber

_CASE = re.compile(ID_PATTERN)

_UNSET = "unset the variable that is named like a credential and holds it"


@dataclass(slots=True)
class OpenRun:
    """A run that is being recorded; this process holds its lock until ``close``.

    Attributes:
        folder: The run folder.
        header: The plan.
        scrubber: What the last look before each write knows.
        fsync: When the disk must confirm.
        done: What was recorded before this process came.
        writers: Journals by case.
    """

    folder: Path
    header: RunHeader
    scrubber: Scrubber
    fsync: Fsync = "close"
    done: tuple[Exchange, ...] = ()
    writers: dict[str, JournalWriter] = field(default_factory=dict)
    _locked: int | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def append(self, exchange: Exchange) -> None:
        """Journal one finished exchange; it is with the operating system when this returns.

        Raises:
            RecordingError: As ``JournalWriter.append``.
        """
        self._writer(exchange.case).append(exchange)

    def lock(self) -> None:
        """Be the one process that records this run.

        Raises:
            RecordingError: If another one is.
        """
        if self._locked is None:
            self._locked = take_lock(self.folder)

    def close(self) -> None:
        """Close all journals; the run stays open for ``resume_run`` or ``seal_run``.

        Raises:
            RecordingError: If the disk refuses; every journal was closed all the same.
        """
        refusals: list[RecordingError] = []
        for writer in self.writers.values():
            try:
                writer.close()
            except RecordingError as error:
                refusals.append(error)
        with self._guard:
            descriptor, self._locked = self._locked, None
        if descriptor is not None:
            release(descriptor)
        if refusals:
            raise refusals[0]
        if self.writers and descriptor is not None:
            sync_folder(self.folder)

    def _writer(self, case: str) -> JournalWriter:
        if _CASE.fullmatch(case) is None:
            raise RecordingError(
                f"{self.folder}: {case!r} is not the id of a case, and would not stay in the folder"
            )
        with self._guard:
            self.lock()
            if case not in self.writers:
                self.writers[case] = JournalWriter(
                    path=self.folder / f"{case}{PART_SUFFIX}",
                    run=self.header.id,
                    scrubber=self.scrubber,
                    fsync=self.fsync,
                )
            return self.writers[case]


def create_run(
    folder: Path, header: RunHeader, scrubber: Scrubber, *, fsync: Fsync = "close"
) -> OpenRun:
    """Start a run in a new folder.

    Raises:
        RecordingError: If the folder already holds a run, the header holds a secret (in its
            endpoint or label), or the disk refuses.
    """
    document = {"contractcheck": "run", "format": FORMAT, **encode_header(header)}
    data = orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"
    if leak := find_leak(data, scrubber):
        raise _leaking(folder, header, leak, scrubber)
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise RecordingError(
            f"{folder}: exists already, and a recording never replaces another: record into "
            "another folder, or remove this one if nobody needs it (`contractcheck runs show` "
            "tells what it holds)"
        ) from error
    except OSError as error:
        raise RecordingError(f"{folder}: cannot be made ({error.strerror})") from error
    write_atomically(folder / HEADER_FILE, data)
    run = OpenRun(folder=folder, header=header, scrubber=scrubber, fsync=fsync)
    run.lock()
    return run


def _leaking(folder: Path, header: RunHeader, leak: Leak, scrubber: Scrubber) -> RecordingError:
    """The error of a header that may not be written: names the fields, never the secret."""
    names = [
        name
        for name, value in encode_header(header).items()
        if find_leak(orjson.dumps(value), scrubber) and not find_leak(name.encode(), scrubber)
    ]
    if not names:
        return RecordingError(
            f"{folder}: nothing was written, because every run header holds {leak.kind}: its value "
            f"is an ordinary word, such as the name of a field; {_UNSET}"
        )
    return RecordingError(
        f"{folder}: the run header holds {leak.kind} ({', '.join(names)}); take it out, nothing "
        f"was written. If it is an ordinary word that belongs there, {_UNSET}"
    )


def read_open_header(folder: Path) -> RunHeader:
    """Read the header of an open run.

    Raises:
        RecordingError: If there is none, or it is damaged or of a newer format.
    """
    refuse_linked_folder(folder)
    path = folder / HEADER_FILE
    if not os.path.lexists(path):
        raise RecordingError(
            f"{folder}: no run here (neither {MANIFEST_FILE} nor {HEADER_FILE}); if there was one, "
            f"{REMEDY}"
        )
    document = parse_json_object(read_plain(path), str(path))
    check_format(document, str(path))
    return decode_header(document, str(path))


def resume_run(folder: Path, scrubber: Scrubber, *, fsync: Fsync = "close") -> OpenRun:
    """Open a run that was interrupted; torn last lines are cut off, leftovers swept away.

    Raises:
        RecordingError: If a journal was edited, the folder holds no open run, or another process
            is recording it.
    """
    _refuse_sealed(folder)
    header = read_open_header(folder)
    run = OpenRun(folder=folder, header=header, scrubber=scrubber, fsync=fsync)
    run.lock()
    try:
        _refuse_sealed(folder)  # another process may have sealed it before we had the lock
        _take_up(run)
    except BaseException as error:
        run.close()
        if isinstance(error, OSError):
            raise RecordingError(
                f"{folder}: cannot be mended ({error.strerror}); nothing that is whole was touched"
            ) from error
        raise
    return run


def _refuse_sealed(folder: Path) -> None:
    if is_sealed(folder):
        raise RecordingError(f"{folder}: is sealed; a sealed run does not change any more")


def _take_up(run: OpenRun) -> None:
    """Read every journal and go on where it ends."""
    for leftover in run.folder.glob(f"*{TEMPORARY_SUFFIX}"):
        leftover.unlink(missing_ok=True)
    done: list[Exchange] = []
    for path in sorted(run.folder.glob(f"*{PART_SUFFIX}")):
        journal = _mended(path, run.header.id)
        run.writers[path.name.removesuffix(PART_SUFFIX)] = JournalWriter(
            path=path,
            run=run.header.id,
            scrubber=run.scrubber,
            fsync=run.fsync,
            link=journal.link,
            size_bytes=journal.valid_bytes,
            answers_bytes=journal.page.answers_bytes,
            requests=set(journal.page.requests),
            keys=AttemptSet.of(journal.page.exchanges),
        )
        done.extend(journal.page.exchanges.values())
    run.done = tuple(done)


def _mended(path: Path, run: str) -> Journal:
    """Read a journal; cut a torn last line off, and write an older format anew as this one."""
    journal = read_part(path, run)
    if journal.page.version != FORMAT:
        data = _rewritten(journal, run)
        write_atomically(path, data)
        return read_part(path, run)
    if journal.valid_bytes < path.stat().st_size:
        os.truncate(path, journal.valid_bytes)
    return journal


def _rewritten(journal: Journal, run: str) -> bytes:
    page = journal.page
    lines = [
        first_line("journal", run, page.case),
        *map(request_line, page.requests.values()),
        *map(exchange_line, page.exchanges.values()),
    ]
    link = ""
    done: list[bytes] = []
    for line in lines:
        linked, link = chained(line, link)
        done.append(linked + b"\n")
    return b"".join(done)
