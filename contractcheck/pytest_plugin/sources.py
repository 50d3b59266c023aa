"""Where items get their answers: a replayed night or this session's live run.

The only module of the plugin that imports what is heavy; imported when the first item runs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from contractcheck.errors import LimitReachedError
from contractcheck.workflows.bounds import make_bounds
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
    from contractcheck.sampling import Bounds
    from contractcheck.workflows.bounds import Asked


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """What a session asks of one target.

    Attributes:
        suite: The contract.
        target: Whom to ask.
        cases: Ids of the selected cases; none selected means all.
    """

    suite: Suite
    target: Target
    cases: frozenset[str]

    @property
    def is_whole(self) -> bool:
        """Whether every case of the suite is asked."""
        return not self.cases or len(self.cases) == len(self.suite.cases)

    @property
    def planned_requests(self) -> int:
        """Requests that this takes."""
        return sum(
            case.samples for case in self.suite.cases if self.is_whole or case.id in self.cases
        )


@dataclass(kw_only=True, slots=True)
class Sources:
    """Opens each suite and target once per process.

    Attributes:
        config: pytest's.
        session: Id that all processes of the session share.
        selection: Everything the session asks for, in the order of its items.
        opened: What was opened so far, or what prevented it.
    """

    config: pytest.Config
    session: str
    selection: tuple[Selection, ...]
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
        options = self._options(suite, target)
        live = open_shared_run(
            workspace,
            suite,
            target,
            options,
            session=self.session,
            history=os.environ.get("CONTRACTCHECK_HISTORY"),
            store=os.environ.get("CONTRACTCHECK_STORE"),
        )
        return Source(judge=live.judge, report=live.report)

    def _options(self, suite: Suite, target: Target) -> RecordOptions:
        """How this pair's run is made.

        The bound on requests is what the pairs before it leave, worked out from the plan alone,
        so that every process comes to the same without asking.

        Raises:
            LimitReachedError: If nothing is left.
        """
        names = [(one.suite.name, one.target.id) for one in self.selection]
        place = names.index((suite.name, target.id))
        own = self.selection[place]
        left: int | None = self.config.getoption("contract_max_requests")
        if left is not None:
            left -= sum(one.planned_requests for one in self.selection[:place])
            if left <= 0:
                raise LimitReachedError(
                    "--contract-max-requests is used up by the suites and targets before this one"
                )
        # A part of a suite is no night: the charts compare whole ones.
        is_night = own.is_whole and self.config.getoption("contract_night")
        return RecordOptions(
            cases=None if own.is_whole else own.cases,
            night=datetime.now(UTC).date().isoformat() if is_night else None,
            base_url=self.config.getoption("contract_base_url"),
            max_requests=left,
            bounds=self._bounds(),
        )

    def _bounds(self) -> Bounds:
        asked: Asked = {
            "no_retry": self.config.getoption("contract_no_retry"),
            "deadline_s": self.config.getoption("contract_deadline"),
            "requests_per_minute": self.config.getoption("contract_requests_per_minute"),
        }
        patience_s = self.config.getoption("contract_patience")
        if patience_s is not None:
            asked["patience_s"] = patience_s
        return make_bounds(os.environ, **asked)
