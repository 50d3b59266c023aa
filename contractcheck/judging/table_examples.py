"""Two answers to look at per changed case: what used to come, and what comes now."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.model.judgement import Example
from contractcheck.stats.features import hash_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from contractcheck.stats.layout import Floats
    from contractcheck.stats.samples import CaseSample
    from contractcheck.stats.views import Kind, Value

RULE = (
    "before: the old answer most like the other old ones; after: the new answer least like them, "
    "judged by what differs"
)


def pick_pair(
    case: CaseSample, shown: CaseSample, *, stream: str, kind: Kind, metric: str
) -> Example | None:
    """Choose an old and a new answer of a case by one of its streams.

    Most alike is the most frequent category, the number nearest to the median, the text or
    vector nearest to the mean; least alike is the rarest among the old ones, or the farthest. The
    first answer wins a tie.

    Args:
        case: Its streams.
        shown: The same trials as they are to be shown.
        stream: What differs.
        kind: Its kind.
        metric: The metric whose answers are shown.

    Returns:
        None where a side has no value, or both would show the same.
    """
    old = _indexed(case.baseline[stream])
    new = _indexed(case.candidate[stream])
    if not old or not new:
        return None
    distance = _distance(kind, [value for _, value in old])
    before = min(old, key=lambda pair: distance(pair[1]))[0]
    after = max(new, key=lambda pair: distance(pair[1]))[0]
    texts = _show(shown.baseline[metric][before]), _show(shown.candidate[metric][after])
    if texts[0] == texts[1]:
        return None
    return Example(case=case.case, before=texts[0], after=texts[1], rule=RULE)


def _indexed(values: Sequence[Value | None]) -> list[tuple[int, Value | None]]:
    """Values with their places; a missing one is a value here, unless there is no other."""
    if all(value is None for value in values):
        return list(enumerate(values))[:1]
    return list(enumerate(values))


def _distance(kind: Kind, old: Sequence[Value | None]) -> Callable[[Value | None], float]:
    """How unlike the old values a value is; a missing value is as unlike as it is rare."""
    present = [value for value in old if value is not None]
    missing = 1.0 - (len(old) - len(present)) / len(old)
    if kind == "label" or not present:
        counts = Counter(old)
        return lambda value: 1.0 - counts[value] / len(old)
    if kind == "number":
        numbers = [float(value) for value in present if isinstance(value, int | float)]
        middle = statistics.median(numbers)
        spread = statistics.median([abs(n - middle) for n in numbers]) or 1.0

        def from_middle(value: Value | None) -> float:
            if not isinstance(value, int | float):
                return missing
            # Kept below 1, so that a value which used to be there and is not is the farthest.
            away = abs(float(value) - middle) / spread
            return away / (1.0 + away)

        return from_middle
    mean = _vectors(kind, present).mean(axis=0)

    def from_mean(value: Value | None) -> float:
        if value is None:
            return missing
        gap = _vectors(kind, [value])[0] - mean
        size = float(gap @ gap)
        return size / (1.0 + size)

    return from_mean


def _vectors(kind: Kind, values: Sequence[Value]) -> Floats:
    if kind == "text":
        return hash_text([str(value) for value in values]).astype(np.float64)
    return np.asarray(values, dtype=np.float64)


def _show(value: Value | None) -> str:
    return "(no answer)" if value is None else str(value)
