"""Who answered, in which wire format, and whether it was we who changed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contractcheck.model.judgement import Finding, FindingKind
from contractcheck.wire_contracts import problem_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from contractcheck.model.baseline import Baseline
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.suite import Suite

_SHOWN = 3
_DEPLOYMENTS = frozenset({"azure"})
"""Providers that are asked for a deployment, which its owner named."""

_RESOURCE = re.compile(r"^(?:.*/)?models/")
"""Google echoes ``models/gemini-2.5-pro`` and ``publishers/google/models/...`` as it likes."""


def find_wire_problems(
    measured: MeasuredRun, *, known: frozenset[str] = frozenset()
) -> Iterator[Finding]:
    """Find where the wire left the documented format: breaking is a breach, new is a notice.

    What was accepted is no news: then new things are not told, and breaking ones are a notice.
    Every attempt counts, not only the deciding one: a retry makes no broken answer whole.

    Args:
        measured: The run.
        known: Places of problems that accepted nights had.
    """
    seen: dict[tuple[str, str, str, bool], list[str]] = {}
    attempts = (*measured.answers, *measured.earlier)
    for one in attempts:
        for problem in dict.fromkeys(one.answer.completion.wire_problems):
            is_known = problem_place(problem) in known
            if is_known and problem.severity == "additive":
                continue
            key = (problem.severity, problem.path, problem.what, is_known)
            seen.setdefault(key, []).append(one.case)
    for (severity, path, what, is_known), cases in sorted(seen.items()):
        is_breaking = severity == "breaking" and not is_known
        count, where = len(cases), ", ".join(sorted(set(cases))[:_SHOWN])
        yield Finding(
            kind=FindingKind.BREACH if is_breaking else FindingKind.NOTICE,
            plane="identity",
            metric=f"wire {path}",
            message=f"wire format: {path}: {what}; {count} of {len(attempts)} "
            f"exchanges (in {where})" + (", as in accepted nights" if is_known else ""),
        )


def find_identity_changes(
    measured: MeasuredRun, suite: Suite, baseline: Baseline | None
) -> Iterator[Finding]:
    """Find new model echoes and fingerprints.

    A model echo that the policy does not allow is a breach for a pinned target; for an alias it
    is a notice, because an alias promises no snapshot. A name of a deployment promises none
    either, whatever date is in it: there only the policy pins. A new ``system_fingerprint`` alone
    is only ever a notice: one real snapshot was served under 31 of them.
    """
    target = measured.header.target
    allowed = {_bare(target.model), *map(_bare, suite.policy.allowed_models)}
    is_pinned = target.is_pinned
    if target.provider in _DEPLOYMENTS:
        is_pinned = bool(suite.policy.allowed_models)
    accepted = [night.statistics for night in baseline.nights] if baseline else []
    known_models = allowed | {_bare(model) for night in accepted for model in night.models}
    known_fingerprints = {print_ for night in accepted for print_ in night.fingerprints}
    for model in measured.statistics.models:
        if is_pinned and _bare(model) not in allowed:
            yield Finding(
                kind=FindingKind.IDENTITY,
                plane="identity",
                metric="model",
                message=f"{target.model} was asked, {model} answered: the target is pinned and "
                "policy.identity.allow does not list this name",
            )
        elif _bare(model) not in known_models and accepted:
            yield _notice("model", f"the alias {target.model} is now served as {model}")
    if accepted:
        for fingerprint in sorted(set(measured.statistics.fingerprints) - known_fingerprints):
            text = f"new system_fingerprint {fingerprint}: never decides a verdict by itself"
            yield _notice("system_fingerprint", text)


def find_our_changes(measured: MeasuredRun, baseline: Baseline | None) -> Iterator[Finding]:
    """Find what we changed since the last accepted night: it is not the provider's doing."""
    if baseline is None or not baseline.nights:
        return
    last = baseline.nights[-1]
    for case, plan in measured.header.cases.items():
        before = last.statistics.cases.get(case)
        if before is not None and before.request_fingerprint != plan.request_fingerprint:
            changed = _changed_keys(last.parts.get(case, {}), plan.parts)
            yield Finding(
                kind=FindingKind.OURS,
                plane="identity",
                case=case,
                metric="request",
                message=f"{case}: you changed {', '.join(changed) or 'the request'} since "
                f"{last.statistics.night}; nothing in this case is blamed on the provider",
            )
    changed = find_moves(last.vantage, measured.header.vantage)
    if changed:
        words = ", ".join(
            f"{key} {last.vantage.get(key) or 'unset'} → "
            f"{measured.header.vantage.get(key) or 'unset'}"
            for key in changed
        )
        yield Finding(
            kind=FindingKind.OURS,
            plane="identity",
            metric="vantage",
            message=f"our side changed since {last.statistics.night}: {words}",
        )


def find_moves(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Keys of the vantage that differ; nights of older versions do not tell their endpoint."""
    changed = _changed_keys(before, now)
    return [key for key in changed if key != "endpoint" or key in before]


def _bare(model: str) -> str:
    """A model's name without the collection that it is a resource of."""
    return _RESOURCE.sub("", model)


def _changed_keys(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Keys whose values differ; absent and empty are the same."""
    return sorted(key for key in {*before, *now} if (before.get(key) or "") != (now.get(key) or ""))


def _notice(metric: str, message: str) -> Finding:
    return Finding(kind=FindingKind.NOTICE, plane="identity", metric=metric, message=message)
