"""Read the recording of a night: from the run store, or else from the archive while it is read."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from contractcheck.cassettes import is_being_recorded, is_sealed
from contractcheck.cassettes.reading import read_manifest
from contractcheck.errors import RecordingError
from contractcheck.workflows.night_sampling import read_night

if TYPE_CHECKING:
    from contractcheck.model.history import RunKey
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.workflows.archive_names import ArchivedRun
    from contractcheck.workflows.run_archive import RunArchive
    from contractcheck.workflows.workspace import Workspace


@dataclass(kw_only=True, slots=True)
class NightSource:
    """Recordings of the nights of one suite and target.

    Attributes:
        workspace: Whose run store.
        suite: Suite name.
        target: Who was asked.
        archive: Further runs, or None.
        trouble: Why the archive could not be listed, and is not asked again; empty as long as it
            could.
    """

    workspace: Workspace
    suite: str
    target: Target
    archive: RunArchive | None
    trouble: str = ""
    _listed: dict[tuple[str, str], ArchivedRun] | None = None

    def read(self, key: RunKey, suite: Suite) -> MeasuredRun | str:
        """Measure the very run that stands for a night; a fetched copy is gone afterwards.

        Args:
            key: Which run, with the root digest that it must have.
            suite: What it is measured by.

        Returns:
            The run; or words that say why it cannot be read, to go on with "recording".
        """
        here = self._read_here(key, suite)
        if not isinstance(here, str):
            return here
        there = self._read_there(key, suite)
        return f"{here}{there}" if isinstance(there, str) else there

    def _read_here(self, key: RunKey, suite: Suite) -> MeasuredRun | str:
        folder = self.workspace.runs.folder(self.suite, self.target, key.run_id)
        if not folder.is_dir():
            return "not at hand"
        if not is_sealed(folder) and is_being_recorded(folder):
            return "not finished yet"
        try:
            return _measure(folder, key, suite) or "not the one that was judged"
        except RecordingError:
            return "damaged"

    def _read_there(self, key: RunKey, suite: Suite) -> MeasuredRun | str:
        if self.archive is None:
            return " (--store?)" if key.run_root else ""
        archived = self._archived(self.archive).get((key.run_id, key.run_root))
        if archived is None:
            return "; the store is out of reach" if self.trouble else "; not in the store"
        try:
            with tempfile.TemporaryDirectory(prefix="contractcheck-night-") as scratch:
                folder = self.archive.fetch(archived, into=Path(scratch))
                return _measure(folder, key, suite) or "; another one in the store"
        except RecordingError:
            return "; its copy in the store cannot be read"

    def _archived(self, archive: RunArchive) -> dict[tuple[str, str], ArchivedRun]:
        """What the archive has, by run id and root digest: asked once, whatever it answers.

        One that is out of reach takes minutes to say so, and others wait for this watch.
        """
        if self._listed is None:
            self._listed = {}
            try:
                listed = archive.list(self.suite, self.target)
                self._listed.update(((one.run_id, one.root), one) for one in listed)
            except RecordingError as error:
                self.trouble = str(error)
        return self._listed


def _measure(folder: Path, key: RunKey, suite: Suite) -> MeasuredRun | None:
    """Measure a run, unless it is another one, which its manifest says already."""
    if is_sealed(folder) and read_manifest(folder)[2] != key.run_root:
        return None
    found = read_night(folder, suite)
    return found.run if (found.root or "") == key.run_root else None
