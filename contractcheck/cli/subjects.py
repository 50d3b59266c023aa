"""Which suites and targets a command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.cli.options import select_suites
from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.workflows.workspace import Workspace


def choose_subjects(
    place: Workspace, suites: Sequence[str], targets: Sequence[str]
) -> list[tuple[Suite, Target]]:
    """Every chosen target of every chosen suite; all when nothing is chosen.

    Raises:
        UsageError: If no chosen suite has one of the targets.
        SuiteError: If a suite file is wrong.
    """
    pairs = [(suite, target) for suite in select_suites(place, suites) for target in suite.targets]
    known = list(dict.fromkeys(target.id for _, target in pairs))
    if unknown := sorted(set(targets) - set(known)):
        raise UsageError(
            f"no target {', '.join(map(repr, unknown))}; there are: {', '.join(known)}"
        )
    return [(suite, target) for suite, target in pairs if not targets or target.id in targets]
