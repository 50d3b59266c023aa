"""Recordings of made-up chat traffic, the same bytes for every side of a comparison."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.cassettes import create_run, seal_run
from contractcheck.cassettes.canonical import canonical_request
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.model.run import CasePlan, RunHeader
from contractcheck.model.target import Target
from contractcheck.redaction import Scrubber

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

URL = "https://api.openai.com/v1/chat/completions"
JSON_HEADERS = (("content-type", "application/json"),)
STREAM_HEADERS = (("content-type", "text/event-stream; charset=utf-8"),)
STREAM_CHUNKS = 200
_SCRUBBER = Scrubber.for_secrets(())
_WORDS = (
    *("the", "order", "was", "sent", "on", "Monday", "and", "a", "refund"),
    *("of", "twelve", "euros", "is", "under", "way", "to", "the", "card"),
)
_ANSWER_WORDS = 650  # a chat body of 3.3 KB, the mean of recorded ones


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """One request and its answer, cut as it came; its length is known, not counted while timed."""

    body: bytes
    headers: tuple[tuple[str, str], ...]
    chunks: tuple[bytes, ...]
    size_bytes: int

    @property
    def answer(self) -> bytes:
        return b"".join(self.chunks)


def chat(number: int, *, trial: int = 0) -> Traffic:
    """An answer in one piece of about 3.3 KB; equal numbers ask the same."""
    words = _words(number, trial)
    message = {"role": "assistant", "content": " ".join(words)}
    document = {
        "id": f"chatcmpl-{number}-{trial}",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "gpt-sim-mini",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 40, "completion_tokens": 650, "total_tokens": 690},
    }
    answer = json.dumps(document).encode()
    return Traffic(
        body=_body(number, stream=False),
        headers=JSON_HEADERS,
        chunks=(answer,),
        size_bytes=len(answer),
    )


def stream(number: int, *, trial: int = 0, chunks: int = STREAM_CHUNKS) -> Traffic:
    """The answer as events of about 330 bytes, one chunk each; at most 650 of them."""
    words = _words(number, trial)[: chunks - 2]
    events = [_event(number, trial, {"content": f" {word}"}) for word in words]
    last = _event(number, trial, {}, finish="stop")
    pieces = (*events, last, b"data: [DONE]\n\n")
    return Traffic(
        body=_body(number, stream=True),
        headers=STREAM_HEADERS,
        chunks=pieces,
        size_bytes=sum(map(len, pieces)),
    )


def _event(number: int, trial: int, delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    document = {
        "id": f"chatcmpl-{number}-{trial}",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "gpt-sim-mini",
        "system_fingerprint": "fp_0123456789",
        "service_tier": "default",
        "obfuscation": "x" * 20,
        "choices": [choice],
        "usage": None,
    }
    return f"data: {json.dumps(document)}\n\n".encode()


def _words(number: int, trial: int) -> list[str]:
    # Not for secrets: words that can be made again.
    return random.Random(f"{number}/{trial}").choices(_WORDS, k=_ANSWER_WORDS)  # noqa: S311


def _body(number: int, *, stream: bool) -> bytes:
    question = f"Question {number}: " + " ".join(_WORDS * 4)
    messages = [{"role": "user", "content": question}]
    return json.dumps({"model": "gpt-sim-mini", "messages": messages, "stream": stream}).encode()


def exchange_of(traffic: Traffic, *, case: str, trial: int) -> Exchange:
    """The exchange that recording would have written; digest as the recorder makes it."""
    asked = canonical_request("POST", URL, JSON_HEADERS, traffic.body, scrubber=_SCRUBBER)
    times_us = tuple(range(1_000, 1_000 + 100 * len(traffic.chunks), 100))
    return Exchange(
        case=case,
        trial=trial,
        attempt=0,
        request=Request(
            method="POST",
            url=URL,
            headers=JSON_HEADERS,
            body=traffic.body,
            digest=asked.digest(),
        ),
        response=Response(
            status=200,
            reason="OK",
            http_version="HTTP/1.1",
            headers=traffic.headers,
            body=traffic.answer,
            chunk_bytes=tuple(map(len, traffic.chunks)),
            chunk_times_us=times_us,
        ),
        started_at="2026-11-01T02:00:00+00:00",
        waited_us=0,
        headers_us=900,
        end_us=times_us[-1],
        ended="eof",
        error=None,
        via="httpx2",
    )


def header(cases: dict[str, int]) -> RunHeader:
    """Header of a made-up run: case id → samples."""
    return RunHeader(
        id="20261101t020000z-bench",
        suite="bench",
        suite_version="1.0.0",
        suite_fingerprint="0" * 32,
        target=Target(provider="openai", model="gpt-sim-mini"),
        night=None,
        started_at="2026-11-01T02:00:00+00:00",
        ended_at=None,
        status="interrupted",
        cases={
            case: CasePlan(samples=samples, request_fingerprint="0" * 32, parts={})
            for case, samples in cases.items()
        },
        vantage={},
        label="made up for a bench",
    )


def write_run(folder: Path, exchanges: Iterator[Exchange], cases: dict[str, int]) -> Path:
    """Record and seal a run of these exchanges through the product's own writer."""
    run = create_run(folder, header(cases), _SCRUBBER)
    for exchange in exchanges:
        run.append(exchange)
    run.close()
    seal_run(folder, status="complete", ended_at="2026-11-01T02:10:00+00:00")
    return folder
