"""The rules of a gate that is not run: for planning and calibrating."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contractcheck.judging.gate import GateRules
from contractcheck.model.suite import MetricSpec

if TYPE_CHECKING:
    from contractcheck.model.suite import Case, Suite


def gate_rules(suite: Suite, looks: tuple[int, ...]) -> GateRules:
    """What a gate of this suite would decide by."""
    policy = suite.policy
    return GateRules(
        margins=policy.margins,
        alpha=policy.alpha,
        power=policy.power,
        looks=looks,
        critical=frozenset(policy.gate.critical),
        muted=frozenset(policy.gate.muted),
        same_model=policy.gate.same_model,
        cases=tuple(case.id for case in suite.cases),
    )


def with_margin_metrics(suite: Suite) -> Suite:
    """The suite with every metric that a margin needs."""
    if "refusals" not in suite.policy.margins:
        return suite
    return replace(suite, cases=tuple(_with_refusal(case) for case in suite.cases))


def _with_refusal(case: Case) -> Case:
    if any(spec.label == "refusal" for spec in case.metrics):
        return case
    refusal = MetricSpec(name="refusal", argument=None, label="refusal")
    return replace(case, metrics=(*case.metrics, refusal))
