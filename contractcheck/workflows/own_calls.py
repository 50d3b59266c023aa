"""Record the provider calls of somebody's own code, and answer them from the recording."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from contractcheck.cassettes import (
    create_run,
    declare_cases,
    open_tape,
    recording,
    replaying,
    seal_run,
)
from contractcheck.cassettes.canonical import EXACT
from contractcheck.cassettes.layout import HEADER_FILE
from contractcheck.errors import InterceptionError, RecordingError, UsageError
from contractcheck.model.run import CasePlan, RunHeader
from contractcheck.model.target import Target, parse_target
from contractcheck.redaction import Scrubber
from contractcheck.store import new_run_id
from contractcheck.workflows.endpoint import find_secrets
from contractcheck.workflows.vantage import describe_vantage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from contractcheck.cassettes import Canonicalisation, OpenRun
    from contractcheck.cassettes.player import Player
    from contractcheck.cassettes.playlist import Attempts
    from contractcheck.model.exchange import Exchange


@contextmanager
def record_calls(
    folder: Path | str,
    *,
    target: str,
    secrets: Iterable[str] = (),
    label: str = "",
    strict: bool = True,
    rule: Canonicalisation = EXACT,
    allow_hosts: Collection[str] = (),
) -> Iterator[None]:
    """Record every call that is made inside a trial (``in_trial``) into a new, sealed run.

    When the block raises, the run stays open: what was finished is kept and can be looked at, and
    nothing is taken for a whole recording.

    Args:
        folder: Where the run will lie; must not exist.
        target: Who is asked, as ``provider:model``; for readers, it directs nothing.
        secrets: Values that must never be written, beside every environment variable whose name
            ends in KEY, TOKEN, SECRET or PASSWORD.
        label: Words kept with the run.
        strict: Refuse calls outside a trial, and connections that no recorder sees.
        rule: What may differ between equal requests.
        allow_hosts: With ``strict``: hosts that may be connected to all the same.

    Raises:
        UsageError: If ``target`` is none.
        RecordingError: If the folder exists, or the disk refuses.
        InterceptionError: If another session is open in this process, or no call was made inside a
            trial; then nothing is left in ``folder``.
    """
    folder = Path(folder)
    scrubber = Scrubber.for_secrets((*find_secrets(os.environ), *secrets))
    run = create_run(folder, _header(_target(target), label), scrubber)
    counted = _CountedTrials(run)
    try:
        with recording(counted, scrubber, strict=strict, rule=rule, allow_hosts=allow_hosts):
            yield
    finally:
        run.close()
    plans = counted.plans()
    if not plans:
        _take_back(folder)
        raise InterceptionError(
            f"{folder}: nothing was recorded, because no call was made inside a trial, and nothing "
            'was kept: make the calls inside "with in_trial(case, trial)", before the block of '
            "record_calls ends"
        )
    declare_cases(folder, plans)
    seal_run(folder, status="complete", ended_at=datetime.now(UTC).isoformat())


@contextmanager
def replay_calls(
    folder: Path | str,
    *,
    secrets: Iterable[str] = (),
    retime: float = 0.0,
    strict: bool = True,
    attempts: Attempts = "settled",
    rule: Canonicalisation = EXACT,
    allow_hosts: Collection[str] = (),
) -> Iterator[Player]:
    """Answer every call that is made inside a trial from a recording; nothing is sent.

    Args:
        folder: What ``record_calls`` made.
        secrets: Of today; another key is the same request.
        retime: Share of the recorded times to wait, finite and >= 0: 0 answers at once, 1 keeps
            the clock.
        strict: Refuse calls outside a trial, refuse to end with unused exchanges, and refuse a
            recording whose block raised.
        attempts: ``settled`` passes over what a client would only repeat, ``all`` does not.
        rule: As given when it was recorded.
        allow_hosts: Hosts that may be connected to all the same, such as a local database.

    Raises:
        RecordingError: If the recording is missing or damaged, or with ``strict`` not whole.
        ReplayError: If a call was never recorded, or a recorded one was not made.
        InterceptionError: If another session is open in this process, or ``retime`` is no time.
    """
    scrubber = Scrubber.for_secrets((*find_secrets(os.environ), *secrets))
    tape = open_tape(Path(folder))
    if strict and tape.root is None:
        raise RecordingError(
            f"{folder}: this recording was interrupted, and what is missing is not known; record "
            "it again, or look at it with strict=False"
        )
    with replaying(
        tape,
        scrubber,
        retime=retime,
        strict=strict,
        attempts=attempts,
        rule=rule,
        allow_hosts=allow_hosts,
    ) as player:
        yield player


@dataclass(slots=True)
class _CountedTrials:
    """A run that also counts which trials of which case were made."""

    run: OpenRun
    _trials: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _lock: Lock = field(default_factory=Lock)

    def append(self, exchange: Exchange) -> None:
        self.run.append(exchange)
        with self._lock:
            self._trials[exchange.case].add(exchange.trial)

    def plans(self) -> dict[str, CasePlan]:
        return {
            case: CasePlan(samples=len(trials), request_fingerprint="", parts={})
            for case, trials in sorted(self._trials.items())
        }


def _take_back(folder: Path) -> None:
    """Remove a run in which nothing was recorded, so that its folder can be recorded into."""
    with suppress(OSError):  # what else somebody put there stays
        (folder / HEADER_FILE).unlink()
        folder.rmdir()


def _target(text: str) -> Target:
    parts = parse_target(text)
    if parts is None:
        raise UsageError(f"{text!r} is not a target, such as openai:gpt-5-mini")
    return Target(provider=parts[0], model=parts[1])


def _header(target: Target, label: str) -> RunHeader:
    now = datetime.now(UTC)
    return RunHeader(
        id=new_run_id(now),
        suite="own-calls",
        suite_version="0.0.0",
        suite_fingerprint="",
        target=target,
        night=None,
        started_at=now.isoformat(),
        ended_at=None,
        status="interrupted",
        cases={},
        vantage=describe_vantage(),
        label=label,
    )
