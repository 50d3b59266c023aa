"""Record a run: new or resumed, journalled as it happens, sealed when its plan is done."""

from __future__ import annotations

import math
import os
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from contractcheck.cassettes import (
    Canonicalisation,
    create_run,
    declare_stop,
    is_sealed,
    read_header,
    resume_run,
    seal_run,
)
from contractcheck.errors import (
    LimitReachedError,
    NothingToCheckError,
    RecordingError,
    UsageError,
)
from contractcheck.model.run import CasePlan, RunHeader
from contractcheck.providers import dialect
from contractcheck.providers.prices import PriceTable
from contractcheck.redaction import Scrubber
from contractcheck.sampling import Bounds, SamplingOptions, SilentProgress, Spending, sample
from contractcheck.store import new_run_id, pack_run
from contractcheck.suite.fingerprint import digest_checks
from contractcheck.workflows.endpoint import is_local, resolve_endpoint
from contractcheck.workflows.shards import cases_of
from contractcheck.workflows.vantage import describe_address, describe_vantage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from contractcheck.cassettes import Fsync, OpenRun
    from contractcheck.model.run import RunStatus
    from contractcheck.model.suite import Case, Suite
    from contractcheck.model.target import Target
    from contractcheck.sampling import Progress
    from contractcheck.workflows.endpoint import Endpoint
    from contractcheck.workflows.shards import Shard
    from contractcheck.workflows.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordOptions:
    """How a run is made.

    Attributes:
        cases: Only these case ids; None is all. A selection makes a partial run.
        shard: Only this part of the cases, or None; makes a partial run that can be merged.
        night: ISO date when the run is a night of the watch, else None.
        base_url: Endpoint that the user named, or None.
        concurrency: Requests under way at once.
        max_requests: Requests this session may send, or None.
        label: Words kept with the run.
        run_id: Id of the new run; None makes one.
        fsync: When the disk must confirm: after each exchange, or when journals are closed.
        bounds: Retries, limits and time-outs of the session.
        max_usd: Money that the session may spend, USD; None is without bound.
        prices: What tokens cost; only needed for a bound on money.
    """

    cases: Collection[str] | None = None
    shard: Shard | None = None
    night: str | None = None
    base_url: str | None = None
    concurrency: int = 8
    max_requests: int | None = None
    label: str = ""
    run_id: str | None = None
    fsync: Fsync = "close"
    bounds: Bounds = field(default_factory=Bounds)
    max_usd: float | None = None
    prices: PriceTable = field(default_factory=PriceTable)


def record_run(
    workspace: Workspace,
    suite: Suite,
    target: Target,
    options: RecordOptions,
    progress: Progress | None = None,
) -> Path:
    """Sample a target and return the folder of the run.

    The run is sealed when its plan was completed; when a bound or the provider's state ended it
    early it stays open, says why, and can be resumed.

    Raises:
        UsageError: If the endpoint, the credential or the selection is wrong.
        RecordingError: If the disk refuses.
        KeyboardInterrupt: On Ctrl-C; what was finished is kept, and can be resumed.
    """
    cases = _select(suite, _wanted(suite, options))
    _spending(target, options)
    for case in cases:
        # What a wire cannot say is refused before there is a run of it.
        dialect(target.provider, target.mapping).build(case, target)
    endpoint = resolve_endpoint(target, base_url=options.base_url, environment=os.environ)
    now = datetime.now(UTC)
    begun = begin_header(
        suite,
        target,
        cases,
        run_id=options.run_id or new_run_id(now),
        endpoint=endpoint.base_url,
        label=options.label,
        night=options.night,
        now=now,
    )
    header = replace(begun, shard=str(options.shard or ""))
    folder = workspace.runs.folder(suite.name, target, header.id)
    scrubber = Scrubber.for_secrets(endpoint.secrets)
    with closing(create_run(folder, header, scrubber, fsync=options.fsync)) as run:
        _finish(run, suite, cases, options, endpoint=endpoint, progress=progress)
    pack_sealed(workspace.runs.folders(suite.name, target))
    return folder


def begin_header(
    suite: Suite,
    target: Target,
    cases: Iterable[Case],
    *,
    run_id: str,
    endpoint: str,
    label: str,
    night: str | None,
    now: datetime,
) -> RunHeader:
    """Make the header of a run that begins now: every case as often as its ``samples`` say."""
    return RunHeader(
        id=run_id,
        suite=suite.name,
        suite_version=suite.version,
        suite_fingerprint=suite.fingerprint,
        target=target,
        night=night,
        started_at=now.isoformat(),
        ended_at=None,
        status="interrupted",
        cases={
            case.id: CasePlan(
                samples=case.samples,
                request_fingerprint=case.request_fingerprint,
                parts=case.fingerprint_parts,
                checks=digest_checks(case),
            )
            for case in cases
        },
        vantage={**describe_vantage(), "endpoint": describe_address(target, endpoint)},
        label=label,
        endpoint=endpoint,
    )


def resume(
    folder: Path, suite: Suite, options: RecordOptions, progress: Progress | None = None
) -> Path:
    """Go on with an interrupted run; the result equals an uninterrupted one.

    Raises:
        UsageError: If the run is sealed already or a side of a gate, the suite has other requests
            by now, or another host would be asked than before.
        RecordingError: If a journal was damaged.
    """
    if is_sealed(folder):
        raise UsageError(f"{folder.name} is complete and sealed; there is nothing to resume")
    header = read_header(folder)
    if header.gate:
        raise UsageError(
            f"{folder.name} is a side of gate {header.gate}, and no run of its own; go on with: "
            f"contractcheck gate --resume {header.gate}"
        )
    endpoint = _endpoint_of(header, suite, options)
    scrubber = Scrubber.for_secrets(endpoint.secrets)
    with closing(resume_run(folder, scrubber, fsync=options.fsync)) as run:
        cases = _select(suite, run.header.cases)
        for case in cases:
            if case.request_fingerprint != run.header.cases[case.id].request_fingerprint:
                raise UsageError(
                    f"{case.id}: its request changed since the run began; one run asks one "
                    "question: start a new run"
                )
        _finish(run, suite, cases, options, endpoint=endpoint, progress=progress)
    pack_sealed((folder,))
    return folder


def _endpoint_of(header: RunHeader, suite: Suite, options: RecordOptions) -> Endpoint:
    """Where an interrupted run goes on: where it began, unless a server here moved its port."""
    # How it is shown who asks is not recorded: the suite says it.
    auth = next((t.auth for t in suite.targets if t.id == header.target.id), None)
    place = header.endpoint or header.target.base_url
    target = replace(header.target, base_url=place, auth=auth)
    endpoint = resolve_endpoint(target, base_url=options.base_url, environment=os.environ)
    began, goes_on = (urlsplit(url) for url in (header.endpoint, endpoint.base_url))
    is_same = (began.hostname, began.path) == (goes_on.hostname, goes_on.path)
    if header.endpoint and not is_same and not (is_local(began) and is_local(goes_on)):
        raise UsageError(
            f"{header.id} began at {header.endpoint} and would go on at {endpoint.base_url}: one "
            "run asks one provider; give the same --base-url, or start a new run"
        )
    return endpoint


def _finish(
    run: OpenRun,
    suite: Suite,
    cases: tuple[Case, ...],
    options: RecordOptions,
    *,
    endpoint: Endpoint,
    progress: Progress | None,
) -> None:
    sampling = SamplingOptions(
        base_url=endpoint.base_url,
        authorizer=endpoint.authorizer,
        concurrency=options.concurrency,
        max_requests=options.max_requests,
        keep_request_bodies=suite.policy.store_prompts == "full",
        rule=Canonicalisation(fields=suite.policy.volatile),
        bounds=options.bounds,
    )
    spending = _spending(run.header.target, options)
    was_stopped = bool(run.header.stopped)
    try:
        sample(run, cases, sampling, progress or SilentProgress(), spending=spending)
    except LimitReachedError as reached:
        declare_stop(run.folder, reached.reason)
        return
    if was_stopped:
        declare_stop(run.folder, "")
    is_whole = len(run.header.cases) == len(suite.cases)
    status: RunStatus = "complete" if is_whole else "partial"
    seal_run(run.folder, status=status, ended_at=datetime.now(UTC).isoformat())


def _spending(target: Target, options: RecordOptions) -> Spending:
    """What may be spent; refuses a bound on money that cannot be kept."""
    spending = Spending(
        prices=options.prices, max_usd=options.max_usd, max_tokens=options.bounds.max_tokens
    )
    if options.max_usd is not None and not math.isfinite(options.max_usd):
        raise UsageError(f"--max-usd {options.max_usd:g} bounds nothing; give a number of dollars")
    spending.require(target)
    return spending


def pack_sealed(folders: Iterable[Path]) -> None:
    """Pack sealed runs, older ones too: a kill may have left them plain.

    Packing only saves space: when the disk refuses, a run stays as it is, sealed and readable.
    """
    with suppress(RecordingError):
        for folder in folders:
            if is_sealed(folder):
                pack_run(folder)


def _wanted(suite: Suite, options: RecordOptions) -> Collection[str] | None:
    if options.shard is None:
        return options.cases
    if options.cases is not None:
        raise UsageError("a shard is a part of all cases; leave out the selection of some")
    return cases_of(suite, options.shard)


def _select(suite: Suite, wanted: Collection[str] | None) -> tuple[Case, ...]:
    if wanted is None:
        return suite.cases
    unknown = sorted(set(wanted) - {case.id for case in suite.cases})
    if unknown:
        known = ", ".join(case.id for case in suite.cases)
        raise UsageError(f"{suite.name} has no case {', '.join(unknown)}; its cases: {known}")
    cases = tuple(case for case in suite.cases if case.id in wanted)
    if not cases:
        raise NothingToCheckError(f"no case of {suite.name} is selected")
    return cases
