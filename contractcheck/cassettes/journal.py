"""Append-only journals of an open run: every finished exchange is on disk at once.

A run folder while open::

    header.json          the plan; written before the first request
    <case>.jsonl.part    hash-chained lines, one ``write`` each

A torn last line (a kill in the middle of a write) is dropped on resume: its exchange was not
finished. Anything else that does not verify is an error, named with its line.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from contractcheck.cassettes.headers import decode_header, encode_header
from contractcheck.cassettes.lines import (
    FORMAT,
    chained,
    decode_exchange,
    decode_request,
    exchange_line,
    request_line,
    unchained,
)
from contractcheck.errors import RecordingError
from contractcheck.files import parse_json_object, write_atomically
from contractcheck.redaction import find_leak

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contractcheck.model.exchange import Exchange, Request
    from contractcheck.model.json_value import JsonObject
    from contractcheck.model.run import RunHeader
    from contractcheck.redaction import Scrubber

HEADER_FILE = "header.json"
PART_SUFFIX = ".jsonl.part"


@dataclass(slots=True)
class JournalWriter:
    """The open journal of one case. Not safe for several processes: a run has one writer."""

    path: Path
    scrubber: Scrubber
    link: str = ""
    written_requests: set[str] = field(default_factory=set)
    _descriptor: int | None = None

    def append(self, exchange: Exchange) -> None:
        """Write one exchange, and its request when it is new to this journal.

        Raises:
            RecordingError: If a secret would be written, or the disk refuses.
        """
        if exchange.request.digest not in self.written_requests:
            self._write(request_line(exchange.request))
            self.written_requests.add(exchange.request.digest)
        self._write(exchange_line(exchange))

    def start(self, header: RunHeader, case: str) -> None:
        """Write the first line: format, run and case."""
        line = {"contractcheck": "journal", "format": FORMAT, "run": header.id, "case": case}
        self._write(orjson.dumps(line))

    def close(self) -> None:
        """Flush to the disk and close."""
        if self._descriptor is not None:
            os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, line: bytes) -> None:
        if leak := find_leak(line, self.scrubber):
            raise RecordingError(
                f"{self.path}: refused to write {leak.kind} (byte {leak.offset} of the line); "
                "please report this: redaction should have removed it"
            )
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            self._descriptor = os.open(self.path, flags, 0o644)
        data, link = chained(line, self.link)
        try:
            written = os.write(self._descriptor, data + b"\n")
        except OSError as error:
            raise RecordingError(f"{self.path}: {error.strerror}; the run stops here") from error
        if written != len(data) + 1:
            raise RecordingError(f"{self.path}: the disk is full; free space, then --resume")
        self.link = link


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
            writer = JournalWriter(path=path, scrubber=self.scrubber)
            self.writers[exchange.case] = writer
            writer.start(self.header, exchange.case)
        writer.append(exchange)

    def close(self) -> None:
        """Close all journals; the run stays open for ``resume_run`` or ``seal_run``."""
        for writer in self.writers.values():
            writer.close()


def create_run(folder: Path, header: RunHeader, scrubber: Scrubber) -> OpenRun:
    """Start a run in a new folder.

    Raises:
        RecordingError: If the folder already holds a run.
    """
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise RecordingError(f"{folder}: a run of this id exists already") from error
    write_header(folder, header)
    return OpenRun(folder=folder, header=header, scrubber=scrubber)


def write_header(folder: Path, header: RunHeader) -> None:
    """Write (or replace, when a run ends) the header of an open run."""
    document = {"contractcheck": "run", "format": FORMAT, **encode_header(header)}
    write_atomically(folder / HEADER_FILE, orjson.dumps(document, option=orjson.OPT_INDENT_2))


def read_open_header(folder: Path) -> RunHeader:
    """Read the header of an open run.

    Raises:
        RecordingError: If there is none, or it is damaged or of a newer format.
    """
    path = folder / HEADER_FILE
    try:
        document = parse_json_object(path.read_bytes(), str(path))
    except FileNotFoundError as error:
        raise RecordingError(f"{folder}: no run here ({HEADER_FILE} is missing)") from error
    check_format(document, str(path))
    return decode_header(document, str(path))


def check_format(document: JsonObject, place: str) -> None:
    """Refuse files of a newer format.

    Raises:
        RecordingError: If the format is not one this version reads.
    """
    version = document.get("format")
    if not isinstance(version, int) or not 1 <= version <= FORMAT:
        raise RecordingError(
            f"{place}: format {version!r}; this version reads up to {FORMAT}: upgrade contractcheck"
        )


def resume_run(folder: Path, scrubber: Scrubber) -> OpenRun:
    """Open a run that was interrupted; torn last lines are cut off.

    Raises:
        RecordingError: If a journal was edited, or the folder holds no open run.
    """
    header = read_open_header(folder)
    opened = OpenRun(folder=folder, header=header, scrubber=scrubber)
    done: list[Exchange] = []
    for path in sorted(folder.glob(f"*{PART_SUFFIX}")):
        case = path.name.removesuffix(PART_SUFFIX)
        journal = read_part(path, case)
        if journal.valid_bytes < path.stat().st_size:
            os.truncate(path, journal.valid_bytes)
        if journal.valid_bytes == 0:
            path.unlink()
            continue
        opened.writers[case] = JournalWriter(
            path=path,
            scrubber=scrubber,
            link=journal.link,
            written_requests=set(journal.requests),
        )
        done.extend(journal.exchanges)
    opened.done = tuple(done)
    return opened


@dataclass(frozen=True, kw_only=True, slots=True)
class Journal:
    """What an open journal holds. ``valid_bytes``: length without a torn last line."""

    requests: dict[str, Request]
    exchanges: tuple[Exchange, ...]
    link: str
    valid_bytes: int


def read_part(path: Path, case: str) -> Journal:
    """Read and verify an open journal.

    Raises:
        RecordingError: If any line but a torn last one does not verify.
    """
    requests: dict[str, Request] = {}
    exchanges: list[Exchange] = []
    link, valid = "", 0
    for number, line, end in _whole_lines(path.read_bytes()):
        place = f"{path}:{number}"
        try:
            plain, claimed = unchained(line)
        except RecordingError as error:
            raise RecordingError(f"{place}: {error}") from error
        link = chained(plain, link)[1]
        if link != claimed:
            raise RecordingError(f"{place}: the chain breaks here: a line was edited or removed")
        document = parse_json_object(plain, place)
        if "req" in document:
            request = decode_request(document)
            requests[request.digest] = request
        elif "res" in document:
            exchanges.append(decode_exchange(document, case, requests))
        else:
            check_format(document, place)
        valid = end
    return Journal(requests=requests, exchanges=tuple(exchanges), link=link, valid_bytes=valid)


def _whole_lines(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    start = 0
    number = 0
    while (end := data.find(b"\n", start)) >= 0:
        number += 1
        yield number, data[start:end], end + 1
        start = end + 1
