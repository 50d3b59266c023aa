"""The archive: sealed runs at an fsspec URL, each one immutable file, proved before it is used.

A run lies at ``<suite>/<target>/<run id>.<night>.<root digest>.tar``. Its name says what is in it,
so the same run pushed twice, or by two at once, is the same file with the same bytes. Beside it
lies ``<run id>.<root digest>.accepted`` once it is a night of a baseline anywhere.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from contractcheck.cassettes import is_sealed, read_run
from contractcheck.errors import RecordingError, UsageError
from contractcheck.store.bundle import MOST_BYTES, unpack_bundle, write_bundle
from contractcheck.store.remote import open_remote
from contractcheck.workflows.archive_names import ArchivedRun, read_names, read_run_name

if TYPE_CHECKING:
    from collections.abc import Collection

    from contractcheck.model.run import Run
    from contractcheck.model.target import Target
    from contractcheck.store.remote import RemoteFiles
    from contractcheck.workflows.archive_names import AcceptedMark, ArchiveContents

_SCRATCH = ".fetch-"
_STALE_S = 24 * 3600.0
_WORDS = b"This run is an accepted night: `contractcheck runs prune --store` keeps it.\n"
"""What a mark holds: always the same, for people who look at the archive. Nobody reads it back."""


@dataclass(frozen=True, slots=True)
class RunArchive:
    """Sealed runs below one URL."""

    files: RemoteFiles

    def push(self, folder: Path) -> ArchivedRun:
        """Put a sealed run into the archive; one that is there already is left as it is.

        Raises:
            UsageError: If the run is not sealed.
            RecordingError: If the run is damaged, or the archive cannot be written.
        """
        if not is_sealed(folder):
            raise UsageError(f"{folder.name}: is not sealed; finish it with run --resume first")
        run = read_run(folder)
        found = describe_run(run)
        there = self.files.names(f"{found.suite}/{found.folder}")
        if found.name in there:
            return read_run_name(found.name, there[found.name]) or found
        with tempfile.TemporaryDirectory(prefix="contractcheck-push-") as scratch:
            bundle = Path(scratch) / "run.tar"
            write_bundle(folder, bundle)
            self.files.put(bundle, found.name)
            size_bytes = bundle.stat().st_size
        return read_run_name(found.name, size_bytes) or found

    def list(self, suite: str | None = None, target: Target | None = None) -> list[ArchivedRun]:
        """What is in the archive, oldest run of each suite and target first.

        Files with other names are passed over.

        Args:
            suite: Only of this suite.
            target: Only of this target; needs a suite.

        Raises:
            RecordingError: If the archive cannot be read.
        """
        return list(self.contents(suite, target).runs)

    def contents(self, suite: str | None = None, target: Target | None = None) -> ArchiveContents:
        """Runs as ``list`` has them, and the marks of those that were accepted: one listing.

        Raises:
            RecordingError: If the archive cannot be read.
        """
        below = "/".join([*([suite] if suite else []), *([target.folder] if target else [])])
        return read_names(self.files.names(below))

    def put_marks(self, marks: Collection[AcceptedMark]) -> None:
        """Mark runs as accepted: ``runs prune`` keeps them, whatever the checkout knows.

        Raises:
            RecordingError: If the archive cannot be written.
        """
        if not marks:
            return
        with tempfile.TemporaryDirectory(prefix="contractcheck-mark-") as scratch:
            words = Path(scratch) / "accepted"
            words.write_bytes(_WORDS)
            for mark in marks:
                self.files.put(words, mark.name)

    def has(self, suite: str, target: Target, run_id: str, *, root: str | None = None) -> bool:
        """Whether a run is in the archive.

        Args:
            suite: Suite name.
            target: Its target.
            run_id: Run id.
            root: Root digest of the very run; None is any run of the id.

        Raises:
            RecordingError: If the archive cannot be read.
        """
        there = (run for run in self.list(suite, target) if run.run_id == run_id)
        return any(root in (None, run.root) for run in there)

    def fetch(self, run: ArchivedRun, into: Path) -> Path:
        """Copy a run here and prove that it is the one that was sealed.

        Args:
            run: Which, from ``list``.
            into: Root of a run store; the run comes to ``<suite>/<target>/<run id>`` below it.

        Returns:
            Its folder. A run that lies there already is only compared.

        Raises:
            RecordingError: If it is missing, damaged, not what its name says, or another run lies
                in its place; nothing of it is left here then.
        """
        folder = into / run.suite / run.folder / run.run_id
        if folder.exists():
            return _same(folder, run)
        place = f"{self.files.shown}/{run.name}"
        if run.size_bytes > MOST_BYTES:
            raise RecordingError(f"{place}: is larger than {MOST_BYTES >> 30} GiB")
        scratch = _scratch_beside(folder)
        try:
            self.files.get(run.name, scratch / "run.tar", run.size_bytes or MOST_BYTES)
            unpacked = scratch / run.run_id
            unpacked.mkdir()
            unpack_bundle(scratch / "run.tar", unpacked, place)
            if describe_run(read_run(unpacked)).name != run.name:
                raise RecordingError(f"{place}: is not what its name says; it was not taken")
            unpacked.rename(folder)
        except OSError as error:
            if folder.exists():  # another process has fetched it meanwhile
                return _same(folder, run)
            raise RecordingError(f"{folder}: cannot be written ({error.strerror})") from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return folder

    def remove(self, run: ArchivedRun) -> None:
        """Remove a run; who may go, ``archive_prune`` decides.

        Raises:
            RecordingError: If the archive cannot be written.
        """
        self.files.remove(run.name)


def open_archive(url: str) -> RunArchive:
    """Open an archive; nothing is asked of it yet.

    Args:
        url: A path, or any URL of fsspec, such as ``s3://bucket/folder``.

    Raises:
        UsageError: If there is no such protocol, or its library is not installed.
    """
    return RunArchive(open_remote(url))


def describe_run(run: Run) -> ArchivedRun:
    """What a sealed run is in the archive; its size is not known yet.

    Raises:
        RecordingError: If its header says what no name of ours can.
    """
    header = run.header
    found = ArchivedRun(
        suite=header.suite,
        folder=header.target.folder,
        run_id=header.id,
        night=header.night,
        root=run.root or "",
        size_bytes=0,
    )
    if read_run_name(found.name, 0) is None:
        raise RecordingError(f"run {header.id!r} of {header.suite!r}: no archive can name it")
    return found


def _same(folder: Path, run: ArchivedRun) -> Path:
    """The folder, if the run lies there."""
    if not is_sealed(folder) or read_run(folder).root != run.root:
        raise RecordingError(f"{folder}: another run lies here; it was left as it is")
    return folder


def _scratch_beside(folder: Path) -> Path:
    """A folder on the same disk, so that the finished run moves in by one rename.

    What a kill left of earlier ones goes.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob(f"{_SCRATCH}*"):
            with suppress(FileNotFoundError):  # its own process is done with it
                if time.time() - left.stat().st_mtime > _STALE_S:
                    shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=folder.parent))
    except OSError as error:
        raise RecordingError(f"{folder.parent}: cannot be written ({error.strerror})") from error
