"""A run that was not sampled here (imported, merged), written whole or not at all."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from contractcheck.cassettes import create_run, seal_run
from contractcheck.store import pack_run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from contractcheck.model.exchange import Exchange
    from contractcheck.model.run import RunHeader
    from contractcheck.redaction import Scrubber
    from contractcheck.workflows.workspace import Workspace


def write_run(
    workspace: Workspace, header: RunHeader, exchanges: Iterable[Exchange], scrubber: Scrubber
) -> Path:
    """Write and seal a run, and return its folder.

    Args:
        workspace: The project.
        header: Of the whole run; its status and end are sealed with it.
        exchanges: Already redacted.
        scrubber: Looks at every line once more.

    Raises:
        RecordingError: If a secret would be written or the disk refuses; nothing is left then.
    """
    folder = workspace.runs.folder(header.suite, header.target, header.id)
    run = create_run(folder, header, scrubber)
    try:
        for exchange in exchanges:
            run.append(exchange)
        run.close()
        seal_run(folder, status=header.status, ended_at=header.ended_at or header.started_at)
        pack_run(folder)
    except BaseException:
        run.close()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder
