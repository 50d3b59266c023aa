"""From numbers to news: estimates, comparisons, findings, verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

Plane = Literal["outputs", "latency", "conformance", "identity", "limits"]


class Verdict(Enum):
    """What the evidence says; ``exit_code`` is the command line's."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    QUIET = "QUIET"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    ERROR = "ERROR"


class FindingKind(Enum):
    """The evidence ladder, strongest first, then what does not decide."""

    IDENTITY = "identity"
    BREACH = "breach"
    DRIFT = "drift"
    DIFFERENCE = "difference"
    SUSPECT = "suspect"
    OURS = "ours"
    NOTICE = "notice"


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What a statistical function found.

    Attributes:
        method: Name of the method, as documented.
        effect: In ``unit``; None when it has no single number.
        low: Lower end of the 95 % interval, or None.
        high: Upper end, or None.
        unit: Such as ``share``, ``ratio``, ``tokens``.
        p: p-value in (0, 1], or None.
        n_baseline: Trials (or nights) on the accepted side.
        n_candidate: Trials (or nights) tonight.
        detail: Words for the effect, such as the category that moved.
    """

    method: str
    effect: float | None
    low: float | None
    high: float | None
    unit: str
    p: float | None
    n_baseline: int
    n_candidate: int
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """How often something occurs: ``count`` of ``n``, with an exact 95 % interval, 0..1."""

    count: int
    n: int
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PassRate:
    """How many answers of a case passed a check tonight.

    Attributes:
        case: Case id.
        check: Label of the check.
        rate: Answers that passed, of those that were scored.
        wanted: Least share that the contract wants, 0..1 (``always`` is 1); None when the share is
            only compared with accepted nights.
    """

    case: str
    check: str
    rate: Rate
    wanted: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PathChange:
    """A shape of structured answers that the old side never had, or always had.

    Information beside the statistics: whether the rates differ, the comparison of the path says.

    Attributes:
        metric: The structured metric.
        path: Such as ``$.order.items[*].sku``.
        what: Such as ``new path`` or ``can be null now``.
        severity: ``breaking`` when programs written for the old answers may fail on the new ones,
            else ``additive``.
        baseline: Rate on the old side, over the answers that could have it.
        candidate: Rate on the new side.
        cases: Cases in which it occurs (a lost path: occurred), the most frequent first.
    """

    metric: str
    path: str
    what: str
    severity: Literal["additive", "breaking"]
    baseline: Rate
    candidate: Rate
    cases: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """An estimate, placed.

    Attributes:
        case: Case id, or None for the whole suite.
        metric: Metric, check or stream.
        adjusted_p: After correction over everything compared, or None.
        score: Night score in predictive standard deviations, or None outside the night rule.
        threshold: What the score must exceed on two consecutive nights, or None.
        smallest_visible: Smallest change in ``unit`` that would have been seen, or None.
        margin: Declared margin in ``unit``, or None.
    """

    case: str | None
    metric: str
    plane: Plane
    estimate: Estimate
    adjusted_p: float | None = None
    score: float | None = None
    threshold: float | None = None
    smallest_visible: float | None = None
    margin: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A before/after pair of answers, chosen by the rule that ``rule`` states."""

    case: str
    before: str
    after: str
    rule: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something to tell a human.

    Attributes:
        kind: Rung of the evidence ladder.
        plane: Where it was seen.
        message: One sentence: what, where, how much.
        case: Case id, or None for the whole suite.
        metric: Metric, check or stream, or None.
        comparison: The numbers behind it, or None.
        where: The cases and metrics in which it shows most, most unusual first.
        examples: Evidence to look at.
        since: Night on which it was first seen, or None.
    """

    kind: FindingKind
    plane: Plane
    message: str
    case: str | None = None
    metric: str | None = None
    comparison: Comparison | None = None
    where: tuple[Comparison, ...] = ()
    examples: tuple[Example, ...] = ()
    since: str | None = None
