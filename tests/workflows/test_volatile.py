"""What a suite declares volatile is no part of what makes a request this request."""

from contractcheck.cassettes import read_run

VOLATILE = 'policy: {volatile: ["$.messages[*].content"]}\n'


def digests(project, day, content, policy=""):
    project.write(content=content)
    file = project.workspace.root / "suites" / "hello" / "suite.contract.yaml"
    file.write_text(file.read_text() + policy)
    run = read_run(project.record(day))
    return {x.request.digest for x in run.exchanges if x.case == "greet"}


def test_declared_fields_may_differ(project):
    first = digests(project, 1, "Say hello.", VOLATILE)
    assert len(first) == 1
    assert digests(project, 2, "Say good day.", VOLATILE) == first


def test_nothing_is_guessed(project):
    assert digests(project, 1, "Say hello.").isdisjoint(digests(project, 2, "Say good day."))
