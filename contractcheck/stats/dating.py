"""Between which two nights did it begin: the likelihood of each night, over all cases at once.

Before the change deviations are about 0, after it each case is about a level of its own. Which
cases changed, and by how much, is not known: most may not have. So a case's new level has a prior
of two parts, none and a normal one (George and McCulloch 1993, JASA 88(423)), and beside it stands
that all cases moved a little and the same way. What remains is one likelihood per night.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]

LEVEL_SD: Final = 2.0
"""Of a changed case's new level, in deviations of a night: half are beyond 1.35."""
SHARES_CHANGED: Final = (0.03, 0.1, 0.3, 1.0)
"""Of cases, each as likely: from one of thirty to all."""
COVERAGE: Final = 0.95
"""Of the interval."""
CLEAR_NIGHTS: Final = 7
"""In a row without any red one end an episode: fewer are the same change, seen now and then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dating:
    """Places of later nights, counted from 0.

    Attributes:
        began: The first changed night, most likely.
        low: The first that it may have been.
        high: The last that it may have been.
    """

    began: int
    low: int
    high: int


def date_change(deviations: FloatArray, *, until: int, accepted: int = 10) -> Dating:
    """Date the beginning of a change that a red night tells of.

    Args:
        deviations: (N,) or (N, C) of later nights from the accepted location, about standard
            normal before the change (:func:`contractcheck.stats.monitor.deviations`); 0 where
            unknown.
        until: Place of the red night; no later one is looked at.
        accepted: K, how many nights place the location: its error is no change.

    Returns:
        The most likely first changed night, and the shortest run of nights about it that holds
        95 % of the likelihood.

    Raises:
        UsageError: When there is no such night.
    """
    import numpy as np

    if not 0 <= until < len(deviations) or accepted < 1:
        raise UsageError(
            f"until={until}, accepted={accepted}: of {len(deviations)} later nights one is red, "
            "and at least one accepted night places the location."
        )
    z = np.asarray(deviations, float)[: until + 1]
    evidence = _evidence(z.reshape(len(z), -1), accepted)
    weight = np.exp(evidence - evidence.max())
    weight /= weight.sum()
    began = int(np.argmax(weight))
    low = high = began
    while weight[low : high + 1].sum() < COVERAGE:
        before = weight[low - 1] if low else -1.0
        after = weight[high + 1] if high < until else -1.0
        low, high = (low - 1, high) if before >= after else (low, high + 1)
    return Dating(began=began, low=low, high=high)


def first_eligible(over: BoolArray, *, until: int) -> int:
    """Place of the first night on which a change may have begun: after what came and went before.

    One change is dated, so an earlier one that ended would draw the date onto itself.

    Args:
        over: (N,) whether any chart was above its threshold on each later night.
        until: Place of the red night whose change is dated.
    """
    import numpy as np

    last = until
    for place in map(int, np.flatnonzero(over[:until])[::-1]):
        if last - place > CLEAR_NIGHTS:
            return place + 1
        last = place
    return 0


def _evidence(z: FloatArray, accepted: int) -> FloatArray:
    """(N,) log likelihood that each night is the first changed one, up to a constant."""
    import numpy as np

    nights, cases = z.shape
    after = nights - np.arange(nights, dtype=float)[:, None]
    before = nights - after + accepted
    # Accepted nights are 0 on average, by construction; later ones before the change may not be.
    total = z.sum(0)
    sum_after = np.cumsum(z[::-1], 0)[::-1]
    shift = sum_after / after - (total - sum_after) / before
    precision = after * before / (after + before)
    each = _log_ratio(shift, precision, LEVEL_SD)
    models = [
        np.logaddexp(np.log1p(-share), np.log(share) + each).sum(1) if share < 1.0 else each.sum(1)
        for share in SHARES_CHANGED
    ]
    if cases > 1:
        together = np.sqrt(cases) * shift.mean(1, keepdims=True)
        models.append(_log_ratio(together, precision, LEVEL_SD)[:, 0])
    return np.asarray(np.logaddexp.reduce(models, axis=0))


def _log_ratio(shift: FloatArray, precision: FloatArray, sd: float) -> FloatArray:
    """Log likelihood of a level drawn from N(0, sd^2) over that of none."""
    import numpy as np

    gain = precision * sd**2
    return np.asarray(0.5 * precision * shift**2 * gain / (1.0 + gain) - 0.5 * np.log1p(gain))
