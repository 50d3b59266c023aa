"""Digests that say what was asked, and which rules judged.

Comments, formatting, the order of keys in the suite file and the place of files do not matter.
The order inside a JSON Schema does: models write the properties in the order they are shown.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, cast

from contractcheck.model.json_text import canonical_json
from contractcheck.model.suite import GatePolicy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.suite import (
        Case,
        Message,
        Parameters,
        Policy,
        Tool,
    )


def digest_json(value: JsonValue, *, sort_keys: bool = True) -> str:
    """SHA-256 (hex) of the canonical spelling of a value."""
    text = canonical_json(value, sort_keys=sort_keys)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def digest_parts(
    *,
    messages: Sequence[Message],
    contexts: Mapping[str, str],
    tools: Sequence[Tool],
    response_schema: JsonObject | None,
    parameters: Parameters,
) -> dict[str, str]:
    """Digest each part of a request.

    Args:
        messages: As written, before contexts are put in front.
        contexts: Text of each context, by path as written.
        tools: Tools offered.
        response_schema: Or None.
        parameters: Sampling parameters.
    """
    offered = [[tool.name, tool.description, tool.parameters] for tool in tools]
    parts = {
        "messages": digest_json([_message_value(message) for message in messages]),
        "tools": digest_json(cast("JsonValue", offered), sort_keys=False),
        "schema": digest_json(response_schema, sort_keys=False),
        "parameters": digest_json(_parameters_value(parameters)),
    }
    return parts | {f"context {path}": digest_json(text) for path, text in contexts.items()}


def digest_request(parts: Mapping[str, str]) -> str:
    """Digest over all parts, in file order of the contexts: what decides comparability."""
    return digest_json([[name, digest] for name, digest in parts.items()])


def digest_checks(case: Case) -> str:
    """Digest over what the checks of a case look for: what decides whether an answer passes.

    By which rate or mode passes are judged moves none of them.
    """
    return digest_json([[spec.name, spec.argument] for spec in case.checks])


def digest_suite(*, name: str, version: str, policy: Policy, cases: Sequence[Case]) -> str:
    """Digest everything that judges: policy, and of each case request, samples and rules."""
    judged: list[JsonValue] = [
        {
            "id": case.id,
            "samples": case.samples,
            "request": case.request_fingerprint,
            "checks": _checks_value(case),
            "metrics": [[spec.name, spec.argument] for spec in case.metrics],
        }
        for case in cases
    ]
    rules = asdict(policy)
    # Says which request is which, and judges nothing.
    del rules["volatile"]
    # Suites that do not set it were fingerprinted before it could be set.
    if policy.gate == GatePolicy():
        del rules["gate"]
    return digest_json(
        {"suite": name, "version": version, "policy": cast("JsonValue", rules), "cases": judged}
    )


def _message_value(message: Message) -> JsonValue:
    value: list[JsonValue] = [message.role, message.content]
    images = [hashlib.sha256(image.data).hexdigest() for image in message.images]
    return [*value, cast("JsonValue", images)] if images else value


_LATER = {"top_logprobs": None, "reasoning_effort": None, "stream": True}
"""Parameters that came after suites had been fingerprinted without them, and what they are then."""


def _parameters_value(parameters: Parameters) -> JsonValue:
    values = asdict(parameters)
    for name, usual in _LATER.items():
        if values[name] == usual:
            del values[name]
    return cast("JsonValue", values)


def _checks_value(case: Case) -> list[JsonValue]:
    return [[spec.name, spec.argument, spec.mode.value, spec.rate] for spec in case.checks]
