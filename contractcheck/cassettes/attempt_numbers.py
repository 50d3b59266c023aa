"""What a run must remember of every trial that was made, in about a byte each.

A run may have hundreds of thousands of trials; keys of their own would be a third of a kilobyte.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

_MOST_PLACES: Final = 1 << 20
"""A row is as long as its highest place: trials beyond are kept one by one."""

_MOST_VALUE: Final = 255
_BITS: Final = 8


@dataclass(slots=True)
class SmallNumbers:
    """Numbers from 0 on by row and place, 0 until told otherwise; a byte where they fit into one.

    Places count from 0. Not for several threads at once.
    """

    _rows: dict[Hashable, bytearray] = field(default_factory=dict)
    _others: dict[tuple[Hashable, int], int] = field(default_factory=dict)

    def get(self, row: Hashable, place: int) -> int:
        """Return the number at a place."""
        other = self._others.get((row, place))
        if other is not None:
            return other
        numbers = self._rows.get(row, b"")
        return numbers[place] if place < len(numbers) else 0

    def put(self, row: Hashable, place: int, number: int) -> None:
        """Set the number at a place."""
        if place >= _MOST_PLACES or number > _MOST_VALUE:
            self._others[row, place] = number
            return
        self._others.pop((row, place), None)
        numbers = self._rows.setdefault(row, bytearray())
        if place >= len(numbers):
            # At least doubled, so that growing costs a constant for each place.
            numbers.extend(bytes(max(place + 1, 2 * len(numbers)) - len(numbers)))
        numbers[place] = number


@dataclass(slots=True)
class AttemptSet:
    """Which attempts there are: by digest of the request, trial and attempt, from any file."""

    _bits: SmallNumbers = field(default_factory=SmallNumbers)
    _others: set[tuple[str, int, int]] = field(default_factory=set)
    _size: int = 0

    @classmethod
    def of(cls, keys: Iterable[tuple[str, int, int]]) -> Self:
        """Make the set of these attempts."""
        made = cls()
        for key in keys:
            made.add(key)
        return made

    def __contains__(self, key: tuple[str, int, int]) -> bool:
        digest, trial, attempt = key
        if attempt >= _BITS:
            return key in self._others
        return bool(self._bits.get(digest, trial) >> attempt & 1)

    def __len__(self) -> int:
        return self._size

    def add(self, key: tuple[str, int, int]) -> None:
        """Add an attempt; twice is once."""
        if key in self:
            return
        digest, trial, attempt = key
        if attempt >= _BITS:
            self._others.add(key)
        else:
            self._bits.put(digest, trial, self._bits.get(digest, trial) | 1 << attempt)
        self._size += 1
