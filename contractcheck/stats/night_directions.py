"""Mean vectors of texts as one or two signed numbers: how far off, and along which swing.

Vectors of texts have hundreds of dimensions and a night holds ten answers, so only directions that
the accepted nights themselves show can carry a sign: their common centre, and the one along which
they swing to and fro, if one outweighs all others (two wordings of one answer, say).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.stats.night_contrasts import PSEUDO_ANSWERS, TINY

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

_DOMINANT = 0.5
"""Share of the nights' variation along one direction from which on it is a swing. Of ten nights
that vary in all directions alike it is about .2."""
_FEWEST_FOR_SWING = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """One direction, and what accepted nights come to along it, each left out of it.

    Attributes:
        accepted: (K,) values of the accepted nights.
        own: Variance of one answer, as these values show it, >= 0.
        supposed: The same up to a common factor, from the spread of the answers, > 0.
        least: Least variance of a night, for answers that were never seen, > 0.
    """

    accepted: FloatArray
    own: float
    supposed: float
    least: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TextAxes:
    """What later nights of one case are measured along.

    Attributes:
        centre: (D,) unit vector: the accepted answers' mean direction.
        mean: (D,) the accepted answers' mean.
        swing: (D,) unit vector orthogonal to the centre, or None.
        distance: The angle to the centre, radians; up is further.
        swinging: Along the swing; None without one.
    """

    centre: FloatArray
    mean: FloatArray
    swing: FloatArray | None
    distance: Axis
    swinging: Axis | None

    def values(self, night_mean: ArrayLike) -> tuple[float, ...]:
        """Value of a later night on each axis.

        Args:
            night_mean: (D,) mean of its unit-norm vectors.
        """
        import numpy as np

        night = np.asarray(night_mean, float)
        angle = _angle(night, self.centre)
        if self.swing is None:
            return (angle,)
        return angle, float((night - self.mean) @ self.swing)


def find_axes(means: ArrayLike, counts: ArrayLike, *, effective_dimension: float) -> TextAxes:
    """Find the directions of a case from its accepted nights.

    Args:
        means: (K, D) mean of each accepted night's unit-norm vectors, K >= 1.
        counts: (K,) answers behind each, >= 1; of a single night at least 2.
        effective_dimension: Of the case's answers (``nights.pool_effective_dimensions``), >= 1.
    """
    import numpy as np

    nights, n = np.asarray(means, float), np.asarray(counts, float)
    mean = n @ nights / n.sum()
    centre = _unit(mean)
    angles = _left_out_angles(nights, n) if len(nights) > 1 else _own_angle(mean, n)
    never = PSEUDO_ANSWERS / (n.sum() + PSEUDO_ANSWERS)
    spread = max(1.0 - float(mean @ mean), TINY)  # of one answer, all directions together
    # Near 0 an angle is steep: theta = arccos(p) moves by 1 / sin(theta) for each unit of p.
    steep = 1.0 / max(float(np.mean(np.sin(angles) ** 2)), spread, TINY)
    distance = Axis(
        accepted=angles,
        own=_variance(angles, n),
        supposed=max(spread / effective_dimension * steep, TINY),
        # Empty texts have no direction, and nothing turns them.
        least=max(never * _turn_of_one(angles, float(n.mean())), TINY),
    )
    swing, swings = _find_swing(nights - mean, centre)
    swinging = None
    if swing is not None:
        swinging = Axis(
            accepted=swings, own=_variance(swings, n), supposed=spread, least=never / n.mean()
        )
    return TextAxes(centre=centre, mean=mean, swing=swing, distance=distance, swinging=swinging)


def _angle(mean: FloatArray, centre: FloatArray) -> float:
    import numpy as np

    # Not divided by the mean's own length, which depends on how many answers it is of.
    return float(np.arccos(np.clip(mean @ centre, -1.0, 1.0)))


def _left_out_angles(nights: FloatArray, n: FloatArray) -> FloatArray:
    import numpy as np

    others = n @ nights - n[:, None] * nights
    return np.array([_angle(x, _unit(o)) for x, o in zip(nights, others, strict=True)])


def _own_angle(mean: FloatArray, n: FloatArray) -> FloatArray:
    """Of a single night: what another of its kind would come to.

    The mean product of two different answers stands for the squared length of the true mean.
    """
    import numpy as np

    product = (n * float(mean @ mean) - 1.0) / np.maximum(n - 1.0, 1.0)
    length = max(float(np.linalg.norm(mean)), TINY)
    return np.asarray(np.arccos(np.clip(product / length, -1.0, 1.0)))


def _turn_of_one(angles: FloatArray, n: float) -> float:
    """Variance of a night's angle per chance of an answer that has nothing in common.

    One such answer of n shortens what the mean has along the centre by its share.
    """
    import numpy as np

    usual = float(np.mean(np.cos(angles)))
    turned = np.arccos(np.clip(usual * (1.0 - 1.0 / n), -1.0, 1.0))
    return n * float(turned - np.arccos(np.clip(usual, -1.0, 1.0))) ** 2


def _find_swing(moves: FloatArray, centre: FloatArray) -> tuple[FloatArray | None, FloatArray]:
    """The dominant direction of (K, D) moves, and each night along that of the others."""
    import numpy as np

    nights = len(moves)
    flat = moves - np.outer(moves @ centre, centre)
    gram = flat @ flat.T
    whole = float((moves**2).sum())
    if nights < _FEWEST_FOR_SWING or whole < TINY * nights:
        return None, np.zeros(nights)
    size, vectors = np.linalg.eigh(gram)
    if size[-1] < _DOMINANT * whole:
        return None, np.zeros(nights)
    swing = _unit(vectors[:, -1] @ flat)
    along = np.zeros(nights)
    for one in range(nights):
        others = np.arange(nights) != one
        _, own = np.linalg.eigh(gram[np.ix_(others, others)])
        direction = _unit(own[:, -1] @ flat[others])
        along[one] = moves[one] @ direction * np.sign(direction @ swing)
    return swing, along


def _unit(vector: FloatArray) -> FloatArray:
    import numpy as np

    return np.asarray(vector / max(float(np.linalg.norm(vector)), TINY))


def _variance(values: FloatArray, counts: FloatArray) -> float:
    """Variance of one answer, from night values whose variance is that over n."""
    import numpy as np

    middle = np.average(values, weights=counts)
    return float(counts @ (values - middle) ** 2 / max(len(values) - 1, 1))
