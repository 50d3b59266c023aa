"""A plan for a person at a terminal, and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.metrics import LATENCY
from contractcheck.report.json_report import plain_fields
from contractcheck.report.safe_text import one_line
from contractcheck.stats.night_scores import WORST_CASE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.model.plan import (
        CaseSight,
        Cost,
        GateOutlook,
        StreamPlan,
        SuitePlan,
        WatchDelay,
        WatchPlan,
    )
    from contractcheck.model.suite import Margin

SCHEMA_VERSION = 2
"""Raised when a key changes its meaning or disappears."""
_MOST_CASES = 20
_MINUTE_S, _HOUR_S = 60.0, 3600.0


def render_plan(plan: SuitePlan) -> str:
    """Render a plan as plain text."""
    return "\n".join(_lines(plan)) + "\n"


def render_plan_json(plan: SuitePlan) -> str:
    """Render a plan as JSON; the same plan gives the same bytes."""
    import orjson

    document = {"contractcheck_plan": SCHEMA_VERSION, **plain_fields(plan)}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


def _lines(plan: SuitePlan) -> Iterator[str]:
    yield one_line(f"plan of {plan.suite} {plan.version} × {plan.target}")
    yield one_line(
        f"  {plan.basis} from {plan.source}" if plan.basis == "recorded" else plan.source
    )
    yield ""
    yield f"what it takes ({_limit_words(plan)})"
    yield from _costs(plan)
    yield one_line(f"  prices: {plan.prices}")
    yield ""
    yield from _watch(plan)
    if plan.gate is not None:
        yield ""
        yield from _gate(plan.gate, plan)
    yield ""
    yield from _cases(plan)
    for title, sentences in (("warnings", plan.warnings), ("advice", plan.advice)):
        if sentences:
            yield ""
            yield f"{title}:"
            yield from (f"  {one_line(sentence)}" for sentence in sentences)


def _limit_words(plan: SuitePlan) -> str:
    limits = plan.limits
    told = [
        f"{amount:,.0f} {what} a minute"
        for amount, what in (
            (limits.requests_per_minute, "requests"),
            (limits.tokens_per_minute, "tokens"),
        )
        if amount is not None
    ]
    return f"at {' and '.join(told)}: {limits.source}" if told else "no rate limit is known"


def _costs(plan: SuitePlan) -> Iterator[str]:
    yield f"  {'':<12}{'requests':>10}{'tokens in':>13}{'tokens out':>13}{'USD':>12}{'time':>10}"
    rows = [("a night", plan.night), ("a gate, most", plan.gate_run), ("a year", plan.year)]
    for name, cost in rows:
        if cost is not None:
            yield f"  {name:<12}{_cost_cells(cost)}"


def _cost_cells(cost: Cost) -> str:
    usd = (
        "unknown"
        if cost.usd is None
        else f"{cost.usd:,.4f}"
        if cost.usd < 1
        else f"{cost.usd:,.2f}"
    )
    return (
        f"{cost.requests:>10,}{cost.input_tokens:>13,}{cost.output_tokens:>13,}{usd:>12}"
        f"{_duration(cost.duration_s):>10}"
    )


def _duration(duration_s: float) -> str:
    if duration_s < _MINUTE_S:
        return f"{duration_s:.2g} s"
    if duration_s < _HOUR_S:
        return f"{duration_s / _MINUTE_S:.1f} min"
    return f"{duration_s / _HOUR_S:.1f} h"


def _watch(plan: SuitePlan) -> Iterator[str]:
    watch = plan.watch
    accepted = f"{watch.accepted} of {watch.wanted} nights accepted"
    if watch.rebased is not None:
        accepted = (
            f"{watch.rebased} of {watch.wanted} nights accepted since the last re-base, "
            f"{watch.accepted - watch.rebased} before it"
        )
    yield (
        f"nightly watch: {accepted}; at most {plan.alarm_budget_per_year:.0%} chance of a false "
        "red a year"
    )
    if not watch.streams and not watch.delays:
        yield "  nothing can be said before five nights are accepted"
        return
    if watch.delays:
        yield from _delays(watch, plan)
    if watch.streams:
        yield from _two_nights(watch, plan)


def _two_nights(watch: WatchPlan, plan: SuitePlan) -> Iterator[str]:
    yield f"  seen by run on two changed nights with {plan.power:.0%} power:"
    outputs = [s for s in watch.streams if s.plane == "outputs" and s.name != WORST_CASE]
    if outputs:
        yield f"    outputs, all cases   {_visible(outputs[0])}"
    for stream in watch.streams:
        if stream not in outputs:
            name = "outputs, one case" if stream.name == WORST_CASE else stream.name
            yield f"    {name:<20} {_visible(stream)}{_nights(stream)}"


def _delays(watch: WatchPlan, plan: SuitePlan) -> Iterator[str]:
    count = watch.accepted if watch.rebased is None else watch.rebased
    few = count < watch.charted
    alike = f", had {watch.charted} nights like these been accepted" if few else ""
    yield f"  nights until the watch finds what lasts, with {plan.power:.0%} power{alike}:"
    names = {one: _delay_name(one) for one in watch.delays}
    width = max(20, *map(len, names.values()))
    for name in dict.fromkeys(names.values()):
        cells = [
            f"{_size(one):>4}: {'–' if one.nights is None else one.nights:<2}"
            for one, own in names.items()
            if own == name
        ]
        yield one_line(f"    {name:<{width}} {'  '.join(cells)}".rstrip())
    yield "    each measure by itself: what moves several, or was never seen, is found sooner;"
    yield "    – is not within 30 nights, or within a margin; of whole years tells simulate-year"


def _delay_name(one: WatchDelay) -> str:
    return one.change if one.change == one.stream else f"{one.change}: {one.stream}"


def _size(one: WatchDelay) -> str:
    return f"{one.size:g}x" if one.change in LATENCY else f"{one.size:.0%}"


def _visible(stream: StreamPlan) -> str:
    visible = stream.smallest_visible
    if visible is None:
        return "nothing"
    if stream.plane == "latency":
        return f"{visible:.2f}x slower"
    if stream.plane == "conformance":
        return f"{visible:.0%} fewer passing"
    whose = "its" if stream.name == WORST_CASE else "the"
    return f"{visible:.0%} of {whose} answers replaced, in every measure at once"


def _nights(stream: StreamPlan) -> str:
    if not stream.margin:
        return ""
    margin = f"{stream.margin:g}x" if stream.plane == "latency" else f"{stream.margin:.0%}"
    needed = stream.nights_needed
    return f"; declared {margin}: " + (
        "no number of nights up to 60 shows it"
        if needed is None
        else f"visible with {needed} nights"
    )


def _gate(gate: GateOutlook, plan: SuitePlan) -> Iterator[str]:
    declared = ", ".join(f"{name} {_margin(margin)}" for name, margin in gate.margins.items())
    yield f"gate: level {plan.alpha:g} for each error; margins {declared}"
    yield f"  chances from {gate.simulations:,} simulated gates:"
    names = list(gate.usual.found)
    head = "".join(f"{name:>{_column(name)}}" for name in names)
    yield f"    {'slots':>7}{'safe':>8}{'ends after':>12}   found: {head}"
    for size in gate.sizes:
        found = "".join(f"{_chance(size.found.get(name)):>{_column(name)}}" for name in names)
        mark = "*" if size.slots == gate.usual.slots else " "
        yield f"  {mark} {size.slots:>7}{size.safe:>8.0%}{size.blocks:>12.1f}{'':>10}{found}"
    yield "    * what the suite asks for; safe: nothing has changed, and the gate says so;"
    yield "    found: the margin is exceeded twice over, and the gate says do not upgrade"


def _column(name: str) -> int:
    return max(6, len(name)) + 2


def _chance(chance: float | None) -> str:
    return "–" if chance is None else f"{chance:.0%}"


def _margin(margin: Margin) -> str:
    return f"{margin.value:g}x" if margin.kind == "ratio" else f"{margin.value:+g}"


def _cases(plan: SuitePlan) -> Iterator[str]:
    yield "one case alone: smallest share of new answers that would be placed there"
    yield "  (by the watch: within three weeks, in the measure that shows it first … last)"
    yield f"  {'case':<32}{'samples':>8}{'two runs':>10}  watch"
    for case in plan.cases[:_MOST_CASES]:
        pair, name = _share(case.pair), one_line(case.case)[:31]
        yield f"  {name:<32}{case.samples:>8}{pair:>10}  {one_line(_first_to_last(case))}"
    if len(plan.cases) > _MOST_CASES:
        yield f"  … and {len(plan.cases) - _MOST_CASES} more"


def _first_to_last(case: CaseSight) -> str:
    """The least share that is seen, and the largest, each with its measure."""
    ranked = sorted(case.nights.items(), key=lambda own: (own[1] is None, own[1] or 0.0, own[0]))
    ends = dict.fromkeys((*ranked[:1], *ranked[-1:]))
    return " … ".join(f"{_share(share)} {stream}" for stream, share in ends) or "–"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
