"""Wrong suites: file, line, what is allowed; no traceback; the rest can go on."""


def test_a_wrong_suite_is_told_by_line_and_interrupts(accepted):
    accepted.edit("metrics: [text, output_tokens, refusal]", "metrics: [txt]")
    session = accepted.replay()
    assert session.code == 2
    line = 1 + next(
        i for i, text in enumerate(accepted.suite_file.read_text().splitlines()) if "txt" in text
    )
    assert f"suite.contract.yaml:{line}: cases[0].metrics[0]: " in session.output
    assert "Traceback" not in session.output
    assert ".py" not in session.output


def test_the_rest_runs_on_request(accepted):
    other = accepted.root / "suites" / "other"
    other.mkdir()
    (other / "suite.contract.yaml").write_text("suite: [")
    (accepted.root / "test_ordinary.py").write_text("def test_ordinary():\n    assert True\n")
    session = accepted.replay("--continue-on-collection-errors")
    assert session.code == 1
    good = [name for name, outcome in session.outcomes.items() if outcome == "passed"]
    assert len(good) == 3
    assert "suites/other/suite.contract.yaml:1" in session.output
    assert "Traceback" not in session.output


def test_two_suites_of_one_name_would_share_recordings(accepted):
    other = accepted.root / "suites" / "other"
    other.mkdir()
    text = accepted.suite_file.read_text().replace("schemas/", "../desk/schemas/")
    text = text.replace("    response_schema: ../desk/schemas/ticket.json\n", "")
    (other / "suite.contract.yaml").write_text(text.replace("checks: [conforms]", "checks: []"))
    session = accepted.replay()
    assert session.code == 2
    assert "'desk' is the name of" in session.output
    assert "suites/desk/suite.contract.yaml" in session.output
    assert "Traceback" not in session.output


def test_what_a_suite_file_says_cannot_act_on_the_terminal(accepted):
    accepted.edit("suite: desk", 'suite: "\\e]52;c;ZXZpbA==\\a::set-output name=x::y"')
    session = accepted.replay()
    assert session.code == 2
    assert "\x1b]52" not in session.output
    assert "::set-output" not in session.output


def test_a_suite_can_be_named_alone(accepted):
    path = str(accepted.suite_file.relative_to(accepted.root))
    assert accepted.replay(path).code == 0
