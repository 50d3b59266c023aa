"""A finite automaton over the kinds of a stream's events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.model.completion import WireProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from contractcheck.model.json_value import JsonObject

ORDER = "stream order"
"""Path of problems that lie in the order of events, not in one of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Automaton:
    """Which event may follow which.

    Attributes:
        start: The state before the first event.
        moves: Per state, the state to which each event that may come leads.
        done: The state after which nothing more may come.
    """

    start: str
    moves: Mapping[str, Mapping[str, str]]
    done: str

    def misplaced(self, events: Iterable[str]) -> Iterator[WireProblem]:
        """Find events that come where none like them may; each pair of neighbours once.

        Events that no state knows are passed over: new kinds of events are the business of the
        published shape. A misplaced event changes no state.
        """
        known = {event for moves in self.moves.values() for event in moves}
        state, before = self.start, "the beginning"
        for event in events:
            if event not in known:
                continue
            following = self.moves.get(state, {}).get(event)
            if following is not None:
                state, before = following, event
            elif state == self.done:
                yield breaking(f"{event} came after the end ({before})")
            else:
                yield breaking(f"{event} came after {before}")


def breaking(what: str, path: str = ORDER) -> WireProblem:
    """Return a problem on which programs fail that follow the documented order."""
    return WireProblem(path=path, what=what, severity="breaking")


def additive(what: str, path: str = ORDER) -> WireProblem:
    """Return something to know of that breaks no program that follows the documented order."""
    return WireProblem(path=path, what=what, severity="additive")


def child(document: JsonObject | None, name: str) -> JsonObject:
    """Return a member that is an object; an empty one when it is not there or something else."""
    found = None if document is None else document.get(name)
    return found if isinstance(found, dict) else {}


def integer(document: JsonObject | None, name: str) -> int | None:
    """Return a member that is an integer, or None."""
    found = None if document is None else document.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else None
