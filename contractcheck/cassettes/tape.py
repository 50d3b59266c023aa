"""A run to replay from: verified at once, decoded when it is asked for.

Opening reads every byte, because every byte is verified; but it parses none of the bodies, and
holds only where each line begins. Finding an exchange costs the same in a run of ten and of a
hundred thousand. The first time that a case of ordinary size is asked for, all of it is decoded:
one line after the other takes a third of what it takes between the calls of a client.
"""

from __future__ import annotations

import hashlib
import io
import os
from array import array
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from contractcheck.cassettes.caps import (
    MOST_LINE_BYTES,
    MOST_LINES,
    refuse_long_line,
    refuse_many_lines,
)
from contractcheck.cassettes.case_files import REMEDY, open_plain, read_case_bytes, read_plain
from contractcheck.cassettes.chain import unchained, verified_lines
from contractcheck.cassettes.layout import CASE_SUFFIX, PART_SUFFIX, is_sealed
from contractcheck.cassettes.line_source import BytesSource, FileSource, RecentFiles, state_of
from contractcheck.cassettes.lines import written_key
from contractcheck.cassettes.open_run import read_open_header
from contractcheck.cassettes.page import decode_line, line_key, take_first_line, twice
from contractcheck.cassettes.reading import edited_after_sealing, read_manifest, refuse_empty
from contractcheck.cassettes.recent import Recent
from contractcheck.errors import RecordingError
from contractcheck.model.exchange import Request

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from typing_extensions import Buffer

    from contractcheck.cassettes.page import Key
    from contractcheck.model.exchange import Exchange
    from contractcheck.model.run import RunHeader

    Source = FileSource | BytesSource

_BLOCK_BYTES = 1 << 18
"""Read at once: more is not faster, and is held meanwhile."""

_AHEAD_BYTES = 4 << 20
"""Largest case that is decoded at once, and most bytes of answers in it (a line may spell many
times its length); a client waits about 15 ms for it, and half as long for what its requests are
to be worked out."""

_MOST_AHEAD_BYTES = 24 << 20
"""Of all cases of a tape that are held at a time, however long the run is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tape:
    """A verified run whose exchanges are decoded when they are asked for.

    Attributes:
        header: Of the run.
        root: Root digest; None when the run is still open.
    """

    header: RunHeader
    root: str | None
    _reels: Mapping[str, _Reel]

    @property
    def cases(self) -> tuple[str, ...]:
        """Ids of the cases that were read, in order."""
        return tuple(self._reels)

    def find(
        self, case: str, digest: str, trial: int, attempt: int, sent: Request | None = None
    ) -> Exchange | None:
        """Return one exchange, or None when it was never recorded.

        Args:
            case: Case id.
            digest: Of its request.
            trial: 0-based.
            attempt: 0-based.
            sent: Stands for the recorded request in what is returned, so that it is not read.

        Raises:
            RecordingError: If its line is damaged, or the file changed since it was verified.
        """
        reel = self._reels.get(case)
        return None if reel is None else reel.find((digest, trial, attempt), sent)

    def keys(self, case: str) -> Collection[Key]:
        """Digest, trial and attempt of every exchange of a case, in file order."""
        reel = self._reels.get(case)
        return () if reel is None else reel.exchanges.keys()

    def requests(self, case: str) -> Mapping[str, Request]:
        """Every distinct request of a case by digest, in file order.

        Raises:
            RecordingError: As ``find``.
        """
        reel = self._reels.get(case)
        if reel is None:
            return {}
        return {digest: reel.request(digest, reel.source) for digest in reel.requests}

    def expected(self, case: str) -> Sequence[Request]:
        """Requests of a case that is decoded ahead, and now at the latest, but for played ones.

        Raises:
            RecordingError: If the file changed since it was verified.
        """
        reel = self._reels.get(case)
        return () if reel is None else reel.expected()


def open_tape(folder: Path, *, cases: Collection[str] | None = None) -> Tape:
    """Open a run, sealed or open, verifying every file that is read as ``read_run`` does.

    Args:
        folder: Folder of a run.
        cases: Read only these; None reads all.

    Raises:
        RecordingError: If a file is missing, torn, edited, or of a newer format.
    """
    reels: dict[str, _Reel] = {}
    shared = _Shared()
    if not is_sealed(folder):
        header = read_open_header(folder)
        for path in sorted(folder.glob(f"*{PART_SUFFIX}")):
            case = path.name.removesuffix(PART_SUFFIX)
            if cases is None or case in cases:
                reels[case] = _open_part(path, shared, header.id)
        return Tape(header=header, root=None, _reels=dict(sorted(reels.items())))
    header, digests, root = read_manifest(folder)
    for name, digest in digests.items():
        case = name.removesuffix(CASE_SUFFIX)
        if cases is None or case in cases:
            reels[case] = _open_sealed(folder / name, shared, header.id, digest)
    return Tape(header=header, root=root, _reels=dict(sorted(reels.items())))


@dataclass(slots=True, eq=False)
class _Shared:
    """What the cases of a tape have in common.

    Attributes:
        files: Those that were read last.
        ahead_bytes: How much more of answers may be held that were decoded before they are asked
            for.
    """

    files: RecentFiles = field(default_factory=RecentFiles)
    ahead_bytes: int = _MOST_AHEAD_BYTES
    _lock: Lock = field(default_factory=Lock)

    def hold(self, size_bytes: int) -> None:
        """So much is held from now on; or, when it is negative, no longer."""
        with self._lock:
            self.ahead_bytes -= size_bytes


@dataclass(slots=True, kw_only=True)
class _Reel:
    """Where the lines of one case begin.

    Attributes:
        source: What they are read from.
        case: Case id.
        shared: With the other cases of the tape.
        is_chained: Whether each line ends in a chain.
        version: Format of the lines.
        name: Of the file.
        starts: Offset of each line, then the end of the last.
        requests: Index of the line, by digest.
        exchanges: Index of the line, by key.
    """

    source: Source
    case: str
    shared: _Shared
    is_chained: bool = False
    version: int = 0
    name: str = field(init=False)
    starts: array[int] = field(default_factory=lambda: array("Q", [0]))
    requests: dict[str, int] = field(default_factory=dict)
    exchanges: dict[Key, int] = field(default_factory=dict)
    _requests: Recent[Request] = field(default_factory=Recent)
    _ahead: dict[Key, Exchange] = field(default_factory=dict)
    _ahead_bytes: int = 0
    _is_begun: bool = False

    def __post_init__(self) -> None:
        self.name = str(self.source.path)  # for every line that is read, and its errors

    def note(self, line: bytes, end: int, run: str) -> None:
        """Note the next line, whose bytes in the file stop before ``end``.

        Raises:
            RecordingError: If it is damaged, too long, or one too many.
        """
        index = len(self.starts) - 1
        if len(line) > MOST_LINE_BYTES:  # no call for each: opening waits for all of them
            refuse_long_line(len(line), self.source.path)
        self.starts.append(end)
        if index >= MOST_LINES:
            refuse_many_lines(index + 1, self.source.path)
        if index == 0:
            self.version = take_first_line(line, self._place(0), run=run, case=self.case)
            return
        key = written_key(line) or line_key(line, self._place(index))
        if isinstance(key, str):
            self.requests[key] = index
        elif self.exchanges.setdefault(key, index) != index:
            raise twice(key, self._place(index))

    def find(self, key: Key, sent: Request | None) -> Exchange | None:
        index = self.exchanges.get(key)
        if index is None:
            return None
        self._begin()
        found = self._ahead.pop(key, None)
        if found is None:
            return self._decoded(key, index, sent, self.source)
        if not self._ahead:
            self._let_go()
        return found

    def expected(self) -> Sequence[Request]:
        """Distinct requests of what is decoded and was not played."""
        self._begin()
        return tuple(
            {one.request.digest: one.request for one in list(self._ahead.values())}.values()
        )

    def _begin(self) -> None:
        if not self._is_begun:
            self._is_begun = True
            if self.starts[-1] <= _AHEAD_BYTES:
                self._decode_ahead(min(_AHEAD_BYTES, self.shared.ahead_bytes))

    def _decode_ahead(self, most_bytes: int) -> None:
        """Decode exchanges in file order, as long as their answers fit."""
        whole = BytesSource(path=self.source.path, data=self.source.read_all())
        held_bytes = 0
        for key, index in self.exchanges.items():
            # What is damaged is told to whoever asks for it.
            with suppress(RecordingError):
                one = self._decoded(key, index, None, whole)
                held_bytes += 0 if one.response is None else len(one.response.body)
                if held_bytes > most_bytes:
                    break
                self._ahead[key], self._ahead_bytes = one, held_bytes
        if self._ahead:
            self.shared.hold(self._ahead_bytes)

    def _let_go(self) -> None:
        self.shared.hold(-self._ahead_bytes)
        self._ahead_bytes = 0

    def _decoded(self, key: Key, index: int, sent: Request | None, source: Source) -> Exchange:
        digest = key[0]
        known = {digest: sent or self.request(digest, source)} if digest in self.requests else {}
        item = self._item(index, known, source)
        if isinstance(item, Request) or item.trial != key[1] or item.attempt != key[2]:
            raise self._contradiction(index)
        return item

    def request(self, digest: str, source: Source) -> Request:
        """Return a request, read from the source of this reel or a copy of it."""
        return self._requests.get(digest, lambda: self._decoded_request(digest, source))

    def _decoded_request(self, digest: str, source: Source) -> Request:
        index = self.requests[digest]
        item = self._item(index, {}, source)
        if not isinstance(item, Request) or item.digest != digest:
            raise self._contradiction(index)
        return item

    def _item(
        self, index: int, requests: Mapping[str, Request], source: Source
    ) -> Request | Exchange:
        line = source.read(self.starts[index], self.starts[index + 1] - 1)
        plain = unchained(line)[0] if self.is_chained else line
        return decode_line(
            plain, self._place(index), version=self.version, case=self.case, requests=requests
        )

    def _place(self, index: int) -> str:
        return f"{self.name}:{index + 1}"

    def _contradiction(self, index: int) -> RecordingError:
        return RecordingError(f"{self._place(index)}: damaged line: a member stands there twice")


def _open_sealed(path: Path, shared: _Shared, run: str, digest: str) -> _Reel:
    case = path.name.removesuffix(CASE_SUFFIX)
    if not os.path.lexists(path):
        data = read_case_bytes(path)  # packed, or else missing
        reel = _Reel(source=BytesSource(path=path, data=data), case=case, shared=shared)
        _wind(reel, io.BytesIO(data), run, digest)
        return reel
    descriptor = open_plain(path)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        source = FileSource(path=path, state=state_of(descriptor), files=shared.files)
        reel = _Reel(source=source, case=case, shared=shared)
        _wind(reel, file, run, digest)
    return reel


class _Hashed(io.RawIOBase):
    """The bytes of a file on their way into a buffer, hashed by the block and not by the line."""

    def __init__(self, file: io.FileIO | io.BytesIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        count = self._file.readinto(buffer)
        self.digest.update(memoryview(buffer)[:count])
        return count


def _wind(reel: _Reel, file: io.FileIO | io.BytesIO, run: str, digest: str) -> None:
    """Verify a sealed file, and note its lines meanwhile.

    A file that is not what was sealed is called that, whatever its lines look like.
    """
    path, hashed, end = reel.source.path, _Hashed(file), 0
    lines = io.BufferedReader(hashed, _BLOCK_BYTES)
    damage: RecordingError | None = None
    try:
        while line := lines.readline(MOST_LINE_BYTES + 1):
            end += len(line)
            if damage is None:
                try:
                    reel.note(line, end, run)
                except RecordingError as error:
                    damage = error
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}; {REMEDY}") from error
    if hashed.digest.hexdigest() != digest:
        raise edited_after_sealing(path)
    if damage is not None:
        raise damage
    refuse_empty(end, path)


def _open_part(path: Path, shared: _Shared, run: str) -> _Reel:
    descriptor = open_plain(path)
    try:
        source = FileSource(path=path, state=state_of(descriptor), files=shared.files)
    finally:
        os.close(descriptor)
    case = path.name.removesuffix(PART_SUFFIX)
    reel = _Reel(source=source, case=case, shared=shared, is_chained=True)
    for line, _, end in verified_lines(read_plain(path), path):
        reel.note(line, end, run)
    return reel
