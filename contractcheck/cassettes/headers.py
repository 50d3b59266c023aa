"""The run header as JSON: written before the first request, sealed with the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from contractcheck.errors import RecordingError
from contractcheck.model.run import CasePlan, RunHeader, RunStatus
from contractcheck.model.target import Target

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonObject


def encode_header(header: RunHeader) -> dict[str, object]:
    """Encode a run header (keys in reading order)."""
    return {
        "id": header.id,
        "suite": header.suite,
        "suite_version": header.suite_version,
        "suite_fingerprint": header.suite_fingerprint,
        "target": {
            "provider": header.target.provider,
            "model": header.target.model,
            "base_url": header.target.base_url,
        },
        "night": header.night,
        "label": header.label,
        "started_at": header.started_at,
        "ended_at": header.ended_at,
        "status": header.status,
        "vantage": dict(header.vantage),
        "cases": {
            case: {
                "samples": plan.samples,
                "request_fingerprint": plan.request_fingerprint,
                "parts": dict(plan.parts),
            }
            for case, plan in header.cases.items()
        },
    }


def decode_header(document: JsonObject, place: str) -> RunHeader:
    """Decode a run header.

    Raises:
        RecordingError: If a field is missing or of another type; ``place`` says where.
    """
    try:
        target = cast("JsonObject", document["target"])
        cases = cast("JsonObject", document["cases"])
        return RunHeader(
            id=str(document["id"]),
            suite=str(document["suite"]),
            suite_version=str(document["suite_version"]),
            suite_fingerprint=str(document["suite_fingerprint"]),
            target=Target(
                provider=str(target["provider"]),
                model=str(target["model"]),
                base_url=_optional(target["base_url"]),
            ),
            night=_optional(document["night"]),
            label=str(document["label"]),
            started_at=str(document["started_at"]),
            ended_at=_optional(document["ended_at"]),
            status=_status(document["status"]),
            vantage=_strings(document["vantage"]),
            cases={case: _plan(cast("JsonObject", plan)) for case, plan in cases.items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordingError(
            f"{place}: the run header is damaged ({type(error).__name__}: {error}); "
            "restore the file from version control or delete the run"
        ) from error


def _plan(plan: JsonObject) -> CasePlan:
    return CasePlan(
        samples=int(cast("int", plan["samples"])),
        request_fingerprint=str(plan["request_fingerprint"]),
        parts=_strings(plan["parts"]),
    )


def _status(value: object) -> RunStatus:
    if value in get_args(RunStatus):
        return cast("RunStatus", value)
    raise ValueError(f"{value!r} is no status of a run")


def _optional(value: object) -> str | None:
    return None if value is None else str(value)


def _strings(value: object) -> dict[str, str]:
    return {str(key): str(item) for key, item in cast("JsonObject", value).items()}
