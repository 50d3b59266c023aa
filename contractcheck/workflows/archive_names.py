"""Names of files in the archive: which run a file is, and which run it marks as accepted.

A name says all of it, so that one listing does, and what others wrote need not be read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.model.suite import ID_PATTERN

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_NIGHT = "none"
_RUN_ID = (
    rf"(?P<suite>{ID_PATTERN})/(?P<folder>[a-z0-9][a-z0-9._-]{{0,99}})/"
    r"(?P<run_id>[0-9]{8}t[0-9]{6}z-[a-z0-9]{1,32})\."
)
_NIGHT = r"(?P<night>[0-9]{4}-[0-9]{2}-[0-9]{2}|none)\."
_ROOT = r"(?P<root>[0-9a-f]{64})"
_RUN = re.compile(rf"{_RUN_ID}{_NIGHT}{_ROOT}\.tar", re.ASCII)
_MARK = re.compile(rf"{_RUN_ID}{_ROOT}\.accepted", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptedMark:
    """Says in the archive that a run is a night of some baseline, whoever prunes it.

    Attributes:
        suite: Suite name.
        folder: Folder name of the target.
        run_id: Run id.
        root: Root digest with which it was accepted.
    """

    suite: str
    folder: str
    run_id: str
    root: str

    @property
    def name(self) -> str:
        """Relative path of its file."""
        return f"{self.suite}/{self.folder}/{self.run_id}.{self.root}.accepted"


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivedRun:
    """A run in the archive, as its name says.

    Attributes:
        suite: Suite name.
        folder: Folder name of the target.
        run_id: Run id.
        night: ISO date, or None.
        root: Root digest of the sealed run.
        size_bytes: Of its file, as the archive says; 0 when it does not.
    """

    suite: str
    folder: str
    run_id: str
    night: str | None
    root: str
    size_bytes: int

    @property
    def name(self) -> str:
        """Relative path of its file."""
        night = self.night or _NO_NIGHT
        return f"{self.suite}/{self.folder}/{self.run_id}.{night}.{self.root}.tar"

    @property
    def mark(self) -> AcceptedMark:
        """What marks it as accepted."""
        return AcceptedMark(
            suite=self.suite, folder=self.folder, run_id=self.run_id, root=self.root
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveContents:
    """What one listing showed.

    Attributes:
        runs: Oldest run of each suite and target first.
        marks: Which runs are accepted somewhere.
    """

    runs: tuple[ArchivedRun, ...]
    marks: frozenset[AcceptedMark]

    @property
    def missing(self) -> tuple[AcceptedMark, ...]:
        """Marks whose run is not there, sorted by their names."""
        absent = self.marks - {run.mark for run in self.runs}
        return tuple(sorted(absent, key=lambda mark: mark.name))

    def matches(self, name: str) -> tuple[ArchivedRun, ...]:
        """Runs of this id, or else all whose id begins so."""
        found = tuple(run for run in self.runs if name and run.run_id.startswith(name))
        return tuple(run for run in found if run.run_id == name) or found

    def is_accepted(self, run: ArchivedRun) -> bool:
        """Whether a mark names a run."""
        return run.mark in self.marks


def read_names(sizes_bytes: Mapping[str, int]) -> ArchiveContents:
    """Read the names of files; those that are not ours are passed over.

    Args:
        sizes_bytes: By relative path, in the order of paths.
    """
    runs = (read_run_name(name, size) for name, size in sizes_bytes.items())
    marks = map(_MARK.fullmatch, sizes_bytes)
    return ArchiveContents(
        runs=tuple(run for run in runs if run is not None),
        marks=frozenset(AcceptedMark(**mark.groupdict()) for mark in marks if mark is not None),
    )


def read_run_name(name: str, size_bytes: int) -> ArchivedRun | None:
    """The run whose file has this name, or None when no run's has."""
    match = _RUN.fullmatch(name)
    if match is None:
        return None
    night = match["night"]
    return ArchivedRun(
        suite=match["suite"],
        folder=match["folder"],
        run_id=match["run_id"],
        night=None if night == _NO_NIGHT else night,
        root=match["root"],
        size_bytes=size_bytes,
    )
