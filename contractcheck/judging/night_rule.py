"""Tonight against the accepted nights: one budgeted rule, two consecutive nights to alarm."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contractcheck.judging.agreement import Agreement, agreements
from contractcheck.judging.night_table import rates
from contractcheck.judging.streams import output_contrasts, score_streams
from contractcheck.model.judgement import Comparison, Estimate
from contractcheck.stats.night_power import (
    smallest_rate_drop,
    smallest_slowdown,
    smallest_visible_share,
)
from contractcheck.stats.night_rule import FEWEST_NIGHTS, two_night_threshold
from contractcheck.stats.night_scores import WORST_CASE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.judging.night_table import NightTable
    from contractcheck.judging.streams import StreamScores
    from contractcheck.model.judgement import Plane
    from contractcheck.model.suite import Policy
    from contractcheck.stats.night_contrasts import Contrast

_LATENCY_MARGIN = 1.25
"""A slow-down below a quarter is not news, whatever its p-value: 23 % of A/A pairs of real
runs differ by more (notes on recorded BFCL runs, docs/explanation/statistics.md)."""

SMALLEST_P = 1e-300
"""A p-value is never 0, however far out the night lies."""

_MARGIN_NAMES = {"ttft_s": "ttft", "time_per_token_s": "total"}


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamJudgement:
    """One stream, judged.

    Attributes:
        comparison: The numbers.
        is_over: Whether tonight exceeds threshold and margin.
        was_over: Whether the night before did too, and in the same way.
        agreement: Cosine between the two nights' shifts, when both exceeded; else None.
    """

    comparison: Comparison
    is_over: bool
    was_over: bool
    agreement: float | None = None


def judge_streams(
    table: NightTable, policy: Policy, *, budget_share: float, says_visible: bool = True
) -> tuple[StreamJudgement, ...]:
    """Judge every stream of tonight; none when there are fewer than five accepted nights.

    Args:
        table: Accepted nights, the night before (if any), tonight.
        policy: Margins and power.
        budget_share: Each stream's share of the yearly alarm budget.
        says_visible: Whether to work out what outputs would have shown: it decides nothing, and
            takes nine tenths of the time.
    """
    if table.accepted < FEWEST_NIGHTS:
        return ()
    threshold = two_night_threshold(nights=table.accepted, budget=budget_share)
    visible = _smallest_shares(table, policy, threshold) if says_visible else (None, None)
    judged = [
        _judge_stream(stream, table, policy, threshold, visible) for stream in score_streams(table)
    ]
    alike = agreements(table) if any(one.was_over for one in judged) else {}
    return tuple(_confirm(one, alike) for one in judged)


def _confirm(one: StreamJudgement, alike: Mapping[str, Agreement]) -> StreamJudgement:
    """Let the night before count only if tonight repeats what it showed."""
    if one.comparison.plane != "outputs" or not one.was_over:
        return one
    agreement = alike.get(one.comparison.metric, Agreement(cosine=0.0, dof=0.0))
    return replace(one, was_over=agreement.is_confirmed, agreement=agreement.cosine)


def _judge_stream(
    stream: StreamScores,
    table: NightTable,
    policy: Policy,
    threshold: float,
    visible: tuple[float | None, float | None],
) -> StreamJudgement:
    statistics = stream.statistics()
    # Counted from tonight backwards: a stream may have no score for the night before.
    over = [
        bool(t > threshold) and _is_beyond_margin(stream, table, policy, i - len(statistics))
        for i, t in enumerate(statistics)
    ]
    return StreamJudgement(
        comparison=Comparison(
            case=None,
            metric=stream.name,
            plane=stream.plane,
            estimate=_estimate(stream, table, float(statistics[-1])),
            score=float(statistics[-1]),
            threshold=threshold,
            smallest_visible=visible[stream.name == WORST_CASE]
            if stream.plane == "outputs"
            else _smallest_visible(stream, table, policy, threshold),
        ),
        is_over=over[-1],
        was_over=len(over) > 1 and over[-2],
    )


def _is_beyond_margin(stream: StreamScores, table: NightTable, policy: Policy, night: int) -> bool:
    margin = margin_of(stream.name, stream.plane, policy)
    if margin is None:
        return True
    if stream.plane == "latency":
        return math.exp(float(stream.scores[night] - stream.baseline.mean())) > margin
    old, new = _pass_rates(table, night)
    return old - new > margin


def margin_of(stream: str, plane: Plane, policy: Policy) -> float | None:
    """What a stream may move by before it is news: a ratio for latency, a fall of the pass rate.

    None for outputs, where every change beyond chance is.
    """
    if plane == "latency":
        margin = policy.margins.get(_MARGIN_NAMES[stream])
        return margin.value if margin else _LATENCY_MARGIN
    if plane == "conformance":
        margin = policy.margins.get("conformance")
        return abs(margin.value) if margin else 0.0
    return None


def _pass_rates(table: NightTable, night: int) -> tuple[float, float]:
    """Pass rate of the accepted nights and of one night, all cases and checks pooled."""
    columns = [rates(series) for series in table.conformance]
    old = [cell for column in columns for cell in column[: table.accepted]]
    new = [column[night] for column in columns]
    return (
        sum(c.passed for c in old) / max(1, sum(c.count for c in old)),
        sum(c.passed for c in new) / max(1, sum(c.count for c in new)),
    )


def _estimate(stream: StreamScores, table: NightTable, t: float) -> Estimate:
    """Effect with a 95 % predictive interval: the range of an unchanged night is around it."""
    from scipy.special import stdtr, stdtrit

    nights = table.accepted
    effect, low, high, unit, detail = None, None, None, "standard deviations of a night", ""
    if stream.plane == "latency":
        mean = float(stream.baseline.mean())
        spread = max(float(stream.baseline.std(ddof=1)), stream.floor_sd)
        half = float(stdtrit(nights - 1, 0.975)) * spread * math.sqrt(1 + 1 / nights)
        log_ratio = float(stream.scores[-1]) - mean
        effect, low, high = (math.exp(log_ratio + shift) for shift in (0.0, -half, half))
        unit = "ratio"
    elif stream.plane == "conformance":
        old, new = _pass_rates(table, -1)
        effect, unit, detail = new - old, "pass rate", f"{old:.1%} → {new:.1%}"
    else:
        effect = t
    return Estimate(
        method="tonight against accepted nights, leave-one-night-out predictive t",
        effect=effect,
        low=low,
        high=high,
        unit=unit,
        p=max(float(stdtr(nights - 1, -t)), SMALLEST_P),
        n_baseline=nights,
        n_candidate=1,
        detail=detail,
    )


def _smallest_visible(
    stream: StreamScores, table: NightTable, policy: Policy, threshold: float
) -> float | None:
    """Smallest change that two nights would have shown, in the stream's own unit."""
    if stream.plane == "latency":
        visible = smallest_slowdown(stream.baseline, threshold=threshold, power=policy.power)
        return max(visible, margin_of(stream.name, stream.plane, policy) or _LATENCY_MARGIN)
    columns = [rates(series)[: table.accepted] for series in table.conformance]
    return smallest_rate_drop(
        [[cell.passed for cell in night] for night in zip(*columns, strict=True)],
        [[cell.count for cell in night] for night in zip(*columns, strict=True)],
        threshold=threshold,
        power=policy.power,
    )


def _smallest_shares(
    table: NightTable, policy: Policy, threshold: float
) -> tuple[float | None, float | None]:
    """Share of all answers, and (median over cases) of one case's, that would have been seen."""
    cases = sorted({series.case for series in table.outputs})
    known: dict[tuple[int, float], list[Contrast]] = {}
    # Some night may have no answer of any metric: an outage leaves nothing to contrast.
    if not output_contrasts(table, known=known):
        return None, None

    def smallest(case: str | None) -> float:
        share = smallest_visible_share(
            lambda share: output_contrasts(table, replaced=share, only_case=case, known=known),
            accepted=table.accepted,
            cases=len(cases) if case is None else 1,
            answers_per_case=_answers_per_case(table),
            threshold=threshold,
            power=policy.power,
        )
        return math.inf if share is None else share

    one = sorted(smallest(case) for case in cases)[len(cases) // 2]
    every = smallest(None)
    return None if math.isinf(every) else every, None if math.isinf(one) else one


def _answers_per_case(table: NightTable) -> int:
    """Fewest answers that a case has tonight."""
    return max(1, min(case.answered for case in table.nights[-1].cases.values()))
