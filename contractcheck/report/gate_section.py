"""What the report of a gate shows besides: margins, cases, and what was asked when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.report.columns import columns
from contractcheck.report.safe_text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.model.gate import CaseAccount, GateAccount, MarginAccount

_MOST_CASES = 12
_ROLES = {"inside": "kept", "beyond": "broken", "open": "open", "not measured": "not measured"}


def margin_lines(gate: GateAccount) -> Iterator[str]:
    """The margins, and what would settle those that are open."""
    if gate.margins:
        yield ""
        yield from columns([_MARGIN_HEAD, *map(_margin_row, gate.margins)])
    if gate.would_settle:
        yield one_line(f"  to settle it: {gate.would_settle}")


def account_lines(gate: GateAccount) -> Iterator[str]:
    """The cases that moved most, and what was asked when."""
    yield from _case_lines(gate.cases)
    yield ""
    yield from columns([_SIDE_HEAD, *_side_rows(gate)])
    yield one_line(f"  {_spending_words(gate)}")


_MARGIN_HEAD = ("plane", "margin", "allowed", "new against old", "", "values")
_SIDE_HEAD = ("side", "what", "requests", "answered", "first asked (UTC)", "last asked", "run")


def _margin_row(one: MarginAccount) -> tuple[str, ...]:
    role = " (muted)" if one.is_muted else ""
    state = f"{_ROLES[one.state]}{role}"
    return one.plane, one.name, one.margin, describe_interval(one), state, one.detail


def describe_interval(one: MarginAccount) -> str:
    """Effect and repeated confidence interval in the margin's unit."""
    if one.effect is None:
        return ""
    form = {"share": "{:+.1%}", "ratio": "{:.2f}x"}.get(one.unit, "{:+.3g}")
    low = "…" if one.low is None else form.format(one.low)
    high = "…" if one.high is None else form.format(one.high)
    return f"{form.format(one.effect)} [{low}, {high}]"


def _case_lines(cases: Sequence[CaseAccount]) -> Iterator[str]:
    """The cases that moved most, a margin at a time; the rest is in the JSON report."""
    moved = [case for case in cases if case.effect is not None and _move(case) > 0]
    if not moved:
        return
    shown = sorted(moved, key=lambda case: (-_move(case), case.case, case.margin))[:_MOST_CASES]
    yield ""
    rows = [(c.case, c.margin, c.old, "→", c.new, f"{c.n_old} v {c.n_new}") for c in shown]
    yield from columns([("case", "margin", "old", "", "new", "n"), *rows])
    if len(moved) > len(shown):
        yield f"  … {len(moved) - len(shown)} more rows in --format json"


def _move(case: CaseAccount) -> float:
    """Size of a move: points of a share, or relative change of a ratio."""
    effect = case.effect or 0.0
    return abs(effect - 1.0) if case.unit == "ratio" else abs(effect)


def _side_rows(gate: GateAccount) -> Iterator[tuple[str, ...]]:
    for side in gate.sides:
        yield (
            side.name,
            side.words,
            str(side.requests),
            str(side.answered),
            _moment(side.first_at),
            _moment(side.last_at),
            side.run_id,
        )


def _moment(at: str | None) -> str:
    return "" if at is None else at[:19].replace("T", " ")


def _spending_words(gate: GateAccount) -> str:
    cost = "" if gate.spent_usd is None else f", {gate.spent_usd:.4g} USD by list price"
    looks = ", ".join(map(str, gate.looks))
    ended = f"ended at look {gate.look}" if gate.look else "ended before a look"
    return (
        f"used {gate.used_requests:,} of at most {gate.planned_requests:,} requests{cost}; "
        f"{ended} (planned after {looks} slots); gate {gate.id}"
    )
