"""Where trials stand, and which of them may swap sides: inside one case and block, never across.

A *block* is what both sides shared while they were sampled, such as a minute of an interleaved
run. Whatever a block does to its answers it does to both sides, so labels are permuted inside
it; a case without blocks is one block.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]
    BlockIds = tuple[Sequence[Hashable], Sequence[Hashable]]
    Shape = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseGroup:
    """Cases of one shape, so that they can be computed together.

    Attributes:
        shape: Per block, trials of the baseline and of the candidate; equal blocks adjoin. Trials
            of blocks that lack a side never swap and share one or two entries.
        cases: (G,) positions of the cases in the design.
        rows: (G, N) rows of their trials, block by block, in each the baseline first.
    """

    shape: Shape
    cases: Indices
    rows: Indices

    @property
    def weight(self) -> float:
        """Sum over blocks of the harmonic weight n m / (n + m)."""
        return sum(n * m / (n + m) for n, m in self.shape)

    @property
    def informative(self) -> bool:
        """Whether a case alone can show a difference (one against one cannot)."""
        swapping = [n + m for n, m in self.shape if n and m]
        return len(swapping) > 1 or sum(swapping) > 2  # noqa: PLR2004 - one trial on each side

    @property
    def observed(self) -> Floats:
        """(N,) 1 where the trial is the candidate's, 0 where it is the baseline's."""
        return np.concatenate([np.repeat([0.0, 1.0], sizes) for sizes in self.shape])

    @property
    def pairs(self) -> Indices:
        """(G, 2) rows of the only two trials that can swap, of cases that are not informative."""
        start = 0
        for n, m in self.shape:
            if not self.informative and n and m:
                return self.rows[:, start : start + 2]
            start += n + m
        return np.empty((0, 2), dtype=np.intp)

    def part(self, chosen: slice) -> CaseGroup:
        """Some of the cases."""
        return CaseGroup(shape=self.shape, cases=self.cases[chosen], rows=self.rows[chosen])

    def runs(self) -> Iterator[tuple[slice, int, int, int]]:
        """Columns of adjoining equal blocks, how many they are, and the sizes of one."""
        start = 0
        for (n, m), members in itertools.groupby(self.shape):
            repeats = len(list(members))
            yield slice(start, start + repeats * (n + m)), repeats, n, m
            start += repeats * (n + m)


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where the trials of each case stand in a flat array: case by case, baseline first.

    Attributes:
        sizes: Per case, trials of the baseline and of the candidate.
        groups: The same cases by shape.
    """

    sizes: tuple[tuple[int, int], ...]
    groups: tuple[CaseGroup, ...]

    @property
    def n_trials(self) -> int:
        """Trials of all cases and both sides."""
        return sum(n + m for n, m in self.sizes)

    @property
    def group_size(self) -> int:
        """Number of distinct relabellings, the observed one included."""
        return math.prod(
            math.comb(n + m, m) ** group.cases.size for group in self.groups for n, m in group.shape
        )

    @property
    def pairs(self) -> Indices:
        """(S, 2) rows, baseline first, of the cases where only one pair of trials can swap."""
        return np.concatenate([group.pairs for group in self.groups])


def lay_out(
    sizes: Sequence[tuple[int, int]], blocks: Sequence[BlockIds | None] | None = None
) -> Layout:
    """Place the trials of cases with the given (baseline, candidate) sizes.

    Args:
        sizes: Trials per case and side.
        blocks: Per case None, or the block of each trial of either side; None for no blocks.

    Raises:
        UsageError: There is no case, a case lacks a side, or its blocks do not fit its sizes.
    """
    if not sizes:
        raise UsageError("no case to compare; give at least one with trials on both sides")
    starts = np.concatenate([[0], np.cumsum([n + m for n, m in sizes])])
    shapes: dict[Shape, tuple[list[int], list[Indices]]] = {}
    for case, (n, m) in enumerate(sizes):
        if n < 1 or m < 1:
            raise UsageError(f"case {case} has {n} baseline and {m} candidate trials; need both")
        own = None if blocks is None else blocks[case]
        if own is not None and (len(own[0]), len(own[1])) != (n, m):
            raise UsageError(
                f"case {case} has {n} and {m} trials, but blocks of {len(own[0])} and {len(own[1])}"
            )
        shape, order = _arrange(own) if own is not None else (((n, m),), np.arange(n + m))
        cases, rows = shapes.setdefault(shape, ([], []))
        cases.append(case)
        rows.append(starts[case] + order)
    groups = [
        CaseGroup(shape=shape, cases=np.asarray(cases, dtype=np.intp), rows=np.stack(rows))
        for shape, (cases, rows) in sorted(shapes.items())
    ]
    return Layout(sizes=tuple(sizes), groups=tuple(groups))


def enumerate_labels(group: CaseGroup, rows: Indices, stride: int) -> Floats:
    """Relabellings of a group's cases, as the digits of the row numbers in mixed radix.

    Args:
        group: The cases.
        rows: (R,) numbers of the wanted relabellings; 0 is the observed one.
        stride: Relabellings of all groups before this one.

    Returns:
        (R, G, N) indicators of the candidate.
    """
    labels = np.empty((rows.size, *group.rows.shape))
    for columns, repeats, n, m in group.runs():
        chosen = list(itertools.combinations(range(n + m), m))[::-1]
        table = np.zeros((len(chosen), n + m))
        np.put_along_axis(table, np.asarray(chosen, dtype=np.intp), 1.0, axis=1)
        places = np.arange(group.cases.size * repeats)
        digits = rows[:, None] // (stride * len(chosen) ** places) % len(chosen)
        labels[..., columns] = table[digits].reshape(rows.size, group.cases.size, -1)
        stride *= len(chosen) ** places.size
    return labels


def draw_labels(group: CaseGroup, n_rows: int, rng: np.random.Generator) -> Floats:
    """(R, G, N) random relabellings of a group's cases, independent and uniform."""
    n_cases = group.cases.size
    labels = np.empty((n_rows, *group.rows.shape))
    for columns, repeats, n, m in group.runs():
        shape = (n_rows, n_cases, repeats, n + m)
        if n == m == 1:
            second = rng.integers(0, 2, size=shape[:3], dtype=np.int8)
            drawn = np.stack([1.0 - second, second], axis=3)
        else:
            drawn = np.broadcast_to(np.repeat([0.0, 1.0], (n, m)), shape).copy()
            if n and m:
                rng.permuted(drawn, axis=3, out=drawn)
        labels[..., columns] = drawn.reshape(n_rows, n_cases, -1)
    return labels


def _arrange(blocks: BlockIds) -> tuple[Shape, Indices]:
    """Shape of one case, and its trials (counted from 0, baseline first) in the shape's order."""
    members: dict[Hashable, tuple[list[int], list[int]]] = {}
    n_baseline = len(blocks[0])
    for side, (ids, first) in enumerate(zip(blocks, (0, n_baseline), strict=True)):
        for place, block in enumerate(ids):
            members.setdefault(block, ([], []))[side].append(first + place)
    whole = [(old, new) for old, new in members.values() if old and new]
    lonely = [
        (sorted(t for old, new in members.values() if not new for t in old), []),
        ([], sorted(t for old, new in members.values() if not old for t in new)),
    ]
    ordered = sorted(
        [*whole, *(pair for pair in lonely if pair[0] or pair[1])],
        key=lambda pair: (len(pair[0]), len(pair[1]), pair),
    )
    shape = tuple((len(old), len(new)) for old, new in ordered)
    order = np.asarray([trial for old, new in ordered for trial in (*old, *new)], dtype=np.intp)
    return shape, order
