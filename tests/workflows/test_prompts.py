"""With ``store_prompts: hash`` no file says what was asked."""

from __future__ import annotations

import base64
import sys

from contractcheck.model.judgement import FindingKind
from contractcheck.report.formats import FORMATS
from contractcheck.simulator import Conditions, parse_change
from contractcheck.workflows.record import RecordOptions, record_run

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SECRETS = ("quagga of Zanzibar", "forty-two marzipan rules", "be a heron")
SUITE = """\
suite: hello
version: 1.0.0
targets: [openai:gpt-sim-mini-2026-03-01, anthropic:claude-sim-haiku-2026-03-01]
defaults: {samples: 6, max_output_tokens: 20}
policy: {store_prompts: STORED}
cases:
  - id: greet
    system: You are to be a heron.
    context: [rules.md]
    messages: [{role: user, content: "Greet the quagga of Zanzibar."}]
    checks: [{contains: e}]
    metrics: [text, output_tokens, refusal]
  - id: part
    messages: [{role: user, content: "Part from the quagga of Zanzibar."}]
    metrics: [text, refusal]
"""


def record(project, target, day, changes=()):
    night = f"2026-03-{day:02d}"
    project.provider.conditions = Conditions(night=night, time_scale=0.0, changes=changes)
    options = RecordOptions(night=night, base_url=project.provider.base_url)
    return record_run(project.workspace, project.suite(), target, options)


def play_a_change(project):
    """Record, accept, judge two changed nights and report them in every format."""
    for target in project.suite().targets:
        project.accept(*(record(project, target, day) for day in range(1, 6)))
        change = (parse_change("refusals=1.0"),)
        for day in (6, 7):
            report = project.judge(record(project, target, day, change))
            for name, render in FORMATS.items():
                path = project.workspace.root / f"{target.provider}-{day}.{name}"
                path.write_text(render(report))
        assert FindingKind.DRIFT in {finding.kind for finding in report.findings}
        assert any(finding.examples for finding in report.findings)


def files_that_tell(project):
    """Files outside of ``suites/`` that hold a prompt: plain, packed or in base64."""
    found = set()
    suites = project.workspace.root / "suites"
    for path in project.workspace.root.rglob("*"):
        if not path.is_file() or suites in path.parents:
            continue
        data = path.read_bytes()
        if path.suffix == ".zst":
            data = zstd.decompress(data)
        for secret in SECRETS:
            # Base64 of a text depends on where it begins; its middle does not.
            coded = [base64.b64encode(b"." * n + secret.encode())[4:-4] for n in range(3)]
            if any(form in data for form in (secret.encode(), *coded)):
                found.add(path.suffix)
    return found


def write_suite(project, stored):
    folder = project.workspace.root / "suites" / "hello"
    (folder / "suite.contract.yaml").write_text(SUITE.replace("STORED", stored))
    (folder / "rules.md").write_text("There are forty-two marzipan rules.")


def test_with_hash_what_was_asked_is_in_no_file(project):
    write_suite(project, "hash")
    play_a_change(project)
    assert files_that_tell(project) == set()


def test_with_full_it_is_in_the_recordings_and_nowhere_else(project):
    write_suite(project, "full")
    project.accept(record(project, project.suite().targets[0], 1))
    assert files_that_tell(project) == {".zst", ".jsonl"}
