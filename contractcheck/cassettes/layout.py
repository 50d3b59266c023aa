"""The files of a run folder, and what their presence says."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
