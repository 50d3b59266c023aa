"""What a face may show while a run goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class Tally:
    """Counts of a run while it goes on.

    Attributes:
        planned: Trials in the plan.
        done: Trials finished, in an earlier session too.
        errors: Trials that ended without an answer.
        requests: Requests sent in this session, retries among them.
        last_error: Words for the latest error, or empty.
        retries: Requests of this session that repeated a failed one.
        stopped: Why the session ended before its plan was done; empty while it goes on.
        is_troubled: Whether the provider or the clock ended it, not a budget.
        notice: What else there is to know of this session, or empty.
    """

    planned: int
    done: int = 0
    errors: int = 0
    requests: int = 0
    last_error: str = ""
    retries: int = 0
    stopped: str = ""
    is_troubled: bool = False
    notice: str = ""


class Progress(Protocol):
    """Told after every trial."""

    def update(self, tally: Tally) -> None:
        """Show the tally; must be quick."""


class SilentProgress:
    """Shows nothing."""

    def update(self, tally: Tally) -> None:
        """Ignore the tally."""
