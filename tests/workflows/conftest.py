from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

import contractcheck.workflows.demo
from contractcheck.sampling import Bounds, RetryPolicy
from contractcheck.simulator import Conditions, Simulator
from contractcheck.workflows.accept import AcceptOptions, accept_runs
from contractcheck.workflows.judging import judge_recorded
from contractcheck.workflows.record import RecordOptions, record_run
from contractcheck.workflows.watch import WatchOptions, watch_target
from contractcheck.workflows.workspace import Workspace

SUITE = """\
suite: {name}
version: 1.0.0
targets: [openai:gpt-sim-mini-2026-03-01]
defaults: {{samples: 3, max_output_tokens: 20}}
cases:
  - id: greet
    messages: [{{role: user, content: "{content}"}}]
    checks: {checks}
    metrics: [text, output_tokens]
  - id: part
    messages: [{{role: user, content: "Say goodbye."}}]
    metrics: [{part}]
"""


class Project:
    """A workspace whose suites ask a simulated provider on this machine."""

    def __init__(self, root, provider):
        self.workspace = Workspace(root)
        self.provider = provider
        self.write()

    def write(self, name="hello", *, content="Say hello.", checks="[]", part="text"):
        folder = self.workspace.root / "suites" / name
        folder.mkdir(parents=True, exist_ok=True)
        text = SUITE.format(name=name, content=content, checks=checks, part=part)
        (folder / "suite.contract.yaml").write_text(text)

    def suite(self, name="hello"):
        return next(suite for suite in self.workspace.load_suites() if suite.name == name)

    def record(self, day, *, name="hello", error_rate=0.0, changes=(), **options):
        night = f"2026-03-{day:02d}"
        self.provider.conditions = Conditions(
            night=night, time_scale=0.0, error_rate=error_rate, changes=changes
        )
        suite = self.suite(name)
        options.setdefault("bounds", Bounds(retry=RetryPolicy(attempts=1)))
        chosen = RecordOptions(night=night, base_url=self.provider.base_url, **options)
        return record_run(self.workspace, suite, suite.targets[0], chosen)

    def accept(self, *folders, reason="looked at", **options):
        suites = self.workspace.load_suites()
        options = AcceptOptions(reason=reason, by="me", **options)
        return accept_runs(self.workspace, folders, suites, options)

    def judge(self, folder, name="hello"):
        return judge_recorded(self.workspace, self.suite(name), folder)

    def cassettes(self):
        root = self.workspace.root / "cassettes"
        return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def simulated():
    with Simulator(Conditions(night="2026-03-01", time_scale=0.0)) as provider:
        yield provider


@pytest.fixture(scope="session")
def make_project(simulated):
    return partial(Project, provider=simulated)


@pytest.fixture
def project(tmp_path, make_project):
    return make_project(tmp_path)


@pytest.fixture(scope="session")
def young_demo(tmp_path_factory, simulated):
    """Folder of a project with ten accepted nights, made by the watch: 3 cases of 8 answers."""
    root = tmp_path_factory.mktemp("young-demo") / "project"
    shipped = Path(contractcheck.workflows.demo.__file__).with_name("demo_suite")
    shutil.copytree(shipped, root / "suites" / "demo-tickets")
    (path,) = (root / "suites" / "demo-tickets").glob("*.yaml")
    head, *cases = path.read_text().split("  - id: ")
    # How long this machine takes is not what is tested.
    head = head.replace("margins: {ttft: 1.5x}", "margins: {ttft: 1000x, total: 1000x}")
    path.write_text("  - id: ".join((head, *cases[:3])))
    workspace = Workspace(root)
    (suite,) = workspace.load_suites()
    runs = []
    for day in range(1, 11):
        night = f"2026-03-{day:02d}"
        simulated.conditions = Conditions(night=night, time_scale=0.0)
        options = WatchOptions(night=night, record=RecordOptions(base_url=simulated.base_url))
        runs.append(watch_target(workspace, suite, suite.targets[0], options).run_id)
    folders = [workspace.runs.find(run) for run in runs]
    accept_runs(workspace, folders, [suite], AcceptOptions(reason="good", by="me"))
    return root
