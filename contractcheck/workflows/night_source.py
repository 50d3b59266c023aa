"""Where the recording of a night lies: in the run store, or in the archive while it is read."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from contractcheck.cassettes import is_being_recorded, is_sealed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.model.target import Target
    from contractcheck.workflows.archive_names import ArchivedRun
    from contractcheck.workflows.run_archive import RunArchive
    from contractcheck.workflows.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class NightSource:
    """Recordings of the nights of one suite and target.

    Attributes:
        workspace: Whose run store.
        suite: Suite name.
        target: Who was asked.
        archive: Further runs, or None.
    """

    workspace: Workspace
    suite: str
    target: Target
    archive: RunArchive | None
    _listed: dict[str, ArchivedRun] = field(default_factory=dict)

    @contextmanager
    def opened(self, run_id: str) -> Iterator[Path | None]:
        """Have a run at hand; one that was fetched for this is gone afterwards.

        Args:
            run_id: Which run.

        Yields:
            Its folder, sealed or cut short; None when it is not at hand, or being recorded.

        Raises:
            RecordingError: If the archive cannot be read, or its copy is damaged.
        """
        folder = self.workspace.runs.folder(self.suite, self.target, run_id)
        if folder.is_dir():
            yield folder if is_sealed(folder) or not is_being_recorded(folder) else None
            return
        archived = self._archived(run_id)
        if archived is None or self.archive is None:
            yield None
            return
        with tempfile.TemporaryDirectory(prefix="contractcheck-night-") as scratch:
            yield self.archive.fetch(archived, into=Path(scratch))

    def _archived(self, run_id: str) -> ArchivedRun | None:
        """The run in the archive, which is listed once."""
        if self.archive is not None and not self._listed:
            listed = self.archive.list(self.suite, self.target)
            self._listed.update((one.run_id, one) for one in listed)
        return self._listed.get(run_id)
