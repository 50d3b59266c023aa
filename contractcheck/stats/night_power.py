"""The smallest change that the two-night rule would have seen.

A quiet verdict is worth what it could have found. Each figure here is the
smallest change whose mean score lies far enough over the threshold that both of
two changed nights exceed it with the asked power, given how much the accepted
nights vary. Nothing is simulated: the accepted nights' statistics are changed
and scored again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.stats.night_contrasts import Contrast
from contractcheck.stats.night_rule import score_to_be_seen
from contractcheck.stats.night_scores import (
    CONFORMANCE_FLOOR_SD,
    LATENCY_FLOOR_SD,
    WORST_CASE,
    conformance_score,
    mean_score,
    output_streams,
    stack_contrasts,
    worst_score,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

_RESOLUTION = 0.001
"""Shares are found to a tenth of a percentage point."""


def smallest_visible_share(
    contrasts: Callable[[float], Mapping[str, Sequence[Contrast]]],
    *,
    accepted: int,
    cases: int,
    answers_per_case: int,
    threshold: float,
    power: float = 0.8,
) -> float | None:
    """Smallest share of new answers that some output stream would have alarmed on.

    The caller says where the change strikes, by handing its share to every
    contrast (a change of the whole model) or to those of one case alone::

        smallest_visible_share(
            lambda share: {
                "label": [
                    label_contrasts(counts, accepted=10, replaced=share) for counts in labels
                ]
            },
            accepted=10,
            cases=len(labels),
            answers_per_case=10,
            threshold=two_night_threshold(nights=10, budget=0.025),
        )

    How many answers of a night really are new is chance: the share that must be seen
    is that of a poor night, the lower normal quantile of the binomial for ``power``.

    Args:
        contrasts: From a share in [0, 1] to what
            :func:`~contractcheck.stats.night_scores.output_streams` takes, with at
            least the accepted nights in the first rows.
        accepted: K accepted nights, >= 5.
        cases: Cases in which the change strikes, >= 1.
        answers_per_case: Answers per night in each of them, >= 1.
        threshold: From :func:`~contractcheck.stats.night_rule.two_night_threshold`.
        power: Least chance that both of two changed nights exceed, in (0, 1).

    Returns:
        A share in (0, 1], or None when replacing every answer would not be seen.

    Raises:
        UsageError: When fewer than five nights are accepted.
    """
    import math

    from scipy.special import ndtri

    quiet, half, full = contrasts(0.0), contrasts(0.5), contrasts(1.0)
    needed = _scores_needed(quiet, accepted, threshold, power)
    struck = {metric: _Struck.of(quiet[metric], half[metric], full[metric]) for metric in quiet}
    quantile = float(ndtri(math.sqrt(power)))

    def seen(share: float) -> bool:
        chance_sd = math.sqrt(share * (1.0 - share) / (cases * answers_per_case))
        poor = max(share - quantile * chance_sd, 0.0)
        # Given its total, a night's new answers still fall unevenly on the cases.
        spread = poor * (1.0 - poor) * (1.0 - 1.0 / cases) / answers_per_case
        changed = {metric: one.at(poor, spread=spread) for metric, one in struck.items()}
        return any(
            scores[:accepted].mean() >= needed[name] for name, scores in _output_scores(changed)
        )

    return _smallest(seen)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Struck:
    """The contrasts of one metric, (M, N), as quadratic functions of the share of new answers.

    A squared distance is quadratic in the share, so three points give it everywhere.
    """

    quiet: Contrast
    slope: FloatArray
    curvature: FloatArray

    @classmethod
    def of(
        cls, quiet: Sequence[Contrast], half: Sequence[Contrast], full: Sequence[Contrast]
    ) -> _Struck:
        """Lay the parabola through contrasts with a share of 0, of one half, and of 1."""
        none, some, every = (stack_contrasts(one).ratio for one in (quiet, half, full))
        curvature = 2.0 * (none + every - 2.0 * some)
        slope = every - none - curvature
        return cls(quiet=stack_contrasts(quiet), slope=slope, curvature=curvature)

    def at(self, share: float, *, spread: float) -> Contrast:
        """Expected contrasts when a share of answers is new, with this variance of the share."""
        import numpy as np

        quiet = self.quiet
        ratio = quiet.ratio + self.slope * share + self.curvature * (share**2 + spread)
        return Contrast(ratio=np.maximum(ratio, 0.0), dof=quiet.dof)


def _output_scores(stacks: Mapping[str, Contrast]) -> Iterator[tuple[str, FloatArray]]:
    """Scores of :func:`~contractcheck.stats.night_scores.output_streams`, cheapest first."""
    import numpy as np

    for metric, stack in stacks.items():
        yield metric, mean_score(stack)
    every = Contrast(
        ratio=np.concatenate([stack.ratio for stack in stacks.values()]),
        dof=np.concatenate([stack.dof for stack in stacks.values()]),
    )
    yield WORST_CASE, worst_score(every)


def _scores_needed(
    quiet: Mapping[str, Sequence[Contrast]], accepted: int, threshold: float, power: float
) -> dict[str, float]:
    """Mean score that each stream must reach to alarm on both nights with ``power``."""
    return {
        name: score_to_be_seen(
            stream.scores[:accepted],
            stream.floor_sd,
            threshold=threshold,
            power=power,
            floor_mean=stream.floor_mean,
        )
        for name, stream in output_streams(quiet).items()
    }


def smallest_slowdown(baseline_scores: ArrayLike, *, threshold: float, power: float = 0.8) -> float:
    """Smallest ratio of latencies (> 1) that both of two slow nights would have shown.

    Args:
        baseline_scores: (K,) accepted nights of
            :func:`~contractcheck.stats.night_scores.latency_score`.
        threshold: As in :func:`smallest_visible_share`.
        power: As in :func:`smallest_visible_share`.
    """
    import math

    needed = score_to_be_seen(baseline_scores, LATENCY_FLOOR_SD, threshold=threshold, power=power)
    return math.exp(needed)


def smallest_rate_drop(
    passed: ArrayLike, answers: ArrayLike, *, threshold: float, power: float = 0.8
) -> float | None:
    """Smallest fall of every case's pass rate that would have been seen.

    Args:
        passed: (K, C) answers that passed in the accepted nights.
        answers: (K, C) answers judged.
        threshold: As in :func:`smallest_visible_share`.
        power: As in :func:`smallest_visible_share`.

    Returns:
        A difference of rates in (0, 1], or None when even a rate of 0 would not be seen.
    """
    import numpy as np

    good, n = np.asarray(passed, float), np.asarray(answers, float)
    accepted = len(good)
    needed = score_to_be_seen(
        conformance_score(good, n, accepted=accepted),
        CONFORMANCE_FLOOR_SD,
        threshold=threshold,
        power=power,
    )

    def seen(drop: float) -> bool:
        nights = np.concatenate([good, np.maximum(good - drop * n, 0.0)])
        score = conformance_score(nights, np.concatenate([n, n]), accepted=accepted)
        return bool(score[accepted:].mean() >= needed)

    return _smallest(seen)


def _smallest(seen: Callable[[float], bool]) -> float | None:
    """Bisect for the smallest share in (0, 1] that is seen."""
    if not seen(1.0):
        return None
    low, high = 0.0, 1.0
    while high - low > _RESOLUTION:
        middle = (low + high) / 2.0
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high
