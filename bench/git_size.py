"""What a baseline costs in git: 40 cases, 10 samples, 10 nights of chat.

    .venv/bin/python bench/git_size.py

Nights of the simulated provider, in process (``simulated_nights.py``), journalled, sealed, packed
and accepted by the product's own code into a fresh git repository; once with whole answers and
once with streams. Prints Markdown; about two minutes.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from simulated_nights import record_night

from contractcheck.cassettes import create_run, read_run, seal_run
from contractcheck.redaction import Scrubber
from contractcheck.simulator import Conditions
from contractcheck.store import new_run_id, pack_run
from contractcheck.workflows.accept import AcceptOptions, accept_runs
from contractcheck.workflows.record import describe_vantage
from contractcheck.workflows.workspace import Workspace

CASES, SAMPLES, NIGHTS = 40, 10, 10
TARGET_MB = 3.0
FIRST = date(2026, 3, 1)
TOPICS = (
    "a lost parcel",
    "a broken kettle",
    "a late train",
    "a cold soup",
    "a loud fan",
    "a wrong bill",
    "a torn coat",
    "a flat tyre",
)
QUESTIONS = (
    "Write a friendly answer to a customer with {}.",
    "Explain to a new colleague how we deal with {}.",
    "List three things that a customer with {} should try.",
    "Summarise our rules about {} in one paragraph.",
    "Ask a customer with {} for what we need to know.",
)


def write_suite(folder: Path) -> None:
    prompts = [question.format(topic) for topic in TOPICS for question in QUESTIONS]
    cases = "".join(
        f'  - id: chat-{number:02d}\n    messages: [{{role: user, content: "{prompt}"}}]\n'
        "    checks: [{finish_reason: [stop, length]}]\n"
        "    metrics: [text, output_tokens, refusal]\n"
        for number, prompt in enumerate(prompts[:CASES])
    )
    folder.mkdir(parents=True)
    (folder / "suite.contract.yaml").write_text(
        "suite: chat\nversion: 1.0.0\ntargets: [openai:gpt-sim-mini-2026-03-01]\n"
        f"defaults: {{samples: {SAMPLES}, max_output_tokens: 300}}\ncases:\n{cases}"
    )


def record(work: Workspace, index: int, *, streamed: bool) -> Path:
    """Journal, seal and pack one simulated night, as ``record_run`` does."""
    (suite,) = work.load_suites()
    target = suite.targets[0]
    night = FIRST + timedelta(days=index)
    played = record_night(suite, target, Conditions(night=night.isoformat()), streamed=streamed)
    started = datetime.combine(night, datetime.min.time()).replace(hour=2)
    header = replace(
        played.header, id=new_run_id(started), vantage=describe_vantage(), status="interrupted"
    )
    folder = work.runs.folder(suite.name, target, header.id)
    run = create_run(folder, header, Scrubber.for_secrets(()))
    for exchange in played.exchanges:
        run.append(exchange)
    run.close()
    seal_run(folder, status="complete", ended_at=str(played.header.ended_at))
    return folder


def size_mb(*paths: Path) -> float:
    files = [f for path in paths for f in (path.rglob("*") if path.is_dir() else [path])]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def git(root: Path, *arguments: str) -> str:
    who = ("-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "gc.auto=0")
    command = ("git", *who, *arguments)
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    return done.stdout


def pack_mb(root: Path) -> float:
    """Size of everything in .git/objects after ``git gc``."""
    git(root, "gc", "--quiet", "--prune=now")
    return size_mb(root / ".git" / "objects")


def commit(work: Workspace, folders: list[Path], words: str) -> None:
    accept_runs(work, folders, work.load_suites(), AcceptOptions(reason=words, by="bench"))
    git(work.root, "add", "cassettes")
    git(work.root, "commit", "--quiet", "--message", words)


def start(root: Path) -> Workspace:
    write_suite(root / "suites" / "chat")
    git(root, "init", "--quiet")
    return Workspace(root)


def measure(root: Path, *, streamed: bool) -> dict[str, float]:
    at_once = root / "at-once"
    at_once.mkdir()
    work = start(at_once)
    folders = [record(work, index, streamed=streamed) for index in range(NIGHTS)]
    plain_mb = size_mb(*folders)
    bodies = [len(x.response.body) for x in read_run(folders[0]).exchanges if x.response]
    for folder in folders:
        pack_run(folder)
    commit(work, folders, "ten nights")
    (cassette,) = (at_once / "cassettes" / "chat").iterdir()
    sizes = {
        "one answer, mean": statistics.mean(bodies) / 1e6,
        "reference night": size_mb(*cassette.glob("reference-*")),
        "statistics of 10 nights": size_mb(cassette / "nights"),
        "baseline.json": size_mb(cassette / "baseline.json"),
        "work tree": size_mb(cassette),
        "pack, accepted at once": pack_mb(at_once),
    }
    nightly = root / "nightly"
    nightly.mkdir()
    other = start(nightly)
    for folder in folders:
        commit(other, [folder], f"night {folder.name}")
    return sizes | {
        "pack, accepted night by night": pack_mb(nightly),
        "run store, 10 nights plain": plain_mb,
        "run store, 10 nights packed": size_mb(*folders),
    }


def main() -> None:
    columns = {}
    for name, streamed in (("whole answers", False), ("streams", True)):
        with tempfile.TemporaryDirectory() as scratch:
            columns[name] = measure(Path(scratch), streamed=streamed)
    print(f"{CASES} cases × {SAMPLES} samples × {NIGHTS} nights of chat; MB (10^6 bytes)\n")
    print("| | " + " | ".join(columns) + " |\n|---|" + "---:|" * len(columns))
    for row in next(iter(columns.values())):
        print(
            f"| {row} | "
            + " | ".join(
                f"{sizes[row]:{'.2f' if sizes[row] > 0.005 else '.4f'}}"
                for sizes in columns.values()
            )
            + " |"
        )
    chat = columns["whole answers"]
    is_kept = max(chat["work tree"], chat["pack, accepted at once"]) <= TARGET_MB
    print(f"\nAt most {TARGET_MB:g} MB in git for chat: {'kept' if is_kept else 'NOT KEPT'}.")


if __name__ == "__main__":
    main()
