"""Numbers in words: one rule per kind of number, used by every format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.stats.night_scores import WORST_CASE

if TYPE_CHECKING:
    from contractcheck.model.judgement import Comparison, Estimate

_SMALLEST_P = 1e-4
_UNITS = {
    "nats": " nats",
    "distance": " apart",
    "share of distance": " of distance",
    "share in common": " in common",
}
_SHARES = frozenset({"share", "pass rate"})
_FORMS = {"share": "{:+.0%}", "pass rate": "{:+.0%}", "ratio": "{:.2f}x"}


def describe_p(p: float | None) -> str:
    """A p-value: two digits, never zero."""
    if p is None:
        return ""
    return "<.0001" if p < _SMALLEST_P else f"{p:.2g}"


def describe_size(estimate: Estimate) -> str:
    """Effect and interval in the estimate's unit; open ends are dots."""
    if estimate.effect is None:
        return ""
    form = _FORMS.get(estimate.unit, "{:+.3g}")
    text = form.format(estimate.effect)
    unit = _UNITS.get(estimate.unit, "")
    if estimate.low is None and estimate.high is None:
        return text + unit
    low = "…" if estimate.low is None else form.format(estimate.low)
    high = "…" if estimate.high is None else form.format(estimate.high)
    return f"{text} [{low}, {high}]{unit}"


def describe_detectable(comparison: Comparison) -> str:
    """The smallest effect that this comparison by itself would have shown, without a sign."""
    visible, unit = comparison.smallest_visible, comparison.estimate.unit
    if visible is None:
        return ""
    if unit == "ratio":
        return f"{visible:.2f}x"
    return f"±{visible:.0%}" if unit in _SHARES else f"±{visible:.2g}"


def describe_margin(comparison: Comparison) -> str:
    """The declared margin in the effect's unit, or nothing."""
    if comparison.margin is None:
        return ""
    return _FORMS.get(comparison.estimate.unit, "{:+.3g}").format(comparison.margin)


def describe_visible(comparison: Comparison) -> str:
    """The smallest change that two nights would have shown."""
    visible = comparison.smallest_visible
    if visible is None:
        return "nothing"
    if comparison.plane == "latency":
        return f"{visible:.2f}x slower"
    if comparison.plane == "conformance":
        return f"{visible:.0%} fewer passing"
    where = "of one case's answers" if comparison.metric == WORST_CASE else "of all answers"
    return f"{visible:.0%} {where}"
