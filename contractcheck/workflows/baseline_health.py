"""Whether nights that were just accepted are fit to be held against, in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from contractcheck.judging.baseline_health import describe_health

if TYPE_CHECKING:
    from contractcheck.model.baseline import Baseline
    from contractcheck.model.suite import Suite
    from contractcheck.workflows.workspace import Workspace


def examine_accepted(workspace: Workspace, suite: Suite, baseline: Baseline) -> str:
    """Say that a baseline is unstable, which cases, and what to do; empty if it is fit.

    Raises:
        RecordingError: If the exemptions are damaged.
    """
    today = datetime.now(UTC).date().isoformat()
    exemptions = workspace.exemptions.read(suite.name, baseline.target)
    aside = {
        one.case
        for one in exemptions
        if one.kind == "quarantine" and one.case is not None and one.counts_on(today)
    }
    return describe_health(suite, baseline, aside=aside)
