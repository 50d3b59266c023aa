"""The methods there are; the calibration tests go through every line of this table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from contractcheck.stats.outputs import compare_outputs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from contractcheck.stats.outputs import Output, OutputKind
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
        kinds=("label", "number", "text", "json", "tools", "logprobs", "embedding"),
        compare=compare_outputs,
    ),
}
