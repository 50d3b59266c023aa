"""What a replay says of the answers that it plays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contractcheck.workflows.replay import open_replay


@pytest.fixture
def opened(project):
    project.accept(project.record(1))
    suite = project.suite()
    return open_replay(project.workspace, suite, suite.targets[0])


def test_the_night_and_the_age_of_its_recording_are_told_apart(opened):
    """The night is of March 2026, whenever it was recorded."""
    assert opened.words.startswith("replay of night 2026-03-01 (recorded less than a day ago)")


@pytest.mark.parametrize(("days", "words"), [(1, "1 day ago"), (40, "40 days ago")])
def test_the_age_is_told_in_days(opened, days, words):
    assert f"(recorded {words})" in replace(opened, age_days=days).words
