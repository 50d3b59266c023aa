"""Load and verify a recording, beside vcrpy's YAML; and what appending to a journal costs.

    python bench/load.py [--exchanges 10000] [--repeats 7] > load.md
    python bench/load.py --record > append.md

The same made-up chats (mean body 3.3 KB) are written by the product and by vcrpy's own serializer
(PyYAML with libyaml, its fastest). Every load is a process of its own; printed are medians of the
time, and what the process holds afterwards and held at most, above what it held before. Ours
verifies a sha256 per file and the root over them; vcrpy verifies nothing.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from traffic import URL, chat, exchange_of, header, write_run

from contractcheck.cassettes import create_run, open_tape, read_run
from contractcheck.redaction import Scrubber

if TYPE_CHECKING:
    from collections.abc import Callable

CASE = "chat"
SAMPLES = 10
MIB = 1 << 20
FLAT_AT = (100, 1_000, 10_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--exchanges", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=7, help="loads of ours; a third for vcrpy")
    parser.add_argument("--record", action="store_true", help="measure appending instead")
    parser.add_argument("--side", choices=sorted(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(measure(SIDES[options.side], options.path)))
    elif options.record:
        print_appending()
    else:
        print_loading(options.exchanges, options.repeats)


def exchanges_of(count: int):
    return (
        exchange_of(chat(number // SAMPLES, trial=number), case=CASE, trial=number)
        for number in range(count)
    )


def load_tape(path: Path) -> object:
    return open_tape(path)


def load_whole(path: Path) -> object:
    return read_run(path)


def load_yaml(path: Path) -> object:
    from vcr.cassette import Cassette

    return Cassette.load(path=str(path))


SIDES: dict[str, Callable[[Path], object]] = {
    "tape": load_tape,
    "whole": load_whole,
    "vcrpy": load_yaml,
}
WORDS = {
    "tape": "contractcheck `open_tape` (verified, lazy)",
    "whole": "contractcheck `read_run` (verified, all decoded)",
    "vcrpy": "vcrpy YAML, libyaml",
}


def measure(load: Callable[[Path], object], path: Path) -> dict[str, float]:
    """Load once, here; seconds, and MiB held and at most above the start."""
    if load is load_yaml:
        import vcr  # noqa: F401 - importing is not loading
    gc.collect()
    before_mb = resident_mb()
    started = time.perf_counter()
    held = load(path)
    took_s = time.perf_counter() - started
    gc.collect()
    result = {
        "took_s": took_s,
        "held_mb": resident_mb() - before_mb,
        "peak_mb": most_resident_mb() - before_mb,
    }
    del held
    return result


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / MIB


def most_resident_mb() -> float:
    """High-water mark of this program; ``ru_maxrss`` would count what forked it, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def print_loading(count: int, repeats: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        run = write_run(Path(scratch) / "run", exchanges_of(count), {CASE: count})
        yaml = write_yaml(Path(scratch) / "chat.yaml", count)
        paths = {"tape": run, "whole": run, "vcrpy": yaml}
        times = {"tape": repeats, "whole": repeats, "vcrpy": max(1, repeats // 3)}
        results = {
            side: [in_process(side, paths[side]) for _ in range(times[side])] for side in WORDS
        }
        size_mb = {
            "tape": (run / f"{CASE}.jsonl").stat().st_size / MIB,
            "vcrpy": yaml.stat().st_size / MIB,
        }
    print(f"{count:,} chat exchanges; {size_mb['tape']:.1f} MiB of JSONL, ", end="")
    print(f"{size_mb['vcrpy']:.1f} MiB of YAML.\n")
    print("| load and verify | s | × | MiB held | MiB at most | n |\n|---|--:|--:|--:|--:|--:|")
    slowest_s = median(results["vcrpy"], "took_s")
    for side, rows in results.items():
        took_s = median(rows, "took_s")
        print(
            f"| {WORDS[side]} | {took_s:.3f} | {slowest_s / took_s:.0f} "
            f"| {median(rows, 'held_mb'):.0f} | {median(rows, 'peak_mb'):.0f} | {len(rows)} |"
        )


def in_process(side: str, path: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--side", side, "--path", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def median(rows: list[dict[str, float]], name: str) -> float:
    return statistics.median(row[name] for row in rows)


def write_yaml(path: Path, count: int) -> Path:
    """The same exchanges, as vcrpy itself writes them."""
    from vcr.persisters.filesystem import FilesystemPersister
    from vcr.request import Request
    from vcr.serializers import yamlserializer

    requests, responses = [], []
    for exchange in exchanges_of(count):
        sent, got = exchange.request, exchange.response
        requests.append(Request("POST", URL, sent.body, dict(sent.headers)))
        responses.append(
            {
                "status": {"code": got.status, "message": got.reason},
                "headers": {name: [value] for name, value in got.headers},
                "body": {"string": got.body},
            }
        )
    cassette = {"requests": requests, "responses": responses}
    FilesystemPersister.save_cassette(path, cassette, yamlserializer)
    return path


def print_appending(blocks: int = 5) -> None:
    """Median µs per exchange, in a journal that holds so many already; ``fsync=close``."""
    costs_us: dict[int, list[float]] = {count: [] for count in FLAT_AT}
    for _ in range(blocks):
        for count, cost_us in append_costs_us().items():
            costs_us[count].append(cost_us)
    print("| exchanges in the journal | µs per append (median) | from | to |\n|--:|--:|--:|--:|")
    for count, found in costs_us.items():
        print(
            f"| {count:,} | {statistics.median(found):.1f} | {min(found):.1f} | {max(found):.1f} |"
        )


def append_costs_us() -> dict[int, float]:
    """Median cost of the last hundred appends before each size in ``FLAT_AT``."""
    exchanges = list(exchanges_of(max(FLAT_AT)))
    scrubber = Scrubber.for_secrets(["not-a-key-but-as-long-as-one-of-them-is"])
    took_us: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        run = create_run(Path(scratch) / "run", header({CASE: len(exchanges)}), scrubber)
        for exchange in exchanges:
            started = time.perf_counter()
            run.append(exchange)
            took_us.append((time.perf_counter() - started) * 1e6)
        run.close()
    return {count: statistics.median(took_us[count - 100 : count]) for count in FLAT_AT}


if __name__ == "__main__":
    main()
