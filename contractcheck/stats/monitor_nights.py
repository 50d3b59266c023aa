"""What the charts of a year look at: one stream's nights, and how each chart weighs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from contractcheck.errors import UsageError
from contractcheck.stats.night_rule import FEWEST_NIGHTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

Plane = Literal["outputs", "conformance", "latency"]
Kind = Literal["squares", "largest", "mean", "level"]

LEAST_CHARTED: Final = 10
"""Accepted nights from which on charts judge: five keep the rate and lose the speed, and hardly
tell a case that jumps between two levels (docs/explanation/watch.md)."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Nights:
    """One stream over T nights, accepted ones first, then later ones, oldest first.

    Simulations put an axis of histories between nights and cases: (T, R, C) instead of (T, C).

    Attributes:
        values: (T, ..., C) a signed number per case, such as the arcsine of a rate or a log
            latency; NaN where a night has none.
        variances: As ``values``: what sampling alone makes a value vary by at the accepted
            location, > 0 where there is a value. Not read for latency, whose scale is learnt.
        accepted: K, how many first nights are accepted.
        placed: How many of the last accepted nights place the location, if not all of them do:
            after a re-base the others, shifted onto it, still tell the scale.
        undirected: Columns whose sign means nothing across cases: no part of a mean.
        has_scale: Whether nights tell a scale. Of columns that no accepted night moved none does:
            then sampling alone is supposed, and nothing is learnt.
    """

    values: FloatArray | NDArray[np.float32]
    variances: FloatArray | NDArray[np.float32]
    accepted: int
    placed: int | None = None
    undirected: tuple[int, ...] = ()
    has_scale: bool = True

    def __post_init__(self) -> None:
        import numpy as np

        if self.accepted < FEWEST_NIGHTS or len(self.values) < self.accepted:
            raise UsageError(
                f"{min(self.accepted, len(self.values))} accepted nights: charts need at least "
                f"{FEWEST_NIGHTS}; accept more."
            )
        if not 1 <= self.located <= self.accepted:
            raise UsageError(
                f"placed={self.placed}: of {self.accepted} accepted nights at least one places "
                "the location, and at most all do."
            )
        if np.shape(self.values) != np.shape(self.variances):
            raise UsageError(
                f"Values have the shape {np.shape(self.values)}, variances "
                f"{np.shape(self.variances)}: every value has one variance."
            )

    @property
    def located(self) -> int:
        """How many accepted nights place the location."""
        return self.accepted if self.placed is None else self.placed

    @property
    def leeway(self) -> float:
        """Variance of a later night about the location, by what it is when all nights place it."""
        return (1.0 + 1.0 / self.located) / (1.0 + 1.0 / self.accepted)

    @property
    def eras(self) -> tuple[slice, ...]:
        """Accepted nights by the location that they have; the present one's last."""
        first = self.accepted - self.located
        present = slice(first, self.accepted)
        return (slice(0, first), present) if first else (present,)

    @property
    def reaches(self) -> tuple[slice, ...]:
        """Nights, later ones included, that are measured from each era's location."""
        *past, present = self.eras
        return (*past, slice(present.start, len(self.values)))

    def is_known(self) -> NDArray[np.bool_]:
        """(T, ..., C) where a value counts: of cases known on five accepted nights or more.

        Fewer support no statement about the next night (``FEWEST_NIGHTS``); and at least one must
        be among those that place the location.
        """
        import numpy as np

        known = np.isfinite(self.values)
        counts = known[: self.accepted].sum(0)
        placing = known[self.eras[-1]].sum(0)
        return np.asarray(known & (counts >= FEWEST_NIGHTS) & (placing > 0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuning:
    """How one chart weighs nights.

    Attributes:
        weight: Lambda of the exponentially weighted average (Roberts 1959), in (0, 1).
        radius: A night of 40 cases whose mean square is larger is shrunk to it, as a whole; for
            other numbers of cases the radius has the same normal score.
        clip: Bound on one case's deviation on one night.
        level_clip: The same where a night is one number.
        likeness: Correlation of neighbouring nights that is supposed at first, and how many nights
            that counts for.
    """

    weight: float
    radius: float = 1.6
    clip: float = 3.0
    level_clip: float = 3.0
    likeness: tuple[float, int] | None = (0.0, 0)


TUNINGS: Final[Mapping[Plane, Mapping[Kind, Tuning]]] = {
    "outputs": {
        "squares": Tuning(weight=0.3, likeness=(0.1, 5)),
        "largest": Tuning(weight=0.2, clip=3.5),
        "mean": Tuning(weight=0.1, likeness=(0.3, 10)),
    },
    "conformance": {
        "largest": Tuning(weight=0.2, clip=3.5),
        "mean": Tuning(weight=0.2, radius=2.0, clip=4.0, level_clip=3.5),
    },
    "latency": {"level": Tuning(weight=0.3, likeness=(0.3, 10))},
}
"""Chosen on simulated years: `bench/frontier.py`, docs/explanation/watch.md."""


def normal_bound(at_forty: float, cases: FloatArray) -> FloatArray:
    """Bound on a mean square over cases that is as improbable as ``at_forty`` is for 40 of them.

    By the cube-root law of Wilson and Hilferty (1931, PNAS 17(12)).

    Args:
        at_forty: Bound for 40 cases; infinite is no bound.
        cases: (...) numbers of cases, >= 0; none counts as one.
    """
    import numpy as np

    usual, spread = _cube_root(40.0)
    score = (np.cbrt(at_forty) - usual) / spread
    usual, spread = _cube_root(np.maximum(cases, 1))
    return np.asarray((usual + score * spread) ** 3)


def _cube_root(dof: FloatArray | float) -> tuple[FloatArray, FloatArray]:
    import numpy as np

    variance = np.asarray(2.0 / (9.0 * np.asarray(dof)))
    return 1.0 - variance, np.sqrt(variance)
