"""Read a plan for its reader: what cannot work as planned, and what to change first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contractcheck.judging.case_sight import smallest_new_answers
from contractcheck.stats.night_rule import FEWEST_NIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.model.plan import GateOutlook, StreamPlan, SuitePlan

_NAMED = 3
_MOST_SAMPLES = 60


def advise(plan: SuitePlan) -> SuitePlan:
    """Add warnings and advice to a plan."""
    return replace(plan, warnings=tuple(_warnings(plan)), advice=tuple(_advice(plan)))


def _warnings(plan: SuitePlan) -> Iterator[str]:
    yield from _hopeless_cases(plan)
    if plan.watch.accepted < FEWEST_NIGHTS:
        yield (
            f"watch: {plan.watch.accepted} accepted nights; with fewer than {FEWEST_NIGHTS} "
            "nothing is said of drift, only breaches are found"
        )
    for stream in plan.watch.streams:
        if stream.smallest_visible is None:
            yield f"run: {stream.name} is blind: two nights of a total change would not be seen"
    if plan.gate is not None and plan.gate.slots_needed is None:
        most = plan.gate.sizes[-1]
        yield (
            f"gate: even {most.slots} slots end in 'safe' with chance {most.safe:.0%} when nothing "
            f"has changed; asked is {plan.power:.0%}"
        )
    if plan.night.usd is None:
        yield f"{plan.prices}: give --prices FILE to learn what this costs"


def _hopeless_cases(plan: SuitePlan) -> Iterator[str]:
    """Cases whose few answers cannot reach the level, whatever they say."""
    blind = [case for case in plan.cases if case.pair is None]
    if not blind:
        return
    samples = min(case.samples for case in blind)
    level = plan.alpha / len(plan.cases)
    names = ", ".join(case.case for case in blind[:_NAMED])
    more = ", …" if len(blind) > _NAMED else ""
    enough = next(
        (n for n in range(samples + 1, _MOST_SAMPLES) if smallest_new_answers(n, n, level)), None
    )
    remedy = f"; {enough} samples can" if enough else ""
    yield (
        f"comparing two runs, {samples} answers against {samples} cannot reach the level of one "
        f"case among {len(plan.cases)} ({level:.2g}): no change would be placed in "
        f"{names}{more}{remedy}"
    )


def _advice(plan: SuitePlan) -> Iterator[str]:
    if plan.gate is not None:
        yield from _gate_advice(plan.gate, plan)
    else:
        yield "gate: none can decide; declare policy.margins, or mute fewer of them"
    unseen = [s for s in plan.watch.streams if _misses_its_margin(s)]
    steady = [s for s in unseen if s.nights_needed is not None]
    if steady:
        nights = max(s.nights_needed or 0 for s in steady)
        names = ", ".join(s.name for s in steady)
        yield f"run: accept {nights} nights to see the declared margins of {names} by two nights"
    lost = [s for s in unseen if s.nights_needed is None]
    if any(s.plane == "latency" for s in lost):
        yield (
            "run: no number of nights shows the declared latency margin on two nights, because "
            "nights differ by more than it; the watch adds nights up, and both sides of a gate "
            "share theirs"
        )
    yield from (_finer_than_a_night(s) for s in lost if s.plane == "conformance")


def _finer_than_a_night(stream: StreamPlan) -> str:
    """More answers a night show a finer fall of the pass rate, if nights themselves agree."""
    words = "run: the declared conformance margin is finer than a night's answers can show"
    if stream.answers_factor is not None:
        words += f"; about {stream.answers_factor} times as many answers a night would show it"
    return f"{words}: more samples sharpen it, more cases widen what is watched as well"


def _gate_advice(gate: GateOutlook, plan: SuitePlan) -> Iterator[str]:
    usual = gate.usual
    if usual.safe >= plan.power:
        return
    if gate.slots_needed is None:
        yield "gate: declare wider margins, or add cases: each adds answers to every slot"
        return
    times = gate.slots_needed / usual.slots
    yield (
        f"gate: {gate.slots_needed} slots instead of {usual.slots} say 'safe' with chance "
        f"{plan.power:.0%} when nothing has changed; {times:.1f} times as many cases at "
        f"{usual.slots} slots do about as well, and watch more"
    )


def _misses_its_margin(stream: StreamPlan) -> bool:
    if stream.margin is None or stream.margin == 0.0:
        return False
    return stream.smallest_visible is None or stream.smallest_visible > stream.margin * 1.001
