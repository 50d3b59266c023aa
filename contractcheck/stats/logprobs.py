"""First-token log-probabilities of several trials as vectors that can be compared."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Final

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_TOKENS: Final = 64
"""Most tokens of one case that are compared; providers give at most 20 per trial."""

IMPOSSIBLE: Final = -9999.0
"""What some providers write instead of a number too small to state."""


def align_logprobs(
    trials: Sequence[Mapping[str, float] | None],
) -> list[tuple[float, ...] | None]:
    """Put the trials of one case (both sides) on a common list of tokens.

    A token that a trial does not list is less likely than all it lists: it counts as the trial's
    own least value (left-censored; as log-probability tracking does, Chauvin et al., ICLR 2026,
    arXiv 2512.03816). Tokens are in the order of their mean over all trials, so that the most
    likely one comes first in every case, and at most 64 are kept. Sides play no part in it.

    Args:
        trials: Per trial the listed tokens with their log-probabilities in nats; None or empty
            where there are none.

    Returns:
        Per trial one number per token; None where the trial has none.
    """
    listed = [_stated(trial) for trial in trials]
    known = [trial for trial in listed if trial]
    tokens = {token for trial in known for token in trial}
    floors = [min(trial.values()) for trial in known]

    def mean(token: str) -> float:
        return math.fsum(t.get(token, least) for t, least in zip(known, floors, strict=True))

    ranked = sorted(tokens, key=lambda token: (-round(mean(token), 9), token))[:MAX_TOKENS]
    return [
        tuple(trial.get(token, min(trial.values())) for token in ranked) if trial else None
        for trial in listed
    ]


def pad_logprobs(
    cases: Sequence[Sequence[tuple[float, ...] | None]],
) -> list[list[tuple[float, ...] | None]]:
    """Give the vectors of all cases one length; what a case does not have never varies in it."""
    width = max((len(row) for rows in cases for row in rows if row), default=1)
    return [
        [None if row is None else row + (0.0,) * (width - len(row)) for row in rows]
        for rows in cases
    ]


def read_logprobs(text: str, *, metric: str) -> dict[str, float]:
    """Read a JSON object of tokens and their log-probabilities.

    Raises:
        UsageError: It is no such object, or a value is no log-probability.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"metric {metric!r}: not JSON: {text[:60]!r}") from error
    if not isinstance(found, dict):
        raise UsageError(f"metric {metric!r}: no object of log-probabilities: {text[:60]!r}")
    for token, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise UsageError(f"metric {metric!r}: {token!r} has no log-probability: {value!r}")
    return {str(token): float(value) for token, value in found.items()}


def _stated(trial: Mapping[str, float] | None) -> dict[str, float]:
    """What a trial states; the values that stand for an impossible token are not numbers."""
    return {
        token: value
        for token, value in (trial or {}).items()
        if math.isfinite(value) and value > IMPOSSIBLE
    }
