"""Baselines as reviewable files.

Per suite and target, below ``cassettes/``::

    baseline.json          who accepted which night, when and why; digests of all the rest
    nights/<night>.json    sufficient statistics of each night
    reference-<run id>/    one sealed run, whole, for replay

``baseline.json`` is replaced last and atomically: it only ever names files that are complete.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import orjson

from contractcheck.errors import RecordingError
from contractcheck.files import TEMPORARY_SUFFIX, parse_json_object, sync_folder, write_atomically
from contractcheck.model.baseline import Acceptance, AcceptedNight, Baseline
from contractcheck.store.night_format import decode_night, encode_night
from contractcheck.store.runs import is_run_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from contractcheck.model.json_value import JsonObject
    from contractcheck.model.target import Target

FORMAT = 1
BASELINE_FILE = "baseline.json"
_REMEDY = "restore it from version control"


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
        path = folder / BASELINE_FILE
        try:
            rows = cast("list[JsonObject]", document["nights"])
            nights = tuple(_read_night(folder, row) for row in rows)
            reference = document["reference_night"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            words = f"{type(error).__name__}: {error}"
            raise RecordingError(f"{path}: damaged ({words}); {_REMEDY}") from error
        return Baseline(
            suite=suite,
            target=target,
            nights=nights,
            reference_night=None if reference is None else str(reference),
        )

    def _document(self, suite: str, target: Target) -> JsonObject | None:
        """``baseline.json``, parsed and of a format that this version reads."""
        path = self.folder(suite, target) / BASELINE_FILE
        try:
            document = parse_json_object(path.read_bytes(), str(path))
        except FileNotFoundError:
            return None
        version = document.get("format")
        if not isinstance(version, int) or not 1 <= version <= FORMAT:
            raise RecordingError(
                f"{path}: format {version!r}; this version reads up to {FORMAT}: "
                "upgrade contractcheck"
            )
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
        files = _encode_nights(baseline)
        self._refuse_replacing(baseline, files)
        kept = self.reference(baseline.suite, baseline.target)
        _write_nights(folder / "nights", files)
        rows = [_row(night, files[_night_name(night)]) for night in baseline.nights]
        run_id = None if kept is None else kept.name.removeprefix("reference-")
        if reference_run is not None:
            run_id = _reference_id(baseline)
            _copy_whole(reference_run, folder / f"reference-{run_id}")
        document = {
            "contractcheck": "baseline",
            "format": FORMAT,
            "suite": baseline.suite,
            "target": baseline.target.id,
            "reference_night": baseline.reference_night,
            "reference_run": run_id,
            "nights": rows,
        }
        data = orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"
        write_atomically(folder / BASELINE_FILE, data)
        _sweep(folder, files, run_id)

    def _refuse_replacing(self, baseline: Baseline, files: Mapping[str, bytes]) -> None:
        """An accepted night never changes: a kill must not leave it half replaced."""
        document = self._document(baseline.suite, baseline.target)
        rows = cast("Sequence[JsonObject]", document["nights"]) if document else ()
        for row in rows:
            data = files.get(f"{row['night']}.json")
            if data is not None and hashlib.sha256(data).hexdigest() != row["statistics"]:
                raise RecordingError(
                    f"night {row['night']} of {baseline.suite} × {baseline.target.id} was accepted "
                    "with other statistics; an accepted night does not change"
                )


def _reference_id(baseline: Baseline) -> str:
    """Id of the reference night's run; the folder it lies in may have any name."""
    ids = {n.statistics.night: n.statistics.run_id for n in baseline.nights}
    run_id = ids.get(baseline.reference_night or "", "")
    if not is_run_id(run_id):
        raise RecordingError(
            f"reference night {baseline.reference_night}: {run_id!r} is not a run id"
        )
    return run_id


def _read_night(folder: Path, row: JsonObject) -> AcceptedNight:
    night = str(row["night"])
    if not _is_date(night):
        raise ValueError(f"{night!r} is not a date")
    path = folder / "nights" / f"{night}.json"
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise RecordingError(f"{path}: is missing; {_REMEDY}") from error
    document = parse_json_object(data, str(path))
    if hashlib.sha256(data).hexdigest() != row["statistics"]:
        raise RecordingError(f"{path}: was edited after it was accepted; {_REMEDY}")
    acceptance = cast("dict[str, str | None]", row["acceptance"])
    return AcceptedNight(
        statistics=decode_night(document, str(path)),
        run_root=str(row["run_root"]),
        acceptance=Acceptance(
            accepted_by=str(acceptance["by"]),
            accepted_at=str(acceptance["at"]),
            reason=str(acceptance["reason"]),
            ticket=acceptance.get("ticket"),
            expires=acceptance.get("expires"),
        ),
        parts=cast("dict[str, dict[str, str]]", row["parts"]),
        vantage=cast("dict[str, str]", row["vantage"]),
    )


def _night_name(night: AcceptedNight) -> str:
    """The file of a night; the date comes from a run's header, so it is looked at first."""
    name = night.statistics.night
    if not _is_date(name):
        raise RecordingError(f"{name!r} is not the date of a night, such as 2026-11-04")
    return f"{name}.json"


def _is_date(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) is not None


def _encode_nights(baseline: Baseline) -> dict[str, bytes]:
    """File name → bytes."""
    return {
        _night_name(night): orjson.dumps(encode_night(night.statistics), option=orjson.OPT_INDENT_2)
        + b"\n"
        for night in baseline.nights
    }


def _write_nights(folder: Path, files: Mapping[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordingError(f"{folder}: cannot be made ({error.strerror})") from error
    for name, data in files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != data:
            write_atomically(path, data)


def _row(night: AcceptedNight, data: bytes) -> dict[str, object]:
    statistics = night.statistics
    acceptance = night.acceptance
    return {
        "night": statistics.night,
        "run": statistics.run_id,
        "run_root": night.run_root,
        "statistics": hashlib.sha256(data).hexdigest(),
        "acceptance": {
            "by": acceptance.accepted_by,
            "at": acceptance.accepted_at,
            "reason": acceptance.reason,
            "ticket": acceptance.ticket,
            "expires": acceptance.expires,
        },
        "vantage": night.vantage,
        "parts": night.parts,
    }


def _copy_whole(source: Path, destination: Path) -> None:
    """Copy a sealed run so that a half-made copy never carries the final name."""
    if destination.is_dir():
        return
    temporary = destination.with_name(destination.name + TEMPORARY_SUFFIX)
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        shutil.copytree(source, temporary)
        temporary.replace(destination)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise RecordingError(f"{destination}: cannot be written ({error})") from error
    sync_folder(destination.parent)


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
