"""Take findings or cases out of the watch for a while: by name, with a reason, until a date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from contractcheck.errors import UsageError
from contractcheck.judging.night_values import CONFORMANCE, PRESENCE
from contractcheck.metrics import LATENCY
from contractcheck.model.history import Exemption
from contractcheck.stats.night_scores import WORST_CASE
from contractcheck.store.exemptions import MOST_DAYS_OF_ALL, most_days

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.workflows.workspace import Workspace

_STREAMS = (
    *LATENCY,
    CONFORMANCE,
    PRESENCE,
    WORST_CASE,
    "model",
    "system_fingerprint",
    "vantage",
)
"""What findings are about besides the checks, metrics and limits of the suite."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExemptionRequest:
    """What a person wants taken out.

    Attributes:
        kind: Mute or quarantine.
        cases: Case ids; empty (mutes only) is the whole suite.
        metric: Metric, check, limit or stream; None is everything of the cases.
        reason: Words for reviewers.
        owner: Who looks after it.
        expires: ISO date: the last night on which it counts.
        now: UTC.
    """

    kind: Literal["mute", "quarantine"]
    cases: tuple[str, ...]
    reason: str
    owner: str
    expires: str
    now: datetime
    metric: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedExemption:
    """An exemption, and whose it is.

    Attributes:
        suite: Suite name.
        target: Target id.
        exemption: What was written.
        is_expired: Whether its last night is over, so that it no longer counts.
        is_ahead: Whether its first night is yet to come, so that it does not count yet.
        path: The file that reviewers see.
    """

    suite: str
    target: str
    exemption: Exemption
    is_expired: bool
    is_ahead: bool
    path: Path


def exempt(
    workspace: Workspace, suite: Suite, targets: Sequence[Target], request: ExemptionRequest
) -> tuple[ListedExemption, ...]:
    """Write exemptions: for every target and case, or none when anything is wrong.

    One about the same case and metric is replaced, which is how one is renewed.

    Returns:
        What was written.

    Raises:
        UsageError: If a case or metric does not exist, owner or reason is empty, the expiry is
            past or too far ahead, or no case of the suite would be left in the charts.
        RecordingError: If a file of exemptions is damaged or the disk refuses.
    """
    _refuse(suite, request)
    if request.kind == "quarantine":
        for target in targets:
            _refuse_empty_charts(workspace, suite, target, request)
    made = tuple(
        Exemption(
            kind=request.kind,
            case=case,
            metric=request.metric,
            reason=request.reason.strip(),
            owner=request.owner.strip(),
            created_at=request.now.isoformat(timespec="seconds"),
            expires=request.expires,
        )
        for case in (request.cases or (None,))
    )
    store = workspace.exemptions
    for target in targets:
        with workspace.baselines.locked(suite.name, target, locks=workspace.locks):
            for one in made:
                store.add(suite.name, target, one)
    today = request.now.date().isoformat()
    return tuple(_list(workspace, suite, target, one, today) for target in targets for one in made)


def lift(
    workspace: Workspace,
    suite: Suite,
    targets: Sequence[Target],
    *,
    kind: Literal["mute", "quarantine"],
    cases: Sequence[str],
    metric: str | None = None,
) -> int:
    """Take exemptions back.

    Returns:
        How many there were.

    Raises:
        UsageError: If there was none.
        RecordingError: If a file of exemptions is damaged or the disk refuses.
    """
    store = workspace.exemptions
    count = 0
    for target in targets:
        with workspace.baselines.locked(suite.name, target, locks=workspace.locks):
            for case in cases or (None,):
                count += store.remove(suite.name, target, kind=kind, case=case, metric=metric)
    if not count:
        about = " ".join(filter(None, [", ".join(cases), metric])) or "everything"
        raise UsageError(
            f"no {kind} of {about} in {suite.name}; `contractcheck {kind} {suite.name} --list` "
            "shows what there is"
        )
    return count


def list_exemptions(
    workspace: Workspace, suites: Sequence[Suite], *, kind: str, today: str
) -> tuple[ListedExemption, ...]:
    """All exemptions of a kind, the expired ones too.

    Raises:
        RecordingError: If a file of exemptions is damaged.
    """
    return tuple(
        _list(workspace, suite, target, one, today)
        for suite in suites
        for target in suite.targets
        for one in workspace.exemptions.read(suite.name, target)
        if one.kind == kind
    )


def _list(
    workspace: Workspace, suite: Suite, target: Target, one: Exemption, today: str
) -> ListedExemption:
    return ListedExemption(
        suite=suite.name,
        target=target.id,
        exemption=one,
        is_expired=one.expires < today,
        is_ahead=one.begins > today,
        path=workspace.exemptions.path(suite.name, target),
    )


def _refuse(suite: Suite, request: ExemptionRequest) -> None:
    problems = [
        *_wrong_words(request),
        *_wrong_subject(suite, request),
        *_wrong_expiry(request),
    ]
    if problems:
        raise UsageError("; ".join(problems))


def _wrong_words(request: ExemptionRequest) -> Iterator[str]:
    if not request.reason.strip():
        yield "--reason is empty; say why"
    if not request.owner.strip():
        yield "--owner is empty; say who looks after it"


def _wrong_subject(suite: Suite, request: ExemptionRequest) -> Iterator[str]:
    cases = [case.id for case in suite.cases]
    if unknown := sorted(set(request.cases) - set(cases)):
        names = ", ".join(map(repr, unknown))
        yield f"no case {names} in {suite.name}; there are: {', '.join(cases)}"
    if request.kind == "quarantine" and not request.cases:
        yield "name the cases to quarantine"
    known = sorted(_subjects(suite, request.cases))
    metric = request.metric
    if metric is not None and metric not in known and not metric.startswith("wire "):
        yield (
            f"nothing in {suite.name} is called {metric!r}; there are: {', '.join(known)}, "
            "and `wire PLACE` for what a report calls so"
        )


def _subjects(suite: Suite, cases: Sequence[str]) -> set[str]:
    """What findings about these cases (all, when there are none) can name as their metric."""
    chosen = [case for case in suite.cases if not cases or case.id in cases]
    checks = {spec.label for case in chosen for spec in case.checks}
    metrics = {spec.label for case in chosen for spec in case.metrics}
    return checks | metrics | set(_STREAMS) | set(suite.policy.limits)


def _wrong_expiry(request: ExemptionRequest) -> Iterator[str]:
    try:
        expires = date.fromisoformat(request.expires)
    except ValueError:
        yield f"--expires {request.expires!r} is not a date such as 2027-01-31"
        return
    if expires.isoformat() != request.expires:
        yield f"--expires {request.expires!r} is not written as 2027-01-31 is"
        return
    today = request.now.date()
    is_all = not request.cases and request.metric is None
    most = most_days(is_all=is_all)
    if expires < today:
        yield f"--expires {request.expires} is past"
    elif expires > today + timedelta(days=most):
        what = "a whole suite is muted" if is_all else "an exemption lasts"
        yield (
            f"--expires {request.expires} is too far ahead: {what} for {most} days at most, until "
            f"{today + timedelta(days=most)}; then somebody looks again"
        )


def _refuse_empty_charts(
    workspace: Workspace, suite: Suite, target: Target, request: ExemptionRequest
) -> None:
    today = request.now.date().isoformat()
    gone = set(request.cases) | {
        one.case
        for one in workspace.exemptions.read(suite.name, target)
        if one.kind == "quarantine" and one.expires >= today
    }
    if all(case.id in gone for case in suite.cases):
        raise UsageError(
            f"no case of {suite.name} × {target.id} would be left in the charts; "
            f"`contractcheck mute {suite.name} --expires DATE` mutes a whole suite, "
            f"for {MOST_DAYS_OF_ALL} days at most"
        )
