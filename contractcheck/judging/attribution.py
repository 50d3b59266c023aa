"""Whose doing a dated change may be: what else changed between the nights that it lies between."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from contractcheck.judging.identity import find_moves

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from contractcheck.judging.dating import Dated
    from contractcheck.model.baseline import Baseline
    from contractcheck.model.history import NightRecord
    from contractcheck.model.judgement import Plane
    from contractcheck.model.measurement import MeasuredRun

_MOVES_ANSWERS = frozenset({"region", "endpoint", "http_client", "contractcheck"})
"""Of our vantage, what can move more than times: another deployment, another client, or another
version of what measures."""

_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """Our side, and who answered, on one night.

    Attributes:
        night: ISO date.
        vantage: What on our side can matter.
        parts: Per case the digest of each part of the request.
        models: Model echoes.
        fingerprints: System fingerprints.
        suite: Version and fingerprint of the suite; None where it is not known.
        checks: Per case the digest of its checks; empty where nobody kept it.
    """

    night: str
    vantage: Mapping[str, str]
    parts: Mapping[str, Mapping[str, str]]
    models: tuple[str, ...]
    fingerprints: tuple[str, ...]
    suite: tuple[str, str] | None
    checks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribution:
    """What changed besides in the nights between which a change began.

    Attributes:
        ours: What we changed, in words, that can have moved this plane; empty blames nobody here.
        theirs: What the provider showed of its identity, in words; never decides.
    """

    ours: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()


def line_up_sides(
    baseline: Baseline | None, records: Mapping[str, NightRecord], run: MeasuredRun
) -> tuple[Side, ...]:
    """Our side on every night that is known, oldest first, tonight last."""
    sides = {}
    for night in baseline.nights if baseline else ():
        own = night.statistics
        sides[own.night] = Side(
            night=own.night,
            vantage=night.vantage,
            parts=night.parts,
            models=own.models,
            fingerprints=own.fingerprints,
            suite=None,
        )
    for record in records.values():
        if record.is_complete:
            sides[record.night] = Side(
                night=record.night,
                vantage=record.vantage,
                parts=record.parts,
                models=record.models,
                fingerprints=record.fingerprints,
                suite=(record.suite_version, record.suite_fingerprint),
                checks=record.checks,
            )
    tonight = _side_of(run)
    sides[tonight.night] = tonight
    return tuple(sides[night] for night in sorted(sides) if night <= tonight.night)


def _side_of(run: MeasuredRun) -> Side:
    header = run.header
    return Side(
        night=run.statistics.night,
        vantage=header.vantage,
        parts={case: plan.parts for case, plan in header.cases.items()},
        models=run.statistics.models,
        fingerprints=run.statistics.fingerprints,
        suite=(header.suite_version, header.suite_fingerprint),
        checks={case: plan.checks for case, plan in header.cases.items() if plan.checks},
    )


def attribute(
    sides: Sequence[Side], dated: Dated, plane: Plane, *, cases: Collection[str] = ()
) -> Attribution:
    """Say what changed on our side, and in the provider's identity, while a change began.

    Args:
        sides: Oldest first (:func:`line_up_sides`).
        dated: When it began.
        plane: Where the change shows: not everything of ours can move everything.
        cases: All in which it clearly shows: a request or a check excuses its own case, and what
            shows in a case besides is not excused by either.
    """
    before = [side for side in sides if side.night <= dated.until_earliest]
    window = [side for side in sides if dated.until_earliest < side.night <= dated.latest]
    ours: dict[str, None] = {}
    theirs: dict[str, None] = {}
    steps = tuple(pairwise((*before[-1:], *window)))
    for one, other in steps:
        ours.update(dict.fromkeys(_vantage_moves(one, other, plane)))
        theirs.update(dict.fromkeys(_their_moves(one, other)))
    ours.update(dict.fromkeys(_edits(steps, plane, cases)))
    return Attribution(ours=tuple(ours), theirs=tuple(theirs))


def _vantage_moves(before: Side, now: Side, plane: Plane) -> Iterator[str]:
    for key in find_moves(before.vantage, now.vantage):
        if plane == "latency" or key in _MOVES_ANSWERS:
            old, new = before.vantage.get(key) or "unset", now.vantage.get(key) or "unset"
            yield f"{key} {old} → {new} on {now.night}"


def _edits(
    steps: Sequence[tuple[Side, Side]], plane: Plane, cases: Collection[str]
) -> tuple[str, ...]:
    """Edits of requests and checks that can have moved all of some cases, in words; else none.

    An edit excuses the cases that it touched, and no other that moved in the same nights.
    """
    edited: set[str] = set()
    words: list[str] = []
    for before, now in steps:
        for case in cases:
            old, new = before.parts.get(case), now.parts.get(case)
            if old and new and (changed := find_moves(old, new)):
                edited.add(case)
                words.append(f"{', '.join(changed)} of {case} on {now.night}")
        if plane != "conformance" or None in {before.suite, now.suite} or before.suite == now.suite:
            continue
        own = [case for case in cases or now.checks if _is_judged_otherwise(before, now, case)]
        edited.update(own)
        if own or not (before.checks and now.checks):
            words.append(_suite_words(before, now))
    return tuple(words) if edited.issuperset(cases) else ()


def _suite_words(before: Side, now: Side) -> str:
    versions = dict.fromkeys(side.suite[0] for side in (before, now) if side.suite)
    return f"the suite ({' → '.join(versions)}) on {now.night}"


def _is_judged_otherwise(before: Side, now: Side, case: str) -> bool:
    """Whether other checks judge a case; where nobody kept which, that is supposed."""
    if not (before.checks and now.checks):
        return True
    return before.checks.get(case) != now.checks.get(case)


def _their_moves(before: Side, now: Side) -> Iterator[str]:
    names = (
        ("model", before.models, now.models),
        ("system_fingerprint", before.fingerprints, now.fingerprints),
    )
    for name, old, new in names:
        # One snapshot is served under many fingerprints: only another set of them is news.
        if old and new and not set(old) & set(new):
            yield f"{name} {', '.join(old[:_SHOWN])} → {', '.join(new[:_SHOWN])} on {now.night}"
