"""Whether nights are fit to be held against: looked at when they are accepted, and weekly since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from contractcheck.judging.budget import watch_budget
from contractcheck.judging.night_values import case_of
from contractcheck.judging.night_watch import watch_streams
from contractcheck.judging.rebased import place
from contractcheck.judging.watch_words import unstable_since_words, unstable_words
from contractcheck.stats.baseline_fitness import examine
from contractcheck.stats.monitor import Nights
from contractcheck.stats.monitor_nights import LEAST_CHARTED

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from contractcheck.judging.night_watch import Watched
    from contractcheck.model.baseline import Baseline
    from contractcheck.model.suite import Suite

_EVERY: Final = 7
_FEWEST_LATER: Final = 14
_MOST_NIGHTS: Final = 30
"""The tests of a baseline have limits for up to thirty nights, and old levels are no news."""


def describe_health(suite: Suite, baseline: Baseline, *, aside: Collection[str] = ()) -> str:
    """Say that accepted nights are unstable, which cases, and what to do; empty if they are fit.

    Args:
        suite: The contract.
        baseline: Its accepted nights.
        aside: Cases in quarantine.
    """
    requests = {case.id: case.request_fingerprint for case in suite.cases}
    eras = [[night.statistics for night in era] for era in baseline.eras]
    placed = place(eras, requests, nights_wanted=suite.policy.nights)
    if placed is None or len(placed.accepted) < LEAST_CHARTED:
        return ""
    shares = watch_budget(suite, has_charts=True).charts
    watched = watch_streams(placed, (), shares=shares, aside=aside)
    unstable = [one for one in watched if one.fitness.is_unstable]
    return unstable_words(unstable, suite, baseline.target.id) if unstable else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnstableSince:
    """What accepted nights did not show and later ones do.

    Attributes:
        streams: In which.
        cases: Which cases, sorted; empty when it is the nights as a whole.
        nights: How many were looked at.
    """

    streams: tuple[str, ...]
    cases: tuple[str, ...]
    nights: int


def examine_weekly(watched: Sequence[Watched]) -> UnstableSince | None:
    """Examine accepted and later nights together, once a week and while nothing is red.

    It decides nothing: a change looks like a step too, and to tell of it is what the charts do.
    """
    later = watched[0].later if watched else ()
    if len(later) < _FEWEST_LATER or any(one.is_red for one in watched):
        return None
    # By the date: how many later nights are looked at is bounded, and stands still then.
    if date.fromisoformat(later[-1]).toordinal() % _EVERY:
        return None
    chosen = [one for one in watched if one.is_examined]
    found = [(one, examine(_lately(one), streams=len(chosen))) for one in chosen if one.charts]
    bad = [(one, fitness) for one, fitness in found if fitness.is_unstable]
    if not bad:
        return None
    return UnstableSince(
        streams=tuple(one.stream for one, _ in bad),
        cases=tuple(
            sorted({case_of(one.rows[i]) for one, fitness in bad for i in fitness.unstable_cases})
        ),
        nights=len(_lately(bad[0][0]).values),
    )


def weekly_note(watched: Sequence[Watched], suite: Suite, target: str) -> str:
    """What the weekly examination found, in words; empty on other nights and when it is fit."""
    found = examine_weekly(watched)
    if found is None:
        return ""
    return unstable_since_words(
        found.streams, found.cases, found.nights, suite=suite.name, target=target
    )


def _lately(one: Watched) -> Nights:
    """The last nights of the present location, as if all were accepted."""
    nights = one.nights
    first = max(nights.accepted - nights.located, len(nights.values) - _MOST_NIGHTS)
    return Nights(
        values=nights.values[first:],
        variances=nights.variances[first:],
        accepted=len(nights.values) - first,
        undirected=nights.undirected,
    )
