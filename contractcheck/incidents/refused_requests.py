"""Changes by which a provider refuses what it used to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contractcheck.incidents.draft import Draft, JsonDict

_BAD_REQUEST = 400
_NOT_FOUND = 404


def demand_thought_signature(draft: Draft) -> None:
    """Refuse requests whose function calls carry no thought signature (Gemini)."""
    message = "Function call is missing a thought_signature in functionCall parts."
    error = {"code": _BAD_REQUEST, "message": message, "status": "INVALID_ARGUMENT"}
    draft.refuse(_BAD_REQUEST, {"error": error})


def reject_max_tokens(draft: Draft) -> None:
    """Refuse the parameter ``max_tokens`` (OpenAI's reasoning models)."""
    message = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. "
        "Use 'max_completion_tokens' instead."
    )
    draft.refuse(_BAD_REQUEST, _openai_error(message, "max_tokens", "unsupported_parameter"))


def retire_model(draft: Draft) -> None:
    """Say that the model does not exist (OpenAI)."""
    message = "The model does not exist or you do not have access to it."
    draft.refuse(_NOT_FOUND, _openai_error(message, None, "model_not_found"))


def _openai_error(message: str, param: str | None, code: str) -> JsonDict:
    kind = "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
