"""What goes into a two-sample comparison and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.stats.effects import Effect, Scale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contractcheck.stats.views import Kind, Value


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """One metric and how its values are to be compared.

    Attributes:
        metric: Its name, unique among the streams.
        kind: ``label`` (unordered categories), ``number``, ``text``, or vectors: ``embedding``
            (of norm 1) or ``logprobs`` (nats).
        scale: For numbers: ``log`` gives the effect as a ratio; p-values of cases with repeats
            do not depend on it.
    """

    metric: str
    kind: Kind
    scale: Scale = "linear"


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseSample:
    """The trials of one case on both sides.

    Attributes:
        case: Its name, unique.
        baseline: Per metric, one value per trial of the old side; None where missing.
        candidate: The same for the new side. Trials are aligned across metrics within a side.
        baseline_blocks: For interleaved sides, the block of each trial of the old side: what it
            shared with the trials of the new side of the same block, such as the time. Sides are
            exchanged inside blocks only; a block that lacks a side tells nothing. None: all
            trials of the case are one block.
        candidate_blocks: The same for the new side; give both or neither.
    """

    case: str
    baseline: Mapping[str, Sequence[Value | None]]
    candidate: Mapping[str, Sequence[Value | None]]
    baseline_blocks: Sequence[int] | None = None
    candidate_blocks: Sequence[int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricResult(Effect):
    """What one metric shows over all cases: its effect, and how sure that is.

    Attributes:
        metric: Its name.
        kind: How its values were compared.
        p: Unadjusted p-value, in (0, 1].
        p_adjusted: Adjusted over metrics (Westfall-Young step-down).
        n_baseline: Trials of the baseline that have a value.
        n_candidate: Trials of the candidate that have a value.
    """

    metric: str
    kind: Kind
    p: float
    p_adjusted: float
    n_baseline: int
    n_candidate: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseResult(Effect):
    """What one metric shows in one case.

    Attributes:
        case: Its name.
        metric: The metric's name.
        p: Unadjusted p-value, in (0, 1]; 1 for one trial against one, which shows nothing by
            itself.
        p_adjusted: Adjusted over all cases and metrics (Westfall-Young step-down).
        n_baseline: Trials of the baseline that have a value.
        n_candidate: Trials of the candidate that have a value.
    """

    case: str
    metric: str
    p: float
    p_adjusted: float
    n_baseline: int
    n_candidate: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TwoSampleResult:
    """The answer of ``compare_samples``.

    Attributes:
        p: Global p-value, in (0, 1].
        p_below: Share of relabellings strictly more extreme than what was observed.
        metrics: One result per stream, in the streams' order.
        cases: One result per case and stream, in the cases' order.
        n_cases: Number of cases.
        n_baseline: Trials of the baseline over all cases.
        n_candidate: Trials of the candidate over all cases.
        permutations: Relabellings used besides the observed one.
        exact: Whether these are all there are.
        alpha: The level that ``changed`` refers to.
    """

    p: float
    p_below: float
    metrics: tuple[MetricResult, ...]
    cases: tuple[CaseResult, ...]
    n_cases: int
    n_baseline: int
    n_candidate: int
    permutations: int
    exact: bool
    alpha: float

    @property
    def changed(self) -> bool:
        """Whether the difference is significant at ``alpha``."""
        return self.p <= self.alpha

    def randomised_p(self, uniform: float) -> float:
        """A p-value that is exactly uniform under the null, given a uniform number in [0, 1).

        Ties make the plain p super-uniform; splitting them at random is what a calibration test
        can hold against the uniform distribution (Lehmann and Romano 2005, section 15.2).
        """
        return self.p_below + uniform * (self.p - self.p_below)
