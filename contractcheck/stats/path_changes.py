"""What the shape of structured answers has on one side only, in the words of wire contracts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from contractcheck.model.judgement import PathChange, Rate
from contractcheck.stats.intervals import clopper_pearson
from contractcheck.stats.json_paths import ABSENT, NOT_JSON, bounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.stats.structured import Expansion

    Severity = Literal["additive", "breaking"]

_MOST_VALUES = 5
"""New values of one path that are told apart."""

_LONGEST_VALUE = 200

_WORDS = {
    ABSENT: "not always there now",
    "null": "can be null now",
    NOT_JSON: "not always JSON now",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialPlaces:
    """Where each trial of an expansion belongs.

    Attributes:
        cases: Case of each trial.
        is_candidate: Whether it is on the new side.
    """

    cases: Sequence[str]
    is_candidate: Sequence[bool]


def find_path_changes(
    metric: str, expansion: Expansion, places: TrialPlaces
) -> tuple[PathChange, ...]:
    """Find paths, types and categories that the old side never had, and paths that went away.

    *Breaking*: a path is gone, is not always there, has a type (null among them) that it never
    had. *Additive*: a new path, a new category. Old and new are over all cases in which the path
    occurs, so that sampling noise of one case does not count as news. What lies below a new or
    lost path is not told again.

    Args:
        metric: Name of the structured metric.
        expansion: Its types and categories by path.
        places: Case and side of each trial.
    """
    found: list[PathChange] = []
    for path, column in expansion.types.items():
        states = _sets(column, places)
        found.extend(_type_changes(metric, path, states))
    for path, values in expansion.labels.items():
        found.extend(_new_values(metric, path, values, places))
    return tuple(sorted(found, key=lambda c: (c.severity != "breaking", -c.candidate.count)))


@dataclass(frozen=True, kw_only=True, slots=True)
class _State:
    """What one trial has at a path."""

    case: str
    is_candidate: bool
    has: frozenset[str]


def _sets(column: Sequence[str | None], places: TrialPlaces) -> list[_State]:
    """States of the trials that could have the path, in the cases where any trial has it."""
    states = [
        _State(case=case, is_candidate=side, has=frozenset(value.split("|")))
        for case, side, value in zip(places.cases, places.is_candidate, column, strict=True)
        if value is not None
    ]
    having = {state.case for state in states if state.has - {ABSENT}}
    return [state for state in states if state.case in having]


def _type_changes(metric: str, path: str, states: Sequence[_State]) -> Iterator[PathChange]:
    old = [state for state in states if not state.is_candidate]
    new = [state for state in states if state.is_candidate]
    if not old or not new:
        return
    seen_old, seen_new = (frozenset().union(*(s.has for s in side)) for side in (old, new))
    if seen_old == {ABSENT}:
        having = seen_new - {ABSENT}
        yield _change(metric, path, "new path", severity="additive", having=having, states=states)
    elif seen_new == {ABSENT}:
        having = seen_old - {ABSENT}
        yield _change(metric, path, "path gone", severity="breaking", having=having, states=states)
    else:
        for kind in sorted(seen_new - seen_old):
            words = _WORDS.get(kind, f"new type: {kind}")
            one = frozenset({kind})
            yield _change(metric, path, words, severity="breaking", having=one, states=states)


def _new_values(
    metric: str, path: str, values: Sequence[str | None], places: TrialPlaces
) -> Iterator[PathChange]:
    states = [
        _State(case=case, is_candidate=side, has=frozenset({value}))
        for case, side, value in zip(places.cases, places.is_candidate, values, strict=True)
        if value is not None
    ]
    old = Counter(value for s in states if not s.is_candidate for value in s.has)
    new = Counter(value for s in states if s.is_candidate for value in s.has)
    if not old:
        return
    unseen = sorted((value for value in new if value not in old), key=lambda v: (-new[v], v))
    for value in unseen[:_MOST_VALUES]:
        words, one = f"new value: {bounded(value, _LONGEST_VALUE)}", frozenset({value})
        yield _change(metric, path, words, severity="additive", having=one, states=states)


def _change(
    metric: str,
    path: str,
    what: str,
    *,
    severity: Severity,
    having: frozenset[str],
    states: Sequence[_State],
) -> PathChange:
    is_gone = not any(s.is_candidate and s.has & having for s in states)
    with_it = Counter(s.case for s in states if s.is_candidate is not is_gone and s.has & having)
    return PathChange(
        metric=metric,
        path=path,
        what=what,
        severity=severity,
        baseline=_rate([s for s in states if not s.is_candidate], having),
        candidate=_rate([s for s in states if s.is_candidate], having),
        cases=tuple(sorted(with_it, key=lambda case: (-with_it[case], case))),
    )


def _rate(states: Sequence[_State], having: frozenset[str]) -> Rate:
    count = sum(bool(state.has & having) for state in states)
    bounds = clopper_pearson(count, len(states))
    return Rate(count=count, n=len(states), low=bounds.low, high=bounds.high)
