"""Live: one run per suite and target, judged case by case and as a whole."""

import re

import pytest

from contractcheck.cassettes import read_header, read_run
from contractcheck.workflows.accept import AcceptOptions, accept_runs


def names(project):
    return [f"{name}[{project.target}]" for name in (*project.cases, "@drift")]


def test_a_first_run_passes_its_checks_and_says_nothing_of_drift(project):
    asked = project.provider.request_count
    session = project.live()
    assert session.code == 0, session.output
    greeting, ticket, drift = names(project)
    assert session.outcomes == {greeting: "passed", ticket: "passed", drift: "skipped"}
    assert "0 accepted nights cannot tell" in session.items[drift].text
    assert project.provider.request_count - asked == 2 * project.samples
    (run,) = project.runs()
    header = read_header(run)
    assert (header.status, header.night) == ("complete", None)
    assert not list(project.root.glob("cassettes"))


def test_strictly_what_is_inconclusive_fails(project):
    session = project.live("--contract-strict")
    assert session.outcomes[names(project)[2]] == "failure"
    assert session.code == 1


def test_a_night_is_recorded_on_request_and_can_be_accepted(project):
    night = project.set_night()
    assert project.live("--contract-night").code == 0
    (run,) = project.runs()
    assert read_header(run).night == night
    (baseline,) = accept_runs(
        project.workspace, [run], [project.suite], AcceptOptions(reason="looked at")
    )
    assert [n.statistics.night for n in baseline.nights] == [night]
    assert project.replay().code == 0


def test_an_unchanged_provider_is_quiet(accepted):
    session = accepted.live("-rA")
    assert session.code == 0, session.output
    drift = session.items[names(accepted)[2]]
    # A busy machine can spoil the waits of one night; one night never fails.
    waits = r"tonight looks changed|time per output token|time to first token"
    assert drift.outcome == "passed" or re.search(waits, drift.text)


def test_a_renamed_wire_field_fails_cases_and_the_whole_at_once(accepted):
    accepted.set_night(change="renamed_field")
    session = accepted.live()
    assert session.code == 1
    assert [session.outcomes[name] for name in names(accepted)] == ["failure"] * 3
    for name in names(accepted):
        assert "choices[0].delta" in session.items[name].text
    assert "Traceback" not in session.output
    assert ".py:" not in session.output


def test_a_change_on_two_nights_fails_the_drift_item_with_its_report(accepted):
    accepted.record_night(1, change="refusals=1")
    accepted.set_night(0, change="refusals=1")
    session = accepted.live("--contract-night")
    greeting, _, drift = names(accepted)
    assert session.code == 1
    assert session.outcomes[greeting] == "passed", "a refusal breaks no check of this case"
    text = session.items[drift].text
    assert "FAIL: the provider changed (first seen " in text
    assert "10 accepted nights" in text
    assert "before" in text
    assert "after" in text
    # Once, not again as a section of output; in CI pytest's own summary quotes whole messages.
    shown, _, _ = session.output.partition("short test summary info")
    assert shown.count("  baseline  10 accepted nights") == 1
    assert "FAIL " in session.contracts


def test_a_budget_bounds_the_session_and_says_inconclusive(project):
    asked = project.provider.request_count
    session = project.live("--contract-max-requests=5")
    assert project.provider.request_count - asked == 5
    assert set(session.outcomes.values()) == {"skipped"}
    for item in session.items.values():
        assert "planned trials were made" in item.text
    assert "INCONCLUSIVE" in session.contracts
    # Nothing was measured whole.
    assert session.code == 1


def test_a_budget_is_shared_by_all_suites_and_targets(project):
    project.edit(f'["{project.target}"]', f'["{project.target}", "anthropic:second-2026-03-01"]')
    whole = 2 * project.samples
    asked = project.provider.request_count
    session = project.live(f"--contract-max-requests={whole + 4}")
    assert project.provider.request_count - asked == whole + 4
    assert session.outcomes[f"ticket[{project.target}]"] == "passed"
    assert session.outcomes["ticket[anthropic:second-2026-03-01]"] == "skipped"
    asked = project.provider.request_count
    session = project.live(f"--contract-max-requests={whole}")
    assert project.provider.request_count - asked == whole
    second = {name: item for name, item in session.items.items() if "second" in name}
    assert {item.outcome for item in second.values()} == {"skipped"}
    assert all("--contract-max-requests" in item.text for item in second.values())
    assert session.code == 0, session.output


def test_one_target_of_several(project):
    second = "anthropic:second-2026-03-01"
    project.edit(f'["{project.target}"]', f'["{project.target}", "{second}"]')
    asked = project.provider.request_count
    session = project.live(f"--contract-target={second}")
    assert set(session.items) == {f"{name}[{second}]" for name in (*project.cases, "@drift")}
    assert project.provider.request_count - asked == 2 * project.samples


def test_a_target_that_no_suite_has_is_not_passed_over(project):
    (project.root / "test_ordinary.py").write_text("def test_ordinary():\n    assert True\n")
    session = project.replay("--contract-target=openai:typo")
    assert "nothing was checked: no selected suite has target openai:typo" in session.contracts


def test_a_provider_that_always_fails_is_an_error_not_a_finding(project):
    project.set_night(error_rate=1.0)
    session = project.live("--contract-no-retry")
    assert session.code == 1
    assert set(session.outcomes.values()) == {"failure"}
    for item in session.items.values():
        assert "could not measure" in item.text
        assert "HTTP 429" in item.text or "HTTP 529" in item.text or "HTTP 503" in item.text
    assert session.contracts.startswith("ERROR ")
    assert "no case could be measured" in session.contracts
    assert "Traceback" not in session.output


def test_a_missing_key_is_one_sentence_per_item_and_no_request(project):
    asked = project.provider.request_count
    session = project.pytest("--contract", "--contract-mode=live")
    assert session.code == 1
    for name in names(project):
        text = session.items[name].text
        assert session.outcomes[name] == "failure"
        assert f"could not measure: {project.target}: set OPENAI_API_KEY to a key for" in text
    assert "Traceback" not in session.output
    assert ".py:" not in session.output
    assert project.provider.request_count == asked
    assert project.runs() == ()


def test_a_damaged_baseline_is_told_before_anybody_is_asked(accepted):
    (path,) = accepted.root.glob("cassettes/desk/*/baseline.json")
    path.write_text("{")
    asked = accepted.provider.request_count
    session = accepted.live()
    assert session.code == 1
    assert all("baseline.json" in item.text for item in session.items.values())
    assert accepted.provider.request_count == asked


def test_ordinary_tests_beside_suites_run_as_ever(project):
    (project.root / "test_ordinary.py").write_text(
        "import pytest\n"
        "def test_good(): pass\n"
        "def test_bad(): assert 1 == 2\n"
        "@pytest.mark.skip(reason='x')\n"
        "def test_idle(): pass\n"
    )
    session = project.live()
    assert session.code == 1
    ordinary = {n: o for n, o in session.outcomes.items() if n.startswith("test_")}
    assert ordinary == {"test_good": "passed", "test_bad": "failure", "test_idle": "skipped"}
    assert session.outcomes[names(project)[0]] == "passed"


@pytest.mark.parametrize("name", ["greeting", "@drift"])
def test_answers_of_a_live_run_are_all_in_its_recording(project, name):
    session = project.live(project.node(name))
    assert session.code == (0 if name == "greeting" else 1), session.output
    (run,) = project.runs()
    made = read_run(run).exchanges
    assert len(made) == project.samples * (1 if name == "greeting" else 2)
