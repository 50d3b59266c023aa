"""Say in the report of one night which other nights were judged again, and what changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from contractcheck.model.judgement import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.model.history import NightJudgement
    from contractcheck.model.report import Report
    from contractcheck.workflows.watch_again import JudgedAgain

_NAMED = 5


def told_again(report: Report, again: JudgedAgain) -> Report:
    """The report of a night, with what became of others.

    Its verdict and exit code stay the night's own. If the newest night is red now, the next step
    is to look at that one.
    """
    notes = (*report.notes, *_notes(report.night or "", again))
    steps = report.next_steps
    newest = max(again.changed, default="")
    if newest and newest != report.night and again.changed[newest][1] is Verdict.FAIL:
        whom = f"{report.suite} --target {report.target}"
        steps = (*steps, f"contractcheck watch {whom} --night {newest}")
    return replace(report, notes=notes, next_steps=steps)


def _notes(night: str, again: JudgedAgain) -> Iterator[str]:
    if again.nights:
        are_later = min(again.nights) > night
        count = _counted(len(again.nights), "later" if are_later else "other")
        changed = [
            f"{one} {before.value if before else 'not judged'} → {now.value}"
            for one, (before, now) in again.changed.items()
        ]
        told = "no verdict changed"
        if changed:
            told = f"the verdict of {len(changed)} changed: {_listed(changed)}"
        yield (
            f"{count} judged again ({_reasons(again)}) by the suite, the accepted nights and the "
            f"exemptions of today; {told}"
        )
    # What nobody can mend is told where it came about, not every night from then on.
    left: dict[str, list[str]] = {}
    for one, why in sorted(again.left.items()):
        if one > night:
            left.setdefault(why, []).append(one)
    for why, ones in left.items():
        yield f"{_counted(len(ones), 'later')} not judged again, recording {why}: {_listed(ones)}"


def _reasons(again: JudgedAgain) -> str:
    """Why nights were judged again; with how many each, where there is more than one reason."""
    counts = Counter(_reason(before) for before, _ in again.nights.values())
    if len(counts) == 1:
        return next(iter(counts))
    return "; ".join(f"{reason}: {count}" for reason, count in counts.items())


def _reason(before: NightJudgement | None) -> str:
    if before is None:
        return "never judged before"
    # An earlier version did not keep by which runs it judged.
    return "resting on other runs than before" if before.seen else "judged by an earlier version"


def _counted(count: int, which: str) -> str:
    return f"1 {which} night was" if count == 1 else f"{count} {which} nights were"


def _listed(words: list[str]) -> str:
    others = ", …" if len(words) > _NAMED else ""
    return ", ".join(words[:_NAMED]) + others
