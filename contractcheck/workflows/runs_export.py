"""Export a run as standard vcrpy cassettes, one per case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.cassettes import read_run
from contractcheck.cassettes.vcr_export import is_exportable, write_cassette
from contractcheck.errors import RecordingError, UsageError
from contractcheck.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.cassettes.vcr_export import VcrFormat


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedFile:
    """One cassette that was written.

    Attributes:
        path: Where.
        interactions: How many it holds.
        left_out: Attempts without a whole response, which no cassette can hold.
    """

    path: Path
    interactions: int
    left_out: int


def export_run(folder: Path, destination: Path, *, style: VcrFormat) -> tuple[ExportedFile, ...]:
    """Write one cassette per case that has something to write.

    Args:
        folder: A run, sealed or open.
        destination: Folder for ``<case>.yaml`` or ``<case>.json``; made when missing.
        style: Of the files.

    Raises:
        UsageError: If a file exists already, or ``json`` cannot hold a body; nothing was written.
        RecordingError: If the run is damaged or the disk refuses.
    """
    run = read_run(folder)
    cases = dict.fromkeys(exchange.case for exchange in run.exchanges)
    made: list[tuple[ExportedFile, bytes]] = []
    # Stock vcrpy looks at method and address by default: order is all that tells questions apart.
    sent = sorted(run.exchanges, key=lambda exchange: exchange.started_at)
    for case in cases:
        own = [exchange for exchange in sent if exchange.case == case]
        held = [exchange for exchange in own if is_exportable(exchange)]
        path = destination / f"{case}.{style}"
        file = ExportedFile(path=path, interactions=len(held), left_out=len(own) - len(held))
        made.append((file, write_cassette(held, style=style)))
    if not made:
        raise UsageError(f"{folder.name} holds no exchange; there is nothing to export")
    there = [str(file.path) for file, _ in made if file.path.exists()]
    if there:
        raise UsageError(f"{there[0]} exists already; give another folder with -o")
    try:
        destination.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordingError(f"{destination}: cannot be made ({error.strerror})") from error
    for file, data in made:
        write_atomically(file.path, data)
    return tuple(file for file, _ in made)
