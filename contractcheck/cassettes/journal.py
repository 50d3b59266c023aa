"""The journal of one case while its run is open: every finished exchange is on disk at once.

Lines are hash-chained, and each exchange is one ``write``. A torn last line (a kill in the middle
of it) is dropped on resume: its exchange was not finished. Anything else that does not verify is
an error, named with its line.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import orjson

from contractcheck.cassettes.attempt_numbers import AttemptSet
from contractcheck.cassettes.caps import refuse_large_case, refuse_long_line, refuse_many_lines
from contractcheck.cassettes.case_files import read_plain
from contractcheck.cassettes.chain import chained, verified_lines
from contractcheck.cassettes.layout import PART_SUFFIX
from contractcheck.cassettes.lines import envelope, exchange_line, request_line
from contractcheck.cassettes.page import Page, first_line
from contractcheck.errors import RecordingError
from contractcheck.files import TEMPORARY_SUFFIX, sync_folder
from contractcheck.model.exchange import Request
from contractcheck.redaction import find_leak, is_searched

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from contractcheck.model.exchange import Exchange
    from contractcheck.redaction import Leak, Scrubber

Fsync = Literal["each", "close"]
"""When the disk itself must confirm: after each exchange, or when the journal is closed. A killed
process loses nothing either way; a power cut may, with ``close``, cost what an open run holds."""

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW


@dataclass(slots=True)
class JournalWriter:
    """Appends to the journal of one case; several threads may, several processes may not.

    Attributes:
        path: The ``.part`` file.
        run: Id of the run.
        scrubber: Searches every line once more before it is written.
        fsync: When the disk must confirm.
        link: Chain value of the last line; empty when there is no file yet.
        size_bytes: Length of the file as this writer knows it; another length means that
            somebody else wrote.
        answers_bytes: Length of the answers in it, of which a line may spell many times its own.
        requests: Digests of requests that the file holds.
        keys: Attempts that it holds.
    """

    path: Path
    run: str
    scrubber: Scrubber
    fsync: Fsync = "close"
    link: str = ""
    size_bytes: int = 0
    answers_bytes: int = 0
    requests: set[str] = field(default_factory=set)
    keys: AttemptSet = field(default_factory=AttemptSet)
    _descriptor: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def append(self, exchange: Exchange) -> None:
        """Write one exchange, with its request when that is new to this journal.

        Raises:
            RecordingError: If a secret would be written, the exchange was recorded already or
                cannot be read again, the journal is full, the disk refuses, or somebody else
                writes to the journal.
        """
        digest = exchange.request.digest
        key = (digest, exchange.trial, exchange.attempt)
        with self._lock:
            if key in self.keys:
                raise RecordingError(
                    f"{self.path}: trial {exchange.trial}, attempt {exchange.attempt} of this "
                    "request is recorded already; what is recorded never changes"
                )
            answer = b"" if exchange.response is None else exchange.response.body
            refuse_large_case(self.answers_bytes + len(answer), self.path)
            lines = [] if digest in self.requests else [self._encode(exchange.request)]
            self._write([*lines, self._encode(exchange)])
            self.answers_bytes += len(answer)
            self.requests.add(digest)
            self.keys.add(key)

    def close(self) -> None:
        """Have the disk confirm everything, and close.

        Raises:
            RecordingError: If the disk refuses.
        """
        with self._lock:
            if self._descriptor is None:
                return
            descriptor, self._descriptor = self._descriptor, None
            try:
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
            except OSError as error:
                raise self._refused(error) from error

    def _encode(self, item: Exchange | Request) -> bytes:
        try:
            line = request_line(item) if isinstance(item, Request) else exchange_line(item)
        except (TypeError, ValueError) as error:
            raise RecordingError(
                f"{self.path}: an exchange that cannot be written ({error}); please report this"
            ) from error
        refuse_long_line(len(line), self.path)
        holder = item if isinstance(item, Request) else item.response
        self._look(line, b"" if holder is None else holder.body)
        return line

    def _look(self, line: bytes, body: bytes) -> None:
        """Look for the last time at a line, and at its body: a secret may lie across two parts.

        A body that was searched, and is known to hold nothing, is left out.
        """
        unsearched, rest = (
            (envelope(line), b"") if is_searched(body, self.scrubber) else (line, body)
        )
        for place, data in (("line", unsearched), ("body", rest)):
            if leak := find_leak(data, self.scrubber):
                raise self._leaking(leak, line, place)

    def _write(self, lines: Sequence[bytes]) -> None:
        """Write lines in one go, or none of them."""
        descriptor = self._open()
        refuse_many_lines(len(self.keys) + len(self.requests) + 2, self.path)
        data, link = self._chain(lines)
        refuse_large_case(self.size_bytes + len(data), self.path)
        try:
            _write_whole(descriptor, data, self.size_bytes)
            self.link = link
            self.size_bytes += len(data)
            if self.fsync == "each":
                os.fdatasync(descriptor)
        except OSError as error:
            raise self._refused(error) from error

    def _chain(self, lines: Sequence[bytes]) -> tuple[bytes, str]:
        link = self.link
        done: list[bytes] = []
        for line in lines:
            linked, link = chained(line, link)
            done.append(linked)
        return b"\n".join((*done, b"")), link

    def _open(self) -> int:
        try:
            if self.size_bytes == 0:
                self._begin()
            if self._descriptor is None:
                self._descriptor = os.open(self.path, _APPEND)
            found = os.fstat(self._descriptor)
        except OSError as error:
            raise self._refused(error) from error
        if found.st_size != self.size_bytes or found.st_nlink == 0:
            raise RecordingError(
                f"{self.path}: is not as this process left it: another process writes to it, or "
                "the disk failed; see to that, then resume the run"
            )
        return self._descriptor

    def _begin(self) -> None:
        """Make the file with its first line whole: an empty journal is a damaged one."""
        case = self.path.name.removesuffix(PART_SUFFIX)
        first = first_line("journal", self.run, case)
        self._look(first, b"")
        data, link = self._chain([first])
        if os.path.lexists(self.path):
            raise RecordingError(f"{self.path}: is there already; resume the run instead")
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
        descriptor = os.open(temporary, _APPEND | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            _write_whole(descriptor, data, 0)
            if self.fsync == "each":
                os.fdatasync(descriptor)
            temporary.rename(self.path)
            if self.fsync == "each":
                sync_folder(self.path.parent)
        except BaseException:
            os.close(descriptor)
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        self._descriptor, self.link, self.size_bytes = descriptor, link, len(data)

    def _leaking(self, leak: Leak, line: bytes, place: str) -> RecordingError:
        what = f"{self.path}: refused to write {leak.kind} (byte {leak.offset} of the {place})"
        members = orjson.loads(line)
        if "contractcheck" in members or find_leak("\n".join(members).encode(), self.scrubber):
            # In the first line or the name of a member: they are ours, nothing that was redacted.
            return RecordingError(
                f"{what}: its value is an ordinary word that every recording holds, such as the "
                "name of a member; unset the variable that is named like a credential and holds it"
            )
        return RecordingError(f"{what}; please report this: redaction should have removed it")

    def _refused(self, error: OSError) -> RecordingError:
        return RecordingError(
            f"{self.path}: cannot be written ({error.strerror}); every exchange before it is kept: "
            "mend the disk, then resume the run"
        )


def _write_whole(descriptor: int, data: bytes, end: int) -> None:
    """Append ``data`` to a file of length ``end``, or leave the file as it was."""
    written = 0
    try:
        # Once, as a rule. A disk that takes less says why when it is asked for the rest.
        while written < len(data):
            written += os.write(descriptor, data[written:] if written else data)
    except BaseException:
        os.ftruncate(descriptor, end)
        raise


@dataclass(frozen=True, kw_only=True, slots=True)
class Journal:
    """What an open journal holds.

    Attributes:
        page: Its requests and exchanges.
        link: Chain value of the last whole line.
        valid_bytes: Length without a torn last line.
    """

    page: Page
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
    link, valid_bytes = "", 0
    for number, (line, chain, end) in enumerate(verified_lines(read_plain(path), path), start=1):
        page.take(line, f"{path}:{number}")
        link, valid_bytes = chain, end
    return Journal(page=page, link=link, valid_bytes=valid_bytes)
