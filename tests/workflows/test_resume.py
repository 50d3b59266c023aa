import pytest

from contractcheck.cassettes import is_sealed, read_header, read_run
from contractcheck.errors import UsageError
from contractcheck.simulator import Conditions, Simulator
from contractcheck.workflows.record import RecordOptions, resume


@pytest.fixture
def interrupted(project):
    return project.record(1, max_requests=2)


def test_goes_on_where_it_began_without_being_told(project, simulated, interrupted):
    assert read_header(interrupted).endpoint == simulated.base_url
    resume(interrupted, project.suite(), RecordOptions())
    assert is_sealed(interrupted)
    assert {x.response.status for x in read_run(interrupted).exchanges} == {200}


def test_goes_on_at_another_port_of_this_machine(project, interrupted):
    with Simulator(Conditions(night="2026-03-01", time_scale=0.0)) as moved:
        resume(interrupted, project.suite(), RecordOptions(base_url=moved.base_url))
    assert is_sealed(interrupted)


def test_refuses_to_ask_somebody_else(project, interrupted, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-nobody-0123456789abcdef")
    before = {path.name: path.read_bytes() for path in interrupted.iterdir()}
    with pytest.raises(
        UsageError, match=r"began at http://.* and would go on at https://api\.else"
    ):
        resume(interrupted, project.suite(), RecordOptions(base_url="https://api.else.example"))
    assert {path.name: path.read_bytes() for path in interrupted.iterdir()} == before


def test_a_credential_goes_to_no_host_that_only_the_run_names(project, interrupted, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-nobody-0123456789abcdef")
    header = interrupted / "header.json"
    endpoint = read_header(interrupted).endpoint
    header.write_text(header.read_text().replace(endpoint, "https://evil.example"))
    with pytest.raises(UsageError, match=r"evil\.example"):
        resume(interrupted, project.suite(), RecordOptions())
