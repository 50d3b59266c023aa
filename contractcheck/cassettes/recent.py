"""Remember the latest answers of a pure function; trials ask the same question many times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Value = TypeVar("Value")

_MOST = 128
"""Distinct requests that are under way at about the same time, generously."""


@dataclass(slots=True, eq=False)
class Recent(Generic[Value]):
    """A small memory; its keys may hold secrets, so it shows nothing of itself."""

    _known: dict[Hashable, Value] = field(default_factory=dict, repr=False)

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return what ``make`` gives for this key, made anew when it was forgotten.

        Several threads may ask; at worst two make the same value.
        """
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            found = self._known[key] = make()
        return found
