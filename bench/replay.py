"""Replay speed, beside stock vcrpy and the practical floor; same bodies, one run.

    python bench/replay.py [--quick] > replay.md

One cassette of n chat exchanges is replayed through one httpx2 client:

- contractcheck: a sealed run, opened and verified, strict;
- vcrpy: its own JSON cassette, matched on method, URI and body, which a test that asks N different
  questions of one endpoint needs. Its cost grows with the position on the tape, so it is measured
  at five positions (all requests before are marked as played) and its total is extrapolated by the
  trapezoidal rule; at 100 it is measured whole;
- floor: an ``httpx2.MockTransport`` over a dictionary: what the client itself costs.

Then the whole-suite layout (200 cases × 10 trials, one file per case, chats and 200-chunk streams),
where vcrpy reads YAML and the floor keeps the chunks, and the real openai SDK, ten trials of each
question as suites ask them, and different questions only, paired and interleaved with the floor.

Nothing here waits, so processor time of the thread is measured: other programs take less of it
than of the clock. What is compared takes turns, in blocks of a hundred requests or one by one.
"""

from __future__ import annotations

import argparse
import gc
import random
import ssl
import statistics
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import openai
import vcr
from traffic import STREAM_CHUNKS, URL, chat, exchange_of, stream, write_run
from vcr.request import Request as VcrRequest

from contractcheck.cassettes import in_trial, open_tape, replaying
from contractcheck.redaction import Scrubber

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from traffic import Traffic

CASE = "bench"
POSITIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
_AT_EACH = 5
_BLOCK = 100
_MOST_REQUESTS = 60_000
TRIALS = 10
_HEADERS = {"content-type": "application/json"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="without 10^5 and with fewer repeats")
    options = parser.parse_args()
    sizes = (100, 1_000, 10_000) if options.quick else (100, 1_000, 10_000, 100_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print_sizes(folder, sizes, repeats=5 if options.quick else 15)
        print_layout(folder, cases=40 if options.quick else 200, trials=10)
        for trials in (TRIALS, 1):
            print_sdk(folder, pairs=300 if options.quick else 1_000, trials=trials)


def print_sizes(folder: Path, sizes: Sequence[int], *, repeats: int) -> None:
    print("\n**One cassette of n chat exchanges, one httpx2 client, µs per exchange**\n")
    print("| n | contractcheck | floor | × floor (range) | vcrpy first | last | mean | × faster |")
    print("|---|---|---|---|---|---|---|---|")
    for size in sizes:
        traffic = [chat(number) for number in range(size)]
        ours, floor, ratio = time_both(folder / str(size), traffic, repeats)
        shown = f"{statistics.median(ratio):.2f} ({min(ratio):.2f}–{max(ratio):.2f})"
        row = [f"{size:,}", f"{ours:.0f}", f"{floor:.0f}", shown]
        if size <= 10_000:
            by_position = time_vcrpy(folder / f"{size}.json", traffic)
            mean = trapezoid(by_position)
            row += [f"{by_position[0]:,.0f}", f"{by_position[-1]:,.0f}", f"{mean:,.0f}"]
            row += [f"{mean / ours:,.0f}"]
        else:
            row += ["–"] * 4
        print("| " + " | ".join(row) + " |", flush=True)


def time_both(
    folder: Path, traffic: Sequence[Traffic], repeats: int
) -> tuple[float, float, list[float]]:
    """Median µs per exchange of our replay and of the floor, and the ratio of each replay."""
    write_run(
        folder,
        (exchange_of(one, case=CASE, trial=0) for one in traffic),
        {CASE: 1},
    )
    ours, floor = [], []
    transport = floor_transport(traffic)
    for _ in range(max(1, min(repeats, _MOST_REQUESTS // len(traffic)))):
        one, other = [], []
        with (
            open_client(transport) as mocked,
            replayed(folder),
            open_client() as client,
            in_trial(CASE, 0),
        ):
            gc.collect()
            for start in range(0, len(traffic), _BLOCK):
                block = traffic[start : start + _BLOCK]
                other.append(time_requests(mocked, block))
                one.append(time_requests(client, block))
        ours.append(statistics.mean(one))
        floor.append(statistics.mean(other))
    ratio = [one / other for one, other in zip(ours, floor, strict=True)]
    return statistics.median(ours), statistics.median(floor), ratio


@contextmanager
def replayed(folder: Path) -> Iterator[None]:
    with replaying(open_tape(folder), Scrubber.for_secrets(())):
        yield


@contextmanager
def open_client(transport: httpx2.BaseTransport | None = None) -> Iterator[httpx2.Client]:
    with httpx2.Client(transport=transport, trust_env=False, verify=trusted()) as client:
        yield client


@cache
def trusted() -> ssl.SSLContext:
    """Made once: the client's own 20 to 40 ms, which a dictionary behind it would not need."""
    return ssl.create_default_context()


def floor_transport(traffic: Sequence[Traffic]) -> httpx2.MockTransport:
    answers = {one.body: one for one in traffic}

    def answer(request: httpx2.Request) -> httpx2.Response:
        one = answers[request.content]
        return httpx2.Response(200, headers=dict(one.headers), content=one.answer)

    return httpx2.MockTransport(answer)


def time_requests(client: httpx2.Client, traffic: Sequence[Traffic]) -> float:
    started = time.thread_time()
    for one in traffic:
        response = client.post(URL, content=one.body, headers=_HEADERS)
        if len(response.content) != one.size_bytes:
            raise SystemExit(f"a wrong answer of {len(response.content)} bytes")
    return (time.thread_time() - started) / len(traffic) * 1e6


def time_vcrpy(path: Path, traffic: Sequence[Traffic]) -> list[float]:
    """µs per request of stock vcrpy at five positions of the tape."""
    write_vcrpy(path, traffic, "json")
    machine = vcr.VCR(serializer="json", record_mode="none", match_on=("method", "uri", "body"))
    count = _AT_EACH if len(traffic) > 1_000 else 20
    found = []
    with machine.use_cassette(str(path)) as tape, open_client() as client:
        for position in POSITIONS:
            first = round(position * (len(traffic) - count))
            tape.play_counts.clear()
            tape.play_counts.update(dict.fromkeys(range(first), 1))
            gc.collect()
            found.append(time_requests(client, traffic[first : first + count]))
    return found


def write_vcrpy(path: Path, traffic: Sequence[Traffic], serializer: str) -> None:
    """Save a cassette through vcrpy's own writer."""
    machine = vcr.VCR(serializer=serializer, record_mode="all", match_on=("method", "uri"))
    with machine.use_cassette(str(path)) as tape:
        for one in traffic:
            request = VcrRequest("POST", URL, one.body.decode(), dict(_HEADERS))
            response = {
                "status": {"code": 200, "message": "OK"},
                "headers": {name: [value] for name, value in one.headers},
                "body": {"string": one.answer.decode()},
            }
            tape.append(request, response)


def trapezoid(values: Sequence[float]) -> float:
    """Mean of a curve sampled at equal distances."""
    inner = values[1:-1]
    return ((values[0] + values[-1]) / 2 + sum(inner)) / (len(inner) + 1)


def print_layout(folder: Path, *, cases: int, trials: int) -> None:
    print(f"\n**A suite of {cases} cases × {trials} trials, one file per case, whole replay, s**\n")
    print("| bodies | the client alone | contractcheck | vcrpy YAML (libyaml) | × faster |")
    print("|---|---|---|---|---|")
    for name, make in (("chat", chat), (f"streams of {STREAM_CHUNKS} chunks", stream)):
        place = folder / name.replace(" ", "-")
        by_case = {
            f"case-{number}": [make(number, trial=trial) for trial in range(trials)]
            for number in range(cases)
        }
        record_suite(place, by_case, trials)
        rounds = [
            (
                time_floor_suite(by_case),
                time_suite(place, by_case),
                time_vcrpy_suite(place, by_case),
            )
            for _ in range(5)
        ]
        alone, ours, stock = map(statistics.median, zip(*rounds, strict=True))
        faster = statistics.median(stock / ours for _, ours, stock in rounds)
        print(f"| {name} | {alone:.2f} | {ours:.2f} | {stock:.2f} | {faster:.1f} |", flush=True)


def record_suite(place: Path, by_case: dict[str, list[Traffic]], trials: int) -> None:
    """Write a suite as both keep it."""
    write_run(
        place,
        (
            exchange_of(one, case=case, trial=trial)
            for case, answers in by_case.items()
            for trial, one in enumerate(answers)
        ),
        dict.fromkeys(by_case, trials),
    )
    for case, answers in by_case.items():
        write_vcrpy(place / f"{case}.yaml", answers, "yaml")


class Chunks(httpx2.SyncByteStream):
    """A body in the pieces it was recorded in, from memory."""

    def __init__(self, chunks: Sequence[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)


def time_floor_suite(by_case: dict[str, list[Traffic]]) -> float:
    """What the client itself costs: a dictionary behind it, chunks as recorded."""
    left = {answers[0].body: iter(answers) for answers in by_case.values()}

    def answer(request: httpx2.Request) -> httpx2.Response:
        one = next(left[request.content])
        return httpx2.Response(200, headers=dict(one.headers), stream=Chunks(one.chunks))

    gc.collect()
    started = time.thread_time()
    with open_client(httpx2.MockTransport(answer)) as client:
        for answers in by_case.values():
            for one in answers:
                pull(client, one, chunks=len(one.chunks))
    return time.thread_time() - started


def time_suite(place: Path, by_case: dict[str, list[Traffic]]) -> float:
    gc.collect()
    started = time.thread_time()
    with replayed(place), open_client() as client:
        for case, answers in by_case.items():
            for trial, one in enumerate(answers):
                with in_trial(case, trial):
                    pull(client, one, chunks=len(one.chunks))
    return time.thread_time() - started


def time_vcrpy_suite(place: Path, by_case: dict[str, list[Traffic]]) -> float:
    machine = vcr.VCR(record_mode="none", match_on=("method", "uri", "body"))
    gc.collect()
    started = time.thread_time()
    with open_client() as client:
        for case, answers in by_case.items():
            with machine.use_cassette(str(place / f"{case}.yaml")):
                for one in answers:
                    pull(client, one, chunks=1)  # vcrpy gives the whole body at once
    return time.thread_time() - started


def pull(client: httpx2.Client, one: Traffic, *, chunks: int) -> None:
    with client.stream("POST", URL, content=one.body, headers=_HEADERS) as response:
        seen = list(response.iter_raw())
    size_bytes = sum(map(len, seen))
    if size_bytes != one.size_bytes or len(seen) != chunks:
        raise SystemExit(f"{len(seen)} chunks of {size_bytes} bytes, not as recorded")


def print_sdk(folder: Path, *, pairs: int, trials: int) -> None:
    questions = pairs // trials
    place = folder / f"sdk-{trials}"
    ours: list[float] = []
    floor: list[float] = []
    with open_client(floor_transport_of_sdk()) as mocked:
        plain = openai.OpenAI(api_key="none", http_client=mocked, max_retries=0)
        record_sdk(place, questions, trials)
        with replayed(place):
            through = openai.OpenAI(api_key="none", max_retries=0)
            for number in range(-1, questions):
                for trial in range(trials):
                    for side in random.sample(("floor", "ours"), k=2):
                        with in_trial(CASE, trial):
                            taken = time_sdk(plain if side == "floor" else through, number)
                        if number >= 0:  # what came before warms up
                            (floor if side == "floor" else ours).append(taken)
    low, middle, high = ratio_interval(ours, floor)
    print(
        f"\n**The openai SDK ({openai.__version__}), {questions} chats × {trials} trials, "
        "interleaved pairs**\n"
    )
    print("| through | median µs |")
    print("|---|---|")
    print(f"| a dictionary behind httpx2.MockTransport | {statistics.median(floor):.0f} |")
    print(f"| contractcheck replay | {statistics.median(ours):.0f} |")
    print(f"\nOn top: {middle:+.1%} [{low:+.1%}, {high:+.1%}] (95 %, bootstrap over pairs)")
    print(f"All pairs together, what is decoded ahead included: {sum(ours) / sum(floor) - 1:+.1%}")


def sdk_question(number: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"Question {number}"}]


def floor_transport_of_sdk() -> httpx2.MockTransport:
    answers: dict[bytes, bytes] = {}
    answer = chat(0).answer

    def look_up(request: httpx2.Request) -> httpx2.Response:
        content = answers.setdefault(request.content, answer)
        return httpx2.Response(200, headers=_HEADERS, content=content)

    return httpx2.MockTransport(look_up)


def record_sdk(place: Path, questions: int, trials: int) -> None:
    """The requests as the SDK writes them, with the answers of the bench."""
    bodies: list[bytes] = []

    def keep(request: httpx2.Request) -> httpx2.Response:
        bodies.append(request.content)
        return httpx2.Response(200, headers=_HEADERS, content=chat(0).answer)

    with open_client(httpx2.MockTransport(keep)) as client:
        sdk = openai.OpenAI(api_key="none", http_client=client, max_retries=0)
        for number in range(-1, questions):
            sdk.chat.completions.create(model="gpt-sim-mini", messages=sdk_question(number))
    write_run(
        place,
        (
            exchange_of(replace(chat(number, trial=trial), body=body), case=CASE, trial=trial)
            for number, body in enumerate(bodies)
            for trial in range(trials)
        ),
        {CASE: trials},
    )


def time_sdk(sdk: openai.OpenAI, number: int) -> float:
    messages = sdk_question(number)
    started = time.thread_time()
    sdk.chat.completions.create(model="gpt-sim-mini", messages=messages)
    return (time.thread_time() - started) * 1e6


def ratio_interval(ours: Sequence[float], floor: Sequence[float]) -> tuple[float, float, float]:
    """Median paired difference over the floor's median, with a bootstrap interval."""
    random.seed(0)
    pairs = list(zip(ours, floor, strict=True))

    def relative(drawn: Sequence[tuple[float, float]]) -> float:
        difference = statistics.median(a - b for a, b in drawn)
        return difference / statistics.median(b for _, b in drawn)

    drawn = sorted(relative(random.choices(pairs, k=len(pairs))) for _ in range(1_000))  # noqa: S311 - no secret
    return drawn[25], relative(pairs), drawn[974]


if __name__ == "__main__":
    main()
