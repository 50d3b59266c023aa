"""Recorded nights, measured again by a suite as it is now: what each measure says over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LabelUnit = Literal["pass rate", "median", "share of the usual answer", "answers"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelOverTime:
    """One check or metric over all nights.

    Attributes:
        label: As the suite calls it.
        unit: What ``values`` are: a share passing, a median in the metric's own unit, the share of
            the label that is the most frequent over all nights, or a count of answers (texts).
        added: Nights that the history had no value of it for.
        changed: Nights whose value is another one than the history had.
        values: Per block of nights; None where nobody answered.
    """

    label: str
    unit: LabelUnit
    added: int
    changed: int
    values: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RescoredNights:
    """Nights of one suite and target, measured again.

    Attributes:
        suite: Suite name.
        version: Semantic version of the contract that measured.
        target: ``provider:model``.
        since: ISO date of the first night that was asked for.
        nights: Nights measured again.
        written: Of these, nights that the history now has other numbers of.
        blocks: First and last night of each block of the table.
        labels: Checks and metrics, sorted.
        problems: Nights that could not be measured again, and why; the history keeps what it had.
    """

    suite: str
    version: str
    target: str
    since: str
    nights: int
    written: int
    blocks: tuple[tuple[str, str], ...]
    labels: tuple[LabelOverTime, ...]
    problems: tuple[str, ...]
