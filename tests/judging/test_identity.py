"""Who answered: a breach where one snapshot was promised, a notice where it was not."""

from dataclasses import replace

import pytest

from contractcheck.judging.identity import find_identity_changes
from contractcheck.model.judgement import FindingKind
from contractcheck.model.target import Target


@pytest.fixture
def found(world):
    """``found(provider, asked, echoed, before)``: the kinds of findings."""
    run = world.run(20)

    def find(provider, asked, echoed, before=None, allowed=()):
        target = Target(provider=provider, model=asked)
        policy = replace(world.suite.policy, allowed_models=allowed)
        suite = replace(world.suite, policy=policy)
        accepted = None
        if before is not None:
            accepted = world.accept([replace(run, statistics=echo(run, before))])
        header = replace(run.header, target=target)
        tonight = replace(run, header=header, statistics=echo(run, echoed))
        return [one.kind for one in find_identity_changes(tonight, suite, accepted)]

    return find


def echo(run, model):
    return replace(run.statistics, models=(model,))


SNAPSHOT = "gpt-4o-2024-08-06"


def test_a_dated_name_is_a_promise(found):
    assert found("openai", SNAPSHOT, SNAPSHOT) == []
    assert found("openai", SNAPSHOT, "gpt-4o-2024-11-20") == [FindingKind.IDENTITY]
    assert found("openai", SNAPSHOT, "gpt-4o", allowed=("gpt-4o",)) == []


def test_an_alias_is_none(found):
    assert found("openai", "gpt-4o", SNAPSHOT) == []
    assert found("openai", "gpt-4o", SNAPSHOT, before=SNAPSHOT) == []
    assert found("openai", "gpt-4o", SNAPSHOT, before="gpt-4o-2024-05-13") == [FindingKind.NOTICE]


def test_a_deployment_may_be_called_anything_and_is_pinned_by_the_policy(found):
    mine = "chat-2026-01-15"
    assert found("azure", mine, SNAPSHOT) == []
    assert found("azure", mine, SNAPSHOT, before="gpt-4o-2024-05-13") == [FindingKind.NOTICE]
    assert found("azure", mine, SNAPSHOT, allowed=("gpt-4o-2024-05-13",)) == [FindingKind.IDENTITY]
    assert found("azure", mine, SNAPSHOT, allowed=(SNAPSHOT,)) == []


@pytest.mark.parametrize("echoed", ["models/m-2026-01-15", "publishers/google/models/m-2026-01-15"])
def test_the_collection_is_no_part_of_a_name(found, echoed):
    assert found("gemini", "m-2026-01-15", echoed) == []
    assert found("gemini", "m", echoed, before="m-2026-01-15") == []
    assert found("gemini", "m-2026-01-16", echoed) == [FindingKind.IDENTITY]
