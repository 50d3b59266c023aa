"""An unchanged wire never breaks, however its optional fields come and go.

Rates as seen in recorded traffic and as documented: some fields come nearly always, some nearly
never, and some only in some answers of one night.
"""

import random

import pytest

from contractcheck.wire_contracts import compare_shapes, learn_shape, wire_format

DROP = object()
OPTIONAL = {
    "anthropic-messages": [
        ("message.usage.inference_geo", ["us", "global"], 0.97),
        ("message.usage.cache_read_input_tokens", [0, 11, DROP], 0.4),
        ("message.usage.service_tier", ["priority", None], 0.02),
        ("message.container", [None], 0.5),
        ("usage.server_tool_use", [{"web_search_requests": 0}], 0.01),
        ("usage.output_tokens_details", [{"thinking_tokens": 0}], 0.999),
        ("delta.stop_details", [None], 0.3),
        ("delta.stop_reason", ["stop_sequence"], 0.004),
    ],
    "azure-chat": [
        ("choices.0.content_filter_results", [{"hate": {"filtered": False}}, DROP], 0.5),
        ("system_fingerprint", ["fp_0123456789", None, DROP], 0.3),
        ("usage.prompt_tokens_details.cached_tokens", [0, 6], 0.5),
        ("usage.completion_tokens_details", [DROP], 0.01),
        ("choices.0.finish_reason", ["content_filter"], 0.01),
        ("obfuscation", ["q8Zk1"], 0.8),
    ],
    "bedrock": [
        ("usage.cacheReadInputTokens", [0, 7], 0.5),
        ("usage.serverToolUsage", [{}], 0.003),
        ("serviceTier", [{"type": "default"}], 0.99),
        ("performanceConfig", [{"latency": "standard"}], 0.05),
        ("stopReason", ["max_tokens"], 0.01),
        ("p", [DROP], 0.1),
    ],
    "cohere": [
        ("delta.usage.cached_tokens", [3, DROP], 0.3),
        ("delta.usage.billed_units.search_units", [1], 0.01),
        ("delta.finish_reason", ["MAX_TOKENS"], 0.01),
        ("delta.message.citations", [DROP], 0.002),
    ],
    "gemini": [
        ("usageMetadata.thoughtsTokenCount", [4, 90], 0.7),
        ("usageMetadata.cachedContentTokenCount", [8], 0.1),
        ("usageMetadata.trafficType", ["ON_DEMAND"], 0.98),
        ("responseId", [DROP], 0.002),
        ("candidates.0.safetyRatings", [[], [{"category": "x"}]], 0.5),
        ("candidates.0.avgLogprobs", [-0.5], 0.9),
        ("candidates.0.citationMetadata", [{"citations": []}], 0.01),
        ("candidates.0.index", [DROP], 0.003),
        ("candidates.0.content.parts.0.thoughtSignature", ["c2ln"], 0.2),
    ],
    "mistral": [
        ("p", ["abc"], 0.5),
        ("usage.num_cached_tokens", [0, 5], 0.6),
        ("usage.prompt_tokens_details", [{"cached_tokens": 0}], 0.99),
        ("choices.0.logprobs", [None], 0.1),
        ("choices.0.delta.metadata", [None], 0.003),
    ],
    "openai-chat": [
        ("obfuscation", ["q8Zk1"], 0.99),
        ("service_tier", ["priority", None, DROP], 0.05),
        ("system_fingerprint", ["fp_0123456789", None, DROP], 0.3),
        ("usage.prompt_tokens_details.cached_tokens", [0, 6], 0.5),
        ("usage.prompt_tokens_details.image_tokens", [0], 0.004),
        ("usage.completion_tokens_details", [DROP], 0.01),
        ("choices.0.delta.refusal", [None, DROP], 0.5),
        ("choices.0.message.annotations", [DROP], 0.02),
        ("choices.0.finish_reason", ["content_filter"], 0.003),
        ("moderation", [None], 0.997),
    ],
    "openai-embeddings": [
        ("usage.prompt_tokens_details", [{"cached_tokens": 0}], 0.01),
        ("data.0.index", [0], 0.5),
        ("id", ["embd-0123456789"], 0.003),
        ("created", [1772330000], 0.9),
    ],
    "openai-responses": [
        ("obfuscation", ["q8Zk1"], 0.99),
        ("response.prompt_cache_retention", [None, "24h"], 0.6),
        ("response.billing", [{"payer": "developer"}], 0.998),
        ("response.service_tier", ["priority"], 0.03),
        ("response.completed_at", [1772330000, None], 0.5),
        ("response.usage.input_tokens_details.cached_tokens", [0, 9], 0.5),
        ("response.safety_identifier", [None], 0.002),
        ("logprobs", [DROP], 0.01),
    ],
}
"""Wire format → members, the values that they take, and how often an exchange has them so."""

ENDINGS = ("finish_reason", "stop_reason", "stopReason", "finishReason")
"""Set only where there is one: most chunks of a stream have none yet."""

ACCEPTED, PER_NIGHT = 10, 40


def decorate(name, sent, draw):
    """One exchange with the optional members of its own draw, in all of its frames alike."""
    chosen = [
        (path.split("."), draw.choice(values))
        for path, values, rate in OPTIONAL[name]
        if draw.random() < rate
    ]
    for _, document in sent:
        for path, value in chosen:
            put(document, path, value)
    return sent


def put(document, path, value):
    """Set or drop a member where what it belongs to is there."""
    parent = document
    for step in path[:-1]:
        if isinstance(parent, list):
            parent = parent[int(step)] if parent else None
        else:
            parent = parent.get(step) if isinstance(parent, dict) else None
    name = path[-1]
    if not isinstance(parent, dict):
        return
    if value is DROP:
        parent.pop(name, None)
    elif name not in ENDINGS or parent.get(name) is not None:
        parent[name] = value


class Provider:
    """Nights of an unchanged provider, from a stock of exchanges."""

    def __init__(self, name, speak, questions, *, trials, draws):
        self.name = name
        self.draw = random.Random(f"unchanged {name}")  # noqa: S311 - answers, not keys
        self.stock = [
            [
                speak(name, kind, trial, streamed=streamed).rewritten(
                    lambda sent: decorate(name, sent, self.draw)
                )
                for _ in range(draws)
            ]
            for kind in questions
            for trial in range(trials)
            for streamed in (True, False)
        ]
        self.seen = [one.seen() for group in self.stock for one in group]
        self.places = wire_format(self.stock[0][0].provider).shape.places

    def night(self):
        shown = [self.draw.choice(self.seen).facts for _ in range(PER_NIGHT)]
        return learn_shape(self.name, shown)

    def breaking(self, nights):
        """Breaking problems and changes in so many nights after ten accepted ones."""
        accepted = [self.night() for _ in range(ACCEPTED)]
        found = [p for one in self.seen for p in one.problems if p.severity == "breaking"]
        for _ in range(nights):
            changes = compare_shapes(self.night(), accepted, self.places)
            found.extend(one for one in changes if one.severity == "breaking")
        return found


@pytest.mark.parametrize("name", sorted(OPTIONAL))
def test_optional_fields_at_their_usual_rates_break_nothing(speak, questions, wire_names, name):
    assert name in wire_names
    provider = Provider(name, speak, questions, trials=2, draws=6)
    assert all(one.facts for one in provider.seen)
    assert provider.breaking(15) == []


@pytest.mark.calibration
@pytest.mark.parametrize("name", sorted(OPTIONAL))
def test_ten_thousand_unchanged_exchanges_break_nothing(speak, questions, name):
    provider = Provider(name, speak, questions, trials=25, draws=50)
    assert len(provider.seen) == 10_000
    assert provider.breaking(250) == []


def test_the_members_are_really_optional(speak, questions):
    """Otherwise nothing is proved: accepted nights must know answers with and without them."""
    provider = Provider("openai-chat", speak, questions, trials=2, draws=6)
    accepted = [provider.night() for _ in range(ACCEPTED)]
    came = [night.places["chunk system_fingerprint"] for night in accepted]
    assert any(one.types.get("null") for one in came)
    assert any(one.types.get("string") for one in came)
    assert any(one.lacked for one in came)
