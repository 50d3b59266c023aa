"""The files of a run folder, and what their presence says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.errors import RecordingError

if TYPE_CHECKING:
    from pathlib import Path

HEADER_FILE = "header.json"
"""The plan; there from the first moment, removed by sealing."""

MANIFEST_FILE = "manifest.json"
"""Digests of all the rest; there from the moment of sealing."""

PART_SUFFIX = ".jsonl.part"
CASE_SUFFIX = ".jsonl"

PACKED_SUFFIX = ".zst"
"""After ``CASE_SUFFIX``: a sealed case that the run store has packed (zstd)."""


def is_sealed(folder: Path) -> bool:
    """Whether a folder holds a sealed run."""
    return (folder / MANIFEST_FILE).is_file()


def refuse_linked_folder(folder: Path) -> None:
    """Refuse a run folder that is a symbolic link: what is read must lie where it is named.

    Raises:
        RecordingError: If it is one.
    """
    if folder.is_symlink():
        raise RecordingError(
            f"{folder}: is a symbolic link; name the folder it leads to, or put the recording "
            "itself in its place"
        )
