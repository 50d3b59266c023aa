"""What may be pruned: rules, with what stays unless told otherwise."""

from __future__ import annotations

from dataclasses import dataclass

KEPT_RUNS = 2
"""Newest runs of each suite and target that stay unless told otherwise: an alarm rests on two
consecutive nights, and the first of them is in no baseline."""

KEPT_NIGHTS = 30
"""Newest nights of each suite and target that stay unless told otherwise: a month to look back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PruneRule:
    """What may go of the run store; a run must meet both.

    Attributes:
        older_than_days: Started at least so many days ago; None is any age.
        keep: Newest runs of each suite and target that stay.
    """

    older_than_days: float | None = None
    keep: int = KEPT_RUNS


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """What may go of an archive; a run must meet both.

    Attributes:
        keep_nights: Newest nights of each suite and target that stay.
        older_than_days: Started at least so many days ago; None is any age.
    """

    keep_nights: int = KEPT_NIGHTS
    older_than_days: float | None = None
