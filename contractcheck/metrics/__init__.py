"""What is measured of one answer: plain functions, one per metric.

To add a metric, write one decorated function and a line in ``METRICS``; its docstring is what
users read.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from contractcheck.metrics.latency import time_per_token_s, total_s, ttft_s
from contractcheck.metrics.outputs import (
    blank_run,
    ending,
    label,
    number,
    output_tokens,
    refusal,
    scripts,
    text,
    tool_calls,
)
from contractcheck.metrics.registry import Kind, Metric
from contractcheck.metrics.structured import json, logprobs, tool_arguments
from contractcheck.metrics.vectors import vector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.completion import Answer
    from contractcheck.model.suite import Case, MetricSpec

__all__ = [
    "LATENCY",
    "METRICS",
    "NOT_BY_NIGHT",
    "VECTORS",
    "Kind",
    "Metric",
    "default_metrics",
    "measure",
]

_OUTPUTS = (
    text,
    label,
    number,
    json,
    tool_calls,
    tool_arguments,
    output_tokens,
    refusal,
    ending,
    scripts,
    blank_run,
    logprobs,
    vector,
)
_LATENCY = (ttft_s, time_per_token_s, total_s)

METRICS: Mapping[str, Metric] = MappingProxyType(
    {metric.name: metric for metric in (*_OUTPUTS, *_LATENCY)}
)
"""Every metric, by the name that suites use."""

NOT_BY_NIGHT = tuple(metric.name for metric in _OUTPUTS if metric.kind == "logprobs")
"""Metrics that two sides are compared in, and nights are not: a night has no place for them."""

VECTORS = tuple(metric.name for metric in _OUTPUTS if metric.kind == "vector")
"""Metrics whose nights are means of sketches, not of texts."""

LATENCY = tuple(metric.name for metric in _LATENCY)
"""Metrics that every case has, listed or not: measuring them costs nothing."""


def default_metrics(*, has_tools: bool) -> tuple[str, ...]:
    """Return the metrics of a case that lists none."""
    return ("text", "output_tokens", "refusal", *(("tool_calls",) if has_tools else ()))


def measure(spec: MetricSpec, answer: Answer, _case: Case) -> str | float | None:
    """Measure one answer (outcome ``ANSWERED``) of a case.

    Args:
        spec: A metric of a loaded suite: its name and argument are known to be right.
        answer: A completion and its times.

    Returns:
        A category or text, or a finite number in the metric's unit; None when missing.
    """
    return METRICS[spec.name].apply(answer, spec.argument or "")
