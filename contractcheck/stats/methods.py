"""The methods there are; the calibration tests go through every line of these tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from contractcheck.stats.latency import compare_latency
from contractcheck.stats.outputs import compare_outputs
from contractcheck.stats.rate_tests import compare_rates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from contractcheck.stats.latency import LatencyComparison, TimedTrial
    from contractcheck.stats.outputs import Output, OutputKind
    from contractcheck.stats.rate_tests import RateComparison
    from contractcheck.stats.rates import RateCase
    from contractcheck.stats.samples import CaseSample, TwoSampleResult


class TwoSampleTest(Protocol):
    """A test of two sides of the same cases."""

    def __call__(
        self,
        cases: Sequence[CaseSample],
        outputs: Sequence[Output],
        *,
        rng: np.random.Generator,
        permutations: int = ...,
    ) -> TwoSampleResult:
        """Compare the sides; p is valid whenever they are exchangeable inside each case."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Method:
    """One method and what it may be used for.

    Attributes:
        summary: One sentence on what it assumes and finds.
        kinds: Kinds of metric that it compares.
        compare: The test itself.
    """

    summary: str
    kinds: tuple[OutputKind, ...]
    compare: TwoSampleTest


METHODS: Final[Mapping[str, Method]] = {
    "stratified-permutation": Method(
        summary="Relabels whole trials inside each case; exact for exchangeable sides.",
        kinds=("label", "number", "text", "json", "tools", "logprobs", "embedding", "vector"),
        compare=compare_outputs,
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RateMethod:
    """A test of two rates over the same cases.

    Attributes:
        summary: One sentence on what it assumes and finds.
        compare: The test itself, with its estimate and interval.
    """

    summary: str
    compare: Callable[[Sequence[RateCase]], RateComparison]


RATE_METHODS: Final[Mapping[str, RateMethod]] = {
    "exact-within-cases": RateMethod(
        summary="Adds up events given each case's total; exact for exchangeable trials.",
        compare=compare_rates,
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class LatencyMethod:
    """A test of the times of two sides that were sampled together.

    Attributes:
        summary: One sentence on what it assumes and finds.
        exact: Whether p is uniform under no change (once randomised), or may only be larger.
        compare: The test itself, with its ratio and interval; baseline first.
    """

    summary: str
    exact: bool
    compare: Callable[[Sequence[TimedTrial], Sequence[TimedTrial]], LatencyComparison]


LATENCY_METHODS: Final[Mapping[str, LatencyMethod]] = {
    "block-signed-ranks": LatencyMethod(
        summary="Relabels whole blocks; exact however answers of one block depend on each other.",
        exact=True,
        compare=partial(compare_latency, serial=False),
    ),
    "serial-signed-ranks": LatencyMethod(
        summary="The same, wider by as much as neighbouring blocks are alike.",
        exact=False,
        compare=compare_latency,
    ),
}
