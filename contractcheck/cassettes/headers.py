"""The run header as JSON: written before the first request, sealed with the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from contractcheck.cassettes.case_files import REMEDY
from contractcheck.errors import RecordingError
from contractcheck.model.run import CasePlan, RunHeader, RunStatus
from contractcheck.model.target import Target
from contractcheck.model.wire_mapping import read_mapping

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.wire_mapping import WireMapping


def encode_header(header: RunHeader) -> dict[str, object]:
    """Encode a run header (keys in reading order)."""
    return {
        "id": header.id,
        "suite": header.suite,
        "suite_version": header.suite_version,
        "suite_fingerprint": header.suite_fingerprint,
        "target": _encode_target(header.target),
        "night": header.night,
        "label": header.label,
        **({"endpoint": header.endpoint} if header.endpoint else {}),
        **({"gate": header.gate} if header.gate else {}),
        **({"shard": header.shard} if header.shard else {}),
        **({"stopped": header.stopped} if header.stopped else {}),
        "started_at": header.started_at,
        "ended_at": header.ended_at,
        "status": header.status,
        "vantage": dict(header.vantage),
        "cases": {
            case: {
                "samples": plan.samples,
                "request_fingerprint": plan.request_fingerprint,
                "parts": dict(plan.parts),
                **({"checks": plan.checks} if plan.checks else {}),
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
        target = _object(document["target"])
        return RunHeader(
            id=_text(document["id"]),
            suite=_text(document["suite"]),
            suite_version=_text(document["suite_version"]),
            suite_fingerprint=_text(document["suite_fingerprint"]),
            target=Target(
                provider=_text(target["provider"]),
                model=_text(target["model"]),
                base_url=_optional(target["base_url"]),
                region=_optional(target.get("region")),
                api_version=_optional(target.get("api_version")),
                project=_optional(target.get("project")),
                mapping=_mapping(target.get("mapping")),
            ),
            night=_optional(document["night"]),
            label=_text(document["label"]),
            endpoint=_text(document.get("endpoint", "")),
            gate=_text(document.get("gate", "")),
            shard=_text(document.get("shard", "")),
            stopped=_text(document.get("stopped", "")),
            started_at=_text(document["started_at"]),
            ended_at=_optional(document["ended_at"]),
            status=_status(document["status"]),
            vantage=_texts(document["vantage"]),
            cases={case: _plan(plan) for case, plan in _object(document["cases"]).items()},
        )
    except (KeyError, ValueError) as error:
        raise RecordingError(
            f"{place}: the run header is damaged ({type(error).__name__}: {error}); {REMEDY}"
        ) from error


def _encode_target(target: Target) -> dict[str, object]:
    # Most targets have none of these; runs of older versions never had.
    place = {
        "region": target.region,
        "api_version": target.api_version,
        "project": target.project,
        "mapping": target.mapping and target.mapping.document,
    }
    return {
        "provider": target.provider,
        "model": target.model,
        "base_url": target.base_url,
        **{name: value for name, value in place.items() if value is not None},
    }


def _mapping(value: JsonValue) -> WireMapping | None:
    try:
        return None if value is None else read_mapping(value)
    except RecursionError:
        raise ValueError("the mapping is nested too deeply") from None


def _plan(value: JsonValue) -> CasePlan:
    plan = _object(value)
    samples = plan["samples"]
    if type(samples) is not int:
        raise ValueError("samples is not an integer")
    return CasePlan(
        samples=samples,
        request_fingerprint=_text(plan["request_fingerprint"]),
        parts=_texts(plan["parts"]),
        checks=_text(plan.get("checks", "")),
    )


def _status(value: JsonValue) -> RunStatus:
    text = _text(value)
    if text in get_args(RunStatus):
        return cast("RunStatus", text)
    raise ValueError(f"{text[:40]!r} is no status of a run")


def _text(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"expected a text, got {type(value).__name__}")


def _optional(value: JsonValue) -> str | None:
    return None if value is None else _text(value)


def _object(value: JsonValue) -> JsonObject:
    if isinstance(value, dict):
        return value
    raise ValueError(f"expected an object, got {type(value).__name__}")


def _texts(value: JsonValue) -> dict[str, str]:
    return {key: _text(item) for key, item in _object(value).items()}
