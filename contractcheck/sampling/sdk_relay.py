"""Let the official SDK of another environment ask, and record what it sends and gets.

The SDK runs in a child process and talks to a relay in this one. The relay passes its requests on
byte for byte, inside the trial they belong to, so that they are recorded like any other; it puts
the credential in, which the child never sees. Every call has a secret path of its own: it names
the trial, and keeps other processes on this machine out.
"""

from __future__ import annotations

import asyncio
import secrets
import subprocess
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx2
import orjson

from contractcheck.cassettes import in_trial
from contractcheck.errors import ContractcheckError, MeasurementError, UsageError
from contractcheck.model.wire import WireRequest
from contractcheck.providers.failures import has_expired
from contractcheck.sampling.watch import OverdueError

if TYPE_CHECKING:
    from types import TracebackType

    from contractcheck.auth import Authorizer
    from contractcheck.model.exchange import Headers
    from contractcheck.sampling.hearing import Ear, Heard

CHILD = Path(__file__).with_name("sdk_child.py")
_LONGEST_LINE = 1 << 20
_OF_THE_HOP = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "keep-alive"}
)
_START_LIMIT_S = 60.0

_ENVIRONMENT = {"LANG": "C.UTF-8", "NO_PROXY": "*"}
"""All that the child gets: no credential, no proxy, no endpoint of another."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SdkEnvironment:
    """The SDK of a virtual environment.

    Attributes:
        python: Its interpreter.
        provider: Whose SDK: ``openai`` or ``anthropic``.
    """

    python: Path
    provider: str

    def command(self, at_once: int) -> tuple[str, ...]:
        """How the child is started: isolated from this project and the user's own packages."""
        return (str(self.python), "-I", str(CHILD), self.provider, str(at_once))


def find_sdk(environment: SdkEnvironment) -> str:
    """Name and version of an environment's SDK, such as ``openai 3.54.0``.

    Raises:
        UsageError: If there is no such interpreter, or it has no such SDK.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter that the user named, no shell
            environment.command(1),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=_ENVIRONMENT,
            timeout=_START_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{environment.python} cannot be run ({type(error).__name__})") from error
    try:
        said = orjson.loads(done.stdout.partition(b"\n")[0])
        return f"{said['sdk']} {said['version']}"
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        why = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise UsageError(
            f"{environment.python} cannot use the SDK {environment.provider!r}: "
            f"{why or 'it said nothing'}; install it there"
        ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class SdkTrial:
    """A trial as the relay must enter it: case, number in the session, least attempt."""

    case: str
    number: int
    first_attempt: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SdkAnswer:
    """How a call ended.

    Attributes:
        status: HTTP status that came; 502 when nothing did.
        error: What the SDK raised, or empty.
    """

    status: int
    error: str

    @property
    def is_unread(self) -> bool:
        """Whether an answer came, and the SDK could not read it."""
        return self.status == httpx2.codes.OK and bool(self.error)


@dataclass(slots=True)
class _Call:
    trial: SdkTrial
    done: asyncio.Future[str | None]
    status: int | None = None

    def fail(self, error: ContractcheckError) -> None:
        """End with an error of ours, for whoever waits."""
        if not self.done.done():
            self.done.set_exception(error)


@dataclass(kw_only=True)
class SdkRelay:
    """A child process with an SDK, and the relay that it talks to; an async context manager.

    Attributes:
        environment: Where the SDK is.
        base_url: Whom the relay asks, without trailing slash.
        authorizer: Puts the credential for it on requests.
        ear: Sends the requests, and hears answers out.
        at_once: Calls under way at once.
    """

    environment: SdkEnvironment
    base_url: str
    authorizer: Authorizer
    ear: Ear
    at_once: int
    _calls: dict[str, _Call] = field(default_factory=dict)
    _is_over: bool = False

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LONGEST_LINE)
            stack.callback(server.close)
            self._port = server.sockets[0].getsockname()[1]
            self._child = await asyncio.create_subprocess_exec(
                *self.environment.command(self.at_once),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=_ENVIRONMENT,
                limit=_LONGEST_LINE,
                # Ctrl-C is for this process, which then ends the child.
                start_new_session=True,
            )
            stack.push_async_callback(self._end_child)
            if self._child.stdout is None or self._child.stdin is None:
                raise MeasurementError(f"{self.environment.python}: no pipes to the SDK")
            self._out, self._in = self._child.stdout, self._child.stdin
            await asyncio.wait_for(self._out.readline(), _START_LIMIT_S)
            listening = asyncio.create_task(self._listen())
            stack.callback(listening.cancel)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def ask(self, trial: SdkTrial, body: bytes) -> SdkAnswer:
        """Make one call through the SDK.

        Args:
            trial: What it belongs to.
            body: What the call takes, as JSON.

        Raises:
            MeasurementError: If the SDK sent nothing, or its process ended.
        """
        if self._is_over:
            raise self._gone()
        token = secrets.token_hex(16)
        call = _Call(trial, asyncio.get_running_loop().create_future())
        self._calls[token] = call
        try:
            document = {
                "id": token,
                "key": token,
                "base_url": f"http://127.0.0.1:{self._port}/{token}",
                "body": orjson.Fragment(body),
            }
            self._in.write(orjson.dumps(document) + b"\n")
            await self._in.drain()
            error = await call.done
        except (BrokenPipeError, ConnectionResetError) as broken:
            raise self._gone() from broken
        finally:
            del self._calls[token]
        if call.status is None:
            raise MeasurementError(
                f"the SDK in {self.environment.python} sent nothing for {trial.case}: "
                f"{error or 'no request'}"
            )
        return SdkAnswer(status=call.status, error=error or "")

    async def _listen(self) -> None:
        """Hand what the child says to whoever waits for it."""
        while line := await self._out.readline():
            said = orjson.loads(line)
            call = self._calls.get(said.get("id", ""))
            if call is not None and not call.done.done():
                call.done.set_result(said.get("error"))
        self._is_over = True
        for call in self._calls.values():
            if not call.done.done():
                call.done.set_exception(self._gone())

    def _gone(self) -> MeasurementError:
        return MeasurementError(f"the SDK's process ({self.environment.python}) ended by itself")

    async def _end_child(self) -> None:
        self._in.close()
        with suppress(ProcessLookupError):
            self._child.kill()
        await self._child.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the SDK's requests on one connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                method, path, headers = _parse(head)
                length = int(dict(headers).get("content-length", "0"))
                body = await reader.readexactly(length)
                await self._pass_on(method, path, headers, body, writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError):
            pass  # the child closed the connection, or is not the SDK
        finally:
            writer.close()

    async def _pass_on(
        self, method: str, path: str, headers: Headers, body: bytes, writer: asyncio.StreamWriter
    ) -> None:
        token, _, rest = path.removeprefix("/").partition("/")
        call = self._calls.get(token)
        if call is None:
            await _write_whole(writer, 404, b"no such call")
            return
        # Where the SDK put its key stands the token; the credential goes where the wire wants it.
        kept = tuple(
            (name, value)
            for name, value in headers
            if name not in _OF_THE_HOP and token not in value
        )
        request = WireRequest(method=method, path=f"/{rest}", headers=kept, body=body)
        try:
            sent = await self.authorizer.authorize(request, self.base_url)
        except ContractcheckError as error:
            call.fail(error)
            await _write_whole(writer, 502, b"no credential")
            return
        trial = call.trial
        with in_trial(trial.case, trial.number, first_attempt=trial.first_attempt) as slot:
            try:
                async with self.ear.ask(
                    slot, method, f"{self.base_url}/{rest}", headers=sent, body=body
                ) as heard:
                    await _write_stream(writer, heard, call)
                came = heard.so_far()
            except (httpx2.HTTPError, OverdueError) as error:
                if call.status is not None:
                    raise ConnectionAbortedError from error  # the SDK gets as much as came
                call.status, came = 502, None
                await _write_whole(writer, 502, type(error).__name__.encode())
        if came is not None and has_expired(came):
            # For calls to come: this one is not made again, and was recorded as what it was.
            with suppress(MeasurementError):
                await self.authorizer.renew(sent)


def _parse(head: bytes) -> tuple[str, str, Headers]:
    """Method, path and headers (names in lower case) of an HTTP/1.1 request."""
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, path, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    return method, path, tuple((name.lower(), value.strip()) for name, _, value in pairs)


async def _write_whole(writer: asyncio.StreamWriter, status: int, body: bytes) -> None:
    writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body))
    await writer.drain()


async def _write_stream(writer: asyncio.StreamWriter, heard: Heard, call: _Call) -> None:
    """Pass an answer on, chunk by chunk as it comes."""
    response = heard.response
    if response is None:
        return
    call.status = response.status_code
    lines = [f"HTTP/1.1 {response.status_code} X"]
    lines += [f"{k}: {v}" for k, v in response.headers.items() if k.lower() not in _OF_THE_HOP]
    head = "\r\n".join((*lines, "transfer-encoding: chunked", "", ""))
    writer.write(head.encode("latin-1", "replace"))
    async for chunk in heard.pieces():
        if chunk:
            writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            await writer.drain()
    if heard.slot.overdue:
        raise ConnectionAbortedError  # cut off: it must not look whole
    writer.write(b"0\r\n\r\n")
    await writer.drain()
