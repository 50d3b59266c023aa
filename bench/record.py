"""What recording adds to a live exchange, beside the bare client and stock vcrpy; one run.

    python bench/record.py [--blocks 40] [--all] [--cpu] > record.md

A server in a process of its own answers on loopback: a chat in one piece, streams of 20, 200 and
600 events as fast as it can, and a stream of 30 events of which the first comes after 60 ms and
the rest 10 ms apart. One httpx2 client asks, in blocks that take turns: bare, recorded by
contractcheck (journal on disk, ``fsync=close``), and recorded by vcrpy. Printed are medians, and
for each difference a 95 % bootstrap interval.

Before and after each request a loop of fixed length is timed. Where it took more than a fifth
longer than at its best, somebody else was at work on the same core, and the request does not
count; with ``--all`` it does. ``--cpu`` counts the processor time of the asking thread instead of
the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import multiprocessing
import random
import statistics
import tempfile
import time
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import vcr
from traffic import JSON_HEADERS, STREAM_CHUNKS, STREAM_HEADERS, chat, header, stream

from contractcheck.cassettes import create_run, in_trial, recording
from contractcheck.cassettes.recorder import Recorder
from contractcheck.cassettes.session import Outgoing
from contractcheck.redaction import Scrubber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from multiprocessing.connection import Connection

FIRST_EVENT_S = 0.05
_PACED_EVENTS, _PACE_S = 30, 0.01
_LENGTHS = (20, 200, 600)
_MOST_SLOWER = 1.2
_FEWEST = 10
_SIDES = ("bare", "contractcheck", "vcrpy")
_SECRETS = ("sk-bench-0123456789abcdef",)
_HEADERS = {"content-type": "application/json"}


def serve(port_to: Connection) -> None:
    """Answer on loopback until terminated; tells its port first."""
    asyncio.run(_serve(port_to))


async def _serve(port_to: Connection) -> None:
    server = await asyncio.start_server(_answer_all, "127.0.0.1", 0)
    port_to.send(server.sockets[0].getsockname()[1])
    async with server:
        await server.serve_forever()


async def _answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Requests of one connection, one after the other."""
    while head := await _read_head(reader):
        path = head.split(b" ", 2)[1]
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        if path == b"/chat":
            body = chat(0).answer
            writer.write(_head(b"application/json", b"content-length: %d" % len(body)) + body)
            await writer.drain()
        else:
            await _stream(writer, path)


async def _read_head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


async def _stream(writer: asyncio.StreamWriter, path: bytes) -> None:
    """``/paced``, or ``/stream/<number of chunks>``."""
    is_paced = path == b"/paced"
    count = _PACED_EVENTS if is_paced else int(path.rpartition(b"/")[2])
    writer.write(_head(b"text/event-stream", b"transfer-encoding: chunked"))
    await writer.drain()
    await asyncio.sleep(FIRST_EVENT_S if is_paced else 0.0)
    for chunk in _chunks(count):
        await asyncio.sleep(_PACE_S if is_paced else 0.0)
        writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()


@cache
def _chunks(count: int) -> tuple[bytes, ...]:
    return stream(0, chunks=count).chunks


def _head(kind: bytes, framing: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: " + kind + b"\r\n" + framing + b"\r\n\r\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--blocks", type=int, default=40, help="more of them: narrower intervals")
    parser.add_argument("--cpu", action="store_true", help="processor time; no first events")
    parser.add_argument("--all", action="store_true", help="count requests beside other work, too")
    options = parser.parse_args()
    most = math.inf if options.all else _MOST_SLOWER
    blocks = options.blocks
    clock = time.thread_time if options.cpu else time.perf_counter
    with running_server() as base_url, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print_exchanges(base_url, folder, blocks, clock, most)
        print_streams(base_url, folder, blocks, clock, most)
        print_own_work(folder / "own", 4 * blocks)
        if not options.cpu:
            print_first_events(base_url, folder, max(3, blocks // 4), most)


@contextmanager
def running_server() -> Iterator[str]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def print_exchanges(
    base_url: str, folder: Path, blocks: int, clock: Callable[[], float], most: float
) -> None:
    def ask(client: httpx2.Client) -> float:
        started = clock()
        client.post(f"{base_url}/chat", content=chat(0).body, headers=_HEADERS).read()
        return (clock() - started) * 1e3

    asked = in_turn(ask, folder / "chat", blocks, per_block=20)
    print_table("A chat of 3.3 KB, ms per exchange", calm(asked, most))


def print_streams(
    base_url: str, folder: Path, blocks: int, clock: Callable[[], float], most: float
) -> None:
    """Streams of several lengths: what grows with the chunks is not what an exchange costs."""
    took = {}
    for count in _LENGTHS:

        def ask(client: httpx2.Client, count: int = count) -> float:
            started = clock()
            url = f"{base_url}/stream/{count}"
            with client.stream("POST", url, content=chat(0).body) as response:
                for _ in response.iter_raw():
                    pass
            return (clock() - started) * 1e3

        asked = in_turn(ask, folder / f"stream-{count}", blocks, per_block=5)
        took[count] = calm(asked, most)
        print_table(f"A stream of {count} chunks, ms per exchange", took[count])
    short, long, further = took[min(took)], took[max(took)], max(took) - min(took)

    def per_chunk(a: float, b: float, c: float, d: float) -> float:
        return (a - b - c + d) * 1e3 / further

    print("\n**µs added for each further chunk**\n\n| client | added |\n|---|---|")
    for side in _SIDES[1:]:
        ends = (long[side], long["bare"], short[side], short["bare"])
        low, middle, high = interval(ends, per_chunk)
        print(f"| {side} | {middle:+.2f} [{low:+.2f}, {high:+.2f}] |", flush=True)


def print_first_events(base_url: str, folder: Path, blocks: int, most: float) -> None:
    def ask(client: httpx2.Client) -> float:
        started = time.perf_counter()
        with client.stream("POST", f"{base_url}/paced", content=chat(0).body) as response:
            chunks = response.iter_raw()
            next(chunks)
            first_s = time.perf_counter() - started
            for _ in chunks:
                pass
        return first_s * 1e3

    asked = in_turn(ask, folder / "paced", blocks, per_block=5)
    sent_ms = (FIRST_EVENT_S + _PACE_S) * 1e3
    title = f"First event of a stream, sent after {sent_ms:.0f} ms, ms as the client sees it"
    print_table(title, calm(asked, most))


def print_own_work(folder: Path, times: int) -> None:
    """Processor time of what recording does by itself, with no client and no network."""
    scrubber = Scrubber.for_secrets(_SECRETS)
    run = create_run(folder, header({"bench": times}), scrubber)
    recorder = Recorder(sink=run, scrubber=scrubber)
    spent_us = [own_work_us(recorder, trial) / STREAM_CHUNKS for trial in range(times)]
    run.close()
    print("\n**The same stream, no client around it, µs of processor time per chunk**\n")
    print(f"least {min(spent_us):.2f}, median {statistics.median(spent_us):.2f}", flush=True)


def own_work_us(recorder: Recorder, trial: int) -> float:
    """Record one stream from memory."""
    traffic = stream(0)
    asked = Outgoing(method="POST", url="https://x/stream", headers=JSON_HEADERS, body=traffic.body)
    with in_trial("bench", trial):
        started_ns = time.thread_time_ns()
        take = recorder.begin(asked, via="httpx2")
        if take is None:
            raise RuntimeError("a request inside a trial was not recorded")
        take.on_sent()
        take.on_headers(status=200, reason="OK", http_version="HTTP/1.1", headers=STREAM_HEADERS)
        for chunk in traffic.chunks:
            take.on_pull()
            take.on_chunk(chunk)
        take.finish("eof")
        return (time.thread_time_ns() - started_ns) / 1e3


def in_turn(
    ask: Callable[[httpx2.Client], float], folder: Path, blocks: int, *, per_block: int
) -> dict[str, list[tuple[float, float]]]:
    """What each request took, and the loop beside it; the sides' order is drawn for each block."""
    asked: dict[str, list[tuple[float, float]]] = {side: [] for side in _SIDES}
    with httpx2.Client(trust_env=False) as client:
        for _ in range(20):
            ask(client)
        for block in range(blocks):
            for side in random.sample(_SIDES, k=len(_SIDES)):
                with side_of(side, folder / f"{side}-{block}"):
                    for trial in range(-1, per_block):  # the first one opens a journal
                        with in_trial("bench", trial + 1):
                            before_s = loop_s()
                            took = ask(client)
                            slowest_s = max(before_s, loop_s())
                        if trial >= 0:
                            asked[side].append((took, slowest_s))
    return asked


def loop_s() -> float:
    """Time of a loop of fixed length."""
    started = time.perf_counter()
    for _ in range(4_000):
        pass
    return time.perf_counter() - started


def calm(asked: dict[str, list[tuple[float, float]]], most: float) -> dict[str, list[float]]:
    """What was asked while the loop took at most ``most`` times its best (a hundredth's best)."""
    loops_s = sorted(loop for rows in asked.values() for _, loop in rows)
    bound_s = most * loops_s[len(loops_s) // 100]
    kept = {side: [took for took, loop in rows if loop <= bound_s] for side, rows in asked.items()}
    if (fewest := min(map(len, kept.values()))) < _FEWEST:
        raise SystemExit(f"only {fewest} requests of a side with nobody beside them: try --all")
    return kept


def side_of(side: str, place: Path) -> AbstractContextManager[object]:
    if side == "contractcheck":
        return recorded(place)
    if side == "vcrpy":
        return vcr.VCR(record_mode="all").use_cassette(f"{place}.yaml")
    return nullcontext()


@contextmanager
def recorded(place: Path) -> Iterator[None]:
    scrubber = Scrubber.for_secrets(_SECRETS)
    run = create_run(place, header({"bench": 50}), scrubber)
    with recording(run, scrubber):
        yield
    run.close()


def print_table(title: str, took: dict[str, list[float]]) -> None:
    counts = ", ".join(str(len(took[side])) for side in _SIDES)
    print(f"\n**{title}** ({counts} requests)\n")
    print("| client | median | added |")
    print("|---|---|---|")
    for side in _SIDES:
        added = ""
        if side != "bare":
            low, middle, high = interval((took[side], took["bare"]), lambda a, b: a - b)
            added = f"{middle:+.3f} [{low:+.3f}, {high:+.3f}]"
        print(f"| {side} | {statistics.median(took[side]):.3f} | {added} |", flush=True)


def interval(
    samples: Sequence[Sequence[float]], combine: Callable[..., float]
) -> tuple[float, float, float]:
    """A combination of medians with its 95 % bootstrap interval."""
    drawn = sorted(
        combine(*(statistics.median(random.choices(one, k=len(one))) for one in samples))  # noqa: S311 - no secret
        for _ in range(1_000)
    )
    return drawn[25], combine(*map(statistics.median, samples)), drawn[974]


if __name__ == "__main__":
    main()
