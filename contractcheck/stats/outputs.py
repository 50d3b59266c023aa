"""Compare outputs of every kind: structured ones are taken apart into plain streams first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from contractcheck.errors import UsageError
from contractcheck.stats.logprobs import align_logprobs, pad_logprobs, read_logprobs
from contractcheck.stats.path_changes import TrialPlaces, find_path_changes
from contractcheck.stats.samples import Stream
from contractcheck.stats.sketches import read_vector, sketch_vectors
from contractcheck.stats.structured import expand_structured, expand_tool_calls
from contractcheck.stats.two_sample import compare_samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from contractcheck.model.judgement import PathChange
    from contractcheck.stats.effects import Scale
    from contractcheck.stats.samples import CaseSample, TwoSampleResult
    from contractcheck.stats.views import Value

OutputKind: TypeAlias = (
    'Literal["label", "number", "text", "embedding", "logprobs", "json", "tools", "vector"]'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """One metric of any kind.

    Attributes:
        metric: Its name, unique.
        kind: ``json``: texts that should be JSON. ``tools``: JSON lists of calls with ``name`` and
            ``arguments``. ``logprobs``: JSON objects of first tokens and their log-probabilities
            in nats. ``vector``: JSON lists of numbers, compared by direction. The others as
            ``Stream.kind``.
        scale: As ``Stream.scale``.
    """

    metric: str
    kind: OutputKind
    scale: Scale = "linear"


@dataclass(frozen=True, kw_only=True, slots=True)
class Expanded:
    """Outputs as plain streams.

    Attributes:
        streams: What is compared.
        cases: The same trials, with one column per stream.
        origin: For each stream the metric it comes from.
        changes: Paths, types and categories of structured metrics that are new or gone.
        notes: What was left out.
    """

    streams: tuple[Stream, ...]
    cases: tuple[CaseSample, ...]
    origin: Mapping[str, str]
    changes: tuple[PathChange, ...]
    notes: tuple[str, ...]


def compare_outputs(
    cases: Sequence[CaseSample],
    outputs: Sequence[Output],
    *,
    rng: np.random.Generator,
    permutations: int = 2000,
    alpha: float = 0.05,
) -> TwoSampleResult:
    """Compare two sides of the same cases in metrics of every kind; see ``compare_samples``.

    Taking structured values apart does not look at sides, so p keeps its meaning.

    Raises:
        UsageError: The samples do not fit the outputs, or a setting is out of range.
    """
    found = expand_outputs(cases, outputs)
    return compare_samples(
        found.cases, found.streams, rng=rng, permutations=permutations, alpha=alpha
    )


def expand_outputs(cases: Sequence[CaseSample], outputs: Sequence[Output]) -> Expanded:
    """Take structured outputs apart; plain ones stay as they are.

    Raises:
        UsageError: A value does not fit its kind, or two streams would have one name.
    """
    places = _places(cases)
    parts = [_expand_one(cases, output, places) for output in outputs]
    origin = [
        (s.metric, output.metric)
        for output, part in zip(outputs, parts, strict=True)
        for s in part.streams
    ]
    if len(dict(origin)) < len(origin):
        raise UsageError("two metrics have streams of one name; give them names of their own")
    columns = {name: values for part in parts for name, values in part.columns.items()}
    return Expanded(
        streams=tuple(stream for part in parts for stream in part.streams),
        cases=tuple(_split(cases, columns)),
        origin=dict(origin),
        changes=tuple(change for part in parts for change in part.changes),
        notes=tuple(note for part in parts for note in part.notes),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """What one output becomes; columns are flat, case by case, baseline first."""

    streams: tuple[Stream, ...]
    columns: Mapping[str, Sequence[Value | None]]
    changes: tuple[PathChange, ...] = ()
    notes: tuple[str, ...] = ()


def _expand_one(cases: Sequence[CaseSample], output: Output, places: TrialPlaces) -> _Part:
    metric = output.metric
    flat = [value for case in cases for side in _both(case, metric) for value in side]
    if output.kind == "json" or output.kind == "tools":  # noqa: PLR1714 - narrows the literal
        texts = [_text(value, metric) for value in flat]
        expand = expand_structured if output.kind == "json" else expand_tool_calls
        found = expand(metric, texts)
        changes = find_path_changes(metric, found, places)
        return _Part(
            streams=found.streams, columns=found.columns, changes=changes, notes=found.notes
        )
    if output.kind == "vector":
        sketches = [_sketch(_text(value, metric), metric) for value in flat]
        stream = Stream(metric=metric, kind="embedding", scale=output.scale)
        return _Part(streams=(stream,), columns={metric: sketches})
    stream = Stream(metric=metric, kind=output.kind, scale=output.scale)
    values = _aligned(cases, metric) if output.kind == "logprobs" else flat
    return _Part(streams=(stream,), columns={metric: values})


def _sketch(text: str | None, metric: str) -> tuple[float, ...] | None:
    if text is None:
        return None
    return tuple(sketch_vectors([read_vector(text, metric=metric)])[0].tolist())


def _places(cases: Sequence[CaseSample]) -> TrialPlaces:
    trials = [
        (case.case, is_candidate)
        for case in cases
        for is_candidate, n in zip((False, True), _sizes(case), strict=True)
        for _ in range(n)
    ]
    return TrialPlaces(
        cases=[case for case, _ in trials], is_candidate=[side for _, side in trials]
    )


def _sizes(case: CaseSample) -> tuple[int, int]:
    """Trials of both sides; ``compare_samples`` refuses metrics that differ in their trials."""
    old, new = (next(iter(side.values()), ()) for side in (case.baseline, case.candidate))
    return len(old), len(new)


def _both(case: CaseSample, metric: str) -> tuple[Sequence[Value | None], Sequence[Value | None]]:
    for name, side in (("baseline", case.baseline), ("candidate", case.candidate)):
        if metric not in side:
            raise UsageError(f"case {case.case!r}, {name}: no values for metric {metric!r}")
    old, new = case.baseline[metric], case.candidate[metric]
    if (len(old), len(new)) != _sizes(case):
        raise UsageError(f"case {case.case!r}: metric {metric!r} differs in its trials from others")
    return old, new


def _text(value: Value | None, metric: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise UsageError(f"metric {metric!r} is structured, but holds {value!r}; give JSON texts")
    return value


def _aligned(cases: Sequence[CaseSample], metric: str) -> list[tuple[float, ...] | None]:
    """Vectors of log-probabilities, on common tokens within each case."""
    by_case = []
    for case in cases:
        trials = [
            None if value is None else read_logprobs(_text(value, metric) or "", metric=metric)
            for side in _both(case, metric)
            for value in side
        ]
        by_case.append(align_logprobs(trials))
    return [row for rows in pad_logprobs(by_case) for row in rows]


def _split(
    cases: Sequence[CaseSample], columns: Mapping[str, Sequence[Value | None]]
) -> list[CaseSample]:
    """The cases again, with slices of the flat columns."""
    found, start = [], 0
    for case in cases:
        n, m = _sizes(case)
        middle, stop = start + n, start + n + m
        found.append(
            replace(
                case,
                baseline={name: values[start:middle] for name, values in columns.items()},
                candidate={name: values[middle:stop] for name, values in columns.items()},
            )
        )
        start = stop
    return found
