import asyncio
import json

import httpx2
import pytest

import contractcheck
from contractcheck import in_trial, record_calls, replay_calls
from contractcheck.cassettes import is_sealed, read_header, read_run
from contractcheck.errors import InterceptionError, RecordingError, ReplayError, UsageError
from contractcheck.simulator import Conditions, Simulator

BODY = {"model": "gpt-sim", "messages": [{"role": "user", "content": "Say hello."}]}
KEY = "a-key-of-our-own-4711"
BEARER = {"authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def url():
    with Simulator(Conditions(night="2026-03-01", time_scale=0.0)) as simulator:
        yield f"{simulator.base_url}/v1/chat/completions"


def ask(client, url, **extra):
    return client.post(url, json=BODY | extra, headers=BEARER).content


def record(folder, url, trials=3):
    with record_calls(folder, target="openai:gpt-sim", secrets=[KEY]), httpx2.Client() as client:
        return [ask_in_trial(client, url, trial) for trial in range(trials)]


def ask_in_trial(client, url, trial):
    with in_trial("greet", trial):
        return ask(client, url)


def test_gives_the_recorded_answers_again_and_asks_nobody(tmp_path, url):
    live = record(tmp_path / "run", url)
    with replay_calls(tmp_path / "run"), httpx2.Client() as client:
        nobody = "http://127.0.0.1:9/v1/chat/completions"
        again = [ask_in_trial(client, nobody, trial) for trial in (2, 0, 1)]
    assert again == [live[2], live[0], live[1]]
    assert len(set(live)) == 3


def test_seals_a_run_that_says_what_it_holds(tmp_path, url):
    record(tmp_path / "run", url)
    header = read_header(tmp_path / "run")
    assert is_sealed(tmp_path / "run")
    assert header.status == "complete"
    assert header.target.id == "openai:gpt-sim"
    assert {case: plan.samples for case, plan in header.cases.items()} == {"greet": 3}


def test_writes_no_secret(tmp_path, url, monkeypatch):
    monkeypatch.setenv("SOME_SERVICE_TOKEN", "the-token-of-the-environment")
    folder = tmp_path / "run"
    with (
        record_calls(folder, target="openai:gpt-sim", secrets=[KEY]),
        httpx2.Client() as client,
        in_trial("greet", 0),
    ):
        ask(client, url, user=f"the-token-of-the-environment {KEY}")
    data = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"of-the-environment" not in data
    assert b"4711" not in data
    assert b"Say hello." in data


def test_a_block_that_raises_leaves_an_open_run_with_what_was_finished(tmp_path, url):
    def stop():
        with record_calls(tmp_path / "run", target="openai:gpt-sim"), httpx2.Client() as client:
            ask_in_trial(client, url, 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert not is_sealed(tmp_path / "run")
    (exchange,) = read_run(tmp_path / "run").exchanges
    assert json.loads(exchange.response.body)["object"] == "chat.completion"


def test_never_records_over_what_is_there(tmp_path, url):
    record(tmp_path / "run", url)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(RecordingError, match=r"run: exists already.*remove this one if"):
        record(tmp_path / "run", url)
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_refuses_a_target_that_is_none_before_anything_is_written(tmp_path):
    with (
        pytest.raises(UsageError, match="'gpt-sim' is not a target"),
        record_calls(tmp_path / "run", target="gpt-sim"),
    ):
        pass
    assert not (tmp_path / "run").exists()


def test_says_what_a_replay_asked_for_that_was_never_recorded(tmp_path, url):
    record(tmp_path / "run", url)

    def ask_another():
        with (
            replay_calls(tmp_path / "run", strict=False),
            httpx2.Client() as client,
            in_trial("greet", 0),
        ):
            ask(client, url, temperature=1)

    with pytest.raises(ReplayError, match=r"\$\.temperature"):
        ask_another()


def test_says_which_recorded_calls_were_not_made(tmp_path, url):
    record(tmp_path / "run", url)

    def ask_twice():
        with replay_calls(tmp_path / "run"), httpx2.Client() as client:
            ask_in_trial(client, url, 0)
            ask_in_trial(client, url, 1)

    with pytest.raises(ReplayError, match="greet: trial 2, attempt 0"):
        ask_twice()


def test_refuses_calls_that_belong_to_no_trial(tmp_path, url):
    def ask_outside():
        with record_calls(tmp_path / "run", target="openai:gpt-sim"), httpx2.Client() as client:
            ask(client, url)

    with pytest.raises(InterceptionError, match="in_trial"):
        ask_outside()


def test_a_recording_of_nothing_is_refused_and_leaves_nothing(tmp_path, url):
    with (
        pytest.raises(InterceptionError, match=r"run: nothing was recorded.*in_trial\(case, trial"),
        record_calls(tmp_path / "run", target="openai:gpt-sim"),
    ):
        pass
    assert not (tmp_path / "run").exists()
    record(tmp_path / "run", url)
    assert is_sealed(tmp_path / "run")


def test_calls_that_were_let_pass_are_no_recording(tmp_path, url):
    with (
        pytest.raises(InterceptionError, match="nothing was recorded"),
        record_calls(tmp_path / "run", target="openai:gpt-sim", strict=False),
        httpx2.Client() as client,
    ):
        ask(client, url)
    assert not (tmp_path / "run").exists()


def test_what_others_put_beside_a_recording_of_nothing_stays(tmp_path):
    folder = tmp_path / "run"
    with (
        pytest.raises(InterceptionError, match="nothing was recorded"),
        record_calls(folder, target="openai:gpt-sim"),
    ):
        (folder / "notes.txt").write_text("mine")
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("retime", [-1, -1e-9, float("nan"), float("inf")])
def test_a_time_that_cannot_be_waited_is_refused(tmp_path, url, retime):
    record(tmp_path / "run", url, trials=1)
    with (
        pytest.raises(InterceptionError, match=r"retime=.*of at least 0"),
        replay_calls(tmp_path / "run", retime=retime),
    ):
        pass


def test_tasks_at_once_keep_their_answers_apart(tmp_path, url):
    async def ask_all(place):
        async with httpx2.AsyncClient() as client:

            async def one(trial):
                with in_trial("greet", trial):
                    return (await client.post(place, json=BODY)).content

            return await asyncio.gather(*map(one, range(20)))

    with record_calls(tmp_path / "run", target="openai:gpt-sim"):
        live = asyncio.run(ask_all(url))
    with replay_calls(tmp_path / "run"):
        assert asyncio.run(ask_all("http://127.0.0.1:9/v1/chat/completions")) == live


def test_an_interrupted_recording_is_not_played_as_a_whole_one(tmp_path, url):
    def stop():
        with record_calls(tmp_path / "run", target="openai:gpt-sim"), httpx2.Client() as client:
            live.append(ask_in_trial(client, url, 0))
            raise KeyboardInterrupt

    live = []
    with pytest.raises(KeyboardInterrupt):
        stop()
    with (
        pytest.raises(
            RecordingError, match=r"run: this recording was interrupted.*record it again"
        ),
        replay_calls(tmp_path / "run"),
    ):
        pass
    with replay_calls(tmp_path / "run", strict=False), httpx2.Client() as client:
        assert [ask_in_trial(client, url, 0)] == live


def test_an_answer_that_comes_after_its_trial_belongs_to_it(tmp_path, url):
    async def ask_late(place):
        async with httpx2.AsyncClient() as client:
            with in_trial("greet", 0):
                asked = asyncio.create_task(client.post(place, json=BODY, headers=BEARER))
                await asyncio.sleep(0)
            return (await asked).content

    with record_calls(tmp_path / "run", target="openai:gpt-sim", secrets=[KEY]):
        live = asyncio.run(ask_late(url))
    with replay_calls(tmp_path / "run"):
        assert asyncio.run(ask_late("http://127.0.0.1:9/v1/chat/completions")) == live


def test_every_attempt_can_be_played(tmp_path):
    def statuses():
        with httpx2.Client() as client, in_trial("greet", 0):
            return [client.post(url, json=BODY, headers=BEARER).status_code for _ in range(12)]

    busy = Conditions(night="2026-03-01", time_scale=0.0, error_rate=0.5)
    with Simulator(busy) as simulator:
        url = f"{simulator.base_url}/v1/chat/completions"
        with record_calls(tmp_path / "run", target="openai:gpt-sim"):
            live = statuses()
    with replay_calls(tmp_path / "run", attempts="all"):
        assert statuses() == live
    with replay_calls(tmp_path / "run"):
        settled = statuses()
    assert settled != live
    assert sorted(settled) == sorted(live)


def test_the_package_offers_them_and_nothing_else():
    for name in ("in_trial", "record_calls", "replay_calls"):
        assert callable(getattr(contractcheck, name))
    with pytest.raises(AttributeError, match="no attribute 'record_everything'"):
        _ = contractcheck.record_everything
