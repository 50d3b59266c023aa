"""How often a trial is tried again, and how long is waited before.

Waits are drawn with full jitter: uniformly from nothing up to a bound that doubles. Clients that
failed together then come back apart (M. Brooker, "Exponential Backoff And Jitter", AWS
Architecture Blog, 2015).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from contractcheck.providers.failures import Remedy

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_DOUBLINGS: Final = 32


def draw_share() -> float:
    """Draw a share from 0..1; not for secrets."""
    return random.random()  # noqa: S311 - spreads waits, hides nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How often, and after which waits, a failed trial is tried again.

    Attributes:
        attempts: Most requests that one trial may take, >= 1; 1 measures raw reliability.
        base_s: Bound (s) of the first wait.
        longest_s: Bound (s) of the longest wait that we choose ourselves.
        share: Draws from 0..1.
    """

    attempts: int = 4
    base_s: float = 0.5
    longest_s: float = 30.0
    share: Callable[[], float] = field(default=draw_share)

    @property
    def retries(self) -> bool:
        """Whether anything is ever tried again."""
        return self.attempts > 1

    def bound_s(self, failures: int) -> float:
        """Longest wait (s) after so many failures, >= 1."""
        doublings = min(max(failures - 1, 0), _MOST_DOUBLINGS)
        return min(self.longest_s, self.base_s * 2.0**doublings)

    def draw_wait_s(self, failures: int) -> float:
        """Draw a wait (s) after so many failures, >= 1."""
        return self.share() * self.bound_s(failures)

    def allows(self, remedy: Remedy, attempts: int, seen: int) -> bool:
        """Whether a trial gets another attempt.

        Args:
            remedy: What asking again may do about its latest failure.
            attempts: Attempts made at the trial in this session.
            seen: Earlier attempts of the trial with the same remedy.
        """
        if remedy is Remedy.NEVER or attempts >= self.attempts:
            return False
        return remedy is Remedy.BUDGETED or seen == 0
