"""What it costs to open a run store, by its size.

    .venv/bin/python bench/run_store.py

Builds stores of up to 10^5 exchanges (runs of 400: 40 cases, 10 samples; packed, as the product
leaves them), half of them in one suite. Measures processor time (median of 5; wall time
on a shared machine says little) and bytes read (``rchar`` of /proc/self/io) of what commands do
first, then sizes and times of zstd levels. Prints Markdown; about three minutes.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from git_size import size_mb, write_suite
from simulated_nights import record_night

from contractcheck.cassettes import create_run, read_header, read_run, seal_run
from contractcheck.redaction import Scrubber
from contractcheck.simulator import Conditions
from contractcheck.store import RunStore, new_run_id, pack_run
from contractcheck.suite import load_suites
from contractcheck.workflows.previous_night import find_previous_night
from contractcheck.workflows.workspace import Workspace

RUNS = (4, 25, 250)
REPEATS = 5
LEVELS = (1, 3, 6, 10, 15, 19)
FIRST = datetime(2026, 1, 1, 2)  # noqa: DTZ001 - a run id is UTC by definition


def build(work: Workspace, run, runs: int) -> list[Path]:
    """The same exchanges under other ids: what is measured here does not look into answers."""
    folders = []
    for index in range(runs):
        started = FIRST + timedelta(days=index // 2)
        suite = "chat" if index % 2 == 0 else f"other-{index % 20}"
        header = replace(
            run.header,
            id=new_run_id(started),
            suite=suite,
            night=str(started.date()),
            status="interrupted",
        )
        folder = work.runs.folder(suite, header.target, header.id)
        opened = create_run(folder, header, Scrubber.for_secrets(()))
        for exchange in run.exchanges:
            opened.append(exchange)
        opened.close()
        seal_run(folder, status="complete", ended_at=started.isoformat())
        pack_run(folder)
        folders.append(folder)
    return folders


def read_bytes() -> int:
    return int(Path("/proc/self/io").read_text().split("rchar: ")[1].split()[0])


def measure(action) -> tuple[float, float]:
    """Median processor time (ms) and bytes read (KB) of an action."""
    action()  # imports
    own = -read_bytes() + read_bytes()  # what looking costs
    before = read_bytes()
    action()
    size_kb = (read_bytes() - before - own) / 1e3
    times = []
    for _ in range(REPEATS):
        begun = time.process_time()
        action()
        times.append(time.process_time() - begun)
    return statistics.median(times) * 1e3, size_kb


def actions(work: Workspace, suite, folders: list[Path]):
    store: RunStore = work.runs
    own = [folder for folder in folders if folder.parts[-3] == "chat"]
    middle, last = own[len(own) // 2], own[-1]
    header = read_header(last)
    case = suite.cases[0].id
    return {
        "find a run by its id": lambda: store.find(middle.name),
        "find a run by a beginning": lambda: store.find(middle.name[:-3]),
        "list the runs of one suite": lambda: store.folders("chat", header.target),
        "read one night's header": lambda: read_header(middle),
        "read one case of one night": lambda: read_run(middle, cases=[case]),
        "read one night": lambda: read_run(middle),
        "find the night before the last": lambda: find_previous_night(work, suite, header, None),
        "read every header": lambda: [read_header(folder) for folder in folders],
    }


def measure_levels(folder: Path, kind: str) -> None:
    from backports.zstd import compress, decompress

    files = {path: decompress(path.read_bytes()) for path in folder.glob("*.zst")}
    plain = sum(map(len, files.values()))
    print(f"\nOne night of 400 exchanges, {kind}, {plain / 1e6:.2f} MB plain:\n")
    print("| zstd level | MB | pack, ms | unpack, ms |\n|---:|---:|---:|---:|")
    for level in LEVELS:
        begun = time.process_time()
        packed = [compress(data, level) for data in files.values()]
        packed_at = time.process_time()
        for data in packed:
            decompress(data)
        done = time.process_time()
        size = sum(map(len, packed)) / 1e6
        pack_ms, unpack_ms = (packed_at - begun) * 1e3, (done - packed_at) * 1e3
        print(f"| {level} | {size:.3f} | {pack_ms:.0f} | {unpack_ms:.0f} |")


def main() -> None:
    rows: dict[str, list[tuple[float, float]]] = {}
    store_mb = []
    with tempfile.TemporaryDirectory() as scratch:
        write_suite(Path(scratch) / "suites" / "chat")
        (suite,) = load_suites(
            [Path(scratch) / "suites" / "chat" / "suite.contract.yaml"], providers=("openai",)
        )
        conditions = Conditions(night="2026-01-01")
        run = record_night(suite, suite.targets[0], conditions)
        whole = record_night(suite, suite.targets[0], conditions, streamed=False)
        for runs in RUNS:
            work = Workspace(Path(scratch) / str(runs))
            folders = build(work, run, runs)
            store_mb.append(size_mb(work.runs.root))
            for name, action in actions(work, suite, folders).items():
                rows.setdefault(name, []).append(measure(action))
        print("| | " + " | ".join(f"{runs} runs, {runs * 400:,} exchanges" for runs in RUNS) + " |")
        print("|---|" + "---:|" * len(RUNS))
        print("| store, packed | " + " | ".join(f"{mb:.1f} MB" for mb in store_mb) + " |")
        for name, cells in rows.items():
            words = " | ".join(f"{ms:.2f} ms, {kb:.0f} KB" for ms, kb in cells)
            print(f"| {name} | {words} |")
        for kind, night in (("streams", run), ("whole answers", whole)):
            (folder, *_) = build(Workspace(Path(scratch) / kind), night, 1)
            measure_levels(folder, kind)


if __name__ == "__main__":
    main()
