"""Stop asking a provider that answers nobody: the circuit breaker of one target.

After some failures in a row nobody is sent but one probe at a time, ever more rarely; when
nothing came through for as long as the run has patience, it ends instead of hammering on.
(M. Nygard, *Release It!*, "Circuit Breaker".)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 15.0
_FEW: Final = 3
_MOST_DOUBLINGS: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Leave:
    """Whether a request may be sent now.

    Attributes:
        kind: ``go``, ``probe`` (go, and nobody else), ``wait`` or ``stop``.
        wait_s: Time (s) after which to ask again; 0 unless ``wait``.
    """

    kind: Literal["go", "probe", "wait", "stop"]
    wait_s: float = 0.0


@dataclass(kw_only=True, slots=True)
class Breaker:
    """Counts failures in a row of one target.

    Attributes:
        patience_s: Longest time (s) without a single answer; None never ends a run, and never
            holds a request back.
        threshold: Failures in a row after which requests are held back.
        in_a_row: Failures since the last answer.
        since_s: When the first of them was sent.
        open_until_s: Before then nobody is sent.
        probes: Probes that failed since it opened.
        probing: Whether one is under way.
        probe_at_s: When the latest one was let go.
    """

    patience_s: float | None
    threshold: int = 10
    in_a_row: int = 0
    since_s: float = 0.0
    open_until_s: float = 0.0
    probes: int = 0
    probing: bool = False
    probe_at_s: float = 0.0

    def ask(self, now_s: float, *, is_alone: bool = False) -> Leave:
        """Ask for leave to send a request; a ``probe`` must be followed by a note of its end.

        Args:
            now_s: Now.
            is_alone: Whether nothing else is under way that could still be answered: then a few
                failures over so long a time are enough.
        """
        if self.patience_s is None:
            return Leave(kind="go")
        enough = _FEW if is_alone else self.threshold
        if self.in_a_row >= enough and now_s - self.since_s > self.patience_s:
            return Leave(kind="stop")
        if self.in_a_row < self.threshold:
            return Leave(kind="go")
        if now_s < self.open_until_s:
            return Leave(kind="wait", wait_s=self.open_until_s - now_s)
        if self.probing:
            return Leave(kind="wait", wait_s=_FIRST_PAUSE_S)
        self.probing, self.probe_at_s = True, now_s
        return Leave(kind="probe")

    def note_answer(self) -> None:
        """Something came through: everybody may go."""
        self.in_a_row, self.probes, self.probing = 0, 0, False

    def note_failure(self, *, sent_s: float, now_s: float) -> None:
        """A request failed for no fault of its own."""
        if not self.in_a_row:
            self.since_s = sent_s
        self.in_a_row += 1
        if self.in_a_row < self.threshold:
            return
        if self.probing and sent_s >= self.probe_at_s:
            self.probes += 1
            self.probing = False
        # What was under way when it opened is no probe, and does not push the next one away.
        elif self.probing or self.in_a_row > self.threshold:
            return
        pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(self.probes, _MOST_DOUBLINGS))
        self.open_until_s = now_s + pause_s

    def note_nothing(self) -> None:
        """A request ended without telling anything of the provider, such as by being cancelled."""
        self.probing = False

    def words(self, now_s: float, last_error: str) -> str:
        """Why a run ends."""
        return (
            f"the provider failed {self.in_a_row} times in a row over {now_s - self.since_s:.0f} s "
            f"(last: {last_error})"
        )
