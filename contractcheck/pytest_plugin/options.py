"""Command-line options, all named ``--contract…``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    words = "folder with cassettes/ (default: pytest's rootdir)"
    add("--contract-root", type=Path, metavar="DIR", help=words)


def _positive(text: str) -> int:
    import argparse

    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of requests, 1 or more")
    return number
