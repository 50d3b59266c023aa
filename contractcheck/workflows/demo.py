"""The demo: four scenes on a simulated provider, over real HTTP, offline and without a key."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from contractcheck.model.judgement import Verdict
from contractcheck.simulator import Conditions, Simulator, parse_change
from contractcheck.workflows.accept import AcceptOptions, accept_runs
from contractcheck.workflows.judging import judge_recorded
from contractcheck.workflows.record import RecordOptions, record_run
from contractcheck.workflows.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.model.report import Report
    from contractcheck.model.suite import Suite

TIME_SCALE = 0.05
"""Every wait of the simulated provider is a twentieth of a real one."""

ACCEPTED_NIGHTS = 10
_FIRST_NIGHT = date(2026, 3, 1)
_SEED = 0
_LABEL = f"simulated, time scale {TIME_SCALE}"
_CONCURRENCY = 4
"""Provider and client share this machine: more at once would measure the machine."""

_SILENT_CHANGE = "refusals=0.3"
_TOO_FEW_REQUESTS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """One step of the demo.

    Attributes:
        title: What happens.
        report: What contractcheck says of it; None for the preparation.
        expected: The verdict that the scene is there to show.
    """

    title: str
    report: Report | None = None
    expected: Verdict | None = None

    @property
    def is_as_expected(self) -> bool:
        """Whether the scene shows what it is there to show."""
        return self.report is None or self.report.verdict is self.expected


def play_demo(folder: Path) -> Iterator[Scene]:
    """Play the demo in a folder, scene by scene.

    Args:
        folder: An empty folder; afterwards it is a small project to look around in.

    Raises:
        RecordingError: If the disk refuses.
    """
    shutil.copytree(Path(__file__).with_name("demo_suite"), folder / "suites" / "demo-tickets")
    workspace = Workspace(folder)
    suite = workspace.load_suites()[0]
    with Simulator(_conditions(0)) as provider:
        stage = _Stage(workspace, suite, provider)
        requests = sum(case.samples for case in suite.cases)
        yield Scene(
            title=f"Recording {ACCEPTED_NIGHTS} ordinary nights of {requests} requests each from "
            f"a simulated provider at {provider.base_url} (time scale {TIME_SCALE})"
        )
        stage.accept_first_nights()
        yield Scene(title=f"Accepted: {ACCEPTED_NIGHTS} nights are the baseline now")
        yield from stage.scenes()


class _Stage:
    def __init__(self, workspace: Workspace, suite: Suite, provider: Simulator) -> None:
        self.workspace = workspace
        self.suite = suite
        self.provider = provider
        self.night = 0

    def accept_first_nights(self) -> None:
        folders = [self._record() for _ in range(ACCEPTED_NIGHTS)]
        options = AcceptOptions(
            reason="first nights of the demo; answers looked at and found good", by="the demo"
        )
        accept_runs(self.workspace, folders, [self.suite], options)

    def scenes(self) -> Iterator[Scene]:
        for words in ("A quiet night", "Another one: nights differ, and that is no news"):
            yield self._scene(f"(a) {words}", Verdict.QUIET)
        yield self._scene(
            "(b) The provider silently changed: three answers in ten became refusals. First night",
            Verdict.INCONCLUSIVE,
            change=_SILENT_CHANGE,
        )
        yield self._scene("(b) Second night", Verdict.FAIL, change=_SILENT_CHANGE)
        yield self._scene(
            f"(c) A night that was cut short after {_TOO_FEW_REQUESTS} requests",
            Verdict.INCONCLUSIVE,
            max_requests=_TOO_FEW_REQUESTS,
        )
        yield self._scene(
            "(d) A field of the wire format was renamed", Verdict.FAIL, change="renamed_field"
        )

    def _scene(
        self,
        title: str,
        expected: Verdict,
        *,
        change: str | None = None,
        max_requests: int | None = None,
    ) -> Scene:
        folder = self._record(change=change, max_requests=max_requests)
        report = judge_recorded(self.workspace, self.suite, folder)
        return Scene(title=title, report=report, expected=expected)

    def _record(self, *, change: str | None = None, max_requests: int | None = None) -> Path:
        conditions = _conditions(self.night, change)
        self.provider.conditions = conditions
        self.night += 1
        options = RecordOptions(
            night=conditions.night,
            base_url=self.provider.base_url,
            label=_LABEL,
            concurrency=_CONCURRENCY,
            max_requests=max_requests,
        )
        return record_run(self.workspace, self.suite, self.suite.targets[0], options)


def _conditions(night: int, change: str | None = None) -> Conditions:
    return Conditions(
        night=(_FIRST_NIGHT + timedelta(days=night)).isoformat(),
        changes=(parse_change(change),) if change else (),
        seed=_SEED,
        time_scale=TIME_SCALE,
    )
