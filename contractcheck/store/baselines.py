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
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import orjson

from contractcheck.errors import RecordingError
from contractcheck.files import parse_json_object, sync_folder, write_atomically
from contractcheck.model.baseline import Acceptance, AcceptedNight, Baseline
from contractcheck.store.night_format import decode_night, encode_night

if TYPE_CHECKING:
    from collections.abc import Iterator
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
        """Folder of the sealed run that replay reads, or None."""
        folder = self.folder(suite, target)
        path = folder / BASELINE_FILE
        if not path.is_file():
            return None
        document = parse_json_object(path.read_bytes(), str(path))
        run = document.get("reference_run")
        return folder / f"reference-{run}" if isinstance(run, str) else None

    def read(self, suite: str, target: Target) -> Baseline | None:
        """Read a baseline, verifying every file it names; None when there is none.

        Raises:
            RecordingError: If a file is missing, edited, torn or of a newer format.
        """
        folder = self.folder(suite, target)
        path = folder / BASELINE_FILE
        if not path.is_file():
            return None
        document = parse_json_object(path.read_bytes(), str(path))
        version = document.get("format")
        if not isinstance(version, int) or not 1 <= version <= FORMAT:
            raise RecordingError(
                f"{path}: format {version!r}; this version reads up to {FORMAT}: "
                "upgrade contractcheck"
            )
        try:
            rows = cast("list[JsonObject]", document["nights"])
            nights = tuple(_read_night(folder, row) for row in rows)
            reference = document["reference_night"]
        except (KeyError, TypeError, ValueError) as error:
            raise RecordingError(f"{path}: damaged ({error}); {_REMEDY}") from error
        return Baseline(
            suite=suite,
            target=target,
            nights=nights,
            reference_night=None if reference is None else str(reference),
        )

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
            OSError: If the disk refuses; the old baseline then still stands, whole.
        """
        folder = self.folder(baseline.suite, baseline.target)
        (folder / "nights").mkdir(parents=True, exist_ok=True)
        rows = [_write_night(folder, night) for night in baseline.nights]
        kept = self.reference(baseline.suite, baseline.target)
        run_id = None if kept is None else kept.name.removeprefix("reference-")
        if reference_run is not None:
            run_id = reference_run.name
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
        _sweep(folder, {str(row["night"]) for row in rows}, run_id)


def _read_night(folder: Path, row: JsonObject) -> AcceptedNight:
    night = str(row["night"])
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


def _write_night(folder: Path, night: AcceptedNight) -> dict[str, object]:
    statistics = night.statistics
    data = orjson.dumps(encode_night(statistics), option=orjson.OPT_INDENT_2) + b"\n"
    path = folder / "nights" / f"{statistics.night}.json"
    if not path.is_file() or path.read_bytes() != data:
        write_atomically(path, data)
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
    temporary = destination.with_name(destination.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        shutil.copytree(source, temporary)
        temporary.replace(destination)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(destination.parent)


def _sweep(folder: Path, nights: set[str], run_id: str | None) -> None:
    """Remove what the new baseline no longer names (also leftovers of a killed write)."""
    for path in (folder / "nights").iterdir():
        if path.stem not in nights:
            path.unlink()
    for path in folder.glob("reference-*"):
        if path.name != f"reference-{run_id}":
            shutil.rmtree(path)
