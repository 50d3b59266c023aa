"""Begin and end of one pytest process: state, refusals, signals, header."""

from __future__ import annotations

import signal
import sys
import threading
import uuid
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import FrameType


_LIVE_ONLY = (
    "contract_night",
    "contract_base_url",
    "contract_max_requests",
    "contract_no_retry",
    "contract_patience",
    "contract_deadline",
    "contract_requests_per_minute",
)


def pytest_configure(config: pytest.Config) -> None:
    """Start the session's state; refuse options that contradict each other."""
    if not config.getoption("contract"):
        return
    _import_plainly(config)
    from contractcheck.pytest_plugin.session import SESSION, ContractSession
    from contractcheck.pytest_plugin.summary import Summary

    is_live = config.getoption("contract_mode") == "live"
    for name in _LIVE_ONLY:
        if config.getoption(name) and not is_live:
            option = "--" + name.replace("_", "-")
            raise pytest.UsageError(f"{option} needs --contract-mode live: a replay asks nobody")
    # Workers of one session share xdist's id of it; without workers any id is the only one.
    worker: dict[str, str] = getattr(config, "workerinput", {})
    config.stash[SESSION] = ContractSession(id=worker.get("testrunuid") or uuid.uuid4().hex)
    config.pluginmanager.register(Summary(), "contractcheck-summary")
    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGTERM, _interrupt)
        if before is not None:  # None: set outside Python, and cannot be put back from it
            config.add_cleanup(lambda: _put_back(before))


def _import_plainly(config: pytest.Config) -> None:
    from contractcheck.pytest_plugin.plain_imports import PlainImports

    finder = PlainImports()
    sys.meta_path.insert(0, finder)
    config.add_cleanup(lambda: sys.meta_path.remove(finder))


def _put_back(handler: signal._HANDLER) -> None:
    signal.signal(signal.SIGTERM, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """SIGTERM as Ctrl-C: pytest then writes its reports, and what was recorded is kept.

    The handler of Ctrl-C is asked, since it is asyncio's while requests are under way; where
    Ctrl-C is ignored (background jobs of a shell), a termination still terminates.
    """
    on_interrupt = signal.getsignal(signal.SIGINT)
    if not callable(on_interrupt):
        raise KeyboardInterrupt
    on_interrupt(number, frame)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say the mode."""
    if not config.getoption("contract"):
        return None
    mode = config.getoption("contract_mode")
    words = "offline, the provider is not asked" if mode == "replay" else "asks the provider"
    return f"contractcheck: {mode} ({words})"
