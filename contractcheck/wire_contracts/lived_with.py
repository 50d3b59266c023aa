"""Problems that accepted nights had already: whoever accepted them lives with them.

A gateway that always sends what its format does not document, or even forbids, would be told, or
fail, every night for ever. Problems are therefore learnt like places, by severity, path and gist.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contractcheck.stats.exact_rates import exact_test
from contractcheck.wire_contracts.examine import normal_path
from contractcheck.wire_contracts.learnt import PROBLEM, pool_shapes
from contractcheck.wire_contracts.walk import UNNAMEABLE, nameable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from contractcheck.model.completion import WireProblem
    from contractcheck.model.wire_shape import Fact, WireShape

MORE_LEVEL = 1e-6
"""A breaking problem is known as long as it is not more frequent than it was, at this level."""

_PATH = re.compile(r"[A-Za-z0-9_.*<>\[\]$@/:-]{1,160}( [A-Za-z0-9_.-]{1,60})?", re.ASCII)
_QUOTED = re.compile(r"'(.*)'", re.DOTALL)
_GIST = re.compile(r"[ -~]{1,160}")


def problem_facts(problems: Iterable[WireProblem]) -> Iterator[Fact]:
    """Note the problems of an exchange that can be told without content."""
    for problem in problems:
        place = problem_place(problem)
        if place:
            yield (place, "came", "")


def problem_place(problem: WireProblem) -> str:
    """Return the place at which a problem is learnt; empty when its words may be content."""
    path, gist = normal_path(problem.path), problem.what.partition(" (")[0]
    quoted = _QUOTED.search(gist)
    if quoted is not None and nameable(quoted.group(1)) == UNNAMEABLE:
        return ""
    if not _PATH.fullmatch(path) or not _GIST.fullmatch(gist):
        return ""
    return f"{PROBLEM}{problem.severity} {path}: {gist}"


def lived_with(tonight: WireShape, accepted: Sequence[WireShape]) -> frozenset[str]:
    """Return the places of problems that are no news tonight.

    Args:
        tonight: The night to judge.
        accepted: Accepted nights, whatever they were asked.
    """
    before = pool_shapes([shape for shape in accepted if shape.format == tonight.format])
    if before is None:
        return frozenset()
    known = set()
    for place, now in tonight.places.items():
        if not place.startswith(PROBLEM) or place not in before.places:
            continue
        then = min(before.places[place].came, before.exchanges)
        margins = [(before.exchanges, tonight.exchanges, then + now.came)]
        is_breaking = place.startswith(f"{PROBLEM}breaking")
        if not is_breaking or exact_test(margins, now.came, "rise").p >= MORE_LEVEL:
            known.add(place)
    return frozenset(known)
