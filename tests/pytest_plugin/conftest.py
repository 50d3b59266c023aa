"""A small project, a simulated provider, and pytest as a real subprocess in that project."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from contractcheck.model.suite import Suite
from contractcheck.simulator import Conditions, Simulator, parse_change
from contractcheck.workflows.accept import AcceptOptions, accept_runs
from contractcheck.workflows.record import RecordOptions, record_run
from contractcheck.workflows.workspace import Workspace

SAMPLES = 8
CASES = ("greeting", "ticket")
TARGET = "openai:Sim/Mini-2026-03-01"  # capitals and a slash: both are in real model names
_SUITE = f"""\
suite: desk
version: 1.0.0
targets: ["{TARGET}"]
defaults: {{samples: {SAMPLES}, temperature: 0.7, max_output_tokens: 60}}
cases:
  - id: greeting
    messages: [{{role: user, content: "Say good morning to Marta, in one sentence."}}]
    checks:
      - finish_reason: [stop, length]
        mode: always
    metrics: [text, output_tokens, refusal]
  - id: ticket
    messages: [{{role: user, content: "Two mugs came broken, please send new ones. As JSON."}}]
    response_schema: schemas/ticket.json
    checks: [conforms]
    metrics: [label: $.priority, text, refusal]
"""
_SCHEMA = """\
{"type": "object", "additionalProperties": false, "required": ["priority"],
 "properties": {"priority": {"enum": ["low", "normal", "high"]}}}
"""
_SECRETS = "_KEY", "_TOKEN", "_SECRET", "_PASSWORD"


@dataclass(frozen=True)
class Item:
    outcome: str
    text: str


@dataclass(frozen=True)
class Session:
    """One finished pytest process."""

    code: int
    output: str
    items: dict[str, Item]

    @property
    def outcomes(self) -> dict[str, str]:
        return {name: item.outcome for name, item in self.items.items()}

    @property
    def contracts(self) -> str:
        """The plugin's part of the terminal summary."""
        if " contracts ===" not in self.output:
            return ""
        return re.split(r"^=+ contracts =+\n", self.output, flags=re.MULTILINE)[-1].split("\n=")[0]


@dataclass(frozen=True)
class Project:
    """A folder with one suite, and the provider that its live runs ask."""

    root: Path
    provider: Simulator
    scratch: Path
    begun: list[subprocess.Popen[str]] = field(default_factory=list)

    samples = SAMPLES
    cases = CASES
    target = TARGET

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root)

    @property
    def suite(self) -> Suite:
        return self.workspace.load_suites()[0]

    @property
    def suite_file(self) -> Path:
        return self.root / "suites" / "desk" / "suite.contract.yaml"

    def edit(self, old: str, new: str) -> None:
        text = self.suite_file.read_text()
        assert old in text
        self.suite_file.write_text(text.replace(old, new))

    def node(self, name: str) -> str:
        return f"{self.suite_file.relative_to(self.root)}::{name}[{TARGET}]"

    def set_night(self, days_ago: int = 0, change: str = "", **conditions: object) -> str:
        night = (datetime.now(UTC).date() - timedelta(days=days_ago)).isoformat()
        changes = (parse_change(change),) if change else ()
        self.provider.conditions = Conditions(
            night=night, changes=changes, **{"time_scale": 0.0, **conditions}
        )
        return night

    def record_night(self, days_ago: int, change: str = "") -> Path:
        night = self.set_night(days_ago, change)
        options = RecordOptions(night=night, base_url=self.provider.base_url)
        suite = self.suite
        return record_run(self.workspace, suite, suite.targets[0], options)

    def runs(self) -> tuple[Path, ...]:
        suite = self.suite
        return self.workspace.runs.folders(suite.name, suite.targets[0])

    def tree(self) -> dict[str, bytes]:
        files = (path for path in self.root.rglob("*") if path.is_file())
        return {str(path.relative_to(self.root)): path.read_bytes() for path in files}

    def begin(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.endswith(_SECRETS) and not name.startswith(("CONTRACTCHECK_", "PYTEST_"))
        }
        # Other people's plugins take longer to start than what is tested here.
        alone = ["-p", "no:hypothesispytest", "-p", "no:anyio"]
        command = [sys.executable, "-m", "pytest", *alone, f"--junitxml={self._junit}", *arguments]
        process = subprocess.Popen(
            command,
            cwd=self.root,
            env={**kept, "COLUMNS": "200", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.begun.append(process)
        return process

    def finish(self, process: subprocess.Popen[str]) -> Session:
        output, _ = process.communicate(timeout=60)
        return Session(process.returncode, output, _read_junit(self._junit))

    def pytest(self, *arguments: str, **environment: str) -> Session:
        self._junit.unlink(missing_ok=True)
        return self.finish(self.begin(*arguments, **environment))

    def replay(self, *arguments: str, **environment: str) -> Session:
        return self.pytest("--contract", "-p", "no:cacheprovider", *arguments, **environment)

    def live_options(self) -> tuple[str, ...]:
        return (
            "--contract",
            "--contract-mode=live",
            f"--contract-base-url={self.provider.base_url}",
        )

    def live(self, *arguments: str, **environment: str) -> Session:
        return self.pytest(*self.live_options(), *arguments, **environment)

    @property
    def _junit(self) -> Path:
        return self.scratch / "junit.xml"


def _read_junit(path: Path) -> dict[str, Item]:
    if not path.is_file():
        return {}
    items: dict[str, Item] = {}
    for case in ET.fromstring(path.read_text()).iter("testcase"):  # noqa: S314 - pytest wrote it
        told = case.find("failure"), case.find("error"), case.find("skipped")
        kind = next((part for part in told if part is not None), None)
        name = case.attrib.get("name")
        if name is None:  # the item that a signal interrupted
            continue
        assert name not in items, f"{name} was reported twice"
        if kind is None:
            items[name] = Item("passed", "")
        else:
            items[name] = Item(kind.tag, f"{kind.get('message')}\n{kind.text}")
    return items


@pytest.fixture(scope="session")
def provider() -> Iterator[Simulator]:
    with Simulator(Conditions(night="2026-03-01", time_scale=0.0)) as simulator:
        yield simulator


@pytest.fixture(scope="session")
def bare_folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("bare") / "project"
    schemas = root / "suites" / "desk" / "schemas"
    schemas.mkdir(parents=True)
    (schemas / "ticket.json").write_text(_SCHEMA)
    (schemas.parent / "suite.contract.yaml").write_text(_SUITE)
    # Warnings are errors in the project of a strict user.
    (root / "pytest.ini").write_text(
        "[pytest]\naddopts = --strict-markers --strict-config\nfilterwarnings = error\n"
    )
    return root


@pytest.fixture(scope="session")
def accepted_folder(bare_folder, provider, tmp_path_factory) -> Path:
    """The project with ten accepted nights, from 11 to 2 days ago."""
    scratch = tmp_path_factory.mktemp("accepted")
    root = scratch / "project"
    shutil.copytree(bare_folder, root)
    project = Project(root, provider, scratch)
    folders = [project.record_night(days_ago) for days_ago in range(11, 1, -1)]
    accept_runs(project.workspace, folders, [project.suite], AcceptOptions(reason="good"))
    return root


@pytest.fixture
def project(bare_folder, provider, tmp_path) -> Iterator[Project]:
    """A project without accepted nights."""
    yield from _copy(bare_folder, provider, tmp_path)


@pytest.fixture
def accepted(accepted_folder, provider, tmp_path) -> Iterator[Project]:
    """A project with ten accepted nights."""
    yield from _copy(accepted_folder, provider, tmp_path)


def _copy(folder: Path, provider: Simulator, tmp_path: Path) -> Iterator[Project]:
    shutil.copytree(folder, tmp_path / "project")
    project = Project(tmp_path / "project", provider, tmp_path)
    project.set_night()
    yield project
    for process in project.begun:
        if process.poll() is None:
            process.kill()
            process.wait()
