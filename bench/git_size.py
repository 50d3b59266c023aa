"""What a baseline costs in git: 40 cases, 10 samples, 10 nights of chat.

    .venv/bin/python bench/git_size.py

Nights of the simulated provider, in process (``simulated_nights.py``), journalled, sealed, packed
and accepted by the product's own code into a fresh git repository: whole answers, the same
answers streamed, and whole answers of 3 KB (fourteen of the simulator's joined). Prints Markdown;
about two minutes.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from simulated_nights import record_night, with_samples

from contractcheck.cassettes import create_run, read_run, seal_run
from contractcheck.model.run import CasePlan
from contractcheck.redaction import Scrubber
from contractcheck.simulator import Conditions
from contractcheck.store import new_run_id, pack_run
from contractcheck.workflows.accept import AcceptOptions, accept_runs
from contractcheck.workflows.record import describe_vantage
from contractcheck.workflows.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contractcheck.model.exchange import Exchange

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


@dataclass(frozen=True)
class Kind:
    """How answers come, and how many of the simulator's make one."""

    name: str
    streamed: bool = False
    joined: int = 1


KINDS = (Kind("whole answers"), Kind("whole, long", joined=14), Kind("streams", streamed=True))


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


def record(work: Workspace, index: int, kind: Kind) -> Path:
    """Journal and seal one simulated night, as ``record_run`` does."""
    (suite,) = work.load_suites()
    target = suite.targets[0]
    night = FIRST + timedelta(days=index)
    asked = with_samples(suite, SAMPLES * kind.joined)
    conditions = Conditions(night=night.isoformat())
    played = record_night(asked, target, conditions, streamed=kind.streamed)
    started = datetime.combine(night, datetime.min.time()).replace(hour=2)
    header = replace(
        played.header,
        id=new_run_id(started),
        cases={
            case.id: CasePlan(
                samples=SAMPLES,
                request_fingerprint=case.request_fingerprint,
                parts=case.fingerprint_parts,
            )
            for case in suite.cases
        },
        vantage=describe_vantage(),
        status="interrupted",
    )
    folder = work.runs.folder(suite.name, target, header.id)
    run = create_run(folder, header, Scrubber.for_secrets(()))
    for group in batched(played.exchanges, kind.joined):
        run.append(join(group))
    run.close()
    seal_run(folder, status="complete", ended_at=str(played.header.ended_at))
    return folder


def batched(exchanges: Sequence[Exchange], size: int) -> Iterator[Sequence[Exchange]]:
    for start in range(0, len(exchanges), size):
        yield exchanges[start : start + size]


def join(group: Sequence[Exchange]) -> Exchange:
    """One long answer from several."""
    if len(group) == 1:
        return group[0]
    first = group[0]
    answers = [orjson.loads(exchange.response.body) for exchange in group]
    texts = [answer["choices"][0]["message"]["content"] for answer in answers]
    answers[0]["choices"][0]["message"]["content"] = "\n\n".join(texts)
    body = orjson.dumps(answers[0])
    response = replace(first.response, body=body, chunk_bytes=(len(body),))
    return replace(first, response=response, trial=first.trial // len(group))


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


def measure(root: Path, kind: Kind) -> dict[str, float]:
    at_once = root / "at-once"
    at_once.mkdir()
    work = start(at_once)
    folders = [record(work, index, kind) for index in range(NIGHTS)]
    plain_mb = size_mb(*folders)
    bodies = [len(x.response.body) for x in read_run(folders[0]).exchanges if x.response]
    for folder in folders:
        pack_run(folder)
    commit(work, folders, "ten nights")
    (cassette,) = (at_once / "cassettes" / "chat").iterdir()
    sizes = {
        "body of one answer, mean": statistics.mean(bodies) / 1e6,
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


def is_kept(sizes: dict[str, float]) -> bool:
    return max(sizes["work tree"], sizes["pack, accepted at once"]) <= TARGET_MB


def main() -> None:
    columns = {}
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as scratch:
            columns[kind.name] = measure(Path(scratch), kind)
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
    kept = [name for name, sizes in columns.items() if is_kept(sizes)]
    print(f"\nAt most {TARGET_MB:g} MB, work tree and pack: {', '.join(kept) or 'none'}.")


if __name__ == "__main__":
    main()
