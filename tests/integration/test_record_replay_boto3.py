"""boto3, unchanged, is recorded against a simulated Bedrock and replayed with it gone."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config

from contractcheck.cassettes import MemoryTape, in_trial, recording, replaying
from contractcheck.redaction import Scrubber
from contractcheck.simulator import Conditions, Faults, Simulator

NOWHERE = "http://127.0.0.1:9"
KEY = "AKIAIOSFODNN7RECORDED"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiRecordedKey"  # noqa: S105 - made up
MESSAGES = [{"role": "user", "content": [{"text": "Please look up order ORD-77."}]}]
SCHEMA = {
    "type": "object",
    "properties": {"order_id": {"type": "string", "pattern": "^ORD-\\d+$"}},
    "required": ["order_id"],
    "additionalProperties": False,
}
TOOLS = {
    "toolConfig": {
        "tools": [
            {
                "toolSpec": {
                    "name": "lookup_order",
                    "description": "Look up what an order cost",
                    "inputSchema": {"json": SCHEMA},
                }
            }
        ],
        "toolChoice": {"any": {}},
    }
}


def open_client(url, *, key=KEY, attempts=1):
    return closing(
        boto3.session.Session().client(
            "bedrock-runtime",
            endpoint_url=url,
            region_name="eu-central-1",
            aws_access_key_id=key,
            aws_secret_access_key=SECRET,
            config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}, proxies={}),
        )
    )


def converse(client, **options):
    reply = client.converse(modelId="anthropic.claude-sim-v1:0", messages=MESSAGES, **options)
    reply.pop("ResponseMetadata")
    return reply


def converse_stream(client, **options):
    reply = client.converse_stream(
        modelId="anthropic.claude-sim-v1:0", messages=MESSAGES, **options
    )
    with closing(reply["stream"]) as stream:
        return list(stream)


WAYS = {"plain": converse, "stream": converse_stream}


@pytest.fixture(scope="module")
def simulator():
    with Simulator(Conditions(night="2026-03-01", time_scale=0.0)) as running:
        yield running


@contextmanager
def recorded():
    sink = []
    with recording(sink, Scrubber.for_secrets([KEY, SECRET]), strict=True):
        yield sink


@contextmanager
def replayed(exchanges, **options):
    with replaying(MemoryTape.of(exchanges), Scrubber.for_secrets(["other"]), **options):
        yield


@pytest.mark.parametrize("tools", [False, True], ids=["text", "tools"])
@pytest.mark.parametrize("way", WAYS)
def test_an_answer_is_the_same_again(simulator, way, tools):
    options = TOOLS if tools else {}
    url = simulator.url_for("bedrock")
    with recorded() as sink, in_trial("a", 0), open_client(url) as client:
        live = WAYS[way](client, **options)
    (exchange,) = sink
    with replayed(sink), in_trial("a", 0), open_client(NOWHERE, key="other") as client:
        assert WAYS[way](client, **options) == live
    assert (exchange.ended, exchange.via, exchange.response.status) == ("eof", "botocore", 200)
    assert KEY not in repr(exchange)
    assert SECRET not in repr(exchange)


def test_events_of_a_stream_reach_the_caller_while_it_goes_on():
    # Slow enough for a busy machine, and for the first answer of a process, which takes longer.
    paced = Conditions(night="n", time_scale=0.5)
    with (
        Simulator(paced) as simulator,
        recorded() as sink,
        in_trial("a", 0),
        open_client(simulator.url_for("bedrock")) as client,
    ):
        reply = client.converse_stream(modelId="anthropic.claude-sim-v1:0", messages=MESSAGES)
        with closing(reply["stream"]) as stream:
            finished_at_event = [len(sink) for _ in stream]
    # Were the stream buffered, its exchange would be whole before its first event.
    assert finished_at_event[0] == 0
    (exchange,) = sink
    assert exchange.ended == "eof"
    times_us = exchange.response.chunk_times_us
    assert len(times_us) == len(exchange.response.chunk_bytes) > 3
    assert times_us[0] < times_us[-1]


@pytest.mark.parametrize("way", WAYS)
def test_eight_threads_get_their_own_answers(simulator, way):
    def ask_all(url, seed):
        waits = random.Random(seed)  # noqa: S311 - an order that can be made again
        barrier = threading.Barrier(8)

        def one(trial):
            with in_trial("a", trial):
                if trial < 8:
                    barrier.wait()
                time.sleep(waits.random() / 50)
                return WAYS[way](client)

        with open_client(url) as client, ThreadPoolExecutor(max_workers=8) as pool:
            return list(pool.map(one, range(24)))

    with recorded() as sink:
        live = ask_all(simulator.url_for("bedrock"), 1)
    asked = simulator.request_count
    with replayed(sink):
        assert ask_all(NOWHERE, 2) == live
    assert simulator.request_count == asked
    assert len({repr(answer) for answer in live}) == 24
    assert len({exchange.request.digest for exchange in sink}) == 1


@pytest.mark.parametrize("way", WAYS)
def test_retries_of_boto3_are_kept_and_not_waited_for_again(way):
    busy = Conditions(night="n", time_scale=0.0, faults=Faults(rate_limited=1, overloaded=1))
    with (
        Simulator(busy) as simulator,
        recorded() as sink,
        in_trial("a", 0),
        open_client(simulator.url_for("bedrock"), attempts=4) as client,
    ):
        live = WAYS[way](client)
    assert [(x.attempt, x.response.status) for x in sink] == [(0, 429), (1, 503), (2, 200)]
    with replayed(sink), in_trial("a", 0), open_client(NOWHERE) as client:
        assert WAYS[way](client) == live


def test_an_error_keeps_its_name():
    def fail(url):
        with (
            in_trial("a", 0),
            open_client(url) as client,
            pytest.raises(botocore.exceptions.ClientError) as failed,
        ):
            converse(client)
        return failed.value.response["Error"]

    busy = Conditions(night="n", time_scale=0.0, faults=Faults(rate_limited=5))
    with Simulator(busy) as simulator, recorded() as sink:
        live = fail(simulator.url_for("bedrock"))
    with replayed(sink):
        assert fail(NOWHERE) == live
    assert live["Code"] == "ThrottlingException"


def test_a_stream_that_was_cut_is_cut_again():
    def listen(url):
        heard = []
        with in_trial("a", 0), open_client(url) as client:
            reply = client.converse_stream(modelId="anthropic.claude-sim-v1:0", messages=MESSAGES)
            try:
                heard.extend(reply["stream"])
            except Exception as error:  # noqa: BLE001 - whatever boto3 makes of it
                heard.append(type(error))
        return heard

    cut = Conditions(night="n", time_scale=0.0, faults=Faults(cut_stream=1.0))
    with Simulator(cut) as simulator, recorded() as sink:
        live = listen(simulator.url_for("bedrock"))
    with replayed(sink):
        assert listen(NOWHERE) == live
    assert issubclass(live[-1], Exception)
    assert [exchange.ended for exchange in sink] == ["error"]


def test_a_request_that_expects_a_go_ahead_is_replayed_at_once(simulator):
    """Of AWS, S3 is asked so."""

    def expect(request, **_others):
        request.headers["Expect"] = "100-continue"

    def converse_expecting(url):
        with in_trial("a", 0), open_client(url) as client:
            client.meta.events.register("before-send", expect)
            return converse(client)

    with recorded() as sink:
        live = converse_expecting(simulator.url_for("bedrock"))
    with replayed(sink):
        assert converse_expecting(NOWHERE) == live


def test_a_refused_connection_keeps_its_class():
    def fail():
        with (
            in_trial("a", 0),
            open_client(NOWHERE) as client,
            pytest.raises(botocore.exceptions.EndpointConnectionError),
        ):
            converse(client)

    with recorded() as sink:
        fail()
    assert [exchange.error for exchange in sink] == ["NewConnectionError"]
    with replayed(sink):
        fail()
