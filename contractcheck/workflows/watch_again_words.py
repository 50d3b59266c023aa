"""Say in the report of one night which other nights were judged again, and what changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contractcheck.model.judgement import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    if again.verdicts:
        are_later = min(again.verdicts) > night
        count = _counted(len(again.verdicts), "later" if are_later else "other")
        changed = [
            f"{one} {before.value if before else 'not judged'} → {now.value}"
            for one, (before, now) in again.changed.items()
        ]
        told = "no verdict changed"
        if changed:
            told = f"the verdict of {len(changed)} changed: {_listed(changed)}"
        yield f"{count} judged again, since the nights before are not what they were; {told}"
    # What nobody can mend is told where it came about, not every night from then on.
    left = sorted(one for one in again.left if one > night)
    if left:
        yield (
            f"{_counted(len(left), 'later')} not judged again, their recordings being damaged or "
            f"not at hand (--store?): {_listed(left)}"
        )


def _counted(count: int, which: str) -> str:
    return f"1 {which} night was" if count == 1 else f"{count} {which} nights were"


def _listed(words: list[str]) -> str:
    others = ", …" if len(words) > _NAMED else ""
    return ", ".join(words[:_NAMED]) + others
