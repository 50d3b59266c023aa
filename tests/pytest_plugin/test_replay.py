"""Replay: our side against accepted answers; the provider is never asked, nothing is written."""

import re
import shutil
import subprocess
import sys

import orjson
import pytest

from contractcheck.cassettes.sealing import root_digest

_STRICTER = """\
import sys

def pytest_collection_finish(session):
    from contractcheck.checks import CheckOutcome
    import contractcheck.measuring

    measuring = sys.modules["contractcheck.measuring.observe"]
    measuring.run_check = lambda *_: CheckOutcome(passed=False, detail="stricter")
"""


def test_accepted_answers_pass_and_the_provider_is_not_asked(accepted):
    before = accepted.tree()
    asked = accepted.provider.request_count
    session = accepted.replay()
    assert session.code == 0, session.output
    assert session.outcomes == {f"{case}[{accepted.target}]": "passed" for case in accepted.cases}
    assert "contractcheck: replay (offline, the provider is not asked)" in session.output
    night = accepted.workspace.baselines.read("desk", accepted.suite.targets[0]).nights[-1]
    assert f"replay of night {night.statistics.night} (" in session.contracts
    assert "the provider was not asked" in session.contracts
    assert accepted.provider.request_count == asked
    assert accepted.tree() == before


def test_it_needs_no_network(accepted):
    cut = ["unshare", "-n", "--"]
    probe = subprocess.run([*cut, "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this user may not cut a process off the network (unshare -n)")
    command = [*cut, sys.executable, "-m", "pytest", "--contract", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command, cwd=accepted.root, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


@pytest.mark.parametrize(
    ("options", "outcome"), [((), "skipped"), (("--contract-strict",), "failure")]
)
def test_a_changed_prompt_is_ours_and_named(accepted, options, outcome):
    accepted.edit("Say good morning to Marta", "Say good evening to Marta")
    session = accepted.replay(*options)
    greeting = session.items[f"greeting[{accepted.target}]"]
    assert greeting.outcome == outcome
    assert "you changed messages since run" in greeting.text
    assert "record and accept a night" in greeting.text
    assert session.outcomes[f"ticket[{accepted.target}]"] == "passed"
    assert session.code == (1 if options else 0)


def test_a_policy_may_say_that_inconclusive_fails(accepted):
    accepted.edit("defaults:", "policy: {on_inconclusive: fail}\ndefaults:")
    accepted.edit("Say good morning", "Say good evening")
    session = accepted.replay()
    assert session.outcomes[f"greeting[{accepted.target}]"] == "failure"
    assert session.code == 1


def test_a_new_check_that_accepted_answers_break_fails(accepted):
    accepted.edit("finish_reason: [stop, length]", "finish_reason: [tool_calls]")
    session = accepted.replay()
    assert session.code == 1
    greeting = session.items[f"greeting[{accepted.target}]"]
    assert greeting.outcome == "failure"
    assert f"failed {accepted.samples} of {accepted.samples}" in greeting.text
    assert "Traceback" not in session.output


def test_a_check_that_no_accepted_answer_passes_blames_our_side(accepted):
    # Not part of the request, so the same answers are judged by a rule that is now another.
    ticket = f"ticket[{accepted.target}]"
    accepted.edit("checks: [conforms]", "checks: [conforms, {contains: priority}]")
    assert accepted.replay().outcomes[ticket] == "passed"
    accepted.edit("{contains: priority}", "{contains: zebra}")
    session = accepted.replay()
    assert session.outcomes[ticket] == "failure"
    assert "none of the accepted answers passes it" in session.items[ticket].text
    assert "our side" in session.items[ticket].text


def test_a_check_that_passes_less_than_when_it_was_accepted_blames_our_side(accepted):
    """The rule behind a check changed: with another version of this package, say."""
    (accepted.root / "conftest.py").write_text(_STRICTER)
    session = accepted.replay()
    ticket = session.items[f"ticket[{accepted.target}]"]
    assert ticket.outcome == "failure"
    assert re.search(r"conforms passes 0 of the 8 accepted answers, [1-8] when", ticket.text)
    assert "changed on our side" in ticket.text


def test_a_changed_schema_is_a_changed_request(accepted):
    schema = accepted.suite_file.parent / "schemas" / "ticket.json"
    schema.write_text(schema.read_text().replace('"low", ', ""))
    ticket = accepted.replay().items[f"ticket[{accepted.target}]"]
    assert ticket.outcome == "skipped"
    assert "you changed" in ticket.text
    assert "schema" in ticket.text


def test_an_edited_recording_is_named_and_not_made_anew(accepted):
    (path,) = accepted.root.glob("cassettes/desk/*/reference-*/greeting.jsonl")
    path.write_bytes(path.read_bytes().replace(b"200", b"201", 1))
    before = accepted.tree()
    asked = accepted.provider.request_count
    session = accepted.replay()
    assert session.code == 1
    for item in session.items.values():
        assert item.outcome == "failure"
        assert str(path.relative_to(accepted.root)) in item.text
        assert "restore it from another copy (accepted nights are in version control" in item.text
    assert session.contracts.startswith("ERROR ")
    assert "Traceback" not in session.output
    assert accepted.tree() == before
    assert accepted.provider.request_count == asked


def test_another_run_sealed_in_the_place_of_the_accepted_one_is_named(accepted):
    """Every digest inside it is right; only the baseline knows that it is not the one."""
    (folder,) = accepted.root.glob("cassettes/desk/*/reference-*")
    path = folder / "manifest.json"
    manifest = orjson.loads(path.read_bytes())
    manifest["header"]["label"] = "swapped"
    manifest["root"] = root_digest(manifest["header"], manifest["files"])
    path.write_bytes(orjson.dumps(manifest))
    session = accepted.replay()
    assert session.code == 1
    for item in session.items.values():
        assert "is not the run that was accepted" in item.text
        assert "restore it from version control" in item.text


def test_a_missing_recording_is_named(accepted):
    (folder,) = accepted.root.glob("cassettes/desk/*/reference-*")
    shutil.rmtree(folder)
    session = accepted.replay()
    assert session.code == 1
    for item in session.items.values():
        assert folder.name in item.text
        assert "restore it from another copy (accepted nights are in version control" in item.text


def test_a_baseline_of_a_newer_version_is_named(accepted):
    (path,) = accepted.root.glob("cassettes/desk/*/baseline.json")
    path.write_text(path.read_text().replace('"format": 2', '"format": 99', 1))
    session = accepted.replay()
    assert session.code == 1
    assert all("upgrade contractcheck" in item.text for item in session.items.values())


def test_nothing_accepted_yet_measures_nothing_and_fails(project):
    session = project.replay()
    assert set(session.outcomes.values()) == {"skipped"}
    assert session.code == 1
    assert "no accepted night of desk" in session.contracts
    assert "no case could be measured" in session.contracts
    assert list(project.root.glob("cassettes")) == []


def test_nothing_measured_fails_beside_ordinary_tests_and_without_a_terminal(project):
    (project.root / "test_ordinary.py").write_text("def test_ordinary():\n    assert True\n")
    assert project.replay().code == 1
    assert project.replay("-p", "no:terminal").code == 1


def test_a_skip_points_at_the_case(project):
    session = project.replay("-rs")
    line = project.suite_file.read_text().splitlines().index("  - id: ticket") + 1
    assert f"suite.contract.yaml:{line}: " in session.output
    assert "items.py" not in session.output


def test_recordings_may_lie_elsewhere(accepted, tmp_path):
    (accepted.root / "cassettes").rename(tmp_path / "cassettes")
    assert accepted.replay().code == 1
    assert accepted.replay(f"--contract-root={tmp_path}").code == 0
