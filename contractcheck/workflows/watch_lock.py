"""One watch at a time for each suite and target: on this machine by a lock, elsewhere by a claim.

Neither is needed for the history to be right: nights are kept once, and everything else follows
from them. They keep a provider from being asked, and paid, twice.
"""

from __future__ import annotations

import hashlib
import platform
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING

from contractcheck.errors import ContractcheckError, MeasurementError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from contractcheck.model.target import Target
    from contractcheck.store.history import History
    from contractcheck.workflows.workspace import Workspace

LEASE_S = 600.0
"""How long a claim stands unless it is renewed (s): a machine that died blocks no longer."""

_RENEW_S = 60.0
_JOIN_S = 30.0
_POLL_S = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What a watch holds on a night, and keeps up until it is done.

    Attributes:
        history: Where the claim stands.
        suite: Suite name.
        target: Target id.
        night: ISO date.
        holder: This project on this machine.
    """

    history: History
    suite: str
    target: str
    night: str
    holder: str

    def take(self) -> bool:
        """Take or renew it; False if another machine holds it."""
        return self.history.claim(self.suite, self.target, self.night, self.holder, LEASE_S)

    def renew(self, ended: Event) -> None:
        """Renew it now and then until ``ended`` is set, one try each time."""
        while not ended.wait(_RENEW_S):
            # A database that is away for a moment is no reason to lose a night.
            with suppress(ContractcheckError):
                self.history.claim(
                    self.suite, self.target, self.night, self.holder, LEASE_S, tries=1
                )


@contextmanager
def alone(workspace: Workspace, suite: str, target: Target) -> Iterator[None]:
    """Be the only watch of a suite and target on this machine; wait for another one to end.

    The kernel lets go of the lock however a process ends.
    """
    from filelock import FileLock

    workspace.locks.mkdir(parents=True, exist_ok=True)
    with FileLock(workspace.locks / f"{suite}--{target.folder}.watch.lock"):
        yield


@contextmanager
def claimed(
    history: History,
    suite: str,
    target: str,
    night: str,
    *,
    root: Path,
    wait_s: float,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Claim]:
    """Be the only machine that watches a night; wait for another one to end.

    Args:
        history: Where claims stand.
        suite: Suite name.
        target: Target id.
        night: ISO date.
        root: The project's folder; with the machine's name it says who holds a claim, so that a
            watch that was killed is followed at once by the next one of the same project.
        wait_s: Longest wait (s).
        sleep: How to wait.

    Raises:
        MeasurementError: If another machine still holds it after that time.
    """
    place = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:12]
    claim = Claim(
        history=history,
        suite=suite,
        target=target,
        night=night,
        holder=f"{platform.node()} {place}",
    )
    waited_s = 0.0
    while not claim.take():
        if waited_s >= wait_s:
            raise MeasurementError(
                f"{suite} × {target}: another machine is watching the night of {night} since more "
                f"than {wait_s:.0f} s; its verdict will be in the history: run watch again later"
            )
        sleep(_POLL_S)
        waited_s += _POLL_S
    ended = Event()
    # Beside the sampling, which would stand still while a database does not answer.
    renewing = Thread(target=claim.renew, args=(ended,), name="claim", daemon=True)
    renewing.start()
    try:
        yield claim
    finally:
        ended.set()
        renewing.join(_JOIN_S)
        # A claim that cannot be released runs out by itself.
        with suppress(ContractcheckError):
            history.release(suite, target, night, claim.holder)
