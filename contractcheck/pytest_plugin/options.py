"""Command-line options, all named ``--contract…``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    add = parser.getgroup("contractcheck", "provider contracts (contractcheck)").addoption
    add("--contract", action="store_true", help="collect *.contract.yaml and judge them")
    add(
        "--contract-mode",
        choices=("replay", "live"),
        default="replay",
        help="replay accepted answers offline (default), or ask the provider now",
    )
    add(
        "--contract-target",
        action="append",
        default=[],
        metavar="PROVIDER:MODEL",
        help="only this target (may be given several times)",
    )
    add("--contract-strict", action="store_true", help="fail, not skip, what is inconclusive")
    add(
        "--contract-max-requests",
        type=_positive,
        metavar="N",
        help="send at most N requests in the whole session",
    )
    words = "live only: record tonight as a night, which alarms rest on"
    add("--contract-night", action="store_true", help=words)
    words = "live only: ask here instead of the provider's own host"
    add("--contract-base-url", metavar="URL", help=words)
    _add_bounds(add)
    words = "folder with cassettes/ (default: pytest's rootdir)"
    add("--contract-root", type=Path, metavar="DIR", help=words)


def _add_bounds(add: Callable[..., None]) -> None:
    words = "live only: repeat nothing and bear everything: measures raw reliability"
    add("--contract-no-retry", action="store_true", help=words)
    words = "live only: stop when nothing was answered for S seconds (default: 120)"
    add("--contract-patience", type=_above_zero, metavar="S", help=words)
    words = "live only: stop each run after S seconds, whatever is under way"
    add("--contract-deadline", type=_above_zero, metavar="S", help=words)
    words = "live only: send no faster, counting every process that asks the same"
    add("--contract-requests-per-minute", type=_above_zero, metavar="N", help=words)


def _above_zero(text: str) -> float:
    import argparse
    import math

    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def _positive(text: str) -> int:
    import argparse

    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of requests, 1 or more")
    return number
