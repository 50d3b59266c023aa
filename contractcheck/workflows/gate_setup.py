"""From the words of a gate to sides that can be asked; every mistake is told before a request."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from contractcheck.errors import NothingToCheckError, UsageError
from contractcheck.judging.gate import open_gate, plan_looks
from contractcheck.judging.gate_terms import FEWEST_BLOCKS
from contractcheck.model.gate import GatePlan
from contractcheck.model.suite import MetricSpec
from contractcheck.sampling import Bounds, SdkEnvironment, Spending, find_sdk
from contractcheck.stats.night_rule import FEWEST_NIGHTS
from contractcheck.store import new_run_id
from contractcheck.workflows.endpoint import resolve_endpoint
from contractcheck.workflows.gate_nights import tabulate_nights
from contractcheck.workflows.gate_revision import load_revision
from contractcheck.workflows.gate_sides import parse_side, resolve_target
from contractcheck.workflows.planned_gate import gate_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.judging.gate import GateRules
    from contractcheck.model.suite import Case, Suite
    from contractcheck.model.target import Target
    from contractcheck.providers.prices import PriceTable
    from contractcheck.workflows.endpoint import Endpoint
    from contractcheck.workflows.gate_sides import SideSpec
    from contractcheck.workflows.workspace import Workspace


_SDKS = ("anthropic", "openai")
"""Providers whose official SDK can be asked through."""

_NEEDED = {"refusals": "refusal", "time_per_token": "text"}
"""Metrics that margins look at and a suite need not list; between models, pace is per character."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GateOptions:
    """How much a gate may cost.

    Attributes:
        prices: What tokens cost.
        slots: Blocks at most; None takes the suite's ``policy.gate.slots``.
        max_requests: Requests at most, over all sides; fewer blocks are planned for it.
        max_usd: Money at most, USD, over all sides and sessions.
        concurrency: Requests under way at once, over all sides.
        allow_inconclusive: Whether a gate that cannot tell exits 0.
        bounds: Retries, limits and time-outs of a session.
    """

    prices: PriceTable
    slots: int | None = None
    max_requests: int | None = None
    max_usd: float | None = None
    concurrency: int = 8
    allow_inconclusive: bool = False
    bounds: Bounds = field(default_factory=Bounds)


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedSide:
    """A side that can be asked, or whose accepted nights stand in.

    Attributes:
        name: ``from``, ``to``, ``to2`` …
        spec: As written, a revision as its full hash.
        target: Whom it asks.
        suite: As of its revision; only the cases that all sides have, as often as there are
            slots, and with every metric that a margin needs.
        endpoint: Where; None for accepted nights.
        folder: Its run; None for accepted nights.
        sdk: Whose SDK asks; None for this program's own requests.
        sdk_words: Name and version of that SDK, or empty.
    """

    name: str
    spec: SideSpec
    target: Target
    suite: Suite
    endpoint: Endpoint | None = field(repr=False)
    folder: Path | None
    sdk: SdkEnvironment | None = None
    sdk_words: str = ""

    @property
    def words(self) -> str:
        """The side, short: target, where it is not the usual one, and revision."""
        where = f" at {self.spec.base_url}" if self.spec.base_url else ""
        revision = f" ({self.spec.revision[:10]})" if self.spec.revision else ""
        nights = "accepted nights of " if self.spec.is_accepted else ""
        sdk = f" through {self.sdk_words}" if self.sdk_words else ""
        return f"{nights}{self.target.id}{where}{revision}{sdk}"


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedGate:
    """A gate that can begin, or go on.

    Attributes:
        plan: What is written down of it.
        suite: Whose policy decides.
        sides: The old side first.
        left_out: Cases that not all sides have, with the sides that have them.
    """

    plan: GatePlan
    suite: Suite
    sides: tuple[PreparedSide, ...]
    left_out: tuple[str, ...]

    @property
    def cases(self) -> tuple[Case, ...]:
        """The cases that are asked, as the old side asks them."""
        return self.sides[0].suite.cases

    def rules(self, new: PreparedSide) -> GateRules:
        """By what one new side is compared with the old one."""
        return replace(
            gate_rules(self.suite, self.plan.looks),
            comparable_tokens=self.sides[0].target.id == new.target.id,
            cases=tuple(case.id for case in self.cases),
        )


def prepare_gate(
    workspace: Workspace, suite: Suite, old: str, new: Sequence[str], options: GateOptions
) -> PreparedGate:
    """Prepare a new gate; nothing is written and nobody asked.

    Args:
        workspace: Where recordings and accepted nights lie.
        suite: The contract as it is now: its policy decides.
        old: The side in use, as ``parse_side`` reads it.
        new: The sides to move to.
        options: What it may cost.

    Raises:
        UsageError: If a side, an endpoint, a credential or the policy is wrong, the budget is too
            small for the blocks of a first look, or there are too few accepted nights.
        SuiteError: If a suite was wrong at its revision.
        NothingToCheckError: If the sides have no case in common.
    """
    _require_margins(suite)
    now = datetime.now(UTC)
    specs = [parse_side(old, "--from"), *(parse_side(text, "--to") for text in new)]
    if any(spec.is_accepted for spec in specs[1:]):
        raise UsageError("--to accepted: accepted nights can stand in for the old side only")
    plan = GatePlan(
        id=new_run_id(now),
        suite=suite.name,
        suite_path=suite.path,
        suite_fingerprint=suite.fingerprint,
        slots=1,
        looks=(1,),
        sides=(),
        started_at=now.isoformat(),
    )
    gate = _prepare(workspace, suite, plan, specs)
    slots = _affordable_slots(gate, options)
    if specs[0].is_accepted:
        _require_nights(workspace, gate.sides[0], now)
        looks: tuple[int, ...] = (slots,)
    else:
        _require_blocks(gate, slots)
        looks = plan_looks(slots)
    texts = tuple(side.spec.text for side in gate.sides)
    return _with_plan(gate, replace(plan, slots=slots, looks=looks, sides=texts), options)


def prepare_again(workspace: Workspace, plan: GatePlan, options: GateOptions) -> PreparedGate:
    """Prepare a gate that was interrupted, or one that is over, to hear of it again.

    Raises:
        UsageError: If its suite changed since it began.
        SuiteError: If the suite is wrong by now.
    """
    (suite,) = workspace.load_suites([Path(plan.suite_path)])
    if suite.fingerprint != plan.suite_fingerprint:
        raise UsageError(
            f"{plan.suite_path} changed since gate {plan.id} began, and a gate is decided by the "
            "rules it began with: undo the change, or start a new gate"
        )
    specs = [parse_side(text, "--resume") for text in plan.sides]
    return _with_plan(_prepare(workspace, suite, plan, specs), plan, options)


def _require_margins(suite: Suite) -> None:
    margins, muted = suite.policy.margins, suite.policy.gate.muted
    if set(margins) <= set(muted):
        what = "gate mutes every margin" if margins else "margins declares nothing"
        raise UsageError(
            f"{suite.path}: policy.{what}, so there is nothing to decide by; say what a move may "
            "cost, such as margins: {conformance: -0.02, refusals: +0.02, ttft: 1.25x}"
        )


def _prepare(
    workspace: Workspace, suite: Suite, plan: GatePlan, specs: Sequence[SideSpec]
) -> PreparedGate:
    sides = []
    for index, spec in enumerate(specs):
        name = ("from", "to")[index] if index < 2 else f"to{index}"  # noqa: PLR2004 - from, to
        sides.append(_prepare_side(workspace, suite, plan, spec, name))
    shared = set.intersection(*({case.id for case in side.suite.cases} for side in sides))
    if not shared:
        raise NothingToCheckError(f"the sides have no case of {suite.name} in common")
    every = dict.fromkeys(case.id for side in sides for case in side.suite.cases)
    return PreparedGate(
        plan=plan,
        suite=suite,
        sides=tuple(_only(side, shared) for side in sides),
        left_out=tuple(f"{case} ({_having(case, sides)})" for case in every if case not in shared),
    )


def _having(case: str, sides: Sequence[PreparedSide]) -> str:
    names = [side.name for side in sides if case in {own.id for own in side.suite.cases}]
    return f"only --{', --'.join(names)}"


def _prepare_side(
    workspace: Workspace, suite: Suite, plan: GatePlan, spec: SideSpec, name: str
) -> PreparedSide:
    option = "--from" if name == "from" else "--to"
    if spec.is_accepted:
        target = _accepted_target(workspace, suite, spec)
        known = replace(spec, target=target.id)
        return PreparedSide(
            name=name, spec=known, target=target, suite=suite, endpoint=None, folder=None
        )
    own = suite
    if spec.revision:
        found = load_revision(Path(suite.path), spec.revision)
        own, spec = found.suite, replace(spec, revision=found.commit)
    target = resolve_target(spec, own, option)
    endpoint = resolve_endpoint(target, base_url=spec.base_url, environment=os.environ)
    folder = workspace.runs.folder(own.name, target, f"{plan.id}{name}")
    sdk = _sdk(spec, target)
    return PreparedSide(
        name=name,
        spec=replace(spec, target=target.id),
        target=target,
        suite=own,
        endpoint=endpoint,
        folder=folder,
        sdk=sdk,
        sdk_words=find_sdk(sdk) if sdk is not None else "",
    )


def _sdk(spec: SideSpec, target: Target) -> SdkEnvironment | None:
    if not spec.environment:
        return None
    if target.provider not in _SDKS:
        raise UsageError(
            f"env={spec.environment}: the SDKs of {' and '.join(_SDKS)} can be asked through, and "
            f"{target.id} is no target of theirs; leave env out"
        )
    # Not resolved: the interpreter of a virtual environment is a link, and knows its own name.
    python = Path(spec.environment).absolute() / "bin" / "python"
    if not python.is_file():
        raise UsageError(f"env={spec.environment}: no virtual environment here (no bin/python)")
    return SdkEnvironment(python=python, provider=target.provider)


def _accepted_target(workspace: Workspace, suite: Suite, spec: SideSpec) -> Target:
    """Whose accepted nights stand in: those that were named, or the only ones there are."""
    if spec.target:
        target = resolve_target(spec, suite, "--from")
        if workspace.baselines.read(suite.name, target) is None:
            raise UsageError(f"--from: there is no accepted night of {suite.name} × {target.id}")
        return target
    known = [t for t in suite.targets if workspace.baselines.read(suite.name, t) is not None]
    if len(known) != 1:
        there = ", ".join(target.id for target in known) or "none"
        raise UsageError(
            f"--from accepted: targets of {suite.name} with accepted nights: {there}; "
            "name one with --from accepted=PROVIDER:MODEL"
        )
    return known[0]


def _only(side: PreparedSide, cases: set[str]) -> PreparedSide:
    kept = tuple(case for case in side.suite.cases if case.id in cases)
    return replace(side, suite=replace(side.suite, cases=kept))


def _affordable_slots(gate: PreparedGate, options: GateOptions) -> int:
    slots = options.slots or gate.suite.policy.gate.slots
    if options.max_requests is None:
        return slots
    per_slot = _requests_per_slot(gate)
    affordable = options.max_requests // per_slot
    if affordable < 1:
        raise UsageError(
            f"--max-requests {options.max_requests} is less than one slot, which is {per_slot} "
            "requests: every case once on every side"
        )
    return min(slots, affordable)


def _requests_per_slot(gate: PreparedGate) -> int:
    return len(gate.cases) * sum(side.endpoint is not None for side in gate.sides)


def _require_blocks(gate: PreparedGate, slots: int) -> None:
    """With fewer slots than a first look takes, nothing but a breach could ever be told."""
    if slots < FEWEST_BLOCKS:
        requests = FEWEST_BLOCKS * _requests_per_slot(gate)
        raise UsageError(
            f"{slots} {'slot is' if slots == 1 else 'slots are'} too few: a gate looks first after "
            f"{FEWEST_BLOCKS}, which is {requests} requests; raise --slots, policy.gate.slots or "
            "--max-requests"
        )


def _require_nights(workspace: Workspace, side: PreparedSide, now: datetime) -> None:
    """Whoever would be asked in vain is not asked."""
    found = tabulate_nights(workspace, side.suite, side.target, now.date().isoformat())
    nights = found["night"].nunique()
    if nights < FEWEST_NIGHTS:
        raise UsageError(
            f"--from accepted: {side.suite.name} × {side.target.id} has {nights} accepted nights "
            f"that count, and it takes {FEWEST_NIGHTS} to know how nights differ; accept more "
            "(those that expired or lie before a re-base count no more), or ask both sides"
        )


def _with_plan(gate: PreparedGate, plan: GatePlan, options: GateOptions) -> PreparedGate:
    """Put the number of slots into every case, and see that the rules make sense."""
    if options.max_usd is not None and not math.isfinite(options.max_usd):
        raise UsageError(f"--max-usd {options.max_usd} bounds nothing; give an amount")
    spending = Spending(prices=options.prices, max_usd=options.max_usd)
    sides = []
    for side in gate.sides:
        if side.endpoint is not None:
            spending.require(side.target)
        wanted = {_NEEDED[name] for name in gate.suite.policy.margins if name in _NEEDED}
        cases = tuple(_asked(case, plan.slots, sorted(wanted)) for case in side.suite.cases)
        sides.append(replace(side, suite=replace(side.suite, cases=cases)))
    ready = replace(gate, plan=plan, sides=tuple(sides))
    for side in ready.sides[1:]:
        open_gate(ready.rules(side))
    return ready


def _asked(case: Case, slots: int, needed: Sequence[str]) -> Case:
    known = {spec.label for spec in case.metrics}
    more = tuple(MetricSpec(name=n, argument=None, label=n) for n in needed if n not in known)
    return replace(case, samples=slots, metrics=(*case.metrics, *more))
