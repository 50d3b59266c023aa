"""A provider on loopback that does what a test tells it to."""

import asyncio
import json
import re
import threading
import time
from contextlib import contextmanager

import pytest

from contractcheck.auth import KeyAuthorizer
from contractcheck.cassettes import create_run
from contractcheck.model.run import CasePlan, RunHeader
from contractcheck.model.suite import Case, Message, Parameters
from contractcheck.model.target import Target
from contractcheck.redaction import Scrubber
from contractcheck.sampling import SamplingOptions


def one_case(name, samples):
    return Case(
        id=name,
        line=1,
        samples=samples,
        messages=(Message(role="user", content=f"case {name}"),),
        tools=(),
        response_schema=None,
        parameters=Parameters(),
        checks=(),
        metrics=(),
        fingerprint_parts={},
        request_fingerprint="r",
    )


@pytest.fixture
def make_cases():
    return lambda **samples: tuple(one_case(name, count) for name, count in samples.items())


@pytest.fixture
def make_run(tmp_path):
    def make(cases, folder="run", base_url=None):
        header = RunHeader(
            id="20260101t000000z-test",
            suite="demo",
            suite_version="1.0.0",
            suite_fingerprint="f",
            target=Target(provider="openai", model="m", base_url=base_url),
            night=None,
            started_at="2026-01-01T00:00:00+00:00",
            ended_at=None,
            status="interrupted",
            cases={
                case.id: CasePlan(samples=case.samples, request_fingerprint="r", parts={})
                for case in cases
            },
            vantage={},
        )
        return create_run(tmp_path / folder, header, Scrubber.for_secrets([]))

    return make


class Provider:
    """Answers chat completions; counts what it sees.

    With ``stream`` it sends a head and these pieces instead, and then nothing more; without any
    piece not even the head.
    """

    def __init__(self, respond):
        self.respond = respond
        self.stream = None
        self.asked = []
        self.asked_s = []
        self.at_once = 0
        self.most_at_once = 0

    async def talk(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1])
                body = json.loads(await reader.readexactly(length))
                self.asked.append((head, body))
                self.asked_s.append(time.monotonic())
                if self.stream is not None:
                    await self.stall(writer)
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                try:
                    told = await self.respond(len(self.asked) - 1, body)
                finally:
                    self.at_once -= 1
                status, answer, headers = (*told, {})[:3]
                more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                writer.write(
                    b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\n%s"
                    b"content-length: %d\r\n\r\n%s" % (status, more.encode(), len(answer), answer)
                )
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def stall(self, writer):
        if self.stream:
            writer.write(b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n\r\n")
            writer.write(b"".join(self.stream))
            await writer.drain()
        await asyncio.sleep(60)


@pytest.fixture
def serve():
    @contextmanager
    def serving(respond):
        """Serve in a thread, so that it outlives the loop of the sampler."""
        provider = Provider(respond)
        loop = asyncio.new_event_loop()
        started = threading.Event()
        stop = asyncio.Event()

        async def main():
            listening = await asyncio.start_server(provider.talk, "127.0.0.1", 0)
            provider.port = listening.sockets[0].getsockname()[1]
            started.set()
            await stop.wait()
            listening.close()
            tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
        thread.start()
        started.wait()
        provider.options = SamplingOptions(
            base_url=f"http://127.0.0.1:{provider.port}", authorizer=KeyAuthorizer(key="test-key")
        )
        try:
            yield provider
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()
            loop.close()

    return serving
