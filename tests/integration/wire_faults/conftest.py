"""A proxy that breaks HTTP answers on their way, and projects that ask through it."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import struct
import threading
from contextlib import contextmanager

import pytest

from contractcheck.cassettes import read_run
from contractcheck.providers.answer import read_answer
from contractcheck.sampling import Bounds, RetryPolicy
from contractcheck.simulator import Conditions, Simulator
from contractcheck.workflows.accept import AcceptOptions, accept_runs
from contractcheck.workflows.judging import judge_recorded
from contractcheck.workflows.record import RecordOptions, record_run, resume
from contractcheck.workflows.workspace import Workspace

KEY = "sk-live-Zq81nVtR5mPx0aLw"
SUITE = """\
suite: hello
version: 1.0.0
targets: ['{target}']
defaults: {{samples: {samples}, max_output_tokens: 12}}
policy:
  watch: {{nights: 5}}
cases:
  - id: greet
    messages: [{{role: user, content: "Say hello."}}]
    checks: [not_truncated]
    metrics: [text, output_tokens, ending]
  - id: part
    messages: [{{role: user, content: "Say goodbye."}}]
    metrics: [text]
"""
PINNED = {
    "anthropic": "claude-sim-haiku-2026-03-01",
    "bedrock": "anthropic.claude-sim-v1:0",
    "cohere": "command-sim",
    "gemini": "gemini-sim",
    "mistral": "mistral-sim-small",
    "openai": "gpt-sim-mini-2026-03-01",
    "openai-responses": "gpt-sim-mini-2026-03-01",
}
VARIABLES = (
    "ANTHROPIC_API_KEY",
    "AWS_BEARER_TOKEN_BEDROCK",
    "CO_API_KEY",
    "COHERE_API_KEY",
    "GEMINI_API_KEY",
    "MISTRAL_API_KEY",
    "OPENAI_API_KEY",
)
PREFIXES = {"mistral": "/mistral"}
"""Where the simulator serves a wire whose paths are also another's."""


ONCE = Bounds(retry=RetryPolicy(attempts=1))
"""Each trial is one request: what came of it is what is judged."""


class Fault:
    """What becomes of an answer on its way: by default nothing. Subclasses say what."""

    async def play(self, answer, client):
        client.write(answer)
        await client.drain()


class Sliced(Fault):
    """Pieces of a few bytes, each in a packet of its own."""

    def __init__(self, size):
        self.size = size

    async def play(self, answer, client):
        for start in range(0, len(answer), self.size):
            client.write(answer[start : start + self.size])
            await client.drain()
            await asyncio.sleep(0)


class Cut(Fault):
    """The connection ends within the body: politely (FIN), by half, or by reset."""

    def __init__(self, share, how="close"):
        self.share, self.how = share, how

    async def play(self, answer, client):
        head, end, body = answer.partition(b"\r\n\r\n")
        client.write(head + end + body[: int(self.share * len(body))])
        await client.drain()
        if self.how == "half":
            client.write_eof()
            await asyncio.sleep(0.05)
        if self.how == "reset":
            # What the kernel still holds is dropped with the connection: let it go first.
            await asyncio.sleep(0.02)
            linger = struct.pack("ii", 1, 0)
            client.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            client.transport.abort()


class Stalled(Fault):
    """Nothing more comes after some bytes, and nobody says so."""

    def __init__(self, find):
        self.find = find

    async def play(self, answer, client):
        client.write(answer[: self.find(answer)])
        await client.drain()
        await asyncio.sleep(60)


class Instead(Fault):
    """Another answer altogether."""

    def __init__(self, make):
        self.make = make

    async def play(self, answer, client):
        client.write(self.make(answer))
        await client.drain()


class FaultProxy:
    """Hands requests on to a provider, and plays a fault with each answer.

    Attributes:
        port: Of the provider.
        fault: The n-th request, from 0, and its head → what becomes of its answer.
        heads: Of the requests so far.
        most_at_once: Requests that were under way at once.
    """

    def __init__(self):
        self.under_way = 0
        self.begin(0, lambda _number, _head: Fault())

    def begin(self, port, fault):
        """Another provider, other faults, and a fresh count."""
        self.port, self.fault, self.heads, self.most_at_once = port, fault, [], 0

    def __enter__(self):
        self.loop, ready = asyncio.new_event_loop(), threading.Event()
        self.thread = threading.Thread(target=lambda: self.loop.run_until_complete(self.run(ready)))
        self.thread.start()
        ready.wait()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join()
        self.loop.close()

    async def run(self, ready):
        self.stop = asyncio.Event()
        listening = await asyncio.start_server(self.talk, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        ready.set()
        await self.stop.wait()
        listening.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def talk(self, reader, writer):
        """One request for each connection: a fault never touches a neighbour."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)[1])
            body = await reader.readexactly(length)
            self.heads.append(head)
            fault = self.fault(len(self.heads) - 1, head)
            self.under_way += 1
            self.most_at_once = max(self.most_at_once, self.under_way)
            try:
                await fault.play(await self.answer_to(head, body), writer)
            finally:
                self.under_way -= 1
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def answer_to(self, head, body):
        """The whole answer of the provider, as it is on the wire; nothing without one."""
        if not self.port:
            return b""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [
            line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")
        ]
        writer.write(b"\r\n".join([lines[0], b"connection: close", *lines[1:]]) + body)
        answer = await reader.read()
        writer.close()
        return answer


def night_of(day):
    return f"2026-03-{day:02d}"


class Project:
    """A workspace whose suite asks a simulated provider through the proxy."""

    def __init__(self, root, proxy, *, wire="openai", samples=4):
        self.workspace, self.proxy, self.wire = Workspace(root), proxy, wire
        path = root / "suites" / "hello" / "suite.contract.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SUITE.format(target=f"{wire}:{PINNED[wire]}", samples=samples))
        (self.suite,) = self.workspace.load_suites()

    def record(self, day, *, fault=lambda *_: Fault(), error_rate=0.0, bounds=ONCE, **options):
        """One night of a provider that begins anew: it answers the same questions alike."""
        url = self.proxy.url + PREFIXES.get(self.wire, "")
        chosen = RecordOptions(night=night_of(day), base_url=url, bounds=bounds, **options)
        with self.providing(day, fault, error_rate=error_rate):
            return record_run(self.workspace, self.suite, self.suite.targets[0], chosen)

    def resume(self, folder, day, *, fault=lambda *_: Fault(), bounds=ONCE, **options):
        """Go on with a night that ended early."""
        url = self.proxy.url + PREFIXES.get(self.wire, "")
        chosen = RecordOptions(base_url=url, bounds=bounds, **options)
        with self.providing(day, fault):
            return resume(folder, self.suite, chosen)

    @contextmanager
    def providing(self, day, fault, *, error_rate=0.0):
        """The provider of a night behind the proxy."""
        conditions = Conditions(night=night_of(day), time_scale=0.0, error_rate=error_rate)
        with Simulator(conditions) as provider:
            self.proxy.begin(int(provider.base_url.rpartition(":")[2]), fault)
            yield

    def accept(self, *folders):
        options = AcceptOptions(reason="quiet", by="me")
        accept_runs(self.workspace, folders, (self.suite,), options)

    def judge(self, folder):
        return judge_recorded(self.workspace, self.suite, folder)

    def completions(self, folder):
        """What each attempt was read as, in the order of trials."""
        exchanges = read_run(folder).exchanges
        ordered = sorted(exchanges, key=lambda x: (x.case, x.trial, x.attempt))
        return [read_answer(exchange, self.wire).completion for exchange in ordered]


@pytest.fixture(scope="session")
def proxy():
    with FaultProxy() as running:
        yield running


@pytest.fixture
def make_project(tmp_path, proxy, monkeypatch):
    """``make_project(wire, samples=4)``: nothing recorded yet."""
    for variable in VARIABLES:
        monkeypatch.setenv(variable, KEY)

    def make(wire="openai", **options):
        return Project(tmp_path, proxy, wire=wire, **options)

    return make


@pytest.fixture(scope="session")
def accepted(tmp_path_factory, proxy):
    """Five accepted nights of fifty answers, made once."""
    root = tmp_path_factory.mktemp("accepted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", KEY)
        project = Project(root, proxy, samples=25)
        project.accept(*(project.record(day) for day in range(1, 6)))
    return root


@pytest.fixture
def watched(accepted, tmp_path, proxy, monkeypatch):
    """A project with five accepted nights, to be spoiled."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    shutil.copytree(accepted, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path, proxy, samples=25)


@pytest.fixture(scope="session")
def faults():
    """The kinds of faults, by name."""
    return {kind.__name__: kind for kind in (Fault, Sliced, Cut, Stalled, Instead)}
