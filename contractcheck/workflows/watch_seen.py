"""Which nights a judgement rests on, in one digest: so it is noticed when another one came late."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contractcheck.model.history import NightRecord, RunKey

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
