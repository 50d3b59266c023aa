"""The report for a person at a terminal: the verdict first, the evidence after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.model.judgement import FindingKind
from contractcheck.report.case_table import case_lines
from contractcheck.report.chart_table import chart_lines
from contractcheck.report.check_table import check_lines
from contractcheck.report.columns import columns
from contractcheck.report.gate_section import account_lines, margin_lines
from contractcheck.report.numbers import describe_p, describe_size, describe_visible
from contractcheck.report.path_section import path_lines
from contractcheck.report.safe_text import one_line, shorten
from contractcheck.stats.night_scores import WORST_CASE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.model.judgement import Example, Finding
    from contractcheck.model.report import Report

_WIDTH = 100
_LONGEST_SENTENCE = 800
_MARKS = {
    FindingKind.IDENTITY: "✗ identity",
    FindingKind.BREACH: "✗ breach",
    FindingKind.DRIFT: "✗ drift",
    FindingKind.DIFFERENCE: "✗ difference",
    FindingKind.SUSPECT: "? suspect",
    FindingKind.OURS: "→ ours",
    FindingKind.NOTICE: "i notice",
}


def render(report: Report) -> str:
    """Render a report as plain text, safe for any terminal and CI log."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield shorten(report.headline, _LONGEST_SENTENCE)
    yield ""
    yield from _about(report)
    if report.gate is not None:
        yield from margin_lines(report.gate)
    if report.findings:
        yield ""
        illustrated = _illustrated(report.findings)
        for finding in report.findings:
            yield from _finding_lines(finding)
            if finding in illustrated:
                yield from _example_lines(finding.examples)
    yield from chart_lines(report.charts)
    yield from _stream_table(report)
    yield from case_lines(report)
    yield from check_lines(report.pass_rates)
    yield from path_lines(report.path_changes)
    if report.gate is not None:
        yield from account_lines(report.gate)
    if report.notes:
        yield ""
        yield from (f"  note: {one_line(note)}" for note in report.notes)
    if report.next_steps:
        yield ""
        yield "next:"
        yield from (f"  {one_line(step)}" for step in report.next_steps)


def _about(report: Report) -> Iterator[str]:
    name = f"{report.suite} {report.suite_version}".strip()
    target = f" × {report.target}" if report.target else ""
    night = f", night {report.night}" if report.night else ""
    run = f", run {report.run_id}" if report.run_id else ""
    yield one_line(f"  {name}{target}{night}{run}")
    if report.counts is not None:
        counts = report.counts
        failed = f", {counts.infra} lost in transport" if counts.infra else ""
        failed += f", {counts.malformed} malformed" if counts.malformed else ""
        failed += f", {counts.retries} retries" if counts.retries else ""
        yield f"  trials    {counts.answered} answered of {counts.planned} planned{failed}"
    yield one_line(f"  baseline  {report.baseline}")
    if report.error_rates:
        yield one_line(f"  rates     {report.error_rates}")


def _finding_lines(finding: Finding) -> Iterator[str]:
    yield f"{_MARKS[finding.kind]:<13}{shorten(finding.message, _LONGEST_SENTENCE)}"
    for place in finding.where:
        detail = f"  {shorten(place.estimate.detail, 60)}" if place.estimate.detail else ""
        p = f"  p {describe_p(place.estimate.p)}" if place.estimate.p is not None else ""
        name = f"{place.case} / {place.metric}"
        yield f"               {one_line(name)}: {describe_size(place.estimate)}{p}{detail}"


def _illustrated(findings: Sequence[Finding]) -> list[Finding]:
    """Findings whose examples are printed: of mere notices the surest, unless others show some.

    Outputs of one answer differ together, and the same answers several times tell nothing more.
    """
    notices = [f for f in findings if f.kind is FindingKind.NOTICE and f.examples]
    others = [f for f in findings if f.kind is not FindingKind.NOTICE]
    if any(f.kind is FindingKind.DIFFERENCE and f.examples for f in others):
        return others
    return [*others, *sorted(notices, key=_least_likely)[:1]]


def _least_likely(finding: Finding) -> tuple[float, float]:
    if finding.comparison is None:
        return 1.0, 1.0
    adjusted, p = finding.comparison.adjusted_p, finding.comparison.estimate.p
    return 1.0 if adjusted is None else adjusted, 1.0 if p is None else p


def _example_lines(examples: Sequence[Example]) -> Iterator[str]:
    for example in examples:
        yield f"               {one_line(example.case)}"
        yield f"                 before  {shorten(example.before, _WIDTH)}"
        yield f"                 after   {shorten(example.after, _WIDTH)}"
    for rule in dict.fromkeys(example.rule for example in examples):
        yield f"                 ({one_line(rule)})"


def _stream_table(report: Report) -> Iterator[str]:
    """The two-night rule, stream by stream.

    Beside charts its threshold is that of large changes alone: what would have been seen, the
    headline says of the charts.
    """
    comparisons = [c for c in report.comparisons if c.score is not None]
    if not comparisons:
        return
    first = "last two nights" if report.charts else "stream"
    rows = [("plane", first, "tonight", "alarm above", "p", "effect", "would have been seen")]
    rows += [
        (
            c.plane,
            "(most unusual case)" if c.metric == WORST_CASE else c.metric,
            "" if c.score is None else f"{c.score:+.1f} sd",
            "" if c.threshold is None else f"{c.threshold:.1f} sd",
            describe_p(c.estimate.p),
            describe_size(c.estimate) if c.plane != "outputs" else "",
            describe_visible(c),
        )
        for c in comparisons
    ]
    yield ""
    yield from columns([row[:-1] for row in rows] if report.charts else rows)
