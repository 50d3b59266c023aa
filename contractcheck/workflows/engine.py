"""Where pieces of work are made: here, in processes, or on a cluster, with the same results.

A piece is a function of a module and one value; what it returns depends on nothing else. Pieces
that draw get their seed by their own number (:func:`spawn_seeds`), so neither the engine nor how
many workers there are, nor which of them died, shows in a result.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import numpy as np

from contractcheck.errors import MeasurementError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

P = ParamSpec("P")
Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST_DEATHS = 3
"""How often one piece may lose its worker; dask's own ``allowed-failures`` is the same."""
_AHEAD = 64
"""Pieces under way or done and not yet taken: bounds what a slow first piece keeps in memory."""
_LOOK_S = 5.0
"""How often it is looked whether a cluster still has workers while a piece is not done (s)."""


@contextmanager
def open_engine(spec: str | None, *, patience_s: float = 300.0) -> Iterator[Executor]:
    """Open what pieces are made by.

    Args:
        spec: ``processes[:N]`` on this machine (all its cores without N), ``dask[:ADDRESS]`` the
            workers of a dask scheduler (those that dask's configuration names without an address,
            else processes that it starts here); None is this process alone.
        patience_s: How long a cluster may be without any worker (s): one that grows by need starts
            its first within minutes.

    Raises:
        UsageError: If the spec is neither, or the extra is missing.
        MeasurementError: If the scheduler does not answer.
    """
    kind, _, detail = (spec or "processes:1").partition(":")
    if kind == "dask":
        with _open_dask(detail or None, patience_s) as executor:
            yield executor
        return
    if kind != "processes" or (detail and not detail.isdecimal()) or detail in {"0", "00"}:
        raise UsageError(f"--engine {spec!r} is neither processes[:N] nor dask[:ADDRESS]")
    workers = int(detail) if detail else os.cpu_count() or 1
    executor = _Here() if workers == 1 else _Processes(workers)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def map_in_order(
    executor: Executor, function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[Result]:
    """Make every piece and yield the results in the order of their items.

    A piece whose worker was killed is made again.

    Args:
        executor: From :func:`open_engine`.
        function: Of a module, not a closure: workers import it.
        items: Values that can be pickled.

    Raises:
        MeasurementError: If one piece loses its worker again and again, or the engine is lost.
    """
    ahead = 1 if isinstance(executor, _Here) else _AHEAD
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    for item in items:
        waiting.append((item, executor.submit(function, item)))
        if len(waiting) >= ahead:
            yield _take_first(executor, function, waiting)
    while waiting:
        yield _take_first(executor, function, waiting)


def spawn_seeds(seed: int, pieces: int) -> tuple[np.random.SeedSequence, ...]:
    """Make one seed per piece: by its number, never by who makes it (``SeedSequence.spawn``)."""
    return tuple(np.random.SeedSequence(seed).spawn(pieces))


def _take_first(
    executor: Executor,
    function: Callable[[Item], Result],
    waiting: deque[tuple[Item, Future[Result]]],
) -> Result:
    for _ in range(_MOST_DEATHS + 1):
        try:
            result = _await(executor, waiting[0][1])
        except CancelledError as error:
            raise MeasurementError("the engine was lost: its scheduler is gone") from error
        except Exception as error:
            if not _is_death(error):
                raise
            # One death takes every piece of a process pool along.
            for place, (item, future) in enumerate(waiting):
                if future.done() and not future.cancelled() and _is_death(future.exception()):
                    waiting[place] = item, executor.submit(function, item)
        else:
            waiting.popleft()
            return result
    raise MeasurementError(
        f"a piece of work lost its worker {_MOST_DEATHS + 1} times; if memory ran out, ask for "
        "fewer workers (--engine processes:N)"
    )


def _await(executor: Executor, future: Future[Result]) -> Result:
    """Wait for a piece for as long as there is somebody to make it."""
    if isinstance(executor, _Cluster):
        while not wait([future], timeout=_LOOK_S).done:
            executor.require_worker()
    return future.result()


def _is_death(error: BaseException | None) -> bool:
    """Whether a worker died under a piece; dask is not imported to know its own error."""
    return isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker"


class _Here(Executor):
    """Makes each piece at once, in this process."""

    def submit(
        self, fn: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[Result]:
        """Make a piece; what it raises is kept for whoever asks for the result."""
        future: Future[Result] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it is raised again by the future, as by any executor
            future.set_exception(error)
        return future


class _Processes(Executor):
    """A process pool that is opened anew after a worker was killed."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = self._open()

    def _open(self) -> ProcessPoolExecutor:
        # A fork would copy locks and open files of whatever threads run here.
        return ProcessPoolExecutor(
            self._workers, mp_context=get_context("spawn"), initializer=_ignore_interrupts
        )

    def submit(
        self, fn: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[Result]:
        """Give a piece to a worker; workers are started as pieces come."""
        try:
            return self._pool.submit(fn, *args, **kwargs)
        except BrokenExecutor:
            self._pool.shutdown()
            self._pool = self._open()
            return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as Executor has it
        """End the workers."""
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


class _Cluster(Executor):
    """The workers of a dask scheduler, of which there may be none for a while."""

    def __init__(
        self, executor: Executor, find_worker: Callable[[float], object], patience_s: float
    ) -> None:
        self._executor = executor
        self._find_worker = find_worker
        self._patience_s = patience_s

    def submit(
        self, fn: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[Result]:
        """Give a piece to the scheduler."""
        return self._executor.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as Executor has it
        """Leave; the workers stay."""
        self._executor.shutdown(wait=wait and not cancel_futures)

    def require_worker(self) -> None:
        """Wait for a worker where there is none.

        Raises:
            MeasurementError: If none came.
        """
        try:
            self._find_worker(self._patience_s)
        except TimeoutError as error:
            raise MeasurementError(
                f"--engine dask: the scheduler has had no worker for {self._patience_s:.0f} s; "
                "start some (dask worker ADDRESS) and do the same again"
            ) from error
        except OSError:
            # A scheduler that is gone shows in the pieces, which are cancelled then.
            return


def _ignore_interrupts() -> None:
    """Ctrl-C reaches the whole group; the parent alone answers it, and ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _open_dask(address: str | None, patience_s: float) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError(
            "--engine dask needs distributed: pip install contractcheck[dask]"
        ) from error
    try:
        client = Client(address, **_local_options(address))  # type: ignore[no-untyped-call]  # distributed is half typed
    except (OSError, ValueError) as error:
        raise MeasurementError(
            f"--engine dask: no scheduler answers at {address or 'the configured address'}: {error}"
        ) from error
    with client:
        executor = _Cluster(
            client.get_executor(pure=False),  # type: ignore[no-untyped-call]  # as above
            partial(client.wait_for_workers, 1),
            patience_s,
        )
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)


def _local_options(address: str | None) -> dict[str, None]:
    """Options of processes that are started here: without the dashboard, which every host reaches.

    ``LocalCluster`` has it listen on all interfaces, at port 8787, unless it is told otherwise.
    """
    import dask.config

    is_elsewhere = address is not None or dask.config.get("scheduler-address", None)
    return {} if is_elsewhere else {"dashboard_address": None}
