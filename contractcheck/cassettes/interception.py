"""Open and close a session: what passes through HTTP clients is recorded, or replayed.

vcrpy owns the life of the interception (install, remove, one at a time), on its public seams
only. None of its stock stubs is used, because they buffer whole streams (a time to first token
of 0.014 s reads as 0.7 s), mix up threads and tasks, and save only at exit. Hence
``skip_patchers`` with every name, ``custom_patches`` with ours, and a persister that never
touches a disk: the journal is the store.

What a session needs is imported when one is opened: who only reads recordings loads none of it.
"""

from __future__ import annotations

from contextlib import contextmanager
from math import inf
from threading import Lock
from typing import TYPE_CHECKING

from contractcheck.cassettes.canonical import EXACT, Canonicalisation
from contractcheck.errors import InterceptionError
from contractcheck.redaction import scrubbed_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from contractcheck.cassettes.clients import Patch
    from contractcheck.cassettes.played import Clock
    from contractcheck.cassettes.player import Player
    from contractcheck.cassettes.playlist import Attempts, Recording
    from contractcheck.cassettes.recorder import Recorder, Sink
    from contractcheck.redaction import Scrubber

_ONE = Lock()
"""Patches are of the process, so the session is too; two at once would record each other."""


@contextmanager
def recording(
    sink: Sink,
    scrubber: Scrubber,
    *,
    keep_request_bodies: bool = True,
    lag_since_us: Callable[[int], int] = lambda _since_ns: 0,
    strict: bool = False,
    rule: Canonicalisation = EXACT,
    allow_hosts: Collection[str] = (),
) -> Iterator[Recorder]:
    """Record every request made inside a trial, by any client of ``clients.ADAPTERS``.

    Args:
        sink: Gets each exchange when it is finished.
        scrubber: Cleans everything that is stored; the client sees the true bytes.
        keep_request_bodies: False stores prompts as digests only.
        lag_since_us: Most that the event loop was late (µs) since a ``perf_counter_ns`` time.
        strict: Refuse requests outside a trial, and connections that no adapter makes.
        rule: What may differ between equal requests.
        allow_hosts: With ``strict``: who may be connected to past the adapters.

    Raises:
        InterceptionError: If another session is open.
        RecordingError: At the end, if the sink refused an exchange (clients may swallow errors),
            or if a request still waits for its response.
        UnseenCallError: At the end, if with ``strict`` a connection was refused.
    """
    from contractcheck.cassettes.recorder import Recorder
    from contractcheck.cassettes.socket_guard import guard_patches

    session = Recorder(
        sink=sink,
        scrubber=scrubber,
        keep_request_bodies=keep_request_bodies,
        lag=lag_since_us,
        strict=strict,
        rule=rule,
    )
    with _intercepting(session, guard_patches(allow_hosts, session.refusals) if strict else ()):
        try:
            yield session
        finally:
            session.close()


@contextmanager
def replaying(
    tape: Recording,
    scrubber: Scrubber,
    *,
    retime: float = 0.0,
    strict: bool = True,
    attempts: Attempts = "settled",
    rule: Canonicalisation = EXACT,
    allow_hosts: Collection[str] = (),
    clock: Clock | None = None,
) -> Iterator[Player]:
    """Answer every request made inside a trial from a recording; nothing may be sent.

    Args:
        tape: From ``open_tape`` or ``MemoryTape.of``; everything on it is expected to be asked for.
        scrubber: Takes out the secrets of today, so that another key is the same request.
        retime: Share of the recorded times to wait, finite and >= 0: 0 answers at once, 1 keeps
            the clock.
        strict: Refuse requests outside a trial, and refuse to end with unused exchanges.
        attempts: ``settled`` passes over what a client would only repeat, ``all`` does not.
        rule: What may differ between equal requests.
        allow_hosts: Who may be connected to past the adapters, such as a local database.
        clock: For ``retime``.

    Raises:
        InterceptionError: If another session is open, or ``retime`` is no time to wait.
        ReplayError: At the end, if a request had no answer (clients may swallow errors), or if
            part of a strict replay was not asked for.
        UnseenCallError: At the end, if a connection was refused.
    """
    from contractcheck.cassettes.played import SystemClock
    from contractcheck.cassettes.player import Player
    from contractcheck.cassettes.socket_guard import guard_patches

    if not 0 <= retime < inf:
        raise InterceptionError(
            f"retime={retime!r}: a finite share of the recorded times, of at least 0, can be "
            "waited: 0 answers at once, 1 keeps the recorded clock"
        )
    session = Player(
        recording=tape,
        scrubber=scrubber,
        retime=retime,
        strict=strict,
        attempts=attempts,
        rule=rule,
        clock=SystemClock() if clock is None else clock,
    )
    with _intercepting(session, guard_patches(allow_hosts, session.refusals)):
        yield session
    if strict:
        session.refuse_unused()


@contextmanager
def _intercepting(session: Recorder | Player, guards: Collection[Patch]) -> Iterator[None]:
    """Patch the clients while the context is open; tell at its end what a client swallowed."""
    import vcr
    from vcr.cassette import Cassette
    from vcr.patch import PATCHER_NAMES

    from contractcheck.cassettes.clients import client_patches

    if not _ONE.acquire(blocking=False):
        raise InterceptionError(
            "another recording or replaying session is open in this process, and two would "
            "intercept each other: close it first, or use another process"
        )
    try:
        machine = vcr.VCR(
            skip_patchers=PATCHER_NAMES, custom_patches=(*client_patches(session), *guards)
        )
        machine.register_persister(_NullPersister)
        config = machine.get_merged_config(path="contractcheck-journal")
        with scrubbed_logs(session.scrubber), Cassette.use(**config):
            yield
    except BaseException as error:
        for refusal in session.refusals[:1]:
            if refusal is not error:
                error.add_note(str(refusal))
        raise
    finally:
        _ONE.release()
    if session.refusals:
        raise session.refusals[0]


class _NullPersister:
    """vcrpy loads and saves nothing: the journal is the store."""

    @staticmethod
    def load_cassette(_path: str, serializer: object) -> tuple[list[object], list[object]]:
        del serializer
        return [], []

    @staticmethod
    def save_cassette(_path: str, _cassette: object, serializer: object) -> None:
        del serializer
