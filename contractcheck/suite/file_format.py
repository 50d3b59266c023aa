"""The shape of a suite file, exactly: pydantic models, frozen, nothing extra allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, StringConstraints, WithJsonSchema

from contractcheck.checks import CHECKS
from contractcheck.metrics import METRICS
from contractcheck.model.suite import ID_PATTERN, Margin
from contractcheck.suite.fields import (
    BUDGET_PATTERN,
    VERSION_PATTERN,
    CheckEntry,
    MetricEntry,
    read_budget,
    read_check,
    read_difference,
    read_id,
    read_metric,
    read_path,
    read_ratio,
    read_version,
)
from contractcheck.suite.target_fields import TARGET_SCHEMA, TargetEntry, read_target

if TYPE_CHECKING:
    from contractcheck.checks.registry import ArgumentForm

# How each argument is written, for the JSON Schema that editors use.
_ARGUMENTS: dict[ArgumentForm, dict[str, object]] = {
    "none": {"type": "null"},
    "text": {"type": "string", "minLength": 1},
    "texts": {
        "anyOf": [
            {"type": "string", "minLength": 1},
            {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
        ]
    },
    "count": {
        "anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": r"^[0-9]{1,4}(\.\.([0-9]{1,4})?)?$"},
        ]
    },
}
_MODE = {
    "description": "What a failure means; no-worse (compared with accepted nights) by default.",
    "anyOf": [
        {"enum": ["always", "no-worse"]},
        {
            "type": "object",
            "properties": {"rate": {"type": "number", "exclusiveMinimum": 0, "maximum": 1}},
            "required": ["rate"],
            "additionalProperties": False,
        },
    ],
}


def _check_schema() -> dict[str, object]:
    bare = [check.name for check in CHECKS.values() if check.form == "none"]
    named = [
        {
            "type": "object",
            "description": check.summary,
            "properties": {check.name: _ARGUMENTS[check.form], "mode": _MODE},
            "required": [check.name],
            "additionalProperties": False,
        }
        for check in CHECKS.values()
    ]
    return {"anyOf": [{"enum": bare}, *named]}


def _metric_schema() -> dict[str, object]:
    bare = [metric.name for metric in METRICS.values() if not metric.takes_argument]
    named = [
        {
            "type": "object",
            "description": metric.summary,
            "properties": {metric.name: {"type": "string", "minLength": 1}},
            "required": [metric.name],
            "additionalProperties": False,
        }
        for metric in METRICS.values()
        if metric.takes_argument
    ]
    return {"anyOf": [{"enum": bare}, *named]}


Id = Annotated[
    str,
    PlainValidator(read_id),
    WithJsonSchema({"type": "string", "pattern": f"^{ID_PATTERN}$"}),
]
Version = Annotated[
    str,
    PlainValidator(read_version),
    WithJsonSchema({"type": "string", "pattern": f"^{VERSION_PATTERN}$"}),
]
Budget = Annotated[
    float,
    PlainValidator(read_budget),
    WithJsonSchema({"type": "string", "pattern": f"^{BUDGET_PATTERN}$"}),
]
Difference = Annotated[
    Margin,
    PlainValidator(read_difference),
    WithJsonSchema({"type": ["number", "string"], "minimum": -1, "maximum": 1}),
]
Ratio = Annotated[
    Margin,
    PlainValidator(read_ratio),
    WithJsonSchema({"type": "string", "pattern": r"^[1-9][0-9]*(\.[0-9]+)?x$"}),
]
PathField = Annotated[
    str,
    PlainValidator(read_path),
    WithJsonSchema({"type": "string", "pattern": r"^\$"}),
]
TargetField = Annotated[TargetEntry, PlainValidator(read_target), WithJsonSchema(TARGET_SCHEMA)]
CheckField = Annotated[CheckEntry, PlainValidator(read_check), WithJsonSchema(_check_schema())]
MetricField = Annotated[MetricEntry, PlainValidator(read_metric), WithJsonSchema(_metric_schema())]
Text = Annotated[str, StringConstraints(min_length=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
MarginName = Literal["conformance", "error_rate", "refusals", "time_per_token", "total", "ttft"]


class _Strict(BaseModel):
    """No coercion, no unknown keys, no change after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class _Sampling(_Strict):
    samples: int | None = Field(
        None, ge=1, le=10_000, description="Trials per night (10 if nowhere given)."
    )
    temperature: float | None = Field(None, ge=0, le=2, description="Sampling temperature.")
    top_p: float | None = Field(None, gt=0, le=1, description="Nucleus sampling, share of mass.")
    max_output_tokens: int | None = Field(None, ge=1, description="Longest answer, in tokens.")
    seed: int | None = Field(
        None, ge=-(2**63), lt=2**63, description="Sent where the provider has it."
    )
    stop: tuple[Text, ...] | None = Field(
        None, max_length=4, description="Texts that end the answer."
    )
    top_logprobs: int | None = Field(
        None, ge=1, le=20, description="Likeliest tokens to ask log-probabilities of."
    )
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None = Field(
        None, description="How much the model may think, where it can be told."
    )
    stream: bool | None = Field(
        None, description="Whether answers are streamed (yes, if not said)."
    )


class Defaults(_Sampling):
    """Sampling of every case that does not say otherwise."""


class MessageFile(_Strict):
    """One message of the request."""

    role: Literal["system", "user", "assistant"]
    content: Text
    images: tuple[Text, ...] = Field(
        (), description="Pictures (PNG, JPEG, GIF, WebP); paths from the suite's folder."
    )


class CaseFile(_Sampling):
    """One request and what its answers must satisfy."""

    id: Id = Field(description="Name, unique in the suite; stays when the case is edited.")
    system: Text | None = Field(None, description="System message, if none is in messages.")
    messages: tuple[MessageFile, ...] = Field(min_length=1, description="The conversation.")
    response_schema: Text | None = Field(
        None, description="JSON Schema of the answer; path from the suite's folder."
    )
    tools: tuple[Text, ...] = Field((), description="Tool files; paths from the suite's folder.")
    context: tuple[Text, ...] = Field(
        (), description="Texts put in front of the system message; a change of them is ours."
    )
    tool_choice: Text | None = Field(None, description="auto, none, required, or a tool's name.")
    checks: tuple[CheckField, ...] = Field((), description="What each answer must satisfy.")
    metrics: tuple[MetricField, ...] | None = Field(
        None, description="What is compared with accepted nights; latency always is."
    )


class WatchFile(_Strict):
    """The nightly watch."""

    alarm_budget: Budget = Field(
        0.10,
        description="Chance of any false alarm in 365 nights.",
        json_schema_extra={"default": "0.10/year"},
    )
    nights: int = Field(10, ge=5, le=365, description="Accepted nights of a complete baseline.")


class GateFile(_Strict):
    """The comparison of two models."""

    alpha: Share = Field(0.05, description="Level of the comparison.")
    power: Share = Field(0.8, description="Power at which visible changes are stated.")
    slots: int = Field(
        20, ge=2, le=1000, description="Times that every case is asked on each side, at most."
    )
    critical: tuple[MarginName, ...] = Field(
        (), description="Margins that end the gate as soon as they are broken; none means all."
    )
    muted: tuple[MarginName, ...] = Field((), description="Margins that are shown, and no more.")
    same_model: bool = Field(
        False,  # noqa: FBT003 - pydantic takes the default in first place
        description="Both sides are promised to be one model: any difference counts.",
    )


class MarginsFile(_Strict):
    """Tolerated changes: differences of shares, ratios of times."""

    conformance: Difference | None = Field(None, description="Of pass rates, such as -0.02.")
    refusals: Difference | None = Field(None, description="Of the refusal rate, such as +0.02.")
    error_rate: Difference | None = Field(
        None, description="Of the share of failed requests, such as +0.01."
    )
    ttft: Ratio | None = Field(None, description="Of the time to first token, such as 1.25x.")
    total: Ratio | None = Field(None, description="Of the total time, such as 1.25x.")
    time_per_token: Ratio | None = Field(
        None, description="Of the time per output token, such as 1.25x."
    )


class LimitsFile(_Strict):
    """Absolute bounds, judged by interval."""

    latency_p95_s: float | None = Field(None, gt=0, description="95th percentile of total, s.")
    error_rate: float | None = Field(None, ge=0, le=1, description="Failed requests, 0..1.")


class IdentityFile(_Strict):
    """Who may answer."""

    allow: tuple[Text, ...] = Field((), description="Model echoes accepted besides the target's.")


class PolicyFile(_Strict):
    """Rules for a verdict."""

    watch: WatchFile = Field(default_factory=WatchFile)
    gate: GateFile = Field(default_factory=GateFile)
    margins: MarginsFile = Field(default_factory=MarginsFile)
    limits: LimitsFile = Field(default_factory=LimitsFile)
    identity: IdentityFile = Field(default_factory=IdentityFile)
    on_inconclusive: Literal["warn", "fail"] = Field(
        "warn", description="warn: exit 0 and the word INCONCLUSIVE; fail: exit 3."
    )
    store_prompts: Literal["full", "hash"] = Field(
        "full", description="hash keeps prompts out of recordings."
    )
    volatile: tuple[PathField, ...] = Field(
        (), description="JSONPaths into a request whose values may differ when it is replayed."
    )


class SuiteFile(_Strict):
    """What a provider must keep doing."""

    suite: Id = Field(description="Name of the suite.")
    version: Version = Field(description="Semantic version of this contract.")
    targets: tuple[TargetField, ...] = Field(min_length=1, description="Whom it is about.")
    defaults: Defaults = Field(default_factory=Defaults)
    policy: PolicyFile = Field(default_factory=PolicyFile)
    cases: tuple[CaseFile, ...] = Field(min_length=1)


class ToolFile(_Strict):
    """A tool the model may call."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    description: Text
    parameters: dict[str, object]
