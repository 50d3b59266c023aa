"""``contractcheck watch``: what is printed, and the exit code of a night of several targets."""

from __future__ import annotations

import json
import shutil

import click.testing
import pytest

from contractcheck.cli import cli
from contractcheck.errors import UsageError
from contractcheck.model.target import Target
from contractcheck.simulator import Conditions, Simulator
from contractcheck.store.history import open_history

SUITE = """\
suite: hello
version: 1.0.0
targets: [openai:gpt-sim, anthropic:sim]
defaults: {samples: 2, max_output_tokens: 5}
cases:
  - id: greet
    messages: [{role: user, content: hi}]
"""
NIGHT = "2026-03-01"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "suites/hello").mkdir(parents=True)
    (tmp_path / "suites/hello/suite.contract.yaml").write_text(SUITE)
    return tmp_path


@pytest.fixture(scope="module")
def provider():
    with Simulator(Conditions(night=NIGHT, time_scale=0.0)) as running:
        yield running


@pytest.fixture
def watch(root, provider):
    def watch(*words, url=provider.base_url):
        arguments = ["watch", *words, "--root", str(root), "--base-url", url]
        runner = click.testing.CliRunner()
        return runner.invoke(cli, arguments, standalone_mode=False, catch_exceptions=False)

    return watch


def test_a_night_of_every_target_is_watched_and_told(watch, root, provider):
    shown = watch("--night", NIGHT, "--format", "json")
    assert shown.return_value == 0
    decoder, told, text = json.JSONDecoder(), [], shown.stdout.strip()
    while text:
        report, end = decoder.raw_decode(text)
        told.append((report["target"], report["night"]))
        text = text[end:].strip()
    assert told == [("openai:gpt-sim", NIGHT), ("anthropic:sim", NIGHT)]
    with open_history(root / ".contractcheck" / "history.sqlite", create=False) as history:
        assert set(history.subjects()) == {("hello", target) for target, _ in told}


def test_the_environment_says_where_the_history_is(watch, root, monkeypatch, tmp_path):
    elsewhere = tmp_path / "elsewhere" / "nights.sqlite"
    monkeypatch.setenv("CONTRACTCHECK_HISTORY", str(elsewhere))
    assert watch("hello", "--target", "openai:gpt-sim", "--night", NIGHT).return_value == 0
    assert elsewhere.is_file()
    assert not (root / ".contractcheck" / "history.sqlite").exists()


def test_what_prevents_one_target_is_told_and_keeps_no_other(watch, root):
    runs = root / ".contractcheck" / "runs" / "hello"
    runs.mkdir(parents=True)
    (runs / Target(provider="openai", model="gpt-sim").folder).write_text("no folder")
    shown = watch("--night", NIGHT)
    assert shown.return_value == 4
    assert "hello × openai:gpt-sim: " in shown.stderr
    assert "hello 1.0.0 × anthropic:sim" in shown.stdout


@pytest.mark.parametrize(
    "words",
    [("--night", "yesterday"), ("nothing",), ("--target", "openai:other"), ("--store", "no://x")],
)
def test_mistakes_are_told_before_anybody_is_asked(watch, provider, words):
    asked = provider.request_count
    try:
        shown = watch(*words)
    except UsageError:
        pass
    else:
        assert shown.return_value == 2
        assert "--store" in shown.stderr
    assert provider.request_count == asked


def test_a_rebuild_tells_of_nights_whose_recordings_are_gone(watch, root):
    def rebuild():
        words = ["history", "rebuild", "--root", str(root)]
        return click.testing.CliRunner().invoke(cli, words, standalone_mode=False)

    watch("--night", NIGHT)
    assert "not judged again" not in rebuild().stdout
    runs = root / ".contractcheck" / "runs" / "hello"
    shutil.rmtree(runs / Target(provider="openai", model="gpt-sim").folder)
    shown = rebuild()
    assert (shown.return_value, shown.stderr) == (0, "")
    first, left, last = shown.stdout.splitlines()
    assert first.endswith("; 1 night judged")
    assert left.startswith("1 night not judged again")
    assert last.startswith("history ")
