"""What is not on the wire as it was in accepted nights: a breach, a notice or a note."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.model.judgement import Finding, FindingKind
from contractcheck.wire_contracts import (
    compare_shapes,
    lived_with,
    normal_path,
    problem_place,
    wire_format,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contractcheck.model.baseline import AcceptedNight
    from contractcheck.model.judgement import Rate
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.night import CaseNight, NightStatistics
    from contractcheck.model.run import CasePlan
    from contractcheck.model.wire_shape import ShapeChange

_MOST_TOLD = 5
"""Informational changes that a note names; the rest are counted."""


def find_shape_changes(
    measured: MeasuredRun, standing: Sequence[AcceptedNight]
) -> tuple[ShapeChange, ...]:
    """Compare tonight's wire with that of accepted nights that were asked the same.

    Args:
        measured: Tonight.
        standing: Accepted nights that count.
    """
    spoken, shape = wire_format(measured.header.target.provider), measured.statistics.wire
    if shape is None:
        return ()
    nights, answered = _learnt(measured, standing), measured.statistics.cases.keys()
    return compare_shapes(
        shape,
        [one.wire for one in nights if one.wire is not None],
        spoken.shape.places,
        is_whole=all(one.cases.keys() <= answered for one in nights),
    )


def find_known_problems(measured: MeasuredRun, standing: Sequence[AcceptedNight]) -> frozenset[str]:
    """Return the problems that accepted nights had as well, whatever they were asked."""
    shape = measured.statistics.wire
    accepted = [night.statistics.wire for night in standing if night.statistics.wire is not None]
    return frozenset() if shape is None else lived_with(shape, accepted)


def shape_findings(
    measured: MeasuredRun, changes: Sequence[ShapeChange], known: frozenset[str] = frozenset()
) -> list[Finding]:
    """Tell breaking changes as breaches and additive ones as notices.

    What the published shape tells of a place already, at least as badly, is not told again.

    Args:
        measured: Tonight.
        changes: What the learnt shape says.
        known: Problems that accepted nights had as well: they are no telling of anything new.
    """
    attempts = (*measured.answers, *measured.earlier)
    problems = {one for a in attempts for one in a.answer.completion.wire_problems}
    told = {
        (normal_path(one.path), one.severity) for one in problems if problem_place(one) not in known
    }
    return [
        Finding(
            kind=FindingKind.BREACH if one.severity == "breaking" else FindingKind.NOTICE,
            plane="identity",
            metric=f"wire {one.path}",
            message=f"learnt wire shape: {_words(one)}",
        )
        for one in changes
        if one.severity != "informational"
        and not told & {(one.path, "breaking"), (one.path, one.severity)}
    ]


def shape_notes(
    measured: MeasuredRun, standing: Sequence[AcceptedNight], changes: Sequence[ShapeChange]
) -> list[str]:
    """Say what is informational, and whether there was anything to compare with."""
    notes = []
    quiet = [one for one in changes if one.severity == "informational"]
    if quiet:
        told = "; ".join(f"{one.path}: {one.what}" for one in quiet[:_MOST_TOLD])
        more = f"; and {len(quiet) - _MOST_TOLD} more" if len(quiet) > _MOST_TOLD else ""
        notes.append(f"on the wire, for information: {told}{more}")
    if measured.statistics.wire is None or not standing or _learnt(measured, standing):
        return notes
    reasons = [_why_not_compared(night, measured) for night in standing]
    why = f"not compared: {reasons[-1]}"
    if "" in reasons:
        why = "not learnt yet: accepted nights hold none; nights accepted from now on do"
    return [*notes, f"wire shape {why}"]


def _learnt(measured: MeasuredRun, standing: Sequence[AcceptedNight]) -> list[NightStatistics]:
    """Nights that learnt a wire and were asked what tonight was."""
    return [
        night.statistics
        for night in standing
        if night.statistics.wire is not None and not _why_not_compared(night, measured)
    ]


def _why_not_compared(night: AcceptedNight, measured: MeasuredRun) -> str:
    """Why a night's wire says nothing about tonight's; empty when it does.

    Other requests get other members back, and so do cases of which only tonight has answers.
    Without answers tonight, a case lacks nothing that always came, and nothing else is missed.
    """
    if not night.statistics.is_complete or night.statistics.run_id == measured.header.id:
        return "there is no other accepted night that is complete"
    asked = _requests(measured.header.cases)
    then, now = _requests(night.statistics.cases), _requests(measured.statistics.cases)
    is_known = then.items() <= asked.items() and now.keys() <= night.parts.keys() | then.keys()
    if not is_known:
        return "accepted nights were asked other requests"
    if lacking := sorted(now.keys() - then.keys()):
        return f"accepted nights have no answer of {', '.join(lacking)}"
    return ""


def _requests(cases: Mapping[str, CasePlan] | Mapping[str, CaseNight]) -> Mapping[str, str]:
    return {case: one.request_fingerprint for case, one in cases.items()}


def _words(change: ShapeChange) -> str:
    now, then = change.candidate, change.baseline
    share = f"{now.count} of {now.n} answers"
    if now.count < now.n:
        share += f" ({_percent(now)})"
    return f"{change.path}: {change.what}; {share}, in accepted nights {then.count} of {then.n}"


def _percent(rate: Rate) -> str:
    return f"{rate.count / rate.n:.1%}, 95 % interval {rate.low:.1%} to {rate.high:.1%}"
