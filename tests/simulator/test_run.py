import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import replace

import httpx2
import pytest

from contractcheck.errors import UsageError
from contractcheck.simulator import Conditions, Simulator, answer_openai, openai_wire
from contractcheck.simulator.answering import answer_question

QUIET = Conditions(night="2026-03-01", night_effects=False, time_scale=0.0)
BODY = {"model": "sim", "messages": [{"role": "user", "content": "Explain the refund."}]}
KEY = {"authorization": "Bearer k"}


async def ask(client, body):
    reply = await client.post("/v1/chat/completions", json=body, headers=KEY)
    return reply.json()["choices"][0]["message"]["content"]


def ask_many(url, bodies, concurrency):
    async def main():
        gate = asyncio.Semaphore(concurrency)
        async with httpx2.AsyncClient(base_url=url) as client:

            async def one(body):
                async with gate:
                    return await ask(client, body)

            return await asyncio.gather(*(one(body) for body in bodies))

    return asyncio.run(main())


def test_answers_do_not_depend_on_concurrency_or_order():
    other = {**BODY, "temperature": 0.4}
    bodies = [BODY, other] * 20
    results = []
    for concurrency, order in ((1, bodies), (16, bodies), (16, bodies[::-1])):
        with Simulator(QUIET) as simulator:
            results.append(Counter(ask_many(simulator.base_url, order, concurrency)))
            assert simulator.request_count == 40
    assert results[0] == results[1] == results[2]
    assert len(results[0]) > 10


def test_conditions_change_between_nights_and_a_night_goes_on_where_it_was():
    with Simulator(QUIET) as simulator:
        first = ask_many(simulator.base_url, [BODY] * 3, 1)
        simulator.conditions = replace(QUIET, night="2026-03-02")
        second = ask_many(simulator.base_url, [BODY] * 3, 1)
        simulator.conditions = QUIET
        third = ask_many(simulator.base_url, [BODY] * 3, 1)
    with Simulator(QUIET) as simulator:
        assert ask_many(simulator.base_url, [BODY] * 6, 1) == first + third
    assert second != first


def test_streams_are_paced_in_time():
    conditions = replace(QUIET, time_scale=1.0)
    body = {**BODY, "stream": True, "max_tokens": 12}
    plan = answer_question(openai_wire.read_question(body), conditions, 0).timing
    with Simulator(conditions) as simulator:
        began_s = time.perf_counter()
        arrivals = []
        url = f"{simulator.base_url}/v1/chat/completions"
        with httpx2.stream("POST", url, json=body, headers=KEY) as reply:
            for chunk in reply.iter_raw():
                arrivals.extend([time.perf_counter() - began_s] * chunk.count(b"data: "))
    assert len(arrivals) == 12 + 3
    assert arrivals[0] >= plan.first_token_s
    assert arrivals[-1] >= plan.total_s
    # Generous above: the machine may be busy; a stream sent at once would fail below.
    assert arrivals[-1] - arrivals[0] > 0.6 * (plan.total_s - plan.first_token_s)


def test_sixteen_concurrent_requests_are_on_time():
    conditions = replace(QUIET, time_scale=0.3)
    plans = [
        answer_question(openai_wire.read_question(BODY), conditions, i).timing.total_s
        for i in range(16)
    ]
    with Simulator(conditions) as simulator:
        ask_many(simulator.base_url, [{**BODY, "seed": 1}], 1)
        began_s = time.perf_counter()
        ask_many(simulator.base_url, [BODY] * 16, 16)
        spent_s = time.perf_counter() - began_s
    assert max(plans) <= spent_s < max(plans) + 0.25


def test_leaving_closes_the_port_and_the_thread():
    simulator = Simulator(QUIET)
    with simulator:
        port = int(simulator.base_url.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            pass
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_gemini_takes_its_key_from_the_url_too():
    body = {"contents": [{"parts": [{"text": "Hello"}]}]}
    with (
        Simulator(QUIET) as simulator,
        httpx2.Client(base_url=simulator.url_for("gemini")) as client,
    ):
        path = "/v1beta/models/sim:generateContent"
        assert client.post(path, json=body).status_code == 401
        assert client.post(path, json=body, params={"key": "k"}).status_code == 200


def test_a_taken_port_is_explained():
    with Simulator(QUIET) as simulator:
        port = int(simulator.base_url.rsplit(":", 1)[1])
        with pytest.raises(UsageError) as caught, Simulator(QUIET, port=port):
            pass
    expected = (
        f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another port, or 0"
    )
    assert str(caught.value) == expected


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_blocking_server_cleanly(number):
    script = (
        "from contractcheck.simulator import Conditions, serve\n"
        "serve(Conditions(night='n', time_scale=0), host='127.0.0.1', port=0,"
        " announce=lambda url: print(url, flush=True))\n"
        "print('stopped')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as process:
        url = process.stdout.readline().strip()
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{url}/v1/messages", data=b"{}", timeout=5)  # noqa: S310 - loopback
        caught.value.close()
        process.send_signal(number)
        assert process.stdout.read() == "stopped\n"
        assert process.wait(timeout=10) == 0
    assert caught.value.code == 401


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_bytes_do_not_depend_on_the_hash_seed_or_time_zone(hash_seed):
    script = (
        "import json, sys\n"
        "from contractcheck.simulator import Conditions, answer_openai\n"
        "body = json.loads(sys.argv[1])\n"
        "conditions = Conditions(night='2026-03-01')\n"
        "print(json.dumps(answer_openai(body, conditions=conditions, occurrence=3)))\n"
    )
    body = {**BODY, "response_format": {"type": "json_object"}}
    environment = {"PYTHONHASHSEED": hash_seed, "TZ": f"UTC+{hash_seed}"}
    elsewhere = subprocess.run(
        [sys.executable, "-c", script, json.dumps(body)],
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    )
    here = answer_openai(body, conditions=Conditions(night="2026-03-01"), occurrence=3)
    assert json.loads(elsewhere.stdout) == here
