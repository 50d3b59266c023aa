"""Changes that simulated years are given, and what each does to a suite's coordinates.

Each is done to the accepted answers themselves, pooled to one night; what that night then comes to
is taken from the functions that judge. So a change that a suite's metrics cannot see moves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from contractcheck.judging.night_scales import TextScale
from contractcheck.judging.night_values import values_of
from contractcheck.metrics import LATENCY
from contractcheck.model.night import (
    CaseNight,
    LabelCell,
    NightStatistics,
    NumberCell,
    RateCell,
    TextCell,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from contractcheck.judging.night_values import Reference
    from contractcheck.judging.year_model import WatchedStream
    from contractcheck.model.night import Cell

    FloatArray = NDArray[np.float64]

ChangeKind = Literal["labels", "numbers", "texts", "checks", "latency", "other model"]

_ANOTHER = "an answer that was never accepted"
_OF_TEXTS = ("texts", "other model")
_REFUSAL = "refusal"
_OTHER_NUMBERS = 1.5
"""What another model's numbers (lengths, mostly) are multiplied by."""
_TIMES = 20
"""Copies of the pooled answers, so that one answer in fifty is a whole number of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class YearChange:
    """One silent change, from the first later night on.

    Attributes:
        kind: What happens.
        size: A share of the answers; of numbers and latency a factor.
        one_case: Only one case changes, another one in each year; else all do.
    """

    kind: ChangeKind
    size: float
    one_case: bool = False

    @property
    def words(self) -> str:
        """What it is, in words."""
        told = {
            "labels": f"{self.size:.0%} of labels become another one",
            "numbers": f"numbers × {self.size:g}",
            "texts": f"{self.size:.0%} of texts in words never seen",
            "checks": f"{self.size:.0%} of answers break their checks",
            "latency": f"latency × {self.size:g}",
            "other model": f"{self.size:.0%} from another model",
        }[self.kind]
        return f"one case: {told}" if self.one_case else told


YEAR_CHANGES: Final = (
    *(YearChange(kind="labels", size=size) for size in (0.1, 0.3)),
    YearChange(kind="labels", size=0.5, one_case=True),
    *(YearChange(kind="numbers", size=size) for size in (1.1, 1.25)),
    *(YearChange(kind="texts", size=size) for size in (0.1, 0.3)),
    YearChange(kind="texts", size=1.0, one_case=True),
    *(YearChange(kind="checks", size=size) for size in (0.02, 0.1)),
    *(YearChange(kind="checks", size=size, one_case=True) for size in (0.3, 1.0)),
    *(YearChange(kind="latency", size=size) for size in (1.25, 1.5)),
    *(YearChange(kind="other model", size=size) for size in (0.05, 0.2)),
)


def shift_of(
    change: YearChange, reference: Reference, streams: Sequence[WatchedStream]
) -> Mapping[str, FloatArray]:
    """What a change of every case moves each coordinate by.

    Args:
        change: What happens; ``one_case`` is for the caller, who knows which.
        reference: Accepted nights.
        streams: As fitted.

    Returns:
        Per stream (C,) shifts, in the unit of its values; all zero where nothing shows.
    """
    pooled = _shift(change, reference, streams, pool_nights(reference))
    if change.kind not in _OF_TEXTS:
        return pooled
    # A night's own distance from the accepted texts is part of what it comes to when it moves.
    nights = [_shift(change, reference, streams, night) for night in reference.nights]
    texts = {
        label for (_, label), scale in reference.scales.items() if isinstance(scale, TextScale)
    }
    return {
        name: np.mean([night[name] for night in nights], 0) if name in texts else shift
        for name, shift in pooled.items()
    }


def _shift(
    change: YearChange,
    reference: Reference,
    streams: Sequence[WatchedStream],
    usual: NightStatistics,
) -> dict[str, FloatArray]:
    """(C,) per stream, what one night's answers come to when changed, less what they came to."""
    cases = {
        name: replace(
            case, cells={label: _change(label, cell, change) for label, cell in case.cells.items()}
        )
        for name, case in usual.cases.items()
    }
    before = values_of(reference, usual).streams
    after = values_of(reference, replace(usual, cases=cases)).streams
    return {
        stream.name: np.array(
            [
                after[stream.name][row].value - before[stream.name][row].value
                if row in before.get(stream.name, {}) and row in after.get(stream.name, {})
                else 0.0
                for row in stream.rows
            ]
        )
        for stream in streams
    }


def pool_nights(reference: Reference) -> NightStatistics:
    """All comparable answers of the accepted nights as one night, many times over."""
    last = reference.nights[-1]
    cases = {}
    for case, fingerprint in reference.fingerprints.items():
        own = [n.cases[case] for n in reference.nights if case in n.cases]
        own = [one for one in own if one.request_fingerprint == fingerprint]
        labels = sorted({label for one in own for label in one.cells})
        if own:
            cases[case] = CaseNight(
                request_fingerprint=fingerprint,
                answered=sum(one.answered for one in own),
                planned=sum(one.planned for one in own),
                cells={
                    label: _pool([one.cells[label] for one in own if label in one.cells])
                    for label in labels
                },
            )
    return replace(last, cases=cases)


def _pool(cells: Sequence[Cell]) -> Cell:
    kind = cells[-1]
    if isinstance(kind, LabelCell):
        counts: dict[str, int] = {}
        for cell in cells:
            for name, count in cell.counts.items() if isinstance(cell, LabelCell) else ():
                counts[name] = counts.get(name, 0) + _TIMES * count
        return LabelCell(counts=counts)
    if isinstance(kind, RateCell):
        own = [cell for cell in cells if isinstance(cell, RateCell)]
        return RateCell(
            passed=_TIMES * sum(c.passed for c in own), count=_TIMES * sum(c.count for c in own)
        )
    if isinstance(kind, NumberCell):
        numbers = [cell for cell in cells if isinstance(cell, NumberCell)]
        values = sorted(value for cell in numbers for value in cell.values)
        return NumberCell(values=tuple(values), missing=sum(cell.missing for cell in numbers))
    texts = [cell for cell in cells if isinstance(cell, TextCell)]
    counts_of = [cell.count for cell in texts]
    mean = np.average([cell.mean for cell in texts], axis=0, weights=counts_of)
    return replace(kind, count=sum(counts_of), mean=tuple(mean.tolist()))


def _change(label: str, cell: Cell, change: YearChange) -> Cell:
    """A pooled cell as the change would have made it."""
    kind, size = change.kind, change.size
    is_other = kind == "other model"
    if isinstance(cell, NumberCell):
        return _change_numbers(label, cell, change)
    if isinstance(cell, LabelCell) and label != _REFUSAL and (kind == "labels" or is_other):
        moved = {name: round(count * size) for name, count in cell.counts.items()}
        kept = {name: count - moved[name] for name, count in cell.counts.items()}
        return LabelCell(counts={**kept, _ANOTHER: sum(moved.values())})
    if isinstance(cell, RateCell) and (kind == "checks" or is_other):
        broken = size / 2.0 if is_other else size
        return replace(cell, passed=round(cell.passed * (1.0 - broken)))
    if isinstance(cell, TextCell) and (kind == "texts" or is_other):
        return replace(cell, mean=_mixed(cell.mean, size))
    return cell


def _change_numbers(label: str, cell: NumberCell, change: YearChange) -> NumberCell:
    is_time = label in LATENCY
    factor, every = 1.0, 1
    if change.kind == ("latency" if is_time else "numbers"):
        factor = change.size
    elif change.kind == "other model" and not is_time:
        factor, every = _OTHER_NUMBERS, max(1, round(1.0 / change.size))
    # Values are sorted, so every n-th is a fair selection of them.
    return replace(
        cell,
        values=tuple(
            value if place % every else value * factor for place, value in enumerate(cell.values)
        ),
    )


def _mixed(mean: tuple[float, ...], share: float) -> tuple[float, ...]:
    """Mean vector when a share of the answers has no n-gram that was seen before."""
    vector = np.asarray(mean, float)
    foreign = np.zeros_like(vector)
    foreign[int(np.argmin(np.abs(vector)))] = 1.0
    return tuple(((1.0 - share) * vector + share * foreign).tolist())
