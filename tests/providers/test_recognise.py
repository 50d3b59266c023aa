"""Whom a recorded request asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reading_kit import PLAIN

from contractcheck.model.suite import Parameters
from contractcheck.model.target import Target
from contractcheck.providers import DIALECTS, dialect
from contractcheck.providers.recognise import recognise_target

CASE = PLAIN
PUBLIC = sorted(name for name in DIALECTS if dialect(name).base_url.startswith("https://"))


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("provider", PUBLIC)
def test_what_a_dialect_asks_is_known_by_its_address(provider, stream):
    speaker = dialect(provider)
    region = "eu-central-1" if "{region}" in speaker.base_url else None
    project = "team-7" if provider == "vertex" else None
    target = Target(provider=provider, model="model-2.5:0", region=region, project=project)
    case = replace(CASE, parameters=Parameters(stream=stream))
    wire = speaker.build(case, target)
    url = speaker.base_url.format(region=region) + wire.path
    assert recognise_target(url, wire.body) == target


@pytest.mark.parametrize(
    ("url", "body", "expected"),
    [
        ("https://api.openai.com/v1/models", b'{"model": "m"}', None),
        ("https://api.openai.com.evil.example/v1/chat/completions", b'{"model": "m"}', None),
        ("https://api.openai.com/v1/chat/completions", b"{}", None),
        ("https://api.openai.com/v1/chat/completions", b'{"model": "a b"}', None),
        ("https://api.openai.com/v1/chat/completions", b'{"model": ["m"]}', None),
        ("https://api.openai.com/v1/chat/completions", b"no json", None),
        ("relative/v1/messages", b'{"model": "m"}', None),
        (
            (
                "https://team.openai.azure.com/openai/deployments/blue/chat/completions"
                "?api-version=2024-10-21"
            ),
            b"{}",
            Target(provider="azure", model="blue"),
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta/models/g-1:generateContent",
            b"{}",
            Target(provider="gemini", model="g-1", api_version="v1beta"),
        ),
        (
            (
                "https://aiplatform.googleapis.com/v1/projects/team-7/locations/global"
                "/publishers/google/models/g-1:generateContent"
            ),
            b"{}",
            Target(provider="vertex", model="g-1", region="global", project="team-7"),
        ),
    ],
)
def test_only_whole_addresses_with_a_model_are_known(url, body, expected):
    assert recognise_target(url, body) == expected
