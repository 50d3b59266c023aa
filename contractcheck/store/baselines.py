"""Baselines as reviewable files.

Per suite and target, below ``cassettes/``::

    baseline.json          who accepted which night, when and why; digests of all the rest
    nights/<night>.json    sufficient statistics of each night
    reference-<run id>/    one sealed run, whole, for replay

``baseline.json`` is replaced last and atomically: it only ever names files that are complete.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.errors import RecordingError
from contractcheck.files import TEMPORARY_SUFFIX, parse_json_object, write_atomically
from contractcheck.model.baseline import Baseline
from contractcheck.store.baseline_format import (
    check_format,
    decode_row,
    encode_baseline,
    is_date,
    rebases_of,
    rows_of,
)
from contractcheck.store.night_format import decode_night, encode_night
from contractcheck.store.packing import copy_plain
from contractcheck.store.runs import is_run_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from contractcheck.model.json_value import JsonObject
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.target import Target

BASELINE_FILE = "baseline.json"
_SUFFIX = ".json"
_REMEDY = "restore it from version control"
_IS_LINK = f"is a symbolic link; a baseline is plain files in plain folders; {_REMEDY}"
_MOST_BYTES = 64 << 20
"""Largest file of a baseline that is read: a night of 20,000 cases."""


@dataclass(frozen=True, slots=True)
class BaselineStore:
    """Baselines below one folder, usually ``cassettes``."""

    root: Path

    def folder(self, suite: str, target: Target) -> Path:
        """Where the baseline of a suite and target lies or will lie."""
        return self.root / suite / target.folder

    def reference(self, suite: str, target: Target) -> Path | None:
        """Folder of the sealed run that replay reads, or None.

        Raises:
            RecordingError: If the baseline is damaged or of a newer format.
        """
        document = self._document(suite, target)
        run = None if document is None else document.get("reference_run")
        if run is None:
            return None
        folder = self.folder(suite, target)
        if not is_run_id(str(run)):
            raise RecordingError(f"{folder / BASELINE_FILE}: {run!r} is not a run id; {_REMEDY}")
        return folder / f"reference-{run}"

    def read(self, suite: str, target: Target) -> Baseline | None:
        """Read a baseline, verifying every file it names; None when there is none.

        Raises:
            RecordingError: If a file is missing, edited, torn or of a newer format.
        """
        document = self._document(suite, target)
        if document is None:
            return None
        folder = self.folder(suite, target)
        with _naming(folder / BASELINE_FILE):
            nights = tuple(
                decode_row(document, row, _read_night(folder, row))
                for row in rows_of(document).values()
            )
            reference = document["reference_night"]
            rebases = rebases_of(document)
        return Baseline(
            suite=suite,
            target=target,
            nights=nights,
            reference_night=None if reference is None else str(reference),
            rebases=rebases,
        )

    def _document(self, suite: str, target: Target) -> JsonObject | None:
        """``baseline.json``, parsed and of a format that this version reads."""
        path = self.folder(suite, target) / BASELINE_FILE
        for place in (path.parent.parent, path.parent, path.parent / "nights"):
            if place.is_symlink():
                raise RecordingError(f"{place}: {_IS_LINK}")
        try:
            document = parse_json_object(_read_file(path), str(path))
        except FileNotFoundError:
            return None
        check_format(document, str(path))
        return document

    @contextmanager
    def locked(self, suite: str, target: Target, *, locks: Path) -> Iterator[None]:
        """Hold the baseline for a read-change-write; other writers wait up to 30 s.

        Args:
            suite: Suite name.
            target: Target.
            locks: Folder for lock files, outside version control.

        Raises:
            RecordingError: If another process holds it longer.
        """
        from filelock import FileLock, Timeout

        locks.mkdir(parents=True, exist_ok=True)
        lock = FileLock(locks / f"{suite}--{target.folder}.lock", timeout=30)
        try:
            with lock:
                yield
        except Timeout as error:
            raise RecordingError(
                f"another process has been accepting nights of {suite} × {target.id} for 30 s; "
                "try again when it has finished"
            ) from error

    def write(self, baseline: Baseline, reference_run: Path | None) -> None:
        """Replace a baseline.

        Args:
            baseline: The whole new baseline.
            reference_run: Sealed run of the reference night, copied in; None keeps what is there.

        Raises:
            RecordingError: If the disk refuses, or a night that was accepted would be replaced by
                another one; the old baseline then still stands, whole.
        """
        folder = self.folder(baseline.suite, baseline.target)
        files = self._night_files(baseline)
        kept = self.reference(baseline.suite, baseline.target)
        _write_nights(folder / "nights", files)
        run_id = None if kept is None else kept.name.removeprefix("reference-")
        if reference_run is not None:
            run_id = _reference_id(baseline)
            copy_plain(reference_run, folder / f"reference-{run_id}")
        digests = {name.removesuffix(_SUFFIX): _digest(data) for name, data in files.items()}
        write_atomically(folder / BASELINE_FILE, encode_baseline(baseline, digests, run_id))
        _sweep(folder, files, run_id)

    def _night_files(self, baseline: Baseline) -> dict[str, bytes]:
        """File name → bytes. An accepted night keeps its bytes, whatever format they are in.

        A file that changes while ``baseline.json`` still names the old one would be half a write.
        """
        files = {_file_name(n.statistics): encode_night(n.statistics) for n in baseline.nights}
        document = self._document(baseline.suite, baseline.target)
        if document is None:
            return files
        folder = self.folder(baseline.suite, baseline.target)
        with _naming(folder / BASELINE_FILE):
            rows = rows_of(document)
            for night, row in rows.items():
                name = f"{night}{_SUFFIX}"
                if name not in files:
                    continue
                if encode_night(_read_night(folder, row)) != files[name]:
                    raise RecordingError(
                        f"night {night} of {baseline.suite} × {baseline.target.id} was accepted "
                        "with other statistics; an accepted night does not change"
                    )
                files[name] = (folder / "nights" / name).read_bytes()
        return files


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Say of a document that is not built like a baseline where it lies."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        words = f"{type(error).__name__}: {error}"
        raise RecordingError(f"{path}: damaged ({words}); {_REMEDY}") from error


def _reference_id(baseline: Baseline) -> str:
    """Id of the reference night's run; the folder it lies in may have any name."""
    ids = {n.statistics.night: n.statistics.run_id for n in baseline.nights}
    run_id = ids.get(baseline.reference_night or "", "")
    if not is_run_id(run_id):
        raise RecordingError(
            f"reference night {baseline.reference_night}: {run_id!r} is not a run id"
        )
    return run_id


def _read_night(folder: Path, row: JsonObject) -> NightStatistics:
    path = folder / "nights" / f"{row['night']}{_SUFFIX}"
    try:
        data = _read_file(path)
    except FileNotFoundError as error:
        raise RecordingError(f"{path}: is missing; {_REMEDY}") from error
    document = parse_json_object(data, str(path))
    if _digest(data) != row["statistics"]:
        raise RecordingError(f"{path}: was edited after it was accepted; {_REMEDY}")
    return decode_night(document, str(path))


def _read_file(path: Path) -> bytes:
    """Read a file that may have come with a pull request: no link, no more than fits.

    Raises:
        FileNotFoundError: If it is missing.
        RecordingError: If it is not a plain file of a bearable size.
    """
    if path.is_symlink():
        raise RecordingError(f"{path}: {_IS_LINK}")
    try:
        if path.stat().st_size > _MOST_BYTES:
            words = f"is larger than {_MOST_BYTES >> 20} MiB, as no baseline is"
            raise RecordingError(f"{path}: {words}; {_REMEDY}")
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror}); {_REMEDY}") from error


def _file_name(statistics: NightStatistics) -> str:
    """The file of a night; the date comes from a run's header, so it is looked at first."""
    if not is_date(statistics.night):
        raise RecordingError(f"{statistics.night!r} is not the date of a night, such as 2026-11-04")
    return f"{statistics.night}{_SUFFIX}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write_nights(folder: Path, files: Mapping[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordingError(f"{folder}: cannot be made ({error.strerror})") from error
    for name, data in files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != data:
            write_atomically(path, data)


def _sweep(folder: Path, nights: Collection[str], run_id: str | None) -> None:
    """Remove what the new baseline no longer names, and leftovers of a killed write.

    The baseline is whole already, so what cannot be removed may stay.
    """
    with suppress(OSError):
        for path in (*(folder / "nights").iterdir(), *folder.glob(f"*{TEMPORARY_SUFFIX}")):
            if path.name not in nights and path.is_file():
                path.unlink()
    for path in folder.glob("reference-*"):
        if path.name != f"reference-{run_id}":
            shutil.rmtree(path, ignore_errors=True)
