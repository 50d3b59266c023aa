"""What the session says at its end, on the controlling process only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contractcheck.pytest_plugin.items import ContractItem
from contractcheck.pytest_plugin.outcome import MEASURED, WORST_FIRST

if TYPE_CHECKING:
    from collections.abc import Generator


_ONLY_LISTING = ("collectonly", "showfixtures", "show_fixtures_per_test")
_WENT_THROUGH = (
    pytest.ExitCode.OK,
    pytest.ExitCode.TESTS_FAILED,
    pytest.ExitCode.NO_TESTS_COLLECTED,
)


class Summary:
    """Gathers the outcomes of all items of all processes; registered only with ``--contract``.

    Attributes:
        told: Per node id (a rerun replaces) pair, verdict and headline.
    """

    def __init__(self) -> None:
        self.told: dict[str, dict[str, str]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let an item's outcome travel with its report, from worker to controller too."""
        report = yield
        if call.when != "call" or not isinstance(item, ContractItem):
            return report
        outcome = item.outcome
        report.contractcheck = {  # type: ignore[attr-defined]  # reports carry extras
            "pair": f"{item.suite.name} × {item.target.id}",
            "verdict": outcome.verdict if outcome else "ERROR",
            "headline": outcome.headline if outcome else "contractcheck itself failed: a bug",
        }
        if report.skipped and isinstance(report.longrepr, tuple):
            # pytest names the line that skipped, which is ours; the reader wants the case.
            path, line, _ = item.reportinfo()
            report.longrepr = (str(path), (line or 0) + 1, report.longrepr[2])
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what came with a report."""
        found = getattr(report, "contractcheck", None)
        if found is not None:
            self.told[report.nodeid] = found

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int | pytest.ExitCode
    ) -> None:
        """Fail a session in which contract items ran and none could be measured."""
        if exitstatus == pytest.ExitCode.OK and self.told and not self._is_any_measured():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(
        self,
        terminalreporter: pytest.TerminalReporter,
        exitstatus: int | pytest.ExitCode,
        config: pytest.Config,
    ) -> None:
        """One line per suite and target: its worst verdict, and the sentence that goes with it."""
        is_listing = any(config.getoption(name, default=False) for name in _ONLY_LISTING)
        if is_listing or (not self.told and exitstatus not in _WENT_THROUGH):
            return
        terminalreporter.section("contracts")
        for pair in dict.fromkeys(one["pair"] for one in self.told.values()):
            # Of equals the last one speaks: the drift item, which sees the whole run.
            own = [one for one in reversed(self.told.values()) if one["pair"] == pair]
            worst = min(own, key=lambda one: WORST_FIRST.index(one["verdict"]))
            headline = worst["headline"].removeprefix(f"{worst['verdict']}: ")
            terminalreporter.write_line(f"{worst['verdict']:<13}{pair}: {headline}")
        if not self.told:
            wanted = ", ".join(config.getoption("contract_target"))
            why = f"no selected suite has target {wanted}" if wanted else "no suite was selected"
            terminalreporter.write_line(f"nothing was checked: {why}")
        elif not self._is_any_measured():
            terminalreporter.write_line(
                "no case could be measured: this session fails whatever its items say"
            )

    def _is_any_measured(self) -> bool:
        return any(one["verdict"] in MEASURED for one in self.told.values())
