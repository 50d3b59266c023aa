"""What the session says at its end, on the controlling process only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contractcheck.pytest_plugin.items import ContractItem
from contractcheck.pytest_plugin.options import SESSION

if TYPE_CHECKING:
    from collections.abc import Generator

_ORDER = ("ERROR", "FAIL", "INCONCLUSIVE", "QUIET", "PASS")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let an item's verdict travel with its report, from worker to controller too."""
    report = yield
    if call.when == "call" and isinstance(item, ContractItem):
        outcome = item.outcome or {
            "pair": f"{item.suite.name} × {item.target.id}",
            "verdict": "ERROR",
            "headline": "could not measure",
            "is_measured": "no",
        }
        report.contractcheck = outcome  # type: ignore[attr-defined]  # reports carry extras
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
    """Fail a session in which contract items ran and none could be measured."""
    outcomes = _outcomes(session.config)
    good = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    if outcomes and not any(o["is_measured"] == "yes" for o in outcomes) and exitstatus in good:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """One line per suite and target: its worst verdict, and the sentence that goes with it."""
    outcomes = _outcomes(config)
    if not outcomes:
        return
    terminalreporter.section("contracts")
    for pair in dict.fromkeys(o["pair"] for o in outcomes):
        own = [o for o in outcomes if o["pair"] == pair]
        worst = min(own, key=lambda o: _ORDER.index(o["verdict"]))
        terminalreporter.write_line(f"{worst['verdict']:<13}{pair}: {worst['headline']}")
    if not any(o["is_measured"] == "yes" for o in outcomes):
        terminalreporter.write_line(
            "no case could be measured: this session fails whatever its items say"
        )


def _outcomes(config: pytest.Config) -> list[dict[str, str]]:
    """Verdicts of all items, where the reports of all processes come together."""
    if SESSION not in config.stash or hasattr(config, "workerinput"):
        return []
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    stats: dict[str, list[object]] = getattr(reporter, "stats", {})
    reports = [report for kind in ("passed", "failed", "skipped") for report in stats.get(kind, [])]
    return [found for report in reports if (found := getattr(report, "contractcheck", None))]
