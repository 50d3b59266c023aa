"""Append-only journals of an open run: every finished exchange is on disk at once.

A run folder while open::

    header.json          the plan; written before the first request
    <case>.jsonl.part    hash-chained lines, one ``write`` each

A torn last line (a kill in the middle of a write) is dropped on resume: its exchange was not
finished. Anything else that does not verify is an error, named with its line.
"""

from __future__ import annotations

import errno
import fcntl
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from contractcheck.cassettes.headers import decode_header, encode_header
from contractcheck.cassettes.layout import HEADER_FILE, MANIFEST_FILE, PART_SUFFIX, is_sealed
from contractcheck.cassettes.lines import FORMAT, chained, exchange_line, request_line, unchained
from contractcheck.cassettes.page import Page, check_format, first_line
from contractcheck.errors import RecordingError
from contractcheck.files import parse_json_object, refuse_conflict, write_atomically
from contractcheck.redaction import find_leak

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from contractcheck.model.exchange import Exchange, Request
    from contractcheck.model.run import RunHeader
    from contractcheck.redaction import Scrubber

_REMEDY = "restore the file, or delete the run and record again"


@dataclass(slots=True)
class JournalWriter:
    """The open journal of one case, which has one writer at a time.

    Attributes:
        path: The ``.part`` file.
        scrubber: Searches every line once more before it is written.
        link: Chain value of the last line.
        size_bytes: Length of the file as this writer knows it; another length means that
            somebody else wrote.
        written_requests: Digests of requests that the file holds.
    """

    path: Path
    scrubber: Scrubber
    link: str = ""
    size_bytes: int = 0
    written_requests: set[str] = field(default_factory=set)
    _descriptor: int | None = None

    def append(self, exchange: Exchange) -> None:
        """Write one exchange, and its request when it is new to this journal.

        Raises:
            RecordingError: If a secret would be written, the disk refuses, or another process
                writes to the same journal.
        """
        if exchange.request.digest not in self.written_requests:
            self._write(request_line(exchange.request))
            self.written_requests.add(exchange.request.digest)
        self._write(exchange_line(exchange))

    def start(self, header: RunHeader, case: str) -> None:
        """Write the first line: format, run and case."""
        self._write(first_line("journal", header.id, case))

    def close(self) -> None:
        """Flush to the disk and close."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        try:
            os.fsync(descriptor)
        except OSError as error:
            raise self._refused(error) from error
        finally:
            os.close(descriptor)

    def _write(self, line: bytes) -> None:
        if leak := find_leak(line, self.scrubber):
            raise RecordingError(
                f"{self.path}: refused to write {leak.kind} (byte {leak.offset} of the line); "
                "please report this: redaction should have removed it"
            )
        chained_line, link = chained(line, self.link)
        data = chained_line + b"\n"
        try:
            _write_whole(self._open(), data, self.size_bytes)
        except OSError as error:
            raise self._refused(error) from error
        self.link = link
        self.size_bytes += len(data)

    def _open(self) -> int:
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            descriptor = os.open(self.path, flags, 0o644)
            try:
                # Let go by the kernel, however this process ends.
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(descriptor)
                raise self._shared() if isinstance(error, BlockingIOError) else error from error
            self._descriptor = descriptor
        if os.fstat(self._descriptor).st_size != self.size_bytes:
            raise self._shared()
        return self._descriptor

    def _shared(self) -> RecordingError:
        return RecordingError(
            f"{self.path}: another process is recording this run; wait for it, then resume"
        )

    def _refused(self, error: OSError) -> RecordingError:
        return RecordingError(
            f"{self.path}: cannot be written ({error.strerror}); every exchange before it is kept: "
            "mend the disk, then resume the run"
        )


def _write_whole(descriptor: int, data: bytes, end: int) -> None:
    """Append ``data`` to a file of length ``end``, or leave the file as it was."""
    if os.write(descriptor, data) != len(data):
        os.ftruncate(descriptor, end)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@dataclass(slots=True)
class OpenRun:
    """A run that is being recorded: its folder and the journals opened so far."""

    folder: Path
    header: RunHeader
    scrubber: Scrubber
    done: tuple[Exchange, ...] = ()
    writers: dict[str, JournalWriter] = field(default_factory=dict)

    def append(self, exchange: Exchange) -> None:
        """Journal one finished exchange."""
        writer = self.writers.get(exchange.case)
        if writer is None:
            path = self.folder / f"{exchange.case}{PART_SUFFIX}"
            writer = self.writers[exchange.case] = JournalWriter(path=path, scrubber=self.scrubber)
        if writer.size_bytes == 0:
            writer.start(self.header, exchange.case)
        writer.append(exchange)

    def close(self) -> None:
        """Close all journals; the run stays open for ``resume_run`` or ``seal_run``."""
        for writer in self.writers.values():
            writer.close()


def create_run(folder: Path, header: RunHeader, scrubber: Scrubber) -> OpenRun:
    """Start a run in a new folder.

    Raises:
        RecordingError: If the folder already holds a run, the header holds a secret (in its
            endpoint or label), or the disk refuses.
    """
    document = {"contractcheck": "run", "format": FORMAT, **encode_header(header)}
    data = orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"
    if leak := find_leak(data, scrubber):
        raise RecordingError(
            f"{folder}: the endpoint, label or vantage of the run holds {leak.kind}; "
            "take it out, nothing was written"
        )
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise RecordingError(f"{folder}: a run of this id exists already") from error
    except OSError as error:
        raise RecordingError(f"{folder}: cannot be made ({error.strerror})") from error
    write_atomically(folder / HEADER_FILE, data)
    return OpenRun(folder=folder, header=header, scrubber=scrubber)


def read_open_header(folder: Path) -> RunHeader:
    """Read the header of an open run.

    Raises:
        RecordingError: If there is none, or it is damaged or of a newer format.
    """
    path = folder / HEADER_FILE
    try:
        document = parse_json_object(path.read_bytes(), str(path))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RecordingError(
            f"{folder}: no run here (neither {MANIFEST_FILE} nor {HEADER_FILE}); if there was one, "
            "restore the folder from version control"
        ) from error
    check_format(document, str(path))
    return decode_header(document, str(path))


def resume_run(folder: Path, scrubber: Scrubber) -> OpenRun:
    """Open a run that was interrupted; torn last lines are cut off.

    Raises:
        RecordingError: If a journal was edited, or the folder holds no open run.
    """
    if is_sealed(folder):
        raise RecordingError(f"{folder}: is sealed; a sealed run does not change any more")
    header = read_open_header(folder)
    opened = OpenRun(folder=folder, header=header, scrubber=scrubber)
    done: list[Exchange] = []
    for path in sorted(folder.glob(f"*{PART_SUFFIX}")):
        case = path.name.removesuffix(PART_SUFFIX)
        journal = read_part(path, header.id)
        if journal.valid_bytes < path.stat().st_size:
            os.truncate(path, journal.valid_bytes)
        opened.writers[case] = JournalWriter(
            path=path,
            scrubber=scrubber,
            link=journal.link,
            size_bytes=journal.valid_bytes,
            written_requests=set(journal.requests),
        )
        done.extend(journal.exchanges)
    opened.done = tuple(done)
    return opened


@dataclass(frozen=True, kw_only=True, slots=True)
class Journal:
    """What an open journal holds. ``valid_bytes``: length without a torn last line."""

    requests: Mapping[str, Request]
    exchanges: tuple[Exchange, ...]
    link: str
    valid_bytes: int


def read_part(path: Path, run: str) -> Journal:
    """Read and verify an open journal.

    Args:
        path: The ``.part`` file of a case.
        run: Id of the run that it must belong to.

    Raises:
        RecordingError: If any line but a torn last one does not verify.
    """
    page = Page(run=run, case=path.name.removesuffix(PART_SUFFIX))
    link, valid = "", 0
    for number, line, end in _whole_lines(path.read_bytes()):
        place = f"{path}:{number}"
        refuse_conflict(line, place)
        try:
            plain, claimed = unchained(line)
        except RecordingError as error:
            raise RecordingError(f"{place}: {error}; {_REMEDY}") from error
        link = chained(plain, link)[1]
        if link != claimed:
            raise RecordingError(
                f"{place}: the chain breaks here: a line was edited, moved or removed; {_REMEDY}"
            )
        page.take(parse_json_object(plain, place), number, place)
        valid = end
    return Journal(
        requests=page.requests, exchanges=tuple(page.exchanges), link=link, valid_bytes=valid
    )


def _whole_lines(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    start = 0
    number = 0
    while (end := data.find(b"\n", start)) >= 0:
        number += 1
        yield number, data[start:end], end + 1
        start = end + 1
