"""What a comparison of two runs could see in one case alone: exact, without any data.

A case of n against m answers shows a share of new ones only if the relabellings of its trials are
rare enough. With k answers of the candidate replaced by one that nobody gave before, the chance of
all k on one side is ``C(n+m-k, n) / C(n+m, n)``: Fisher's exact test, which no test of exchanged
labels can beat here.
"""

from __future__ import annotations

import math


def smallest_new_answers(baseline: int, candidate: int, level: float) -> int | None:
    """Fewest new answers on one side that are significant; None if even all of them are not.

    Args:
        baseline: Answers of the old side, >= 1.
        candidate: Answers of the new side, >= 1.
        level: Two-sided level of this one case, in (0, 1).
    """
    whole = math.comb(baseline + candidate, baseline)
    for new in range(1, candidate + 1):
        # The other side could have had them as well: equal sides count both tails.
        tails = math.comb(baseline + candidate - new, baseline)
        if baseline == candidate:
            tails *= 2
        if tails <= level * whole:
            return new
    return None


def visible_share(baseline: int, candidate: int, *, level: float, power: float) -> float | None:
    """Smallest share of new answers that shows with the power; None if even all do not.

    Args:
        baseline: Answers of the old side, >= 1.
        candidate: Answers of the new side, >= 1.
        level: Two-sided level of this one case, in (0, 1).
        power: Wanted chance, in (0, 1).
    """
    needed = smallest_new_answers(baseline, candidate, level)
    if needed is None:
        return None
    low, high = 0.0, 1.0
    while high - low > 1e-4:  # noqa: PLR2004 - a hundredth of a percentage point
        middle = (low + high) / 2.0
        enough = _chance_of_at_least(needed, candidate, middle) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def _chance_of_at_least(needed: int, n: int, share: float) -> float:
    return math.fsum(
        math.comb(n, k) * share**k * (1.0 - share) ** (n - k) for k in range(needed, n + 1)
    )
