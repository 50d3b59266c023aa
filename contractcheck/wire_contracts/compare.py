"""Hold a night's wire against that of accepted nights.

What decides is *breaking*: what always came and is gone, what never lacked and lacks, a type that
never came. All of it is tested, exchange against exchange, by Fisher's exact test at a level of
one in a million for all places of a night together (Bonferroni): in a year of nightly runs the
chance that an unchanged wire breaks is below 4 in 10,000, which is why nothing is taken from the
suite's budget of false alarms for it. What did not always come in accepted nights never breaks:
programs that lived with those nights have met answers without it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contractcheck.model.judgement import Rate
from contractcheck.model.wire_shape import PlaceShape, ShapeChange
from contractcheck.stats.exact_rates import exact_test
from contractcheck.stats.intervals import clopper_pearson
from contractcheck.wire_contracts.learnt import OTHERS, PROBLEM, belongs_to_exchange, pool_shapes
from contractcheck.wire_contracts.published import parent_of, path_of
from contractcheck.wire_contracts.schema import EMPTY_ARRAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contractcheck.model.wire_shape import Severity, WireShape
    from contractcheck.wire_contracts.schema import Node

LEVEL = 1e-6
"""Chance that an unchanged wire has any breaking change in one night."""

NEWS_LEVEL = 1e-3
"""What may be chance is a notice below this level, and information above it."""

_TESTS_PER_PLACE = 4
"""Gone, lacking, of a new type, of a new form."""

_NOTHING = PlaceShape(came=0)
_CALL_IDENTIFIERS = ("tool_calls[*].id", "call_id", "toolUseId", "<tool_use>.id", "call.id")
"""Ends of places of ids that programs hand back with a tool's result."""

_HISTORY = "cach"
"""Members with this in their name count what was asked before: their coming and going is ours."""


def compare_shapes(
    tonight: WireShape,
    accepted: Sequence[WireShape],
    documented: Mapping[str, Node],
    *,
    is_whole: bool = True,
) -> tuple[ShapeChange, ...]:
    """Find what is not as it was, the breaking first, then by path.

    Args:
        tonight: The night to judge.
        accepted: Accepted nights of the same format and the same requests.
        documented: Places of the published shape; empty when none is published.
        is_whole: Whether every request of the accepted nights was answered tonight. What one of
            them alone is answered with comes sometimes: where it may be the missing one, only
            what always came can be gone or have another name.
    """
    before = pool_shapes([shape for shape in accepted if shape.format == tonight.format])
    if before is None:
        return ()
    level = LEVEL / (_TESTS_PER_PLACE * max(1, len({*before.places, *tonight.places})))
    comparison = _Comparison(
        before=before, now=tonight, documented=documented, level=level, is_whole=is_whole
    )
    found = _name_renamed(list(comparison.changes()), comparison)
    ranks = ("breaking", "additive", "informational")
    return tuple(sorted(found, key=lambda one: (ranks.index(one.severity), one.path, one.what)))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Comparison:
    before: WireShape
    now: WireShape
    documented: Mapping[str, Node]
    level: float
    is_whole: bool

    def changes(self) -> Iterator[ShapeChange]:
        moved = set[str]()
        for place in sorted({*self.before.places, *self.now.places}):
            parents = self._parents(place)
            if 0 in parents or place.startswith(PROBLEM):
                continue  # told at the place above, or as a problem
            then, now = self._shapes(place)
            if not then.came:
                moved.add(parent_of(place)[0])
                yield from self._new(place, parents)
                continue
            gone = tuple(self._gone(place, parents))
            if gone:
                moved.add(parent_of(place)[0])
            yield from gone or self._lacking(place, parents)
            if now.came:
                yield from self._retyped(place)
                yield from self._revalued(place)
                yield from self._reformed(place)
        yield from self._reordered(moved)

    def _shapes(self, place: str) -> tuple[PlaceShape, PlaceShape]:
        return self.before.places.get(place, _NOTHING), self.now.places.get(place, _NOTHING)

    def _parents(self, place: str) -> tuple[int, int]:
        """Exchanges, then and now, in which a place might have come."""
        if belongs_to_exchange(place):
            return self.before.exchanges, self.now.exchanges
        then, now = self._shapes(parent_of(place)[0])
        kind = "array" if place.endswith("]") else "object"
        return then.types.get(kind, 0), now.types.get(kind, 0)

    def _new(self, place: str, parents: tuple[int, int]) -> Iterator[ShapeChange]:
        came = (0, self.now.places[place].came)
        is_told = not (place.startswith("header ") or _HISTORY in place.lower())
        severity: Severity = "additive" if is_told else "informational"
        if not self.documented:
            # Where nothing is published, names may be the model's own.
            severity = self._graded(severity, parents, came)
        yield self._change(place, "new", severity, parents, came)

    def _gone(self, place: str, parents: tuple[int, int]) -> Iterator[ShapeChange]:
        then, now = self._shapes(place)
        absent = (parents[0] - then.came, parents[1] - now.came)
        if absent[0] and not self.is_whole:
            return
        if not absent[1] or not self._is_more(parents, absent, self.level):
            return
        what = "not there" if now.came else "gone"
        severity = self._severity_of_absence(place) if absent[0] == 0 else "additive"
        yield self._change(place, what, severity, parents, absent)

    def _lacking(self, place: str, parents: tuple[int, int]) -> Iterator[ShapeChange]:
        then, now = self._shapes(place)
        # A place that never came is not in the shape: then whatever it belongs to lacked it.
        absent = (parents[0] - then.came, parents[1])
        lacked = (then.lacked, now.lacked) if now.came else absent
        if belongs_to_exchange(place) or then.lacked or lacked[0] or not lacked[1]:
            return
        severity = self._graded(self._severity_of_absence(place), parents, lacked)
        what = "not always there" if now.came else "gone"
        yield self._change(place, what, severity, parents, lacked)

    def _retyped(self, place: str) -> Iterator[ShapeChange]:
        then, now = self._shapes(place)
        came = (then.came, now.came)
        for kind, count in now.types.items():
            if kind in then.types or (kind == "integer" and "number" in then.types):
                continue
            is_mild = set(then.types) <= {"null", EMPTY_ARRAY} or self._is_number(place, kind)
            worst: Severity = "additive" if is_mild else self._severity(place)
            if kind in ("null", EMPTY_ARRAY) and not is_mild:
                worst = self._severity_of_absence(place)
            severity = self._graded(worst, came, (0, count))
            what = f"{kind}, where it was {' or '.join(then.types)}"
            yield self._change(place, what, severity, came, (0, count))

    def _is_number(self, place: str, kind: str) -> bool:
        """Whether a whole number became a broken one, and nothing promises whole ones."""
        node = self.documented.get(place)
        return kind == "number" and (node is None or "number" in node.types)

    def _revalued(self, place: str) -> Iterator[ShapeChange]:
        then, now = self._shapes(place)
        came = (then.came, now.came)
        for value, count in now.values.items():
            # What is kept of rarer ones is their sum: it may hold nothing new.
            if value == OTHERS or value in then.values or OTHERS in then.values:
                continue
            is_sure = self._is_more(came, (0, count), NEWS_LEVEL)
            severity: Severity = "additive" if is_sure else "informational"
            yield self._change(place, f"new value {value!r}", severity, came, (0, count))

    def _reformed(self, place: str) -> Iterator[ShapeChange]:
        if " " not in place:
            return  # the form of a frame is the order of its keys
        then, now = self._shapes(place)
        came = (then.came, now.came)
        for form, count in now.forms.items():
            if form == OTHERS or form in then.forms or OTHERS in then.forms:
                continue
            if not self._is_more(came, (0, count), self.level):
                continue
            severity: Severity = (
                "breaking" if place.endswith(_CALL_IDENTIFIERS) else "informational"
            )
            what = f"identifier of another form, {form}, where it was {' or '.join(then.forms)}"
            yield self._change(place, what, severity, came, (0, count))

    def _reordered(self, moved: set[str]) -> Iterator[ShapeChange]:
        """Tell another order of keys, but not of frames that have other keys than before."""
        for place in sorted(self.before.places.keys() & self.now.places.keys() - moved):
            then, now = self._shapes(place)
            known = {*then.forms, OTHERS}
            fresh = sum(count for form, count in now.forms.items() if form not in known)
            if " " in place or OTHERS in then.forms:
                continue
            came = (then.came, now.came)
            if self._is_more(came, (0, fresh), self.level):
                yield self._change(place, "new order of keys", "informational", came, (0, fresh))

    def _severity(self, place: str) -> Severity:
        """How bad it is that a place is not what it always was."""
        if _HISTORY in place.lower():
            return "informational"
        node = self.documented.get(place)
        is_volatile = node is not None and node.is_volatile
        return "additive" if is_volatile or belongs_to_exchange(place) else "breaking"

    def _severity_of_absence(self, place: str) -> Severity:
        """How bad it is that a place is not filled: what the model leaves out, breaks no wire.

        Whether it leaves out more than before is a matter of outputs, and of two nights.
        """
        node = self.documented.get(place)
        severity = self._severity(place)
        is_models_choice = node is not None and node.is_content
        return "additive" if severity == "breaking" and is_models_choice else severity

    def severity_of_renaming(self, lost: ShapeChange) -> Severity:
        """How bad another name is: what came sometimes comes no more to those who look for it."""
        nodes = [node for place, node in self.documented.items() if path_of(place) == lost.path]
        worst: Severity = "additive" if any(node.is_volatile for node in nodes) else "breaking"
        then, now = lost.baseline, lost.candidate
        return self._graded(worst, (then.n, now.n), (then.count, now.count))

    def _graded(
        self, worst: Severity, parents: tuple[int, int], events: tuple[int, int]
    ) -> Severity:
        """How bad a change is that may be chance: breaking when sure, a notice when likely."""
        if worst == "informational" or self._is_more(parents, events, self.level):
            return worst
        return "additive" if self._is_more(parents, events, NEWS_LEVEL) else "informational"

    def _is_more(self, parents: tuple[int, int], events: tuple[int, int], level: float) -> bool:
        then, now = (min(max(0, count), n) for count, n in zip(events, parents, strict=True))
        return exact_test([(*parents, then + now)], now, "rise").p < level

    def _change(
        self,
        place: str,
        what: str,
        severity: Severity,
        parents: tuple[int, int],
        counts: tuple[int, int],
    ) -> ShapeChange:
        return ShapeChange(
            path=path_of(place),
            what=what,
            severity=severity,
            baseline=_rate(counts[0], parents[0]),
            candidate=_rate(counts[1], parents[1]),
        )


def _rate(count: int, n: int) -> Rate:
    # Counts of a file that was edited by hand need not agree.
    count = min(max(0, count), n)
    interval = clopper_pearson(count, n)
    return Rate(count=count, n=n, low=interval.low, high=interval.high)


def _name_renamed(changes: list[ShapeChange], comparison: _Comparison) -> list[ShapeChange]:
    """Tell a place that is gone and its new sibling of the same types as one change of name."""
    kept = list(changes)
    for lost in changes:
        if lost.what not in ("gone", "not there") or lost.severity == "informational":
            continue
        twin = next((new for new in kept if _is_twin(lost, new, comparison)), None)
        if twin is not None:
            name = twin.path.rpartition(".")[2]
            kept.remove(twin)
            severity = comparison.severity_of_renaming(lost)
            named = replace(lost, what=f"renamed to {name!r}", severity=severity)
            kept[kept.index(lost)] = named
    return kept


def _is_twin(lost: ShapeChange, new: ShapeChange, comparison: _Comparison) -> bool:
    """Whether a new member is an old one under another name, that nobody documented."""
    # Two kinds of one object have one path, and no other name.
    if new.what != "new" or new.path == lost.path:
        return False
    if new.path.rpartition(".")[0] != lost.path.rpartition(".")[0]:
        return False
    if 2 * new.candidate.count < lost.candidate.count:
        return False
    if any(path_of(place) == new.path for place in comparison.documented):
        return False
    types = _types_at(lost.path, comparison.before)
    return bool(types) and types == _types_at(new.path, comparison.now)


def _types_at(path: str, shape: WireShape) -> frozenset[str]:
    """Types of a member but null; frames and headers have none here, and so no other names."""
    found = [
        set(one.types)
        for place, one in shape.places.items()
        if path_of(place) == path and not belongs_to_exchange(place)
    ]
    return frozenset().union(*found) - {"null"}
