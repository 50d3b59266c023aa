"""What our sampler adds to a bare httpx2 client: time, throughput, first events, memory; one run.

    python bench/sampling.py [--quick] [--only PART] > sampling.md

16 requests are under way at once. Sides take turns; printed are medians over rounds, and the
range of the middle half of them. The sampler does all of its work: writing requests, limits,
redaction, journals on disk.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
from scripted_provider import EVENT_S, EVENTS, FIRST_S, SPREAD_S, process_of, serve, watch
from traffic import header

from contractcheck.auth import KeyAuthorizer
from contractcheck.cassettes import create_run, read_run
from contractcheck.model.suite import Case, Message, Parameters
from contractcheck.providers import dialect
from contractcheck.providers.answer import read_answer
from contractcheck.redaction import Scrubber
from contractcheck.sampling import SamplingOptions, SilentProgress, sample
from contractcheck.simulator import Conditions, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable

CONCURRENCY = 16
KEY = "sk-bench-0123456789abcdef"
HERE = Path(__file__).parent
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def case_of(samples: int) -> Case:
    return Case(
        id="bench",
        line=1,
        samples=samples,
        messages=(Message(role="user", content="Say something kind about the weather."),),
        tools=(),
        response_schema=None,
        parameters=Parameters(max_output_tokens=20),
        checks=(),
        metrics=(),
        fingerprint_parts={},
        request_fingerprint="0" * 32,
    )


def ask_ours(base_url: str, count: int, folder: Path, progress=None) -> None:
    run = create_run(folder, header({"bench": count}), Scrubber.for_secrets([KEY]))
    options = SamplingOptions(
        base_url=base_url, authorizer=KeyAuthorizer(key=KEY), concurrency=CONCURRENCY
    )
    tally = sample(run, (case_of(count),), options, progress or SilentProgress())
    if tally.errors or tally.done != count:
        raise RuntimeError(f"{tally.errors} of {tally.done} failed: {tally.last_error}")


def ask_bare(base_url: str, count: int, _folder: Path, progress=None) -> None:
    asyncio.run(_ask_bare(base_url, count, progress or SilentProgress()))


async def _ask_bare(base_url: str, count: int, progress) -> None:
    """The least that a client does: the same bytes, the same pool, nothing kept."""
    wire = dialect("openai").build(case_of(1), header({}).target)
    headers = [*wire.headers, ("authorization", f"Bearer {KEY}")]
    left = iter(range(count))
    limits = httpx2.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
    async with httpx2.AsyncClient(
        limits=limits, trust_env=False, headers={"accept-encoding": "identity"}
    ) as client:

        async def work() -> None:
            for _ in left:
                async with client.stream(
                    wire.method, base_url + wire.path, headers=headers, content=wire.body
                ) as response:
                    async for _ in response.aiter_raw():
                        pass
                    response.raise_for_status()
                progress.update(None)

        async with asyncio.TaskGroup() as group:
            for _ in range(CONCURRENCY):
                group.create_task(work())


SIDES: dict[str, Callable[..., None]] = {"bare httpx2": ask_bare, "sampler": ask_ours}


def in_turn(base_url: str, count: int, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """(wall, processor) seconds of each round and side; the order is drawn anew each round."""
    taken: dict[str, list[tuple[float, float]]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as name:
        for ask in SIDES.values():
            ask(base_url, 2 * CONCURRENCY, Path(name) / "warm")
        for number in range(rounds):
            for side in random.sample(list(SIDES), k=len(SIDES)):
                started = time.perf_counter(), time.process_time()
                SIDES[side](base_url, count, Path(name) / f"{number}")
                wall_s, cpu_s = time.perf_counter() - started[0], time.process_time() - started[1]
                taken[side].append((wall_s, cpu_s))
    return taken


def print_added(base_url: str, provider, count: int, rounds: int) -> None:
    """What a client takes between two requests, as the provider sees it on each connection."""
    medians: dict[str, list[float]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as name:
        for number in range(rounds):
            for side in random.sample(list(SIDES), k=len(SIDES)):
                SIDES[side](base_url, count, Path(name) / f"{number}")
                provider.send("tell")
                medians[side].append(statistics.median(provider.recv()) * 1e3)
    lasts_ms = (FIRST_S + SPREAD_S / 2 + (EVENTS + 2) * EVENT_S) * 1e3
    print(f"\n**Answers of {EVENTS} events that last {lasts_ms:.0f} ms: from an answer's last ")
    print(f"piece to the next request on its connection, ms** ({rounds} rounds of {count})\n")
    print("| client | median | added |")
    print("|---|---|---|")
    added = [a - b for a, b in zip(medians["sampler"], medians["bare httpx2"], strict=True)]
    for side, values in medians.items():
        more = "" if side == "bare httpx2" else spread(added, "{:+.2f}")
        print(f"| {side} | {statistics.median(values):.2f} | {more} |", flush=True)


def print_throughput(name: str, base_url: str, count: int, rounds: int) -> None:
    taken = in_turn(base_url, count, rounds)
    rates = {side: [count / wall_s for wall_s, _ in rows] for side, rows in taken.items()}
    shares = [a / b for a, b in zip(rates["sampler"], rates["bare httpx2"], strict=True)]
    cells = [f"{statistics.median(rates[side]):.0f}" for side in SIDES]
    cells.append(spread(shares, "{:.0%}"))
    per_request = {side: [cpu_s / count * 1e3 for _, cpu_s in rows] for side, rows in taken.items()}
    cells += [f"{statistics.median(per_request[side]):.2f}" for side in SIDES]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def spread(values: list[float], form: str) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{form.format(middle)} [{form.format(low)}, {form.format(high)}]"


def print_first_events(base_url: str, observer, count: int) -> None:
    """Pair each answer with itself as a relay of raw sockets saw it on its way to us."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run"
        ask_ours(base_url, count, folder)
        observer.send("tell")
        seen = dict(observer.recv())
        pairs = []
        for exchange in read_run(folder).exchanges:
            found = re.search(rb"chatcmpl-\d+", exchange.response.body)
            first_s = read_answer(exchange, "openai").timing.ttft_s
            pairs.append((first_s * 1e3, seen[found[0].decode()] * 1e3))
    apart = [ours - theirs for ours, theirs in pairs]
    within = [abs(ours - theirs) <= max(1.0, 0.02 * theirs) for ours, theirs in pairs]
    print(f"\n**Time to the first event, ms** ({len(pairs)} answers, each seen by both)\n")
    print("| by us | by the observer | apart | within 1 ms or 2 % |")
    print("|---|---|---|---|")
    medians = [statistics.median(column) for column in zip(*pairs, strict=True)]
    share = sum(within) / len(within)
    print(f"| {medians[0]:.2f} | {medians[1]:.2f} | {spread(apart, '{:+.2f}')} | {share:.1%} |")


class MemoryGauge:
    """Notes the resident memory of this process at each hundredth of a run."""

    def __init__(self, planned: int) -> None:
        self.step, self.rows = max(1, planned // 100), [(0, resident_mb())]

    def update(self, tally) -> None:
        if tally.done % self.step == 0:
            self.rows.append((tally.done, resident_mb()))


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES / 1e6


def gauge(pipe, base_url: str, count: int) -> None:
    """Sample in a fresh process; tells resident memory along the way."""
    pipe.send(0)
    with tempfile.TemporaryDirectory() as name:
        ask_ours(base_url, 2 * CONCURRENCY, Path(name) / "warm")
        progress = MemoryGauge(count)
        ask_ours(base_url, count, Path(name) / "run", progress)
    pipe.send(progress.rows)


def print_memory(base_url: str, count: int) -> None:
    with process_of(gauge, base_url, count) as (_, pipe):
        rows = pipe.recv()
    print(f"\n**Resident memory over {count:,} exchanges, MB**\n")
    shown = rows[:: len(rows) // 5]
    print("| exchanges |", " | ".join(f"{done:,}" for done, _ in shown), "|")
    print("|---" * (len(shown) + 1) + "|")
    print("| MB |", " | ".join(f"{resident:.1f}" for _, resident in shown), "|")
    half = rows[len(rows) // 2 :]
    slope = statistics.linear_regression(*zip(*half, strict=True)).slope
    print(f"\nSlope of the second half: {slope * 1e6:+.0f} bytes per exchange.")
    (HERE / "sampling_memory.svg").write_text(draw(rows), "utf-8")


def draw(rows: list[tuple[int, float]]) -> str:
    """One line on plain axes from zero."""
    width, height, left, top = 480, 200, 60, 30
    most_x, most_y = rows[-1][0], 1.25 * max(row[1] for row in rows)

    def place(done: int, resident: float) -> str:
        return f"{left + width * done / most_x:.1f},{top + height * (1 - resident / most_y):.1f}"

    box = f'viewBox="0 0 {left + width + 30} {top + height + 40}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{left}" y="{top - 10}">resident memory (MB) by exchanges recorded</text>',
    ]
    for part in range(5):
        resident, done = most_y * part / 4, most_x * part // 4
        x, y = place(done, resident).split(",")
        lines.append(f'<line x1="{left}" x2="{left + width}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        lines.append(f'<text x="{left - 6}" y="{y}" text-anchor="end">{resident:.0f}</text>')
        lines.append(f'<text x="{x}" y="{top + height + 16}" text-anchor="middle">{done:,}</text>')
    points = " ".join(place(*row) for row in rows)
    lines.append(f'<polyline points="{points}" fill="none" stroke="#36c" stroke-width="2"/>')
    return "\n".join([*lines, "</svg>", ""])


PARTS = ("latency", "throughput", "first", "memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds and exchanges")
    parser.add_argument("--exchanges", type=int, default=100_000, help="of the memory run")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; again for more")
    options = parser.parse_args()
    parts = options.only or PARTS
    rounds, count = (5, 160) if options.quick else (11, 320)
    exchanges = options.exchanges // 20 if options.quick else options.exchanges
    with process_of(serve) as (port, provider):
        scripted = f"http://127.0.0.1:{port}"
        if "latency" in parts:
            print_added(f"{scripted}/paced", provider, count, rounds)
        if "throughput" in parts:
            print_throughputs(scripted, count, rounds)
        if "first" in parts:
            with process_of(watch, port) as (relayed, observer):
                print_first_events(f"http://127.0.0.1:{relayed}/paced", observer, count)
        if "memory" in parts:
            print_memory(f"{scripted}/tiny", exchanges)


def print_throughputs(scripted: str, count: int, rounds: int) -> None:
    print("\n**Requests per second, and ms of processor time per request**\n")
    print("| provider | bare httpx2 | sampler | of bare | bare: ms | sampler: ms |")
    print("|---|---|---|---|---|---|", flush=True)
    for scale, name in ((1.0, "simulator"), (0.0, "simulator, without its waits")):
        with process_of(simulate, scale) as (simulated, _):
            print_throughput(name, f"http://127.0.0.1:{simulated}", count // 2, rounds)
    print_throughput("script, as fast as sockets", f"{scripted}/fast", 2 * count, rounds)


def simulate(port_to, time_scale: float) -> None:
    """The simulated provider, at some speed."""
    with Simulator(Conditions(night="2026-11-01", time_scale=time_scale)) as simulator:
        port_to.send(int(simulator.base_url.rpartition(":")[2]))
        port_to.recv()


if __name__ == "__main__":
    main()
