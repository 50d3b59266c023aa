"""What a suite declares volatile makes no other request of a recorded one; its words do."""

from contractcheck.cassettes import read_run
from contractcheck.model.judgement import Verdict
from contractcheck.workflows.replay import open_replay

VOLATILE = 'policy: {volatile: ["$.messages[*].content"]}\n'


def write(project, content, policy):
    project.write(content=content)
    file = project.workspace.root / "suites" / "hello" / "suite.contract.yaml"
    file.write_text(file.read_text() + policy)


def digests(project, day, content, policy=""):
    write(project, content, policy)
    run = read_run(project.record(day))
    return {x.request.digest for x in run.exchanges if x.case == "greet"}


def test_declared_fields_may_differ(project):
    first = digests(project, 1, "Say hello.", VOLATILE)
    assert len(first) == 1
    assert digests(project, 2, "Say good day.", VOLATILE) == first


def test_nothing_is_guessed(project):
    assert digests(project, 1, "Say hello.").isdisjoint(digests(project, 2, "Say good day."))


def test_an_edited_message_stays_a_changed_question(project):
    """Accepted answers were given to the old one, whatever may differ in a recording."""
    project.accept(project.record(1))
    write(project, "Say good day.", VOLATILE)
    suite = project.suite()
    judged = open_replay(project.workspace, suite, suite.targets[0]).judge("greet")
    assert judged.verdict is not Verdict.QUIET
    assert "you changed messages" in judged.reason
