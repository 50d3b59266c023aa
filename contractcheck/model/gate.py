"""A gate: what was planned, and what a report says of it beside its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MOST_SLOTS = 1000
"""No gate has more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GatePlan:
    """What a gate asks, written down before the first request; a resumed gate keeps it.

    Attributes:
        id: Sortable, unique: UTC start and a random suffix; seeds the order of requests.
        suite: Name of the suite whose rules decide.
        suite_path: Its file.
        suite_fingerprint: Which rules stood when the gate began.
        slots: Blocks at most: trials of every case on every side.
        looks: Blocks after which the gate may decide, ascending; the last is ``slots``.
        sides: As on the command line, revisions as full hashes; the old side first.
        started_at: UTC, RFC 3339.
        outcome: One line for each new side once all are decided; a gate with one is over.
        stopped: Why it ended before its last look without an answer, such as money; or empty.
        stopped_blocks: Finished blocks it then had.
    """

    id: str
    suite: str
    suite_path: str
    suite_fingerprint: str
    slots: int
    looks: tuple[int, ...]
    sides: tuple[str, ...]
    started_at: str
    outcome: tuple[str, ...] = ()
    stopped: str = ""
    stopped_blocks: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class UnreadAnswer:
    """An answer that came whole, and that the SDK of a side could not read.

    Attributes:
        side: ``from``, ``to``, ``to2`` …
        case: Case id.
        trial: 0-based block.
        words: What the SDK raised.
    """

    side: str
    case: str
    trial: int
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SideAccount:
    """What one side was asked, and when.

    Attributes:
        name: ``from``, ``to``, ``to2`` …
        words: The side as written.
        run_id: Its recording; empty for accepted nights.
        endpoint: Base URL; empty for accepted nights.
        first_at: Start of the first request (UTC, RFC 3339), or None.
        last_at: Start of the last request, or None.
        requests: Requests recorded.
        answered: Trials with an answer that was scored.
    """

    name: str
    words: str
    run_id: str
    endpoint: str
    first_at: str | None
    last_at: str | None
    requests: int
    answered: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MarginAccount:
    """One margin and what is known about it.

    Attributes:
        name: As declared.
        plane: ``outputs``, ``latency``, ``conformance`` or ``limits``.
        margin: As declared, such as ``-0.02`` or ``1.25x``.
        unit: ``share``, ``ratio`` or ``value``; of ``effect``, ``low`` and ``high``.
        effect: New minus old, or new over old for a ratio; None when not measured.
        low: Lower end of the repeated confidence interval, or None.
        high: Upper end, or None.
        state: Whether the interval lies inside the margin, beyond it, or neither.
        is_critical: Whether it may end the gate at any look.
        is_muted: Whether it never decides.
        blocks: Blocks with a value on both sides.
        more_blocks: Further blocks that would settle it, or None.
        detail: The values of both sides in words, or why it was not measured.
    """

    name: str
    plane: str
    margin: str
    unit: str
    effect: float | None
    low: float | None
    high: float | None
    state: Literal["inside", "beyond", "open", "not measured"]
    is_critical: bool
    is_muted: bool
    blocks: int
    more_blocks: int | None
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseAccount:
    """One margin in one case: description only, the margins decide over all cases.

    Attributes:
        case: Case id.
        margin: Margin name.
        old: Value of the old side in words.
        new: Value of the new side in words.
        effect: As of the margin; None when a side has no value.
        unit: As of the margin.
        n_old: Values on the old side.
        n_new: Values on the new side.
    """

    case: str
    margin: str
    old: str
    new: str
    effect: float | None
    unit: str
    n_old: int
    n_new: int


@dataclass(frozen=True, kw_only=True, slots=True)
class GateAccount:
    """What the report of a gate has beside verdict, findings and comparisons.

    Attributes:
        id: Gate id.
        look: 1-based look at which it ended; 0 when it ended before the first.
        looks: Blocks of the planned looks.
        blocks: Finished blocks it ended after.
        used_requests: Sent on the sides of this comparison.
        planned_requests: What the whole plan would have sent on them.
        spent_usd: By list price, or None when a price is not known.
        would_settle: What more would settle an open question; empty otherwise.
        sides: The old side, then the new one.
        margins: As declared.
        cases: Every case and margin, cases in suite order.
    """

    id: str
    look: int
    looks: tuple[int, ...]
    blocks: int
    used_requests: int
    planned_requests: int
    spent_usd: float | None
    would_settle: str
    sides: tuple[SideAccount, ...]
    margins: tuple[MarginAccount, ...]
    cases: tuple[CaseAccount, ...]
