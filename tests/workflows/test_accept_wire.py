"""A wire that is not as documented can be accepted, as long as its answers can be read."""

import pytest

from contractcheck.errors import AcceptRefusedError
from contractcheck.model.judgement import FindingKind, Verdict
from contractcheck.simulator import Change
from contractcheck.workflows.replay import open_replay

FORBIDDEN = (Change(name="empty-choices-first"),)


def breaches(judged):
    return [one.metric for one in judged.findings if one.kind is FindingKind.BREACH]


def test_what_the_format_forbids_fails_until_somebody_accepts_it(project):
    folder = project.record(1, changes=FORBIDDEN)
    assert "wire stream order" in breaches(project.judge(folder))
    project.accept(folder, reason="our gateway passes on what Azure sends")
    later = project.judge(project.record(2, changes=FORBIDDEN))
    assert breaches(later) == []
    assert later.verdict is not Verdict.FAIL
    told = [one.message for one in later.findings if one.kind is FindingKind.NOTICE]
    assert any(message.endswith("as in accepted nights") for message in told)


def test_what_was_accepted_breaks_no_replay_either(project):
    folder = project.record(1, changes=FORBIDDEN)
    project.accept(folder, reason="our gateway passes on what Azure sends")
    suite = project.suite()
    replay = open_replay(project.workspace, suite, suite.targets[0])
    for case in suite.cases:
        judged = replay.judge(case.id)
        assert judged.verdict is Verdict.QUIET
        assert any(one.message.endswith("as in accepted nights") for one in judged.findings)


def test_answers_that_cannot_be_read_are_never_accepted(project):
    folder = project.record(1, changes=(Change(name="renamed_field"),))
    with pytest.raises(AcceptRefusedError, match="open breach: wire format"):
        project.accept(folder)
