"""What a night's value of one case does when a share of its answers becomes something else.

Charts bound what one night can say of a case, so how the changed answers fall over the nights
counts: one in ten answers is no answer on every third night, and on the others hardly less than ten
of them would be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from contractcheck.judging.night_scales import LabelScale, NumberScale, RateScale, TextScale
from contractcheck.stats.night_coordinates import share_coordinate

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from contractcheck.judging.night_scales import Scale

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RowMoves:
    """A row's value by how many of a night's answers are of the kind that counts.

    Attributes:
        by_count: (n + 1,) less what is expected of an unchanged night.
        usual: Share of that kind among accepted answers, which a change takes from; None where
            what counts are the changed answers themselves.
    """

    by_count: FloatArray
    usual: float | None

    def expect(self, share: float, *, sd: float, clip: float) -> float:
        """Expected deviation of a night, bounded, when so many answers are others; 0 for none.

        Args:
            share: Of the answers, 0..1.
            sd: A night's deviation of this row.
            clip: Bound on the deviation of one night.
        """
        import numpy as np

        z = np.clip(self.by_count / sd, -clip, clip)
        return float((self._chances(share) - self._chances(0.0)) @ z)

    def _chances(self, share: float) -> FloatArray:
        chance = share if self.usual is None else self.usual * (1.0 - share)
        return _binomial(len(self.by_count) - 1, chance)


def moves_of(scale: Scale | None, nights: int) -> RowMoves | None:
    """How a row moves along its scale; None where nothing that is new to it moves it.

    Args:
        scale: Of the row.
        nights: Accepted nights behind it.
    """
    if isinstance(scale, LabelScale):
        return _of_share(scale.pooled[scale.usual], sum(scale.pooled.values()), nights)
    if isinstance(scale, RateScale):
        return _of_share(scale.passed, scale.count, nights)
    if isinstance(scale, NumberScale):
        most = float(scale.ranks.location[-1])
        return _of_new(sum(scale.present), nights, lambda part: part * most)
    if isinstance(scale, TextScale):
        usual = math.cos(float(scale.axes.distance.accepted.mean()))
        return _of_new(
            scale.count, nights, lambda part: math.acos(usual * (1.0 - part)) - math.acos(usual)
        )
    return None


def _of_share(count: int, whole: int, nights: int) -> RowMoves:
    import numpy as np

    n = _answers(whole, nights)
    values = [share_coordinate(k, n, pooled=count, pool_n=whole)[0] for k in range(n + 1)]
    return RowMoves(by_count=np.asarray(values), usual=count / whole)


def _of_new(whole: int, nights: int, move: Callable[[float], float]) -> RowMoves:
    import numpy as np

    n = _answers(whole, nights)
    return RowMoves(by_count=np.asarray([move(k / n) for k in range(n + 1)]), usual=None)


def _answers(whole: int, nights: int) -> int:
    return max(round(whole / nights), 1)


@lru_cache(maxsize=1 << 12)
def _binomial(n: int, chance: float) -> FloatArray:
    """(n + 1,) chances of each count."""
    import numpy as np
    from scipy.special import bdtr

    return np.asarray(np.diff(bdtr(np.arange(n + 1), n, chance), prepend=0.0))
