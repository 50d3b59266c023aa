"""Where the time of a replay goes: its parts, and what is the client's.

    python bench/replay_parts.py > replay_parts.md

Two replays of ``bench/replay.py`` are sampled: a suite of streams, one file per case, and the
openai SDK with another question each time. The processor clock of the process interrupts it; the
interrupt counts for the innermost part that is at work (work of the interpreter and of C counts
for the Python code that asked for it). Shares of samples are given as µs of an exchange.
"""

from __future__ import annotations

import argparse
import signal
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import openai
from replay import CASE, record_sdk, replayed, time_sdk, time_suite
from traffic import STREAM_CHUNKS, exchange_of, stream, write_run

from contractcheck.cassettes import in_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from traffic import Traffic

_EVERY_S = 0.001
_TRIALS = 10

PARTS = (
    ("sha256 of the file, and where its lines begin", ("cassettes/tape.py:_wind",)),
    ("opening and closing the session", ("cassettes/tape.py:open_tape", "interception.py")),
    ("reading the file again", ("cassettes/line_source.py",)),
    ("parsing its JSON", ("contractcheck/files.py",)),
    ("an exchange out of that", ("cassettes/lines.py", "cassettes/page.py", "cassettes/tape.py")),
    ("what the request is: redacted, canonical, hashed", ("canonical.py", "redaction/", "re2/")),
    ("what is left to play", ("cassettes/playlist.py",)),
    ("between player and client", ("cassettes/clients/",)),
    ("the rest of the player", ("cassettes/",)),
    ("the client, httpx2", ("httpx2/", "httpcore2/")),
    ("the SDK", ("openai/", "pydantic/")),
    ("the bench", ("bench/",)),
)
"""Name of a part, and what the place of a frame contains; the most inner frame that is in any
part decides, and of its parts the first."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--questions", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        print_streams(Path(name) / "streams", options.cases, options.repeats)
        print_sdk(Path(name) / "sdk", options.questions, options.repeats)


def print_streams(place: Path, cases: int, repeats: int) -> None:
    by_case = {
        f"case-{number}": [stream(number, trial=trial) for trial in range(_TRIALS)]
        for number in range(cases)
    }
    write_run(place, exchanges_of(by_case), dict.fromkeys(by_case, _TRIALS))
    title = f"A stream of {STREAM_CHUNKS} chunks, one of ten in its file"
    print_parts(title, lambda: time_suite(place, by_case), cases * _TRIALS, repeats)


def exchanges_of(by_case: dict[str, list[Traffic]]) -> Iterator[object]:
    for case, answers in by_case.items():
        for trial, one in enumerate(answers):
            yield exchange_of(one, case=case, trial=trial)


def print_sdk(place: Path, questions: int, repeats: int) -> None:
    record_sdk(place, questions, 1)

    def ask() -> None:
        with replayed(place):
            sdk = openai.OpenAI(api_key="none", max_retries=0)
            for number in range(-1, questions):
                with in_trial(CASE, 0):
                    time_sdk(sdk, number)

    print_parts("A question through the openai SDK, each another one", ask, questions, repeats)


def print_parts(title: str, replay: Callable[[], object], exchanges: int, repeats: int) -> None:
    replay()  # imports, and what is compiled once
    with sampled() as samples:
        started_s = time.thread_time()
        for _ in range(repeats):
            replay()
        took_us = (time.thread_time() - started_s) / (repeats * exchanges) * 1e6
    total = samples.total()
    print(f"\n**{title}** ({took_us:.0f} µs; {total:,} samples)\n")
    print("| part | µs | share |\n|---|--:|--:|")
    for name in (*(name for name, _ in PARTS), "other"):
        if count := samples[name]:
            print(f"| {name} | {count / total * took_us:.0f} | {count / total:.0%} |", flush=True)


@contextmanager
def sampled() -> Iterator[Counter[str]]:
    """Count parts at work while the context is open."""
    samples: Counter[str] = Counter()

    def take(_number: int, frame: FrameType | None) -> None:
        samples[part_at_work(frame)] += 1

    before = signal.signal(signal.SIGPROF, take)
    signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)
    try:
        yield samples
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def part_at_work(frame: FrameType | None) -> str:
    while frame is not None:
        place = f"{frame.f_code.co_filename}:{frame.f_code.co_name}"
        for name, marks in PARTS:
            if any(mark in place for mark in marks):
                return name
        frame = frame.f_back
    return "other"


if __name__ == "__main__":
    main()
