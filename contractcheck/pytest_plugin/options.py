"""Command-line options, all named ``--contract…``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


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
