"""What a suite can see, what it takes, and what that costs: before anything is spent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.judgement import Plane
    from contractcheck.model.suite import Margin

Basis = Literal["recorded", "assumed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RateLimits:
    """What the provider, or the user, says may be sent.

    Attributes:
        requests_per_minute: Or None when nobody told.
        tokens_per_minute: Input and output together, or None.
        source: Where the limits come from, in words; empty if there are none.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What some requests take.

    Attributes:
        requests: Requests sent.
        input_tokens: Tokens sent.
        output_tokens: Tokens answered.
        usd: List price, or None when the price is not known.
        duration_s: Time at the planned concurrency and the known limits, s.
    """

    requests: int
    input_tokens: int
    output_tokens: int
    usd: float | None
    duration_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamPlan:
    """What two changed nights would show of one stream by the rule of `run`.

    Attributes:
        name: As reports call it.
        plane: Where an alarm is reported.
        smallest_visible: Smallest change in ``unit`` that two changed nights would show, or None
            when not even a total change would.
        unit: ``share of answers``, ``ratio`` or ``pass rate``.
        margin: What the suite declares for it, in the same unit, or None.
        nights_needed: Accepted nights at which the margin would be visible; None when no number
            up to 60 is enough, or nothing is declared.
        answers_factor: How many times as many answers a night would show the declared pass rate
            with the nights there are; None when not even a thousand times, or not asked for.
    """

    name: str
    plane: Plane
    smallest_visible: float | None
    unit: str
    margin: float | None = None
    nights_needed: int | None = None
    answers_factor: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchDelay:
    """How long a change has to last until the watch shows it.

    Attributes:
        change: What changes: ``all answers`` or those of ``one case`` (the median one) become
            others, a latency, or ``conformance`` in all cases.
        stream: In which measure they become others, and by whose charts it is seen: a metric
            (``refusal``: answers become refusals), the latency, or ``conformance``.
        size: Share of the answers, ratio of the latency, or share of answers that pass no more.
        nights: Until a chart of the stream is red with the policy's power, or 2 where two nights
            show a latency or pass rate that repeat each other; None when not within thirty, or when
            it is within the margin.
    """

    change: str
    stream: str
    size: float
    nights: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchPlan:
    """What accepted nights promise of later ones.

    Attributes:
        accepted: Accepted nights there are.
        wanted: Accepted nights of a complete baseline.
        streams: One per stream; empty with fewer than five accepted nights.
        charted: Accepted nights that ``delays`` suppose: ten where there are fewer, since the last
            re-base.
        rebased: How many of ``accepted`` came since the last re-base, where earlier ones still tell
            how much nights vary; None where all place the location.
        delays: What the watch sees, by stream, kind and size of change; empty likewise.
    """

    accepted: int
    wanted: int
    streams: tuple[StreamPlan, ...]
    charted: int = 0
    rebased: int | None = None
    delays: tuple[WatchDelay, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotsOutlook:
    """What a gate of so many slots would say; chances in 0..1, by simulation.

    Attributes:
        slots: Trials per case and side at most.
        safe: Chance of *safe* when nothing has changed.
        found: Per margin, chance of *do not upgrade* when it is exceeded twice over.
        blocks: Expected slots until it ends, when nothing has changed.
    """

    slots: int
    safe: float
    found: Mapping[str, float]
    blocks: float


@dataclass(frozen=True, kw_only=True, slots=True)
class GateOutlook:
    """What the release gate would say.

    Attributes:
        margins: What is declared, in order.
        sizes: Small to large.
        usual: The one among them that the suite asks for.
        slots_needed: Fewest slots tried whose ``safe`` reaches the power, or None.
        simulations: Repeats behind every chance.
    """

    margins: Mapping[str, Margin]
    sizes: tuple[SlotsOutlook, ...]
    usual: SlotsOutlook
    slots_needed: int | None
    simulations: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseSight:
    """What can be seen in one case alone.

    Attributes:
        case: Its id.
        samples: Trials per night, and per side of a comparison of two runs.
        pair: Smallest share of its answers replaced by something new that a comparison of two
            such runs would surely place in this case, or None if even all would not.
        nights: The same for the charts of the watch, of a change that lasts three weeks: per metric
            whose answers become others, or None likewise; empty without a baseline.
    """

    case: str
    samples: int
    pair: float | None
    nights: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class SuitePlan:
    """A suite and a target, planned.

    Attributes:
        suite: Suite name.
        version: Semantic version of the contract.
        target: ``provider:model``.
        basis: Whether variances and tokens were measured on recorded answers, or assumed.
        source: The recording they come from, or what was assumed, in words.
        alpha: Level of a comparison of two sides, and of each error of the gate.
        power: Chance at which everything here is stated.
        alarm_budget_per_year: Chance of any false red in a year of the watch.
        watch: The nightly watch.
        gate: The release gate, or None without margins.
        cases: One per case.
        night: Cost of one night.
        gate_run: Cost of one gate, both sides, at its most.
        year: Cost of 365 nights.
        prices: Where prices come from, in words.
        limits: Rate limits the durations reckon with.
        warnings: Tests that cannot reach their level, and other holes.
        advice: What to change first, in words.
    """

    suite: str
    version: str
    target: str
    basis: Basis
    source: str
    alpha: float
    power: float
    alarm_budget_per_year: float
    watch: WatchPlan
    gate: GateOutlook | None
    cases: tuple[CaseSight, ...]
    night: Cost
    gate_run: Cost | None
    year: Cost
    prices: str
    limits: RateLimits
    warnings: tuple[str, ...] = field(default=())
    advice: tuple[str, ...] = field(default=())
