"""Plan a suite against a target: what would be seen, what it takes; nothing is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from contractcheck.judging import plan_advice
from contractcheck.judging.case_sight import visible_share
from contractcheck.judging.gate import plan_looks
from contractcheck.judging.gate_plan import assumed_pool, plan_gate, pool_trials
from contractcheck.judging.plan_cost import estimate_cost, use_per_case
from contractcheck.judging.standing import standing_eras
from contractcheck.judging.watch_plan import plan_watch
from contractcheck.measuring import deciding_exchanges, read_trials, tabulate
from contractcheck.model.plan import CaseSight, RateLimits, SuitePlan
from contractcheck.providers.limits import advertised_limits
from contractcheck.providers.prices import load_prices
from contractcheck.stats.seeding import derive_generator
from contractcheck.workflows.planned_gate import gate_rules, with_margin_metrics
from contractcheck.workflows.recorded_nights import read_recorded_nights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd

    from contractcheck.model.measurement import TrialAnswer
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.plan import Cost, GateOutlook
    from contractcheck.model.run import Run
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.providers.prices import Price
    from contractcheck.workflows.workspace import Workspace

YEAR_NIGHTS = 365


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanOptions:
    """What a plan reckons with besides the suite.

    Attributes:
        slots: Slots of a gate; None takes the suite's.
        prices: A price file of the user's own, or None.
        limits: Limits that the user knows; they go before what recordings advertise.
        concurrency: Requests under way at once.
        simulations: Simulated gates behind every chance.
        tonight: ISO date by which accepted nights may have expired; None is today's (UTC).
    """

    slots: int | None = None
    prices: Path | None = None
    limits: RateLimits = field(default_factory=RateLimits)
    concurrency: int = 8
    simulations: int = 1000
    tonight: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Basis:
    """What is known of the provider already.

    Attributes:
        eras: Complete accepted nights that count, between re-bases.
        recorded: The recordings of accepted nights that are at hand, oldest first.
        newest: What the newest of them answered.
        answers: Trials of all of them that came to something.
        expired: Complete accepted nights that no longer count.
    """

    eras: tuple[tuple[NightStatistics, ...], ...]
    recorded: tuple[Run, ...]
    newest: tuple[TrialAnswer, ...]
    answers: int
    expired: int = 0

    @property
    def nights(self) -> int:
        """Complete accepted nights that count."""
        return sum(map(len, self.eras))

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Headers of the last recorded answer."""
        responses = [x.response for run in self.recorded[-1:] for x in run.exchanges]
        headers = [response.headers for response in responses if response is not None]
        return tuple(headers[-1]) if headers else ()

    @property
    def words(self) -> str:
        """Where figures come from."""
        if not self.expired:
            return self._known_words()
        return (
            f"{self._known_words()}; {self.expired} more accepted nights have expired and no "
            "longer count"
        )

    def _known_words(self) -> str:
        if not self.recorded:
            known = (
                f"no recording of the {self.nights} accepted nights is at hand"
                if self.nights
                else "nothing is recorded yet"
            )
            return (
                f"{known}: tokens are characters over four, answers as long as they may be, "
                "spreads of a gate those of a typical provider"
            )
        at_hand = f"the {self.answers} answers of {len(self.recorded)} of them"
        return f"{self.nights} accepted nights and {at_hand}"


def plan_suite(
    workspace: Workspace, suite: Suite, target: Target, options: PlanOptions
) -> SuitePlan:
    """Plan one suite and target.

    Raises:
        UsageError: If the price file is wrong.
        RecordingError: If the baseline is damaged.
    """
    tonight = options.tonight or datetime.now(UTC).date().isoformat()
    basis = _read_basis(workspace, suite, target, tonight)
    table = load_prices(options.prices)
    limits = _limits(basis, options, target.provider)
    cost_of = _cost_of(suite, basis, table.of(target.id), limits, options.concurrency)
    slots = options.slots or suite.policy.gate.slots
    gate = _plan_gate(suite, basis, slots, options)
    watch, night_shares = plan_watch(suite, basis.eras)
    samples = {case.id: case.samples for case in suite.cases}
    policy = suite.policy
    plan = SuitePlan(
        suite=suite.name,
        version=suite.version,
        target=target.id,
        basis="recorded" if basis.recorded else "assumed",
        source=basis.words,
        alpha=policy.alpha,
        power=policy.power,
        alarm_budget_per_year=policy.alarm_budget_per_year,
        watch=watch,
        gate=gate,
        cases=tuple(_case_sight(suite, case.id, night_shares) for case in suite.cases),
        night=cost_of(samples),
        gate_run=None if gate is None else cost_of(dict.fromkeys(samples, 2 * slots)),
        year=cost_of({case: count * YEAR_NIGHTS for case, count in samples.items()}),
        prices="; ".join(table.sources)
        if table.of(target.id)
        else f"no price of {target.id} is known",
        limits=limits,
    )
    return plan_advice.advise(plan)


def _cost_of(
    suite: Suite, basis: _Basis, price: Price | None, limits: RateLimits, concurrency: int
) -> Callable[[Mapping[str, int]], Cost]:
    """From requests per case to their cost."""
    uses = use_per_case(suite, basis.newest)

    def price_usd(sent: float, got: float) -> float | None:
        return None if price is None else price.cost_usd(input_tokens=sent, output_tokens=got)

    def cost_of(requests: Mapping[str, int]) -> Cost:
        return estimate_cost(
            uses, requests, price_usd=price_usd, limits=limits, concurrency=concurrency
        )

    return cost_of


def _read_basis(workspace: Workspace, suite: Suite, target: Target, tonight: str) -> _Basis:
    """Accepted nights that stand tonight, and one whole recording of them if any is at hand."""
    baseline = workspace.baselines.read(suite.name, target)
    if baseline is None:
        return _Basis(eras=(), recorded=(), newest=(), answers=0)
    eras = standing_eras(baseline, tonight)
    complete = sum(night.statistics.is_complete for night in baseline.nights)
    recorded = read_recorded_nights(workspace, baseline)
    return _Basis(
        eras=eras,
        recorded=recorded,
        newest=tuple(read_trials(recorded[-1], suite)) if recorded else (),
        answers=sum(len(deciding_exchanges(run, suite)) for run in recorded),
        expired=complete - sum(map(len, eras)),
    )


def _limits(basis: _Basis, options: PlanOptions, provider: str) -> RateLimits:
    """What the user knows goes before what the provider advertised."""
    own, told = options.limits, advertised_limits(basis.headers, provider)
    return RateLimits(
        requests_per_minute=own.requests_per_minute or told.requests_per_minute,
        tokens_per_minute=own.tokens_per_minute or told.tokens_per_minute,
        source="; ".join(dict.fromkeys(filter(None, (own.source, told.source)))),
    )


def _plan_gate(suite: Suite, basis: _Basis, slots: int, options: PlanOptions) -> GateOutlook | None:
    """What the gate would say; None when the suite declares nothing to decide by."""
    rules = gate_rules(suite, plan_looks(slots))
    if set(rules.margins) <= rules.muted:
        return None
    tables = _tables(with_margin_metrics(suite), basis)
    pool = pool_trials(tables, rules) if tables else None
    if pool is None or not pool.trials:
        pool = assumed_pool(rules, len(suite.cases))
    rng = derive_generator("plan", suite=suite.fingerprint)
    return plan_gate(pool, rules, slots=slots, repeats=options.simulations, rng=rng)


def _tables(suite: Suite, basis: _Basis) -> list[pd.DataFrame]:
    """The observation table of each recorded night, oldest first."""
    answers = [*(read_trials(run, suite) for run in basis.recorded[:-1]), basis.newest]
    pairs = zip(basis.recorded, answers, strict=False)
    return [tabulate(run.header, own, suite) for run, own in pairs]


def _case_sight(
    suite: Suite, case: str, nights: Mapping[str, Mapping[str, float | None]]
) -> CaseSight:
    """Per case; a comparison of two runs looks at all cases, so each has its share of the level."""
    samples = suite.case(case).samples
    policy = suite.policy
    level = policy.alpha / len(suite.cases)
    return CaseSight(
        case=case,
        samples=samples,
        pair=visible_share(samples, samples, level=level, power=policy.power),
        nights=nights.get(case, {}),
    )
