"""Runners that begin with an empty disk every night watch by what they share: S3 and PostgreSQL."""

import shutil
from dataclasses import dataclass

import pytest

from contractcheck.sampling import Bounds, RetryPolicy
from contractcheck.simulator import Conditions
from contractcheck.store.history import open_history
from contractcheck.workflows.engine import open_engine
from contractcheck.workflows.history_rebuild import rebuild_history
from contractcheck.workflows.record import RecordOptions
from contractcheck.workflows.run_archive import open_archive
from contractcheck.workflows.watch import WatchOptions, watch_target
from contractcheck.workflows.workspace import Workspace

TARGET = "openai:gpt-sim-mini-2026-03-01"


@dataclass
class Runners:
    """Machines that share a repository, an archive and a history, and nothing else."""

    project: object
    archive: str
    history: str
    folder: object

    def checkout(self, name):
        place = self.folder / name
        for part in ("suites", "cassettes"):
            shutil.copytree(self.project.workspace.root / part, place / part)
        return Workspace(place)

    def watch(self, name, day, **conditions):
        night = f"2026-03-{day:02}"
        provider = self.project.provider
        provider.conditions = Conditions(night=night, time_scale=0.0, **conditions)
        bounds = Bounds(retry=RetryPolicy(attempts=1))
        place = self.checkout(name)
        (suite,) = place.load_suites()
        options = WatchOptions(
            night=night,
            record=RecordOptions(base_url=provider.base_url, bounds=bounds),
            store=self.archive,
            history=self.history,
        )
        return watch_target(place, suite, suite.targets[0], options)


@pytest.fixture
def runners(project, s3_url, postgres_url, tmp_path_factory):
    project.accept(*(project.record(day) for day in (1, 2)))
    folder = tmp_path_factory.mktemp("machines")
    return Runners(project, f"{s3_url}/runs", postgres_url, folder)


def test_each_night_on_another_machine_is_one_history(runners):
    runners.watch("first", 3)
    runners.watch("second", 4, error_rate=1.0)
    runners.watch("third", 4)
    runners.watch("fourth", 5)
    asked = runners.project.provider.request_count
    again = runners.watch("fifth", 5)
    assert runners.project.provider.request_count == asked
    assert any("nobody was asked again" in note for note in again.notes)
    with open_history(runners.history) as history:
        nights = history.nights("hello", TARGET)
        judgements = history.judgements("hello", TARGET)
    assert [(night.night[-2:], night.is_complete) for night in nights] == [
        ("03", True),
        ("04", True),
        ("05", True),
    ]
    assert [judgement.night for judgement in judgements] == [night.night for night in nights]
    archived = open_archive(runners.archive).list()
    assert {night.run_id for night in nights} <= {run.run_id for run in archived}
    assert {night.run_root for night in nights} <= {run.root for run in archived}


def test_the_history_can_be_made_again_from_the_archive_alone(runners, tmp_path):
    for number, day in enumerate((3, 4, 5)):
        runners.watch(f"machine-{number}", day)
    with open_history(runners.history) as history:
        wanted = history.digest()
    place = runners.checkout("another")
    with open_engine(None) as executor:
        made = rebuild_history(
            place,
            place.load_suites(),
            tmp_path / "new.sqlite",
            executor=executor,
            archive=open_archive(runners.archive),
        )
    assert made.problems == ()
    assert made.digest == wanted
    assert not place.runs.root.exists()
