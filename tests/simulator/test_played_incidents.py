"""The simulated provider plays what real ones did, to their own SDKs too."""

import json
from dataclasses import replace

import openai
import pytest

from contractcheck.simulator import (
    Change,
    Conditions,
    Simulator,
    answer_openai,
    anthropic_wire,
    openai_wire,
    parse_change,
)
from contractcheck.simulator.service import Service

QUIET = Conditions(night="2026-03-01", time_scale=0.0)
KEY = {"authorization": "Bearer any"}
ASKED = {
    "model": "sim",
    "messages": [{"role": "user", "content": "How are you?"}],
    "max_tokens": 30,
}


def under(*changes):
    return replace(QUIET, changes=tuple(parse_change(text) for text in changes))


def post(conditions, *, wire=openai_wire, **extra):
    return Service(conditions).reply(wire, KEY, json.dumps({**ASKED, **extra}).encode())


def content_of(reply):
    return b"".join(data for _, data in reply.parts)


def read(reply):
    return json.loads(content_of(reply))


def test_an_incident_alters_its_wire_and_no_other():
    assert b"obfuscation" not in content_of(post(QUIET, stream=True))
    padded = content_of(post(under("chunk-obfuscation"), stream=True))
    assert padded.count(b'"obfuscation"') == padded.count(b"data: {")
    other = post(under("chunk-obfuscation"), wire=anthropic_wire, stream=True)
    assert other == post(QUIET, wire=anthropic_wire, stream=True)


def test_amount_zero_plays_the_wire_of_before_and_one_the_wire_of_after():
    before = read(post(under("refusal-null-added=0")))["choices"][0]["message"]
    after = read(post(under("refusal-null-added")))["choices"][0]["message"]
    assert "refusal" not in before
    assert after == {**before, "refusal": None}


def test_a_share_of_the_answers_is_struck_and_the_others_are_as_they_were():
    service, quiet = (
        Service(under("audio-tokens-on-some=0.4")),
        Service(under("audio-tokens-on-some=0")),
    )
    asked = json.dumps(ASKED).encode()
    pairs = [
        (read(one.reply(openai_wire, KEY, asked)) for one in (service, quiet)) for _ in range(60)
    ]
    same = sum(struck == unstruck for struck, unstruck in pairs)
    assert 24 <= same <= 48  # 36 ± 3.2 standard deviations


def test_a_refusal_is_no_stream_and_no_200():
    reply = post(under("model-retired"), stream=True)
    assert (reply.status, reply.streamed, reply.media_type) == (404, False, "application/json")
    assert read(reply)["error"]["code"] == "model_not_found"


def test_incidents_and_other_changes_come_together():
    reply = read(post(under("fingerprint", "refusal-null-added=0", "audio-tokens-on-some=0")))
    assert "refusal" not in reply["choices"][0]["message"]
    assert "audio_tokens" not in reply["usage"]["prompt_tokens_details"]
    assert reply["system_fingerprint"] != read(post(QUIET))["system_fingerprint"]


def test_the_same_seed_gives_another_text_where_this_is_played():
    def texts(conditions):
        service = Service(conditions)
        asked = json.dumps({**ASKED, "seed": 7}).encode()
        return {content_of(service.reply(openai_wire, KEY, asked)) for _ in range(4)}

    words = [
        {json.loads(body)["choices"][0]["message"]["content"] for body in texts(conditions)}
        for conditions in (QUIET, under("same-seed-other-text"))
    ]
    assert len(words[0]) == 1
    assert len(words[1]) > 1


def test_answers_without_http_are_struck_too():
    played = answer_openai(ASKED, conditions=under("finish-details-object"), occurrence=0)
    plain = answer_openai(ASKED, conditions=QUIET, occurrence=0)
    assert "finish_reason" not in played["choices"][0]
    assert played["choices"][0]["message"] == plain["choices"][0]["message"]


def test_the_official_sdk_meets_incidents_as_its_users_did():
    with Simulator(under("model-retired")) as simulator:
        client = openai.OpenAI(base_url=simulator.url_for("openai"), api_key="any", max_retries=0)
        with pytest.raises(openai.NotFoundError, match="does not exist"):
            client.chat.completions.create(**ASKED)
        simulator.conditions = under("empty-choices-first", "usage-only-chunk")
        chunks = list(
            client.chat.completions.create(
                **ASKED, stream=True, stream_options={"include_usage": True}
            )
        )
        assert chunks[0].choices == []
        assert chunks[-1].choices == []
        assert chunks[-1].usage.completion_tokens > 0
        simulator.conditions = replace(
            QUIET, changes=(Change(name="newlines-after-json", rate=1.0),)
        )
        padded = client.chat.completions.create(**ASKED, response_format={"type": "json_object"})
        assert padded.choices[0].finish_reason == "length"
        assert padded.choices[0].message.content.endswith("\n" * 200)
        client.close()
