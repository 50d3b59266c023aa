"""Two observation tables as samples: which cases are compared, in which values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from contractcheck.metrics.embedding import embed_texts
from contractcheck.stats.outputs import Output
from contractcheck.stats.samples import CaseSample

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from contractcheck.stats.outputs import OutputKind
    from contractcheck.stats.views import Value

_LISTED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class TableSides:
    """Two observation tables (columns as ``measuring.COLUMNS``).

    Attributes:
        baseline: Old side.
        candidate: New side.
    """

    baseline: pd.DataFrame
    candidate: pd.DataFrame


@dataclass(frozen=True, kw_only=True, slots=True)
class TableSamples:
    """What is compared, and the answers themselves.

    Attributes:
        outputs: Metrics of both sides.
        cases: The cases that both sides have, in order of their names.
        shown: Values as the table has them, to be shown: texts of embeddings, not vectors.
    """

    outputs: tuple[Output, ...]
    cases: tuple[CaseSample, ...]
    shown: tuple[CaseSample, ...]


def common_cases(sides: TableSides) -> tuple[list[str], list[str]]:
    """The cases that both sides have, and notes on those that only one has."""
    old, new = set(sides.baseline["case"]), set(sides.candidate["case"])
    return sorted(old & new), one_sided(old, new)


def one_sided(old: set[str], new: set[str]) -> list[str]:
    """Notes on the cases that only one side has."""
    return [
        f"{len(only)} {'case' if len(only) == 1 else 'cases'} only in the {name}, left out: "
        + ", ".join(sorted(only)[:_LISTED])
        + (" …" if len(only) > _LISTED else "")
        for name, only in (("baseline", old - new), ("candidate", new - old))
        if only
    ]


def sample_tables(sides: TableSides, common: Sequence[str]) -> TableSamples:
    """Read the output metrics of the common cases as samples.

    Raises:
        UsageError: A metric is an embedding, and the model that makes one is not installed.
    """
    outputs = sides.baseline[sides.baseline["plane"] == "outputs"]
    kinds = outputs.drop_duplicates("metric")
    metrics = [
        Output(metric=str(metric), kind=cast("OutputKind", kind))
        for metric, kind in zip(kinds["metric"], kinds["kind"], strict=True)
    ]
    old, new = (_values(table) for table in (sides.baseline, sides.candidate))
    cases = [CaseSample(case=case, baseline=old[case], candidate=new[case]) for case in common]
    embedded = [output.metric for output in metrics if output.kind == "embedding"]
    return TableSamples(
        outputs=tuple(metrics),
        cases=tuple(_embed(cases, embedded)) if embedded else tuple(cases),
        shown=tuple(cases),
    )


def _values(table: pd.DataFrame) -> dict[str, dict[str, list[Value | None]]]:
    """Per case and metric the values in order of trials."""
    values: dict[str, dict[str, list[Value | None]]] = {}
    outputs = table[table["plane"] == "outputs"]
    columns = (outputs[name] for name in ("case", "metric", "kind", "number", "string"))
    for case, metric, kind, number, string in zip(*columns, strict=True):
        value = (None if math.isnan(number) else float(number)) if kind == "number" else string
        values.setdefault(str(case), {}).setdefault(str(metric), []).append(value)
    return values


def _embed(cases: Sequence[CaseSample], metrics: Sequence[str]) -> list[CaseSample]:
    """The cases with vectors instead of the texts of some metrics."""
    texts = sorted(
        {
            value
            for case in cases
            for side in (case.baseline, case.candidate)
            for metric in metrics
            for value in side[metric]
            if isinstance(value, str)
        }
    )
    vectors = dict(zip(texts, embed_texts(texts), strict=True))

    def replaced(side: Mapping[str, Sequence[Value | None]]) -> dict[str, Sequence[Value | None]]:
        own = {metric: _look_up(vectors, side[metric]) for metric in metrics}
        return {**side, **own}

    return [
        CaseSample(
            case=case.case,
            baseline=replaced(case.baseline),
            candidate=replaced(case.candidate),
        )
        for case in cases
    ]


def _look_up(
    vectors: Mapping[str, tuple[float, ...]], values: Iterable[Value | None]
) -> list[Value | None]:
    return [vectors[value] if isinstance(value, str) else None for value in values]
