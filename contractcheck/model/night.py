"""One night reduced to what later nights are compared with: its sufficient statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.wire_shape import WireShape

MOST_INFRA = 0.20
"""With a larger share of infrastructure failures nothing is judged and no night counts: what
is left over is a selection that the outage made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelCell:
    """Counts per category: labels, tool calls, refusals."""

    counts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberCell:
    """Sorted values; unit as in the metric's name. ``missing`` trials had no number."""

    values: tuple[float, ...]
    missing: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class TextCell:
    """Mean of unit-norm hashed n-gram vectors.

    Attributes:
        count: Answers, >= 1.
        mean: Mean vector, shape (dimensions,).
        effective_dimension: (tr S)²/tr(S²) of the answers' Gram matrix, >= 1.
    """

    count: int
    mean: tuple[float, ...]
    effective_dimension: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RateCell:
    """Passes among answered trials: ``no-worse`` checks."""

    passed: int
    count: int


Cell = LabelCell | NumberCell | TextCell | RateCell


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseNight:
    """One case in one night.

    Attributes:
        request_fingerprint: What we sent that night: nights with another one do not compare.
        answered: Scored trials.
        planned: Planned trials.
        cells: Per metric label (outputs, latency) or check label (conformance).
    """

    request_fingerprint: str
    answered: int
    planned: int
    cells: Mapping[str, Cell]


@dataclass(frozen=True, kw_only=True, slots=True)
class NightStatistics:
    """One night of one suite and target.

    Attributes:
        night: ISO date.
        run_id: The run it was reduced from.
        is_complete: Whole plan done, and at most 20 % infrastructure failures.
        cases: Per case id.
        models: Model echoes seen, sorted.
        fingerprints: System fingerprints seen, sorted.
        wire: What its answers looked like on the wire; None when nobody learnt it.
    """

    night: str
    run_id: str
    is_complete: bool
    cases: Mapping[str, CaseNight]
    models: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    wire: WireShape | None = None
