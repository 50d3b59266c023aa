"""Run the simulated provider: beside a test in a thread, or alone until a signal."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Self

import uvicorn

from contractcheck.errors import MeasurementError, UsageError
from contractcheck.simulator.server import SDK_PREFIXES, make_app
from contractcheck.simulator.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

    from contractcheck.simulator.conditions import Conditions

_START_LIMIT_S = 20.0
_POLL_S = 0.005


class Simulator:
    """A provider on a local port, as a context manager.

    Args:
        conditions: State of the provider on its first night.
        host: Address to listen on.
        port: TCP port; 0 takes a free one.

    Raises:
        UsageError: On entering: the address cannot be listened on.
        MeasurementError: On entering: the server did not start.
    """

    def __init__(self, conditions: Conditions, host: str = "127.0.0.1", port: int = 0) -> None:
        self._service = Service(conditions)
        self._host = host
        self._port = port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """``http://HOST:PORT``; what an SDK is given is in `url_for`."""
        return f"http://{self._host}:{self._port}"

    def url_for(self, provider: str) -> str:
        """Return the base URL for the official SDK of a provider, a key of `SDK_PREFIXES`."""
        return self.base_url + SDK_PREFIXES[provider]

    @property
    def conditions(self) -> Conditions:
        """State of the provider; assign another to begin another night.

        Requests that are being answered keep the conditions they arrived under.
        """
        return self._service.conditions

    @conditions.setter
    def conditions(self, conditions: Conditions) -> None:
        self._service.conditions = conditions

    @property
    def request_count(self) -> int:
        """Requests received so far, refused ones included."""
        return self._service.request_count

    def __enter__(self) -> Self:
        listener = _listen(self._host, self._port)
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            make_app(self._service),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run,
            kwargs={"sockets": [listener]},
            name="contractcheck-simulator",
            daemon=True,
        )
        self._thread.start()
        deadline_s = time.monotonic() + _START_LIMIT_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline_s:
                self._server.should_exit = True
                raise MeasurementError(f"the simulator did not start on {self.base_url}")
            time.sleep(_POLL_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
            self._server = self._thread = None


def serve(conditions: Conditions, *, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Run until SIGINT or SIGTERM. Call from the main thread.

    Args:
        conditions: State of the provider.
        host: Address to listen on.
        port: TCP port; 0 takes a free one.
        announce: Called with the base URL as soon as connections are accepted.

    Raises:
        UsageError: The address cannot be listened on.
    """
    # A pipe and not a threading.Event: a handler that sets an event deadlocks when the signal
    # strikes while this very thread holds the event's lock on its way into wait().
    told, teller = os.pipe()

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        os.write(teller, b"stop")

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Simulator(conditions, host, port) as simulator:
            announce(simulator.base_url)
            os.read(told, 1)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        os.close(told)
        os.close(teller)


def _listen(host: str, port: int) -> socket.socket:
    try:
        # The protocol is named because asyncio switches Nagle's algorithm off only
        # then; with it, the first event of a stream waits 40 ms for a delayed ACK.
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(256)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another port, or 0"
        ) from error
    return listener
