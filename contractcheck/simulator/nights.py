"""How nights differ although nothing was changed.

Calibrated to what was measured on real nightly recordings of an unchanged
model: counts of outputs (ten repetitions of a prompt per night) vary between
nights about 1.4 to 1.5 times as much as inside one night, mostly because of
about three odd nights in sixteen; latency of whole nights varies with a log
standard deviation of .14.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.simulator.keyed import keyed_normal, keyed_uniform

if TYPE_CHECKING:
    from contractcheck.simulator.conditions import Conditions

ODD_SHARE = 3 / 16
"""Share of nights with the larger noise."""

QUIET_LOGIT_SD = 0.16
ODD_LOGIT_SD = 1.15
"""Standard deviation, over prompts and options, of what a night adds to a logit."""

LATENCY_LOG_SD = 0.14
"""Log standard deviation of a night's factor on all waits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NightEffect:
    """What one night does to every answer.

    Attributes:
        key: Names the night and the history it belongs to.
        logit_sd: Standard deviation of the noise on logits, >= 0.
        latency_factor: Factor on all waits, > 0.
    """

    key: str
    logit_sd: float
    latency_factor: float


def find_night_effect(conditions: Conditions) -> NightEffect:
    """Return the effect of the night of ``conditions``; a pure function of seed and night."""
    key = f"{conditions.seed}/{conditions.night}"
    if not conditions.night_effects:
        return NightEffect(key=key, logit_sd=0.0, latency_factor=1.0)
    odd = keyed_uniform("odd night", key) < ODD_SHARE
    return NightEffect(
        key=key,
        logit_sd=ODD_LOGIT_SD if odd else QUIET_LOGIT_SD,
        latency_factor=math.exp(LATENCY_LOG_SD * keyed_normal("night latency", key)),
    )
