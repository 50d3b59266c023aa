"""Live progress of a run: rate, time left, errors."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from contractcheck.report.safe_text import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from contractcheck.sampling import Progress, Tally


@contextmanager
def live_progress(title: str) -> Iterator[Progress]:
    """Show a bar on standard error when it is a terminal, else one line per tenth."""
    if not sys.stderr.isatty():
        yield _Lines(title)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Left(),
        TextColumn("{task.fields[words]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Bar(bar, bar.add_task(title, total=None, words=""))


class _Bar:
    def __init__(self, bar: Bar, task: TaskID) -> None:
        self._bar = bar
        self._task = task

    def update(self, tally: Tally) -> None:
        speed = self._bar.tasks[0].speed
        words = f"{speed:.1f}/s" if speed else ""
        if tally.errors:
            words += f"  {tally.errors} errors (last: {show(tally.last_error)})"
        words += f"  {tally.retries} retries" if tally.retries else ""
        words += f"  {show(tally.notice)}" if tally.notice else ""
        self._bar.update(self._task, total=tally.planned, completed=tally.done, words=words)


class _Lines:
    """For logs: a line at every tenth of the plan, none in between."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._told = 0
        self._notice = ""

    def update(self, tally: Tally) -> None:
        if tally.notice and tally.notice != self._notice:
            sys.stderr.write(f"{self._title}: {show(tally.notice)}\n")
        self._notice = tally.notice
        tenth = 10 * tally.done // max(1, tally.planned)
        if tenth > self._told:
            self._told = tenth
            errors = f", {tally.errors} errors ({show(tally.last_error)})" if tally.errors else ""
            retries = f", {tally.retries} retries" if tally.retries else ""
            line = f"{self._title}: {tally.done} of {tally.planned}{errors}{retries}\n"
            sys.stderr.write(line)
            sys.stderr.flush()
