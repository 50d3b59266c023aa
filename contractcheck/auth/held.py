"""The secrets that an authorizer has come to hold, and who must be told of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

Learn = Callable[[tuple[str, ...]], None]
"""Takes secrets that must not be written down from now on; may be called from any thread."""


@dataclass(slots=True, eq=False)
class HeldSecrets:
    """Grows only: a token that was replaced is not to be written down either."""

    _values: tuple[str, ...] = field(default=(), repr=False)
    _learners: list[Learn] = field(default_factory=list, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def values(self) -> tuple[str, ...]:
        """All of them, in the order of their coming."""
        return self._values

    def tell(self, learn: Learn) -> None:
        """Have ``learn`` told of what is held now and of what will be."""
        with self._lock:
            if learn not in self._learners:
                self._learners.append(learn)
            learn(self._values)

    def add(self, *secrets: str) -> None:
        """Hold more; everybody knows of them when this returns."""
        new = tuple(dict.fromkeys(s for s in secrets if s and s not in self._values))
        if not new:
            return
        with self._lock:
            for learn in self._learners:
                learn(new)
            self._values += new
