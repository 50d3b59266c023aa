"""What each incident of the catalogue does to an answer on the wire.

An incident whose novelty is documented by now is played from before: `strike` first takes the
answer back to what it was then (``before``), struck or not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from contractcheck.errors import UsageError
from contractcheck.incidents import chat_changes as chat
from contractcheck.incidents import gemini_changes as gemini
from contractcheck.incidents import messages_changes as messages
from contractcheck.incidents import refused_requests as refused
from contractcheck.incidents import responses_changes as responses
from contractcheck.incidents.catalogue import find_incident
from contractcheck.incidents.coins import keyed_share
from contractcheck.incidents.draft import close_draft, open_draft
from contractcheck.incidents.prose import reword, shorten, stray
from contractcheck.incidents.speech import rewrite
from contractcheck.incidents.wire import read_response, with_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from contractcheck.incidents.draft import Draft
    from contractcheck.incidents.wire import WireAnswer
    from contractcheck.model.exchange import Exchange

    Edit = Callable[[Draft], None]

_OK = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class WireChange:
    """What an incident does.

    Attributes:
        strike: To an answer that is struck.
        before: To every answer, first; None where the wire of today is that of before.
        by_format: What it does instead on single wire formats.
    """

    strike: Edit
    before: Edit | None = None
    by_format: Mapping[str, Edit] = field(default_factory=dict)


def _route_away(draft: Draft) -> None:
    """Answer like a lesser model: without reasoning, and shorter."""
    chat.drop_reasoning(draft)
    rewrite(draft, shorten)


WIRE_CHANGES: Mapping[str, WireChange] = MappingProxyType(
    {
        "refusal-null-added": WireChange(strike=chat.add_refusal, before=chat.drop_refusal),
        "audio-tokens-on-some": WireChange(
            strike=chat.add_audio_tokens, before=chat.drop_audio_tokens
        ),
        "chunk-obfuscation": WireChange(strike=chat.obfuscate_chunks),
        "empty-choices-first": WireChange(
            strike=chat.open_with_prompt_filter, before=chat.drop_prompt_filter
        ),
        "usage-only-chunk": WireChange(
            strike=chat.unfold_usage_chunk, before=chat.fold_usage_chunk
        ),
        "finish-reason-stop-for-forced-tool": WireChange(strike=chat.stop_for_tools),
        "finish-details-object": WireChange(strike=chat.finish_in_details),
        "stop-reason-pause-turn": WireChange(strike=messages.pause_turn),
        "refusal-with-no-content": WireChange(strike=messages.refuse_silently),
        "ping-and-error-events": WireChange(
            strike=messages.end_overloaded, before=messages.drop_pings
        ),
        "filter-error-in-stream": WireChange(strike=messages.end_filtered),
        "vertex-event": WireChange(strike=messages.add_vertex_event),
        "prefilled-message-start": WireChange(strike=messages.prefill_message_start),
        "candidate-without-content": WireChange(strike=gemini.block_without_content),
        "stop-with-empty-content": WireChange(strike=gemini.stop_with_nothing),
        "part-without-data": WireChange(strike=gemini.add_bare_thought),
        "thought-signature-required": WireChange(strike=refused.demand_thought_signature),
        "unexpected-tool-call": WireChange(strike=gemini.refuse_tool_call),
        "preview-served-as-stable": WireChange(strike=gemini.serve_another_model),
        "alias-updated": WireChange(strike=partial(rewrite, change=reword)),
        "routed-to-lesser-model": WireChange(strike=_route_away, before=chat.add_reasoning),
        "content-in-parts": WireChange(strike=chat.send_content_in_parts),
        "embeddings-by-type": WireChange(strike=responses.embed_by_type),
        "embeddings-moved": WireChange(strike=responses.turn_embeddings),
        "stray-characters": WireChange(strike=partial(rewrite, change=stray)),
        "lower-default-effort": WireChange(strike=partial(rewrite, change=shorten)),
        "max-tokens-rejected": WireChange(strike=refused.reject_max_tokens),
        "model-retired": WireChange(strike=refused.retire_model),
        "tool-id-format": WireChange(
            strike=chat.lengthen_call_ids,
            by_format={"mistral": chat.spell_call_ids_otherwise},
        ),
        "newlines-after-json": WireChange(strike=chat.pad_json),
        "rate-limit-headers-absurd": WireChange(strike=responses.spoil_rate_limits),
        "reasoning-content-added": WireChange(
            strike=responses.fill_reasoning_items, before=responses.add_reasoning_items
        ),
    }
)
"""By name: every incident of the catalogue that changes an answer on the wire."""


def change_answer(
    answer: WireAnswer, incident: str, *, wire_format: str, key: str, is_struck: bool
) -> WireAnswer:
    """Return an answer as the incident would have made it; a pure function of its arguments.

    Args:
        answer: As it came.
        incident: A name of the catalogue.
        wire_format: Whose answer it is, such as ``openai-chat``.
        key: Names the answer: what the incident draws depends on it.
        is_struck: Whether this answer is changed, or only as it was before the incident.

    Returns:
        The answer itself where the incident knows nothing of its wire format or did not happen
        on a wire, and where the answer is an error.
    """
    known = find_incident(incident)
    change = WIRE_CHANGES.get(incident)
    if change is None or wire_format not in known.formats or answer.status != _OK:
        return answer
    draft = open_draft(answer, key)
    if change.before is not None:
        change.before(draft)
    if is_struck:
        change.by_format.get(wire_format, change.strike)(draft)
    return close_draft(draft)


def strike(
    exchange: Exchange,
    incident: str,
    *,
    wire_format: str,
    key: str,
    share: float | None = None,
) -> Exchange:
    """Return an exchange as it would have come while the incident lasted.

    Args:
        exchange: As it came. One without a response, or with a content coding, is returned.
        incident: A name of the catalogue.
        wire_format: Whose answer it is, such as ``openai-chat``.
        key: Names the answer: equal keys are struck alike, and a larger share strikes all that a
            smaller one does.
        share: Share of answers that are struck, 0..1; the catalogue's when None.

    Raises:
        UsageError: The incident is unknown, or the share outside its range.
    """
    response = exchange.response
    known = find_incident(incident)
    struck_share = known.share if share is None else share
    if not 0.0 <= struck_share <= 1.0:
        raise UsageError(f"{struck_share} is not a share of answers; use 0 to 1")
    if response is None or (response.header("content-encoding") or "identity") != "identity":
        return exchange
    answer = read_response(response)
    changed = change_answer(
        answer,
        incident,
        wire_format=wire_format,
        key=key,
        is_struck=keyed_share("incident", incident, key) < struck_share,
    )
    return exchange if changed == answer else with_answer(exchange, changed)
