"""Under which conditions the simulated provider answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contractcheck.errors import UsageError
from contractcheck.simulator.faults import Faults

if TYPE_CHECKING:
    from contractcheck.simulator.changes import Change


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """The state of the provider during one night.

    Attributes:
        night: Name of the night, usually an ISO date (UTC); keys the night effects.
        changes: Silent upstream changes in force, at most one of each name.
        seed: Which history of answers and nights is played.
        time_scale: Factor on every wait, >= 0; 1 is life-like, 0 does not wait.
        night_effects: Whether nights differ although nothing changed.
        error_rate: Share of requests, 0..1, answered by an overload error.
        faults: What goes wrong on purpose on the way.

    Raises:
        UsageError: A value is outside its range, or a change is named twice.
    """

    night: str
    changes: tuple[Change, ...] = ()
    seed: int = 0
    time_scale: float = 1.0
    night_effects: bool = True
    error_rate: float = 0.0
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        if not 0.0 <= self.error_rate <= 1.0:
            raise UsageError(f"error_rate is {self.error_rate}; it is a share from 0 to 1")
        if not 0.0 <= self.time_scale < float("inf"):
            raise UsageError(f"time_scale is {self.time_scale}; use 0 or a positive factor")
        names = [change.name for change in self.changes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UsageError(f"change {twice[0]!r} is given twice; give each change once")
