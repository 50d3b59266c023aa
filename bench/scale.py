"""What grows with cases, targets and nights, measured; and what ten thousand cases would take.

    .venv/bin/python bench/scale.py

Suites of 10 to 320 cases × 10 samples on the simulated provider, in process
(``simulated_nights.py``): bytes of a night in the run store and the history, and of a baseline,
processor seconds of measuring and judging it, then twelve nights measured again by each engine.
Prints Markdown; ten minutes of a core.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from git_size import QUESTIONS, TOPICS, size_mb
from simulated_nights import record_night

from contractcheck.cassettes import create_run, read_run, seal_run
from contractcheck.measuring import observe
from contractcheck.redaction import Scrubber
from contractcheck.simulator import Conditions
from contractcheck.store import new_run_id, pack_run
from contractcheck.store.history import open_history
from contractcheck.workflows.accept import AcceptOptions, accept_runs
from contractcheck.workflows.engine import open_engine
from contractcheck.workflows.night_runs import night_record, with_completeness
from contractcheck.workflows.rescore_history import rescore_history
from contractcheck.workflows.watch_judging import judge_night
from contractcheck.workflows.workspace import Workspace

SIZES = (10, 40, 80, 160, 320)
SAMPLES, ACCEPTED = 10, 10
LATER = (2, 8)
RESCORED = 12
PLAN = {"cases": 10_000, "targets": 100, "nights": 365}
FIRST = date(2026, 3, 1)


def write_suite(root: Path, cases: int) -> None:
    prompts = [question.format(topic) for topic in TOPICS for question in QUESTIONS]
    listed = "".join(
        f"  - id: chat-{number:05d}\n"
        f'    messages: [{{role: user, content: "{prompts[number % 40]} ({number})"}}]\n'
        "    checks: [{finish_reason: [stop, length]}]\n"
        "    metrics: [text, output_tokens, refusal]\n"
        for number in range(cases)
    )
    folder = root / "suites" / "chat"
    folder.mkdir(parents=True)
    (folder / "suite.contract.yaml").write_text(
        "suite: chat\nversion: 1.0.0\ntargets: [openai:gpt-sim-mini-2026-03-01]\n"
        f"defaults: {{samples: {SAMPLES}, max_output_tokens: 300}}\ncases:\n{listed}"
    )


def record(work: Workspace, index: int) -> Path:
    (suite,) = work.load_suites()
    night = FIRST + timedelta(days=index)
    played = record_night(suite, suite.targets[0], Conditions(night=night.isoformat()))
    started = datetime.combine(night, datetime.min.time()).replace(hour=2)
    header = replace(played.header, id=new_run_id(started), status="interrupted")
    folder = work.runs.folder(suite.name, header.target, header.id)
    run = create_run(folder, header, Scrubber.for_secrets(()))
    for exchange in played.exchanges:
        run.append(exchange)
    run.close()
    seal_run(folder, status="complete", ended_at=str(played.header.ended_at))
    pack_run(folder)
    return folder


@dataclass
class Clock:
    seconds: float = 0.0


@contextmanager
def processor_time():
    clock = Clock()
    before = time.process_time()
    yield clock
    clock.seconds = time.process_time() - before


def measure_size(root: Path, cases: int) -> dict[str, float]:
    """Bytes and processor seconds of one night, per case."""
    write_suite(root, cases)
    work = Workspace(root)
    (suite,) = work.load_suites()
    folders = [record(work, index) for index in range(ACCEPTED)]
    accept_runs(work, folders, [suite], AcceptOptions(reason="bench", by="bench"))
    later = [record(work, ACCEPTED + index) for index in range(LATER[-1])]
    found = {"run store": size_mb(*folders) / len(folders)}
    found["baseline, work tree"] = size_mb(root / "cassettes")
    place, judged = root / "history.sqlite", {}
    with open_history(place) as history:
        for index, folder in enumerate(later, start=1):
            with processor_time() as clock:
                run = read_run(folder)
                night = with_completeness(observe(run, suite))
            found["measuring, s"] = clock.seconds
            history.add_night(night_record(night, root=run.root), night.statistics)
            with processor_time() as clock:
                one = judge_night(work, suite, history, night)
                history.put_values(
                    suite.name, header_target(run), one.gathered.baseline, fresh(one)
                )
            judged[index] = clock.seconds
    # Once it is closed: until then a part is there twice, in the log of writes too.
    found["history"] = size_mb(*root.glob("history.sqlite*")) / len(later)
    found |= {f"judging, {count} later nights, s": judged[count] for count in LATER}
    return found


def header_target(run) -> str:
    return run.header.target.id


def fresh(one):
    """What the watch keeps: values of later nights, and tonight's."""
    values = one.judgement.values
    return (*one.gathered.fresh, *([values] if values is not None else []))


def rescore(root: Path, engine: str | None) -> tuple[float, str]:
    """Wall seconds of measuring all recorded nights again, and what the history then is."""
    work = Workspace(root)
    (suite,) = work.load_suites()
    place = root / f"rescored-{(engine or 'one').partition(':')[0]}.sqlite"
    with open_history(place) as history:
        for folder in work.runs.folders(suite.name, suite.targets[0])[:RESCORED]:
            run = read_run(folder)
            # As if of an older suite: nothing but the record.
            night = with_completeness(observe(run, suite))
            bare = replace(night.statistics, cases={})
            history.add_night(night_record(night, root=run.root), bare)
        began = time.perf_counter()
        with open_engine(engine) as executor:
            rescore_history(
                work,
                suite,
                suite.targets[0],
                history,
                since=FIRST.isoformat(),
                executor=executor,
            )
        return time.perf_counter() - began, history.digest()


@contextmanager
def dask_workers():
    """A scheduler and two worker processes."""
    address = "tcp://127.0.0.1:18786"
    python, quiet = sys.executable, {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = [python, "-m", "distributed.cli.dask_scheduler", "--no-dashboard"]
    worker = [python, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"]
    started = [subprocess.Popen([*scheduler, "--host", "127.0.0.1", "--port", "18786"], **quiet)]
    started += [
        subprocess.Popen([*worker, "--no-nanny", "--no-dashboard"], **quiet) for _ in (1, 2)
    ]
    try:
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


def print_sizes(columns: dict[int, dict[str, float]]) -> None:
    print(f"Per case ({SAMPLES} answers) and night:\n")
    print("| | " + " | ".join(f"{cases} cases" for cases in columns) + " |")
    print("|---" + "|---:" * len(columns) + "|")
    for name in next(iter(columns.values())):
        is_time = name.endswith(", s")
        unit = "ms" if is_time else "kB"
        cells = [f"{one[name] / cases * 1e3:.2f} {unit}" for cases, one in columns.items()]
        print(f"| {name.removesuffix(', s')} | " + " | ".join(cells) + " |")


def print_plan(per_case: dict[str, float]) -> None:
    cases, targets, nights = PLAN.values()
    pairs = cases * targets
    requests = pairs * SAMPLES
    core_h = pairs * (per_case["measuring, s"] + per_case[f"judging, {LATER[-1]} later nights, s"])
    print(f"\n{cases:,} cases × {targets} targets × {nights} nights, from the largest suite:\n")
    print("| | a night | a year |\n|---|---:|---:|")
    print(f"| requests | {requests / 1e6:,.0f} million | {requests * nights / 1e9:,.2f} billion |")
    for name in ("run store", "history"):
        gigabytes = pairs * per_case[name] / 1e3
        print(f"| {name} | {gigabytes:,.1f} GB | {gigabytes * nights / 1e3:,.2f} TB |")
    gigabytes = pairs * per_case["baseline, work tree"] / 1e3
    print(f"| baselines, work tree | – | {gigabytes:,.1f} GB, once |")
    print(f"| measuring and judging | {core_h / 3600:,.1f} core hours | – |")
    again = pairs * nights * per_case["measuring, s"] / 3600
    print(f"| rescoring the year | – | {again:,.0f} core hours |")


def main() -> None:
    columns = {}
    with tempfile.TemporaryDirectory() as scratch:
        for cases in SIZES:
            root = Path(scratch) / str(cases)
            columns[cases] = measure_size(root, cases)
        print_sizes(columns)
        last = columns[SIZES[-1]]
        print_plan({name: value / SIZES[-1] for name, value in last.items()})
        root = Path(scratch) / str(SIZES[1])
        nights = len(
            Workspace(root).runs.folders("chat", Workspace(root).load_suites()[0].targets[0])
        )
        with dask_workers() as address:
            engines = (None, "processes:2", f"dask:{address}")
            made = {engine or "one process": rescore(root, engine) for engine in engines}
    print(f"\n{min(nights, RESCORED)} nights of {SIZES[1]} cases measured again, on two cores:\n")
    print("| engine | wall time | history |\n|---|---:|---|")
    for engine, (wall_s, digest) in made.items():
        print(f"| {engine.partition(':tcp')[0]} | {wall_s:.1f} s | `{digest[:12]}` |")


if __name__ == "__main__":
    main()
