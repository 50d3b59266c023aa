"""Run a gate: sample all sides together, look as planned, stop as soon as it is decided.

A look sees only blocks that are finished on both sides, and takes them from the recordings. A
resumed gate takes the looks it had taken once more, from the same answers and with the same
result, and goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from contractcheck.errors import LimitReachedError
from contractcheck.judging.gate import GateDecision, advance, decide, open_gate
from contractcheck.judging.gate_nights import judge_against_nights
from contractcheck.judging.judge import find_outage, find_refusal
from contractcheck.judging.side_answers import find_sure_outage, find_unreadable, loses_more
from contractcheck.judging.side_breaches import BREACHES, find_new_breaches, find_unread
from contractcheck.judging.wire_changes import find_known_problems
from contractcheck.model.judgement import Verdict
from contractcheck.sampling import Spending
from contractcheck.workflows.gate_measure import join_sides, measure_blocks
from contractcheck.workflows.gate_nights import (
    find_moves,
    find_nights,
    keep_known_checks,
    tabulate_nights,
)
from contractcheck.workflows.gate_sampling import GateSampling

if TYPE_CHECKING:
    from contractcheck.judging.gate import GateState
    from contractcheck.model.baseline import AcceptedNight
    from contractcheck.model.gate import UnreadAnswer
    from contractcheck.model.judgement import Finding
    from contractcheck.sampling import Progress
    from contractcheck.workflows.gate_measure import MeasuredSide
    from contractcheck.workflows.gate_setup import GateOptions, PreparedGate, PreparedSide
    from contractcheck.workflows.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class GateEnd:
    """How one new side came out.

    Attributes:
        side: The new side.
        old: The old side, measured over the blocks that decided; None for accepted nights.
        new: The new side, likewise.
        blocks: Finished blocks that it rests on.
        decision: What the margins say; None when nothing could be measured.
        breaches: What the new side breaks and the old one does not, whatever the margins say.
        trouble: Why nothing could be measured, or empty.
        loses_more: Whether the new side surely leaves more requests unanswered, and no margin
            judges that: then nothing is safe.
        moves: What of our side differs from accepted nights, so that times are not compared.
    """

    side: PreparedSide
    old: MeasuredSide | None
    new: MeasuredSide
    blocks: int
    decision: GateDecision | None
    breaches: tuple[Finding, ...] = ()
    trouble: str = ""
    loses_more: bool = False
    moves: str = ""


@dataclass(kw_only=True, slots=True)
class GateRun:
    """A gate under way.

    Attributes:
        workspace: Where runs and accepted nights lie.
        gate: What is asked, and by which rules it is decided.
        sampling: What asks.
        blocks: Blocks finished on all sides that still count.
        states: How far each new side is, by the index of the side.
        ends: The new sides that are decided, by index.
    """

    workspace: Workspace
    gate: PreparedGate
    sampling: GateSampling
    blocks: int = 0
    states: dict[int, GateState] = field(default_factory=dict)
    ends: dict[int, GateEnd] = field(default_factory=dict)

    def run(self) -> tuple[GateEnd, ...]:
        """Sample and look until every new side is decided; then seal the recordings.

        Raises:
            LimitReachedError: If the money was spent before one block was finished.
            RecordingError: If the disk refuses, or another process samples this gate.
            KeyboardInterrupt: On Ctrl-C; the gate can be resumed.
        """
        gate = self.gate
        self.states = {i: open_gate(gate.rules(side)) for i, side in self._undecided()}
        with self.sampling.opened():
            self.workspace.gates.write(gate.plan)
            # The first block shows whether there is anything to measure at all.
            for blocks in sorted({1, *gate.plan.looks}):
                needed = {0, *(index for index, _ in self._undecided())}
                self.blocks = self.sampling.sample(blocks, needed)
                self._look(is_planned=blocks in gate.plan.looks, is_whole=self.blocks == blocks)
                if not self._undecided():
                    break
        ends = {index: self.ends[index] for index in sorted(self.ends)}
        made = {index: end.blocks for index, end in ends.items()}
        self.sampling.seal({0: max(made.values()), **made})
        outcome = tuple(f"{end.side.words}: {verdict_of(end).value}" for end in ends.values())
        self.workspace.gates.write(replace(self.gate.plan, outcome=outcome))
        return tuple(ends.values())

    def _stop_words(self) -> str:
        """Why the gate ends early; written down, so that it ends alike when it is looked at again.

        Sealed recordings are not sampled on, however much money there is the next time.
        """
        plan = self.gate.plan
        if not plan.stopped:
            words = self.sampling.spending.words
            plan = replace(plan, stopped=words, stopped_blocks=self.blocks)
            self.workspace.gates.write(plan)
            self.gate = replace(self.gate, plan=plan)
        return plan.stopped

    def _undecided(self) -> list[tuple[int, PreparedSide]]:
        sides = enumerate(self.gate.sides)
        return [(i, side) for i, side in sides if i and i not in self.ends]

    def _look(self, *, is_planned: bool, is_whole: bool) -> None:
        """End every side that can be decided now; all of them when the money is spent."""
        if not self.blocks:
            raise LimitReachedError(
                f"{self.sampling.spending.words} before one slot was finished on every side; go "
                f"on with: contractcheck gate --resume {self.gate.plan.id} "
                f"{self.sampling.spending.option}"
            )
        old, policy = self._measured(0), self.gate.suite.policy
        for index, side in self._undecided():
            new = self._measured(index)
            if new is None:
                continue
            may_go_on = is_whole and self.blocks < self.gate.plan.slots
            trouble = self._trouble(old, new, may_go_on=may_go_on)
            breaches = self._breaches(old, new, side)
            decision: GateDecision | None = None
            if not trouble and (is_planned or not is_whole):
                reason = "" if is_whole else self._stop_words()
                decision = self._decide(index, old, new, reason=reason, breaches=breaches)
            if trouble or decision:
                self.ends[index] = GateEnd(
                    side=side,
                    old=old,
                    new=new,
                    blocks=self.blocks,
                    decision=decision,
                    breaches=breaches,
                    trouble=trouble,
                    moves=self._moves(old, new),
                    loses_more=loses_more(old.run if old else None, new.run, policy),
                )

    def _decide(
        self,
        index: int,
        old: MeasuredSide | None,
        new: MeasuredSide,
        *,
        reason: str,
        breaches: tuple[Finding, ...],
    ) -> GateDecision | None:
        """Take a look; None when the gate goes on."""
        if old is None:
            gone, tonight = self.gate.sides[0], new.run.statistics.night
            nights = tabulate_nights(self.workspace, gone.suite, gone.target, tonight)
            if self._moves(old, new):
                nights = nights[nights["plane"] != "latency"]
            table = keep_known_checks(new.run.table, nights)
            return judge_against_nights(self.gate.rules(self.gate.sides[index]), nights, table)
        table, state = join_sides(old, new), self.states[index]
        is_broken = any(finding.kind in BREACHES for finding in breaches)
        if reason or is_broken:
            return decide(state, table, reason or "the contract is broken", blocks=self.blocks)
        found = advance(state, table)
        if isinstance(found, GateDecision):
            return found
        self.states[index] = found
        return None

    def _moves(self, old: MeasuredSide | None, new: MeasuredSide) -> str:
        if old is not None:
            return ""
        return find_moves(self._nights(new), new.run.header.vantage)

    def _nights(self, new: MeasuredSide) -> tuple[AcceptedNight, ...]:
        """Accepted nights that stand in for the old side."""
        gone, tonight = self.gate.sides[0], new.run.statistics.night
        return find_nights(self.workspace, gone.suite, gone.target, tonight)

    def _measured(self, index: int) -> MeasuredSide | None:
        run = self.sampling.read(index)
        suite = self.gate.sides[index].suite
        return None if run is None else measure_blocks(run, suite, self.blocks)

    def _breaches(
        self, old: MeasuredSide | None, new: MeasuredSide, side: PreparedSide
    ) -> tuple[Finding, ...]:
        by_sdk: tuple[Finding, ...] = ()
        if not self._unread(self.gate.sides[0]):
            by_sdk = find_unread(self._unread(side), len(new.run.answers), side.sdk_words)
        known = None if old is None else (old.run, self.gate.sides[0].suite)
        garbled = find_unreadable(known and known[0], new.run, self.gate.suite.policy.alpha)
        problems = find_known_problems(new.run, self._nights(new)) if old is None else frozenset()
        found = find_new_breaches(known, (new.run, side.suite), problems)
        return (*by_sdk, *garbled, *found)

    def _unread(self, side: PreparedSide) -> list[UnreadAnswer]:
        noted = self.workspace.gates.read_unread(self.gate.plan.id)
        return [one for one in noted if one.side == side.name and one.trial < self.blocks]

    def _trouble(self, old: MeasuredSide | None, new: MeasuredSide, *, may_go_on: bool) -> str:
        """Why nothing can be measured, or empty.

        Failures of the new side are what a margin on them measures; of the old one they leave
        nothing to compare with. While more can be asked, an outage must be sure.
        """
        alpha = self.gate.suite.policy.alpha
        counts_failures = "error_rate" in self.gate.suite.policy.margins
        for one, is_new in ((old, False), (new, True)):
            if one is None:
                continue
            words = find_refusal(one.run)
            if not words and not (is_new and counts_failures):
                words = find_sure_outage(one.run, alpha) if may_go_on else find_outage(one.run)
            if words:
                return f"{one.run.header.target.id}: {words}"
        return ""


def open_gate_run(
    workspace: Workspace, gate: PreparedGate, options: GateOptions, progress: Progress
) -> GateRun:
    """Put a gate together; nobody is asked before ``run``."""
    spending = Spending(
        prices=options.prices, max_usd=options.max_usd, max_tokens=options.bounds.max_tokens
    )
    sampling = GateSampling(
        store=workspace.gates, gate=gate, options=options, progress=progress, spending=spending
    )
    return GateRun(workspace=workspace, gate=gate, sampling=sampling)


def verdict_of(end: GateEnd) -> Verdict:
    """The verdict on one new side."""
    if end.decision is None:
        return Verdict.ERROR
    if any(finding.kind in BREACHES for finding in end.breaches):
        return Verdict.FAIL
    if end.loses_more and end.decision.outcome == "safe":
        return Verdict.INCONCLUSIVE
    return _VERDICTS[end.decision.outcome]


_VERDICTS = {
    "safe": Verdict.PASS,
    "do-not-upgrade": Verdict.FAIL,
    "cannot-tell": Verdict.INCONCLUSIVE,
}
