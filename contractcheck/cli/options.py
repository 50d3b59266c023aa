"""Options that several commands have, and what is made of them.

What a command works with is imported when it works: to tell its options takes click alone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contractcheck.errors import NothingToCheckError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.model.suite import Suite
    from contractcheck.workflows.workspace import Workspace

root_option = click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Project folder with suites/ and cassettes/ (default: here).",
)
suite_option = click.option(
    "--suite",
    "suites",
    multiple=True,
    metavar="PATH|NAME",
    help="Suite file, folder or name; all below suites/ when left out.",
)
history_option = click.option(
    "--history",
    envvar="CONTRACTCHECK_HISTORY",
    metavar="URL",
    help="Where the history is kept (default: .contractcheck/history.sqlite).",
)
store_option = click.option(
    "--store",
    envvar="CONTRACTCHECK_STORE",
    metavar="URL",
    help="Keep a copy of every run here, such as s3://bucket/runs.",
)
archive_option = click.option(
    "--store",
    envvar="CONTRACTCHECK_STORE",
    metavar="URL",
    help="Read the runs of this archive too, such as s3://bucket/runs.",
)
engine_option = click.option(
    "--engine",
    metavar="ENGINE",
    help="processes[:N] of this machine, or dask[:ADDRESS]; the result is the same (default: "
    "one process).",
)
max_usd_option = click.option(
    "--max-usd",
    type=click.FloatRange(0, min_open=True),
    metavar="X",
    help="Stop before X US dollars are spent, by list price.",
)
prices_option = click.option(
    "--prices",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Prices of your own (JSON), before those that are shipped.",
)


def workspace(root: Path) -> Workspace:
    """The workspace of a project folder."""
    from contractcheck.workflows.workspace import Workspace

    return Workspace(root)


def suite_paths(suites: Sequence[str]) -> list[Path]:
    """The given suites that are paths; names are looked up below ``suites/``."""
    return [Path(text) for text in suites if "/" in text or Path(text).exists()]


def select_suites(place: Workspace, suites: Sequence[str]) -> list[Suite]:
    """Load the given suites: those at paths, and those of a name below ``suites/``.

    Raises:
        UsageError: If no suite has one of the names.
        SuiteError: If a suite file is wrong.
    """
    paths = suite_paths(suites)
    names = [text for text in suites if Path(text) not in paths]
    chosen = list(place.load_suites(paths)) if paths or not names else []
    if names:
        below = {suite.name: suite for suite in place.load_suites()}
        if unknown := sorted(set(names) - set(below)):
            raise UsageError(
                f"no suite named {', '.join(map(repr, unknown))} below {place.root / 'suites'}; "
                f"there are: {', '.join(below)}"
            )
        chosen += [below[name] for name in dict.fromkeys(names)]
    return list({suite.path: suite for suite in chosen}.values())


def select_suite_of(place: Workspace, name: str, suites: Sequence[str]) -> Suite:
    """Load the suite of a recorded run, among the given ones.

    Raises:
        UsageError: If a given suite does not exist.
        NothingToCheckError: If the run's suite is not among them.
    """
    chosen = {suite.name: suite for suite in select_suites(place, suites)}
    if name not in chosen:
        raise NothingToCheckError(
            f"the run is of suite {name!r}, which is not among {', '.join(chosen)}; "
            "give --suite PATH"
        )
    return chosen[name]


def read_night(text: str, *, option: str = "--night") -> str:
    """Read the date of a night, or ``today`` (UTC), as an ISO date.

    Args:
        text: As the user gave it.
        option: Whose value it is.

    Raises:
        UsageError: If it is neither.
    """
    if text == "today":
        return datetime.now(UTC).date().isoformat()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is not a date such as 2026-11-21") from error
