"""Accept runs as nights of a baseline: a separate, human, recorded act."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from contractcheck.cassettes import is_sealed, read_header, read_run
from contractcheck.cassettes.caps import MOST_GIT_BYTES, words_about_size
from contractcheck.cassettes.reading import case_sizes_bytes
from contractcheck.errors import AcceptRefusedError
from contractcheck.judging import Evidence, judge_run
from contractcheck.measuring import observe
from contractcheck.model.baseline import Acceptance, AcceptedNight, Baseline
from contractcheck.model.completion import Outcome
from contractcheck.model.judgement import FindingKind, Verdict
from contractcheck.model.night import MOST_INFRA
from contractcheck.workflows.archive_accepted import secure_runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.run import Run
    from contractcheck.model.suite import Suite
    from contractcheck.workflows.run_archive import RunArchive
    from contractcheck.workflows.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptOptions:
    """Who accepts, and why.

    Attributes:
        reason: Words for reviewers; not empty.
        by: Person; None is the user of this process.
        ticket: Reference, or None.
        expires: ISO date after which the acceptance must be renewed, or None.
        max_cassette_mb: Largest case file (MiB, plain) that may go into version control.
        since: ISO date: the provider changed, and a new era begins with the first accepted night
            that is not before it; None when nothing changed.
        archive: Where accepted runs are kept and marked, or None.
    """

    reason: str
    by: str | None = None
    ticket: str | None = None
    expires: str | None = None
    max_cassette_mb: float = MOST_GIT_BYTES / (1 << 20)
    since: str | None = None
    archive: RunArchive | None = None


def accept_runs(
    workspace: Workspace, folders: Sequence[Path], suites: Sequence[Suite], options: AcceptOptions
) -> tuple[Baseline, ...]:
    """Add runs to their baselines: all of them, or none when any is refused.

    Args:
        workspace: Where baselines lie.
        folders: Sealed runs.
        suites: Suites among which theirs are.
        options: Who and why.

    Returns:
        The new baselines, one per suite and target.

    Raises:
        AcceptRefusedError: With every reason against every run; nothing was written.
        RecordingError: If a recording or a baseline is damaged, or the archive out of reach.
    """
    acceptance = make_acceptance(options)
    measured, refusals = _examine(workspace, dict.fromkeys(folders), suites)
    if refusals:
        raise AcceptRefusedError("\n".join(refusals))
    groups: dict[tuple[str, str], list[_Examined]] = {}
    for one in measured:
        header = one.run.header
        groups.setdefault((header.suite, header.target.id), []).append(one)
    if too_large := _refuse_large(groups.values(), options.max_cassette_mb):
        raise AcceptRefusedError("\n".join(too_large))
    secure_runs(options.archive, [(one.folder, one.run) for one in measured])
    since = options.since
    return tuple(_extend(workspace, group, acceptance, since) for group in groups.values())


def begin_era(nights: Iterable[str], rebases: Sequence[str], since: str) -> tuple[str, ...]:
    """First nights of eras, when a new one begins with the first night that is not before a date.

    Args:
        nights: Accepted nights, oldest first, one of them not before ``since``.
        rebases: Those there are.
        since: ISO date, after all of ``rebases``.
    """
    first = next(night for night in nights if night >= since)
    return (*rebases, first)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Examined:
    folder: Path
    run: Run
    measured: MeasuredRun


def _examine(
    workspace: Workspace, folders: Iterable[Path], suites: Sequence[Suite]
) -> tuple[list[_Examined], list[str]]:
    """Measure every run, and collect every reason against any of them."""
    by_name = {suite.name: suite for suite in suites}
    refusals: list[str] = []
    examined: list[_Examined] = []
    nights: dict[tuple[str, str, str], Path] = {}
    for folder in folders:
        if gate := read_header(folder).gate:
            refusals.append(f"{folder.name}: is a side of gate {gate}, and never a night")
            continue
        if not is_sealed(folder):
            refusals.append(f"{folder.name}: was interrupted; finish it with run --resume first")
            continue
        run = read_run(folder)
        suite = by_name.get(run.header.suite)
        if suite is None:
            refusals.append(f"{folder.name}: its suite {run.header.suite!r} was not found")
            continue
        seen = observe(run, suite)
        refusals.extend(f"{folder.name}: {why}" for why in _reasons_against(seen, suite))
        refusals.extend(_already_accepted(workspace, folder, seen))
        key = (run.header.suite, run.header.target.id, seen.statistics.night)
        if (other := nights.setdefault(key, folder)) != folder:
            refusals.append(
                f"{folder.name}: is of the night of {other.name}, {key[2]}; a night counts once"
            )
        examined.append(_Examined(folder=folder, run=run, measured=seen))
    return examined, refusals


def _already_accepted(workspace: Workspace, folder: Path, seen: MeasuredRun) -> list[str]:
    header = seen.header
    baseline = workspace.baselines.read(header.suite, header.target)
    return [
        f"{folder.name}: night {night.statistics.night} of {header.suite} is accepted already "
        f"(run {night.statistics.run_id}); a night counts once"
        for night in (baseline.nights if baseline else ())
        if night.statistics.night == seen.statistics.night
    ]


def _refuse_large(groups: Iterable[Sequence[_Examined]], most_mb: float) -> list[str]:
    """Only the newest night of a baseline is kept whole, so only its files are weighed."""
    newest = [max(group, key=lambda one: one.measured.statistics.night) for group in groups]
    return [
        f"{one.folder.name}: {words}"
        for one in newest
        if (words := words_about_size(case_sizes_bytes(one.folder), int(most_mb * (1 << 20))))
    ]


def make_acceptance(options: AcceptOptions) -> Acceptance:
    """Sign for who accepts, now.

    Raises:
        AcceptRefusedError: If there is no reason, no user, or the expiry is no date.
    """
    if not options.reason.strip():
        raise AcceptRefusedError("--reason is empty; say why these nights are good")
    expires = None
    if options.expires is not None:
        try:
            expires = date.fromisoformat(options.expires).isoformat()
        except ValueError as error:
            raise AcceptRefusedError(
                f"--expires {options.expires!r} is not a date such as 2027-01-31"
            ) from error
    return Acceptance(
        accepted_by=options.by or _user(),
        accepted_at=datetime.now(UTC).isoformat(timespec="seconds"),
        reason=options.reason,
        ticket=options.ticket,
        expires=expires,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise AcceptRefusedError("this process has no user; say with --by who accepts") from error


def _reasons_against(run: MeasuredRun, suite: Suite) -> list[str]:
    header = run.header
    reasons = []
    missing = header.planned_trials - len(run.answers)
    if header.status != "complete":
        reasons.append(f"is {header.status}: a baseline night has every case of the suite")
    if missing > 0:
        reasons.append(f"{missing} of {header.planned_trials} planned trials are missing")
    return [*reasons, *contract_reasons(run, suite)]


def contract_reasons(run: MeasuredRun, suite: Suite) -> list[str]:
    """Why a run may not be accepted, however much of it was planned."""
    header = run.header
    reasons = []
    foreign = sorted(
        case.id
        for case in suite.cases
        if case.id not in header.cases
        or header.cases[case.id].request_fingerprint != case.request_fingerprint
    )
    if foreign:
        reasons.append(
            f"asked other requests than the suite does now ({', '.join(foreign)}); "
            "record it again with the suite as it is"
        )
    judgement = judge_run(Evidence(suite=suite, run=run))
    if judgement.verdict is Verdict.ERROR:
        reasons.append(f"{judgement.headline} (at most {MOST_INFRA:.0%} may fail)")
    broken = [f for f in judgement.findings if f.kind in (FindingKind.BREACH, FindingKind.IDENTITY)]
    # A wire that is not as documented and can be read all the same is accepted by accepting it.
    is_readable = run.count(Outcome.MALFORMED) == 0
    reasons.extend(
        f"open breach: {finding.message}"
        for finding in broken
        if not (is_readable and (finding.metric or "").startswith("wire "))
    )
    return reasons


def _extend(
    workspace: Workspace,
    examined: Sequence[_Examined],
    acceptance: Acceptance,
    since: str | None,
) -> Baseline:
    header = examined[0].run.header
    store = workspace.baselines
    with store.locked(header.suite, header.target, locks=workspace.locks):
        old = store.read(header.suite, header.target)
        nights = {night.statistics.night: night for night in old.nights} if old else {}
        for one in examined:
            night = one.measured.statistics.night
            # Another process may have accepted it since it was examined.
            if night in nights:
                words = f"night {night} has been accepted already; a night counts once"
                raise AcceptRefusedError(f"{one.folder.name}: {words}")
            nights[night] = _accept_night(one, acceptance)
        ordered = tuple(nights[night] for night in sorted(nights))
        newest = ordered[-1].statistics
        by_run = {one.run.header.id: one.folder for one in examined}
        reference = by_run.get(newest.run_id)
        rebases = old.rebases if old else ()
        baseline = Baseline(
            suite=header.suite,
            target=header.target,
            nights=ordered,
            reference_night=newest.night if reference or old is None else old.reference_night,
            rebases=rebases if since is None else begin_era(sorted(nights), rebases, since),
        )
        store.write(baseline, reference)
    return baseline


def _accept_night(one: _Examined, acceptance: Acceptance) -> AcceptedNight:
    header = one.run.header
    return AcceptedNight(
        statistics=one.measured.statistics,
        run_root=one.run.root or "",
        acceptance=acceptance,
        parts={case: dict(plan.parts) for case, plan in header.cases.items()},
        vantage=dict(header.vantage),
    )
