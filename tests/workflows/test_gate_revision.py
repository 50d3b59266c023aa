"""Suites as of a commit, in real repositories."""

import subprocess

import pytest

from contractcheck.errors import SuiteError, UsageError
from contractcheck.providers import DIALECTS
from contractcheck.suite import load_suite
from contractcheck.workflows.gate_revision import load_revision

SUITE = """\
suite: mail
version: 1.0.0
targets: [openai:m]
cases:
  - id: greet
    messages: [{{role: user, content: "{content}"}}]
    context: [{context}]
"""


class Repository:
    def __init__(self, root):
        self.root = root
        self.path = root / "suites" / "mail" / "mail.contract.yaml"
        self.path.parent.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True)

    def write(self, content, context="rules.md", rules="Be kind."):
        self.path.write_text(SUITE.format(content=content, context=context))
        (self.path.parent / "rules.md").write_text(rules)

    def commit(self, tag):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", tag)
        self.git("tag", tag)


@pytest.fixture
def repository(tmp_path):
    made = Repository(tmp_path)
    made.write("Say hello.")
    made.commit("v1")
    return made


def test_a_revision_is_what_the_files_were_then(repository):
    then = load_suite(repository.path, providers=tuple(DIALECTS))
    repository.write("Say goodbye.", rules="Be brief.")
    for name in ("v1", "main", "HEAD"):
        found = load_revision(repository.path, name)
        assert found.suite.cases == then.cases
        assert found.suite.fingerprint == then.fingerprint
        assert found.suite.path == f"{found.commit[:10]}:{repository.path}"
    repository.commit("v2")
    now = load_revision(repository.path, "v2").suite
    assert now.case("greet").request_fingerprint != then.case("greet").request_fingerprint
    assert load_revision(repository.path, "HEAD~1").commit == found.commit


@pytest.mark.parametrize("name", ["nothing", "-h", "--output=x", "v1:suites", "a..b", "v1 v1", ""])
def test_what_is_no_revision_is_refused(repository, name):
    with pytest.raises(UsageError, match=r"^rev="):
        load_revision(repository.path, name)
    assert not (repository.root / "x").exists()


def test_no_hook_filter_or_monitor_runs(repository):
    trap = repository.root / "ran"
    for name in ("post-checkout", "post-index-change"):
        hook = repository.root / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {trap}\n")
        hook.chmod(0o755)
    repository.git("config", "core.fsmonitor", f"touch {trap}")
    repository.git("config", "filter.evil.smudge", f"touch {trap}; cat")
    repository.git("config", "diff.evil.textconv", f"touch {trap}; cat")
    (repository.root / ".gitattributes").write_text("* filter=evil diff=evil\n")
    trap.unlink(missing_ok=True)
    load_revision(repository.path, "v1")
    assert not trap.exists()


def test_a_suite_that_was_wrong_is_named_with_its_commit(repository):
    repository.write("Say hello.", context="missing.md")
    repository.commit("v2")
    with pytest.raises(SuiteError) as wrong:
        load_revision(repository.path, "v2")
    folder = repository.path.parent
    assert f":{folder}/mail.contract.yaml:7: cases[0].context[0]: " in str(wrong.value)
    assert "contractcheck-rev-" not in str(wrong.value)


def test_a_suite_that_did_not_exist_yet_is_a_sentence(repository):
    other = repository.path.with_name("other.contract.yaml")
    with pytest.raises(UsageError, match="the suite has no such file at that commit"):
        load_revision(other, "v1")


def test_links_lead_nowhere_and_large_files_are_told_by_their_size(repository):
    rules = repository.path.parent / "rules.md"
    rules.unlink()
    rules.symlink_to("/etc/hostname")
    repository.commit("linked")
    with pytest.raises(SuiteError, match=r"rules\.md"):
        load_revision(repository.path, "linked")
    rules.unlink()
    rules.write_bytes(b"x" * ((1 << 20) + 1))
    repository.commit("large")
    with pytest.raises(SuiteError, match="holds 1048577 bytes; at most 1048576"):
        load_revision(repository.path, "large")


def test_outside_a_repository_it_says_so(tmp_path):
    path = tmp_path / "mail.contract.yaml"
    path.write_text(SUITE.format(content="x", context="rules.md"))
    with pytest.raises(UsageError, match="git rev-parse failed: fatal: not a git repository"):
        load_revision(path, "main")
