"""Command-line options, all named ``--contract…``, and what one session knows of itself."""

from __future__ import annotations

import signal
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import FrameType

    from contractcheck.pytest_plugin.sources import Sources


@dataclass(slots=True)
class ContractSession:
    """State of one pytest process; lives in ``config.stash``, never in a module.

    Attributes:
        id: The same in all processes of one session (xdist).
        sources: Recordings opened so far; made when the first item runs.
    """

    id: str
    sources: Sources | None = None


SESSION = pytest.StashKey[ContractSession]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("contractcheck", "provider contracts (contractcheck)")
    group.addoption(
        "--contract", action="store_true", help="collect *.contract.yaml and judge them"
    )
    group.addoption(
        "--contract-mode",
        choices=("replay", "live"),
        default="replay",
        help="replay accepted answers offline (default), or ask the provider now",
    )
    group.addoption(
        "--contract-target",
        action="append",
        default=[],
        metavar="PROVIDER:MODEL",
        help="only this target (may be given several times)",
    )
    group.addoption(
        "--contract-strict", action="store_true", help="fail, not skip, what is inconclusive"
    )
    group.addoption(
        "--contract-max-requests",
        type=_positive,
        metavar="N",
        help="send at most N requests in the whole session",
    )
    group.addoption(
        "--contract-night",
        action="store_true",
        help="live only: record tonight as a night, which alarms rest on",
    )
    group.addoption(
        "--contract-base-url",
        metavar="URL",
        help="live only: ask here instead of the provider's own host",
    )
    group.addoption(
        "--contract-root",
        type=Path,
        metavar="DIR",
        help="folder with cassettes/ (default: pytest's rootdir)",
    )


def _positive(text: str) -> int:
    import argparse

    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of requests, 1 or more")
    return number


def pytest_configure(config: pytest.Config) -> None:
    """Start the session's state; refuse options that contradict each other."""
    if not config.getoption("contract"):
        return
    is_live = config.getoption("contract_mode") == "live"
    for name in ("contract_night", "contract_base_url", "contract_max_requests"):
        if config.getoption(name) and not is_live:
            option = "--" + name.replace("_", "-")
            raise pytest.UsageError(f"{option} needs --contract-mode live: a replay asks nobody")
    # Workers of one session share xdist's id of it; without workers any id is the only one.
    worker: dict[str, str] = getattr(config, "workerinput", {})
    config.stash[SESSION] = ContractSession(id=worker.get("testrunuid") or uuid.uuid4().hex)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM as Ctrl-C: pytest then writes its reports, and what was recorded is kept."""
    raise KeyboardInterrupt


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say the mode."""
    if not config.getoption("contract"):
        return None
    mode = config.getoption("contract_mode")
    words = "offline, the provider is not asked" if mode == "replay" else "asks the provider"
    return f"contractcheck: {mode} ({words})"
