"""What a watch takes besides asking, by nights of history and by cases.

    .venv/bin/python bench/watch_time.py

Two nights of a suite are really recorded from the simulator. One is accepted, and nine bootstrapped
from its answers; later nights are drawn from eight bootstrapped ones. The other is tonight, sealed
and not yet in the history: so a watch of it asks nobody and does all the rest. Processor
seconds of one process, one thread, medians; a first watch, for what is imported late, does not
count. *Cold* is a night after the accepted ones changed: every later night is worked out anew. The
exponent is that of the power law between the first and the last row.
"""

import argparse
import math
import os
import shutil
import statistics
import tempfile
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from contractcheck.cassettes import read_header, read_run
from contractcheck.judging.night_values import values_of
from contractcheck.judging.standing import standing_reference
from contractcheck.measuring import measure_answers, observe
from contractcheck.model.baseline import Acceptance, AcceptedNight, Baseline
from contractcheck.model.history import RunKey
from contractcheck.simulator import Conditions, Simulator
from contractcheck.store import new_run_id, stored_form
from contractcheck.store.history import open_history
from contractcheck.workflows.night_runs import night_key, night_record
from contractcheck.workflows.record import RecordOptions, record_run
from contractcheck.workflows.watch import WatchOptions, watch_target
from contractcheck.workflows.watch_judging import judge_night
from contractcheck.workflows.watch_seen import MOST_LATER, seen_digest, seen_line
from contractcheck.workflows.workspace import Workspace

FIRST = date(2026, 1, 1)
ACCEPTED, DRAWN = 10, 8
NIGHTS, CASES = (0, 30, 90, 365, 1000), (25, 50, 100, 200, 400)
YEAR, USUAL = 365, 100
HEAD = """\
suite: timed
version: 1.0.0
targets: [openai:gpt-sim-mini-2026-03-01]
defaults: {samples: 10, max_output_tokens: 40}
policy: {margins: {ttft: 1000x, total: 1000x}}
cases:
"""
CASE = """\
  - id: case-{number}
    system: Answer with one word.
    messages: [{{role: user, content: "What is best about town number {number}?"}}]
    checks: [not_empty]
    metrics: [text, output_tokens, refusal]
"""


def night_of(number):
    return (FIRST + timedelta(days=number)).isoformat()


class Timed:
    """A project with a recorded, an accepted and many later nights."""

    def __init__(self, root, cases):
        folder = root / "suites" / "timed"
        folder.mkdir(parents=True)
        text = HEAD + "".join(CASE.format(number=number) for number in range(cases))
        (folder / "suite.contract.yaml").write_text(text)
        self.workspace = Workspace(root)
        (self.suite,) = self.workspace.load_suites()
        self.target = self.suite.targets[0]
        self.tonight = night_of(ACCEPTED + max(NIGHTS))
        with Simulator(Conditions(night=night_of(0), time_scale=0.0)) as provider:
            self.first = self.record(provider, night_of(0))
            self.last = self.record(provider, self.tonight)
        self.run = observe(read_run(self.first), self.suite)
        self.rng = np.random.default_rng(1)
        self.drawn = [self.bootstrap() for _ in range(DRAWN)]
        self.accept()

    def record(self, provider, night):
        provider.conditions = Conditions(night=night, time_scale=0.0)
        key = night_key(self.suite.name, self.target.id, night)
        run_id = new_run_id(datetime.now(UTC), key)
        options = RecordOptions(base_url=provider.base_url, night=night, run_id=run_id)
        return record_run(self.workspace, self.suite, self.target, options)

    def bootstrap(self):
        """Statistics of a night with the recorded night's answers, drawn anew within each case."""
        by_case = {}
        for one in self.run.answers:
            by_case.setdefault(one.case, []).append(one)
        answers = [
            replace(own[pick], trial=trial)
            for own in by_case.values()
            for trial, pick in enumerate(self.rng.integers(len(own), size=len(own)))
        ]
        measured = measure_answers(self.run.header, answers, self.suite)
        return stored_form(replace(measured.statistics, wire=self.run.statistics.wire))

    def named(self, statistics, number):
        night = night_of(number)
        run_id = f"{night.replace('-', '')}t000000z-{number:08x}"
        return replace(statistics, night=night, run_id=run_id)

    def accept(self):
        by = Acceptance(accepted_by="bench", accepted_at="2026-01-11T00:00:00Z", reason="timed")
        header = self.run.header
        parts = {case: dict(plan.parts) for case, plan in header.cases.items()}
        own = [self.run.statistics]
        own += [self.named(self.drawn[n % DRAWN], n) for n in range(1, ACCEPTED)]
        nights = tuple(
            AcceptedNight(
                statistics=one,
                run_root=read_run(self.first).root,
                acceptance=by,
                parts=parts,
                vantage=dict(header.vantage),
            )
            for one in own
        )
        baseline = Baseline(
            suite=self.suite.name,
            target=self.target,
            nights=nights,
            reference_night=nights[0].statistics.night,
        )
        self.workspace.baselines.write(baseline, self.first)

    def fill(self, path, nights):
        """A history with so many later nights just before tonight."""
        path.parent.mkdir(parents=True, exist_ok=True)
        for leftover in path.parent.glob(f"{path.name}*"):
            leftover.unlink()
        numbers = range(ACCEPTED + max(NIGHTS) - nights, ACCEPTED + max(NIGHTS))
        picked = [int(self.rng.integers(DRAWN)) for _ in numbers]
        later = [self.named(self.drawn[pick], n) for pick, n in zip(picked, numbers, strict=True)]
        with open_history(path) as history:
            for one in later:
                header = replace(self.run.header, id=one.run_id, night=one.night)
                measured = replace(self.run, header=header, statistics=one)
                history.add_night(night_record(measured, root="0" * 64), one)
        return picked, later

    def keep_values(self, path, picked, later):
        """What a watch of the night before would have kept."""
        baseline = self.workspace.baselines.read(self.suite.name, self.target)
        reference = standing_reference(self.suite, baseline, read_header(self.last))
        values = [values_of(reference, one) for one in self.drawn]
        said = self.said(path)
        keys = [RunKey(one.night, one.run_id, "0" * 64, is_complete=True) for one in later]
        lines = list(map(seen_line, keys))
        with open_history(path) as history:
            for place, one in enumerate(later):
                seen = seen_digest(lines[max(0, place - MOST_LATER) : place])
                history.put_judgement(replace(said, night=one.night, run_id=one.run_id, seen=seen))
            history.put_values(
                self.suite.name,
                self.target.id,
                reference.digest,
                [
                    replace(values[pick], night=one.night, run_id=one.run_id)
                    for pick, one in zip(picked, later, strict=True)
                ],
            )

    def said(self, path):
        """What is said of a night like these."""
        copy = path.with_name("said.sqlite")
        shutil.copy(path, copy)
        with open_history(copy) as history:
            run = observe(read_run(self.last), self.suite)
            history.add_night(night_record(run, root="0" * 64), run.statistics)
            return judge_night(self.workspace, self.suite, history, run).kept_form()

    def watch_s(self, path):
        """Processor seconds of a watch of tonight; the history is left as it was."""
        copy = path.with_name("timed.sqlite")
        shutil.copy(path, copy)
        options = WatchOptions(night=self.tonight, history=copy)
        begun = time.process_time()
        report = watch_target(self.workspace, self.suite, self.target, options)
        spent_s = time.process_time() - begun
        if report.run_id != self.last.name:
            raise SystemExit(f"tonight was not taken as it was: {report.headline}")
        return spent_s

    def row(self, nights, repeats):
        path = self.workspace.root / "histories" / "history.sqlite"
        made = self.fill(path, nights)
        self.watch_s(path)
        cold_s = self.watch_s(path)
        self.keep_values(path, *made)
        return statistics.median(self.watch_s(path) for _ in range(repeats)), cold_s


def print_row(size, warm_s, cold_s):
    print(f"| {size:,} | {warm_s:.2f} s | {cold_s:.2f} s |", flush=True)
    return size, warm_s


def print_rows(name, sizes, measure):
    print(f"\n| {name} | a watch, own time | cold |\n|---|---|---|", flush=True)
    rows = [print_row(size, *measure(size)) for size in sizes]
    if len(rows) > 1 and rows[0][0]:
        (low, first_s), (high, last_s) = rows[0], rows[-1]
        print(f"| exponent | {math.log(last_s / first_s) / math.log(high / low):.2f} | |")


def timed(cases, nights, repeats):
    """Rows of one suite, for each number of nights."""
    with tempfile.TemporaryDirectory() as folder:
        project = Timed(Path(folder), cases)
        return [project.row(n, repeats) for n in nights]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cases", type=int, nargs="*", default=CASES)
    arguments = parser.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "simulated")
    usual = dict(zip(NIGHTS, timed(USUAL, NIGHTS, arguments.repeats), strict=True))
    print_rows("nights of history", NIGHTS, usual.get)

    def of_a_year(cases):
        return usual[YEAR] if cases == USUAL else timed(cases, [YEAR], arguments.repeats)[0]

    print_rows("cases", arguments.cases, of_a_year)


if __name__ == "__main__":
    main()
