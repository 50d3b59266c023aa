"""Whether a fall of the pass rate that two nights repeat began with an edit of the suite.

Charts date what they find, and so know which edits lie in the same nights. Two nights that repeat
each other say only that it began by the first of them; on which night is read from the later nights
of the cases that fell.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contractcheck.judging.attribution import attribute, line_up_sides
from contractcheck.judging.dating import Dated
from contractcheck.judging.night_values import CONFORMANCE, case_of
from contractcheck.judging.watch_words import whose_words
from contractcheck.model.judgement import FindingKind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from contractcheck.judging.evidence import Evidence
    from contractcheck.model.history import NightValues
    from contractcheck.model.judgement import Comparison, Finding


def excuse_edited(
    finding: Finding, comparisons: Sequence[Comparison], evidence: Evidence
) -> Finding:
    """Call a fall of the pass rate ours if all cases that fell are judged by other checks since.

    Args:
        finding: By two nights; of another plane, or of one night, it stays as it is.
        comparisons: Every case and check of the two nights against the accepted ones.
        evidence: With the records of nights, and the values of the later ones.
    """
    if finding.plane != CONFORMANCE or finding.kind is not FindingKind.DRIFT:
        return finding
    fallen = {c.case for c in comparisons if c.plane == CONFORMANCE and c.case and _has_fallen(c)}
    dated = _date(evidence, fallen)
    if dated is None or not fallen:
        return finding
    sides = line_up_sides(evidence.baseline, evidence.records, evidence.run)
    found = attribute(sides, dated, CONFORMANCE, cases=sorted(fallen))
    if not found.ours:
        return finding
    message = f"{finding.message}{whose_words(found)}"
    return replace(finding, kind=FindingKind.OURS, message=message)


def _has_fallen(comparison: Comparison) -> bool:
    """Whether a fall is more than chance: its 95 % interval lies below nothing."""
    return comparison.estimate.high is not None and comparison.estimate.high < 0.0


def _date(evidence: Evidence, fallen: Collection[str]) -> Dated | None:
    """The first night in a row, up to the earlier of the two, with half of its fall or more."""
    if evidence.previous is None or evidence.baseline is None:
        return None
    second_last = evidence.previous.night
    later = [one for one in evidence.later if one.night <= second_last]
    began = len(later)
    # The run of tonight is its own night before, when a second run confirms it.
    if later and later[-1].night == second_last:
        levels = [_level(one, fallen) for one in later]
        began -= 1
        while began and levels[began - 1] < levels[-1] / 2.0:
            began -= 1
    since = later[began].night if began < len(later) else second_last
    last_accepted = evidence.baseline.nights[-1].statistics.night
    before = later[began - 1].night if began else last_accepted
    return Dated(
        since=since, before=before, earliest=since, latest=since, until_earliest=before, place=began
    )


def _level(night: NightValues, fallen: Collection[str]) -> float:
    """How far the pass rates of some cases lie from usual on a night; negative is fewer."""
    rows = night.streams.get(CONFORMANCE, {})
    return sum(own.value for row, own in rows.items() if case_of(row) in fallen)
