"""Where items get their answers: a replayed night or this session's live run.

The only module of the plugin that imports what is heavy; imported when the first item runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from contractcheck.errors import LimitReachedError
from contractcheck.pytest_plugin.items import CaseItem, DriftItem
from contractcheck.pytest_plugin.options import SESSION
from contractcheck.workflows.record import RecordOptions
from contractcheck.workflows.replay import open_replay
from contractcheck.workflows.shared_run import open_shared_run
from contractcheck.workflows.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from contractcheck.judging import CaseJudgement
    from contractcheck.model.report import Report
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Answers of one suite and target.

    Attributes:
        judge: Judges one case.
        words: Where the answers of a replay come from; empty for a live run.
        report: The verdict on a live run; None in a replay.
    """

    judge: Callable[[str], CaseJudgement]
    words: str = ""
    report: Report | None = None


@dataclass(slots=True)
class Sources:
    """Opens each suite and target once per process.

    Attributes:
        config: pytest's.
        items: All selected items of the session: the same in every process, so that each of
            them would ask the same questions.
    """

    config: pytest.Config
    items: tuple[pytest.Item, ...]
    opened: dict[tuple[str, str], Source | Exception] = field(default_factory=dict)

    def open(self, suite: Suite, target: Target) -> Source:
        """Open the answers of a suite and target.

        Raises:
            ContractcheckError: If there are none, or they could not be had; the same each time.
        """
        key = (suite.name, target.id)
        if key not in self.opened:
            try:
                self.opened[key] = self._open(suite, target)
            except Exception as error:  # noqa: BLE001 - a bug, too, is met once and told by each item
                self.opened[key] = error
        found = self.opened[key]
        if isinstance(found, Exception):
            raise found
        return found

    def _open(self, suite: Suite, target: Target) -> Source:
        workspace = Workspace(self.config.getoption("contract_root") or self.config.rootpath)
        if self.config.getoption("contract_mode") == "replay":
            replay = open_replay(workspace, suite, target)
            return Source(judge=replay.judge, words=replay.words)
        session = self.config.stash[SESSION].id
        options = self._options(suite, target)
        live = open_shared_run(workspace, suite, target, options, session=session)
        return Source(judge=live.judge, report=live.report)

    def _options(self, suite: Suite, target: Target) -> RecordOptions:
        selected = self._selected(suite, target)
        is_whole = selected >= {case.id for case in suite.cases}
        # A part of a suite is no night: the charts compare whole ones.
        is_night = is_whole and self.config.getoption("contract_night")
        return RecordOptions(
            cases=None if is_whole else selected,
            night=datetime.now(UTC).date().isoformat() if is_night else None,
            base_url=self.config.getoption("contract_base_url"),
            max_requests=self._budget(suite, target),
        )

    def _selected(self, suite: Suite, target: Target) -> set[str]:
        """Cases of a pair that are selected; a drift item alone means all of them."""
        chosen = {
            item.case.id
            for item in self.items
            if isinstance(item, CaseItem)
            and (item.suite.name, item.target.id) == (suite.name, target.id)
        }
        return chosen or {case.id for case in suite.cases}

    def _budget(self, suite: Suite, target: Target) -> int | None:
        """This pair's part of ``--contract-max-requests``: what the pairs before it leave.

        Worked out from the plan alone, so that every process comes to the same without asking.

        Raises:
            LimitReachedError: If nothing is left.
        """
        left: int | None = self.config.getoption("contract_max_requests")
        if left is None:
            return None
        pairs = {
            (item.suite.name, item.target.id): (item.suite, item.target)
            for item in self.items
            if isinstance(item, CaseItem | DriftItem)
        }
        for key, (other, its_target) in pairs.items():
            if key == (suite.name, target.id):
                break
            chosen = self._selected(other, its_target)
            left -= sum(case.samples for case in other.cases if case.id in chosen)
        if left <= 0:
            raise LimitReachedError(
                "--contract-max-requests is used up by the suites and targets before this one"
            )
        return left
