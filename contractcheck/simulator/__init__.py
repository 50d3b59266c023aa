"""A provider that really samples, on a local port: for demos, tests and calibration.

It speaks the wire formats of OpenAI (chat and Responses), Anthropic, Gemini, Bedrock,
Cohere and Mistral to the official SDKs, has nights that differ although nothing changed,
can change silently on command, and can make the way fail. It shares no code with the
rooms that read wires: the SDKs are its judge.

    with Simulator(Conditions(night="2026-03-01", time_scale=0.0)) as simulator:
        client = openai.OpenAI(base_url=simulator.url_for("openai"), api_key="any")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.simulator import openai_wire
from contractcheck.simulator.changes import CHANGES, Change, ChangeDescription, parse_change
from contractcheck.simulator.conditions import Conditions
from contractcheck.simulator.faults import FAULTS, Faults, parse_faults
from contractcheck.simulator.run import Simulator, serve
from contractcheck.simulator.service import answer_body

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CHANGES",
    "FAULTS",
    "Change",
    "ChangeDescription",
    "Conditions",
    "Faults",
    "Simulator",
    "answer_openai",
    "parse_change",
    "parse_faults",
    "serve",
]


def answer_openai(
    body: Mapping[str, object], *, conditions: Conditions, occurrence: int
) -> dict[str, object]:
    """Return the chat completion (or error envelope) the server would send, without HTTP.

    Args:
        body: Request body of ``/v1/chat/completions``; streaming options are ignored.
        conditions: State of the provider.
        occurrence: How often this very request was asked before in this night, >= 0.
    """
    return answer_body(openai_wire, body, conditions=conditions, occurrence=occurrence)
