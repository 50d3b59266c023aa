"""The sentences of the watch: what a chart says, when it began, and what the promise is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.judging.watch_sight import sight_words
from contractcheck.judging.words import stream_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.judging.attribution import Attribution
    from contractcheck.judging.budget import WatchBudget
    from contractcheck.judging.dating import Dated
    from contractcheck.judging.night_watch import Watched
    from contractcheck.judging.standing import Lost
    from contractcheck.judging.watch_sight import Sight
    from contractcheck.model.suite import Suite

_KINDS = {
    "squares": "several cases at once",
    "largest": "a single case",
    "mean": "all cases, the same way",
}
_NAMED = 4


def outputs_words(one: Watched) -> str:
    """What moved, by the chart that is furthest out."""
    chart = one.highest()
    return (
        f"{stream_words(one.stream)} moved away from the accepted nights ({_KINDS[chart.kind]}: "
        f"{float(chart.values[-1]):.1f}, alarm above {chart.threshold:.1f})"
    )


def latency_words(one: Watched, ratio: float) -> str:
    """How much slower."""
    return f"{stream_words(one.stream)} is {ratio:.2f}x what it was in the accepted nights"


def conformance_words(old: float, new: float) -> str:
    """How far the pass rate fell."""
    return f"{stream_words('conformance')} fell, {old:.1%} → {new:.1%}"


def missing_words(places: Sequence[tuple[str, str]]) -> str:
    """Which numbers are missing that accepted nights always had.

    Args:
        places: Case and metric, furthest off first.
    """
    by_metric: dict[str, list[str]] = {}
    for case, metric in places:
        by_metric.setdefault(metric, []).append(case)
    parts = [f"{metric} of {_list(cases)}" for metric, cases in by_metric.items()]
    return f"answers lack a number that they had on all accepted nights: {', '.join(parts)}"


def _list(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def when_words(dated: Dated) -> str:
    """Between which two nights it began, and how sure that is."""
    words = f"it began between {dated.before} and {dated.since}"
    if dated.earliest == dated.latest:
        return words
    return f"{words} (95 %: between {dated.until_earliest} and {dated.latest})"


def whose_words(attribution: Attribution) -> str:
    """What else changed in those nights; empty when nothing is known to have."""
    words = ""
    if attribution.theirs:
        words += f"; in those nights the provider's {'; '.join(attribution.theirs)}"
    if attribution.ours:
        words += (
            f"; in those nights you changed {'; '.join(attribution.ours)}, so the provider is not "
            "blamed"
        )
    return words


def unstable_words(unstable: Sequence[Watched], suite: Suite, target: str) -> str:
    """Say why a baseline promises nothing, and what to do about it."""
    cases = sorted({case for one in unstable for case in one.unstable_cases()})
    streams = ", ".join(stream_words(one.stream) for one in unstable)
    if cases:
        named = ", ".join(cases[:_NAMED]) + (" …" if len(cases) > _NAMED else "")
        command = f"contractcheck quarantine {suite.name} {cases[0]} --target {target}"
        return (
            f"the accepted nights are unstable: {named} (in {streams}) jumps between levels or "
            f"strays, so later nights cannot be held against it; set it aside ({command}), or "
            f"accept more nights"
        )
    return (
        f"the accepted nights are unstable: in {streams} nights resemble their neighbours or step "
        "together, so later nights cannot be held against them; accept more nights, further apart"
    )


def unstable_since_words(
    streams: Sequence[str], cases: Sequence[str], nights: int, *, suite: str, target: str
) -> str:
    """Say what later nights show of instability that the accepted ones did not; decides nothing."""
    names = ", ".join(map(stream_words, streams))
    if not cases:
        return (
            f"over the last {nights} nights, {names} resembles the night before or steps together, "
            "which the accepted nights did not show: the yearly chance does not cover such nights"
        )
    named = ", ".join(cases[:_NAMED]) + (" …" if len(cases) > _NAMED else "")
    return (
        f"over the last {nights} nights, {named} (in {names}) jumps between levels or strays, "
        "which the accepted nights did not show; if that is how it is, set it aside "
        f"(contractcheck quarantine {suite} {cases[0]} --target {target})"
    )


def lost_charts_words(accepted: int, lost: Lost, *, wanted: int) -> str:
    """Say that charts which there were have gone, why, and what brings them back."""
    return (
        f"{lost.expired} accepted nights have expired, and the {accepted} that are left are fewer "
        f"than the {wanted} that charts need: small and slow changes are not looked for; look at "
        "the nights, and accept them anew or newer ones (contractcheck accept)"
    )


def own_night_words(accepted: int, wanted: int) -> str:
    """Say how an accepted night is judged that leaves too few others for charts."""
    return (
        f"this night is itself accepted: it is held against the {accepted} others, which are fewer "
        f"than the {wanted} that charts need; charts judge from the next night on"
    )


def provisional_words(accepted: int, wanted: int) -> str:
    """What is not judged yet while there are few accepted nights."""
    return (
        f"provisional: {accepted} accepted nights; charts that find small and slow changes begin "
        f"with {wanted} (until then checks, limits, and two consecutive nights that repeat a large "
        "change)"
    )


def state_watch_rates(budget: WatchBudget, *, charts: int, accepted: int) -> str:
    """State the chance of a false red in a year for exactly what judges."""
    by_charts = sum(budget.charts.values())
    fast = budget.fast * budget.fast_streams
    rules = budget.rule * budget.rules
    parts = [
        *([f"{by_charts:.2%} by {charts} charts"] if charts else []),
        f"{fast:.2%} by two consecutive nights that repeat each other",
        *([f"{rules:.2%} by rate checks and limits"] if rules else []),
    ]
    kept = budget.whole - by_charts - fast - rules
    words = (
        f"chance of any false red in 365 nights at most {budget.whole:.0%}, with {accepted} "
        f"accepted nights that vary as fitted: {', '.join(parts)}; {kept:.2%} is kept for nights "
        "that vary otherwise (simulated: docs/explanation/watch.md)"
    )
    return words if charts else f"provisional: {words}"


def quiet_watch_headline(watched: Sequence[Watched], sight: Sight, *, learning: int) -> str:
    """Say that nothing is red, and what would have been had it lasted."""
    scope = f" ({learning} {'case is' if learning == 1 else 'cases are'} still learning)"
    charts = sum(len(one.charts) for one in watched)
    would = sight_words(sight) or "nothing short of a total change"
    return (
        f"QUIET: complete, no alarm on {charts} charts{scope if learning else ''}. "
        f"{sight.nights} nights of a change would have shown: {would}"
    )
