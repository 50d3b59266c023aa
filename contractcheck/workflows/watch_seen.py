"""Which nights a judgement rests on, in one digest: so it is noticed when another one came late."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from contractcheck.model.history import NightJudgement, NightRecord, RunKey

MOST_LATER = 500
"""Nights since the accepted ones that charts add up. What lies further back weighs nothing in an
average, and the scale is known well: a watch of many years takes no longer than one of two."""

NOTHING = "nothing"
"""What a night rests on that no accepted night stands for: nothing but itself."""

_HEX = 32


def seen_line(key: NightRecord | RunKey) -> str:
    """One night in what ``seen_digest`` is made of."""
    return f"{key.night} {key.run_id} {key.run_root}\n"


def seen_digest(nights: Iterable[str], confirmation: str = "") -> str:
    """Digest of the runs that a night is judged by beside its own and the accepted ones.

    Args:
        nights: A ``seen_line`` of each complete night in between, oldest first.
        confirmation: That of the run that confirms the night itself; empty without one.

    Returns:
        Thirty-two hexadecimal digits; ``NOTHING`` is that of a night without accepted ones.
    """
    words = "".join((*nights, "confirmation ", confirmation))
    return hashlib.sha256(words.encode()).hexdigest()[:_HEX]


def find_outdated(
    nights: Sequence[RunKey],
    confirmations: Sequence[RunKey],
    judgements: Iterable[NightJudgement],
    *,
    after: str,
) -> set[str]:
    """Find nights that nothing was said of, or by other nights than there are.

    Nights that were accepted meanwhile count as they did when a night was judged: what was said
    then, by the accepted nights of then, stands.

    Args:
        nights: The run of every night, oldest first.
        confirmations: Those that confirm one.
        judgements: What was said.
        after: Only nights after this ISO date: the last accepted one.

    Returns:
        Their ISO dates.
    """
    said = {one.night: one for one in judgements}
    seen = _Seen.of(nights, confirmations)
    return {key.night for key in nights if key.night > after and not seen.holds(key, said)}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """What every night would be judged by now.

    Attributes:
        complete: Dates of nights that enter charts, oldest first.
        lines: Their ``seen_line``.
        confirmations: That of each night's confirmation.
    """

    complete: Sequence[str]
    lines: Sequence[str]
    confirmations: Mapping[str, str]

    @classmethod
    def of(cls, nights: Sequence[RunKey], confirmations: Sequence[RunKey]) -> _Seen:
        """Prepare to look many nights up."""
        complete = [key for key in nights if key.is_complete]
        return cls(
            complete=[key.night for key in complete],
            lines=[seen_line(key) for key in complete],
            confirmations={key.night: seen_line(key) for key in confirmations if key.is_complete},
        )

    def holds(self, key: RunKey, said: Mapping[str, NightJudgement]) -> bool:
        """Whether what was said of a night rests on what there is."""
        one = said.get(key.night)
        if one is None or one.run_id != key.run_id:
            return False
        if one.seen == NOTHING:
            return True
        first = bisect_right(self.complete, one.after)
        until = bisect_left(self.complete, key.night)
        lines = self.lines[max(first, until - MOST_LATER) : until]
        return one.seen == seen_digest(lines, self.confirmations.get(key.night, ""))
