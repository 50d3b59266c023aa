"""Record the accepted nights of the shipped suites from the simulator.

    .venv/bin/python bench/record_cassettes.py

Ten nights per suite and target, over real HTTP, at a twentieth of life-like waits; accepted with
a reason that says so. Replaces what is under cassettes/.
"""

import shutil
import tempfile
from datetime import date, timedelta
from pathlib import Path

from contractcheck.simulator import Conditions, Simulator
from contractcheck.workflows.accept import AcceptOptions, accept_runs
from contractcheck.workflows.record import RecordOptions, record_run
from contractcheck.workflows.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
NIGHTS = 10
TIME_SCALE = 0.05
LABEL = f"simulated, time scale {TIME_SCALE}"


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        work = Workspace(Path(scratch))
        shutil.copytree(ROOT / "suites", work.root / "suites")
        suites = work.load_suites()
        folders = []
        with Simulator(Conditions(night="before the first")) as provider:
            for number in range(NIGHTS):
                night = (date(2026, 3, 1) + timedelta(days=number)).isoformat()
                provider.conditions = Conditions(night=night, time_scale=TIME_SCALE)
                for suite in suites:
                    for target in suite.targets:
                        options = RecordOptions(
                            night=night,
                            base_url=provider.base_url,
                            label=LABEL,
                            concurrency=4,
                        )
                        folders.append(record_run(work, suite, target, options))
                print(night)
        accept_runs(
            work,
            folders,
            suites,
            AcceptOptions(
                reason="recorded from contractcheck's own simulator, to start from",
                by="contractcheck",
            ),
        )
        for suite in suites:
            destination = ROOT / "cassettes" / suite.name
            shutil.rmtree(destination, ignore_errors=True)
            shutil.copytree(work.root / "cassettes" / suite.name, destination)


main()
