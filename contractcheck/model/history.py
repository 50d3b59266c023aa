"""What becomes of nights: records, values, judgements, events. All of it follows from the runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.judgement import FindingKind, Plane, Verdict

NightPart = Literal["night", "confirmation"]
"""A night's own run, or a second one that the same night asked for to confirm a suspicion."""

EventKind = Literal["acceptance", "alarm", "end", "mute", "quarantine", "rebase", "outage"]
"""``end``: an alarm that is over, since tonight's charts are back or a re-base took it up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NightRecord:
    """One run of the watch, as the history knows it.

    Attributes:
        suite: Suite name.
        target: Target id.
        night: ISO date.
        part: The night itself, or its confirmation.
        run_id: Which run.
        run_root: Root digest of the sealed run.
        is_complete: Whether it may enter the charts; an outage is kept, and may be replaced by a
            complete run of the same night.
        suite_version: Semantic version at recording time.
        suite_fingerprint: Which rules stood at recording time.
        started_at: UTC, RFC 3339.
        ended_at: UTC, RFC 3339.
        vantage: Our side that night, endpoint included.
        parts: Per case the digest of each part of the request, for attribution.
        models: Model echoes seen, sorted.
        fingerprints: System fingerprints seen, sorted.
        label: Free words kept with the run, such as ``simulated``.
        checks: Per case the digest of its checks; empty of runs that kept none.
    """

    suite: str
    target: str
    night: str
    run_id: str
    run_root: str
    is_complete: bool
    suite_version: str
    suite_fingerprint: str
    started_at: str
    ended_at: str
    vantage: Mapping[str, str]
    parts: Mapping[str, Mapping[str, str]]
    part: NightPart = "night"
    models: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    label: str = ""
    checks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunKey:
    """Which run stands for a night, and whether it may enter the charts."""

    night: str
    run_id: str
    run_root: str
    is_complete: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class NightValue:
    """One case in one stream on one night: a signed number that charts add up.

    Attributes:
        value: Such as the arcsine of a rate, or a log median latency.
        variance: What sampling alone makes it vary by at the accepted location; 0 where the scale
            is learnt from nights only, as for latency.
    """

    value: float
    variance: float


@dataclass(frozen=True, kw_only=True, slots=True)
class NightValues:
    """One night, reduced to what the charts need, against one baseline.

    Attributes:
        night: ISO date.
        run_id: Which run.
        streams: Per stream (metric, ``conformance``, a latency) and case. What a case has no
            comparable answer for is absent.
    """

    night: str
    run_id: str
    streams: Mapping[str, Mapping[str, NightValue]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartReading:
    """Where a chart stands on one night.

    Attributes:
        stream: Which numbers it adds up.
        plane: Where an alarm is reported.
        kind: ``squares``, ``largest``, ``mean`` or ``level``.
        value: In the same unit as the threshold.
        threshold: What it must exceed to be red.
    """

    stream: str
    plane: Plane
    kind: str
    value: float
    threshold: float


@dataclass(frozen=True, kw_only=True, slots=True)
class FindingRecord:
    """A finding as the history keeps it: enough to tell, not to argue."""

    kind: FindingKind
    plane: Plane
    message: str
    case: str | None = None
    metric: str | None = None
    since: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NightJudgement:
    """What was said of a night, last time it was judged.

    Attributes:
        suite: Suite name.
        target: Target id.
        night: ISO date.
        run_id: Which run was judged.
        baseline: Digest of the accepted nights it was compared with; empty without any.
        verdict: What was said.
        headline: In one sentence.
        findings: Sorted by the evidence ladder.
        charts: Where each chart stood.
        confirm_after: UTC, RFC 3339: from when on a second run may confirm a suspicion; None when
            there is nothing to confirm.
        after: The last accepted night before it, when it was judged; empty without any.
        seen: Digest of the runs of all nights in between that it was judged by; empty where it was
            not kept.
    """

    suite: str
    target: str
    night: str
    run_id: str
    baseline: str
    verdict: Verdict
    headline: str
    findings: tuple[FindingRecord, ...] = ()
    charts: tuple[ChartReading, ...] = ()
    confirm_after: str | None = None
    after: str = ""
    seen: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryEvent:
    """Something that happened to a suite and target, to be seen beside its charts.

    Attributes:
        suite: Suite name.
        target: Target id.
        night: ISO date on which it counts.
        kind: What.
        words: One sentence.
        case: Case id, or None for the whole suite.
        by: Who did it; empty when nobody did.
        expires: ISO date, or None.
    """

    suite: str
    target: str
    night: str
    kind: EventKind
    words: str
    case: str | None = None
    by: str = ""
    expires: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Exemption:
    """Something that a person took out of the watch for a while. Always listed, never silent.

    A ``mute`` keeps a finding from deciding the verdict; a ``quarantine`` keeps a case out of the
    charts (its checks and limits go on).

    Attributes:
        kind: Which of the two.
        case: Case id; None (mutes only) is the whole suite.
        metric: Metric, check or stream that a mute is about; None is every one of the case.
        reason: Words for reviewers.
        owner: Who looks after it.
        created_at: UTC, RFC 3339; it counts from this date on.
        expires: ISO date: the last night on which it counts.
    """

    kind: Literal["mute", "quarantine"]
    reason: str
    owner: str
    created_at: str
    expires: str
    case: str | None = None
    metric: str | None = None

    @property
    def begins(self) -> str:
        """ISO date of the first night on which it counts: what was said before stays said."""
        return datetime.fromisoformat(self.created_at).date().isoformat()

    def counts_on(self, night: str) -> bool:
        """Whether it counts on a night (ISO date): granted by then, and not over."""
        return self.begins <= night <= self.expires
