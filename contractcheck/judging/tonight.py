"""Tonight beside the accepted nights and those next to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.judging.night_table import line_up
from contractcheck.judging.standing import compared_nights, sent_requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.judging.evidence import Evidence
    from contractcheck.judging.night_table import NightTable
    from contractcheck.model.night import NightStatistics


def line_up_tonight(
    evidence: Evidence,
    *,
    later: Sequence[NightStatistics] | None = None,
    aside: frozenset[str] = frozenset(),
) -> NightTable:
    """Line up the accepted nights that stand, the night before (if any) and tonight.

    Args:
        evidence: What is judged.
        later: Nights instead of the night before and tonight.
        aside: Cases in quarantine.
    """
    header = evidence.run.header
    nights = [one for one in (evidence.previous, evidence.run.statistics) if one]
    return line_up(
        compared_nights(evidence.baseline, header),
        nights if later is None else later,
        sent_requests(evidence.suite, header),
        nights_wanted=evidence.suite.policy.nights,
        aside=aside,
    )
