"""Which trial the current context works for, and which attempt a request is.

An exchange is known by (digest of the request, trial, attempt), never by the order in which
answers came: equal requests that are under way at once keep their answers apart, whatever the
schedule. The trial travels in a ``ContextVar``: tasks and ``asyncio.to_thread`` inherit it; a
thread of one's own needs ``contextvars.copy_context().run``.
"""

from __future__ import annotations

import re
from contextlib import ExitStack, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contractcheck.errors import UsageError
from contractcheck.model.suite import ID_PATTERN

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from contextvars import Token

_ID = re.compile(ID_PATTERN)


@dataclass(slots=True, eq=False, weakref_slot=True)
class Slot:
    """One trial while it is made.

    Attributes:
        case: Case id.
        trial: 0-based index of the trial within case and run.
        first_attempt: Least number of an attempt; above 0 when a run is resumed.
        overdue: Name of the bound (time or size) by which whoever made the request ends it;
            empty while nobody does. Without it, what is dropped early was dropped, not failed.
        at_end: What must still be done when the trial ends, such as closing a stream that the
            client forgot.
    """

    case: str
    trial: int
    first_attempt: int = 0
    overdue: str = ""
    at_end: dict[object, Callable[[], None]] = field(default_factory=dict)

    def close(self) -> None:
        """Do what was left for the end, all of it even when part of it fails."""
        if not self.at_end:
            return
        # Not by asking once more whether it is empty: another thread may take the last one out.
        with ExitStack() as ends, suppress(KeyError):
            while True:
                ends.callback(self.at_end.popitem()[1])


SLOT: ContextVar[Slot | None] = ContextVar("contractcheck_slot", default=None)


def in_trial(case: str, trial: int, *, first_attempt: int = 0) -> AbstractContextManager[Slot]:
    """Make every request inside the context belong to a trial.

    Response bodies that are still open at the end count as dropped by the client; a request that
    still waits for its response goes on, and belongs to this trial. A trial may be entered again:
    its attempts are counted on.

    Args:
        case: Case id.
        trial: 0-based index of the trial.
        first_attempt: Least number of an attempt; above 0 when a run is resumed.

    Raises:
        UsageError: If ``case`` is no id (it becomes a file name) or ``trial`` no index.
    """
    _check(case, trial)
    return _InTrial(Slot(case, trial, first_attempt))


@dataclass(slots=True, eq=False)
class _InTrial:
    """A generator would take three times as long, and a replay waits for it."""

    slot: Slot
    _token: Token[Slot | None] | None = None

    def __enter__(self) -> Slot:
        self._token = SLOT.set(self.slot)
        return self.slot

    def __exit__(self, *_error: object) -> None:
        if self._token is not None:
            SLOT.reset(self._token)
        self.slot.close()


def _check(case: str, trial: int) -> None:
    """Refuse before anything is sent what could not be stored after it was paid for."""
    if type(case) is not str or _ID.fullmatch(case) is None:
        raise UsageError(
            f"{case!r} is not the id of a case: lower-case letters, digits, '.', '_' and '-', "
            "beginning with a letter or digit, at most 64 (it becomes the name of a file)"
        )
    if type(trial) is not int or trial < 0:
        raise UsageError(f"{trial!r} is not the index of a trial: a whole number from 0 on")
