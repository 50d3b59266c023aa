"""The numbers of one stream on one night, as columns: years of them are read every night."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from contractcheck.model.history import NightValue

if TYPE_CHECKING:
    from collections.abc import Iterator


class NightRows(Mapping[str, NightValue]):
    """From each row to its value, kept as two columns; a value is made when it is asked for.

    Equal to any mapping that holds the same.

    Attributes:
        names: Of the rows.
        numbers: (C,) value of each.
        variances: (C,) variance of each.
    """

    __slots__ = ("_places", "names", "numbers", "variances")

    def __init__(
        self, names: tuple[str, ...], numbers: tuple[float, ...], variances: tuple[float, ...]
    ) -> None:
        """Keep columns of one length.

        Args:
            names: Of the rows, each once.
            numbers: Value of each.
            variances: Variance of each, >= 0.
        """
        self.names, self.numbers, self.variances = names, numbers, variances
        self._places: dict[str, int] | None = None

    def __getitem__(self, name: str) -> NightValue:
        """The value of a row.

        Raises:
            KeyError: If there is no such row.
        """
        if self._places is None:
            self._places = {own: place for place, own in enumerate(self.names)}
        place = self._places[name]
        return NightValue(value=self.numbers[place], variance=self.variances[place])

    def __iter__(self) -> Iterator[str]:
        """The names of the rows."""
        return iter(self.names)

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.names)
