"""What a provider must keep doing: suites, cases, checks, metrics and the policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.target import Target

ID_PATTERN = r"[a-z0-9][a-z0-9._-]{0,63}"
"""Suites and cases: selectable in pytest, safe as file names on every file system."""


class CheckMode(Enum):
    """What a failing check means.

    ``ALWAYS``: one failure is a breach. ``RATE``: a breach when the one-sided upper bound of
    the pass rate falls below the declared rate. ``NO_WORSE``: belongs to the drift plane: the
    pass rate is compared with the accepted nights.
    """

    ALWAYS = "always"
    RATE = "rate"
    NO_WORSE = "no-worse"


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckSpec:
    """One check of a case.

    Attributes:
        name: Key in the check registry.
        argument: The check's argument as written (JSON), or None.
        mode: What a failure means.
        rate: Least acceptable pass rate, 0..1; only with ``CheckMode.RATE``.
        label: How tables and reports call it; unique within the case.
    """

    name: str
    argument: JsonValue
    mode: CheckMode
    rate: float | None
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricSpec:
    """One measured quantity of a case: registry name, argument, unique label."""

    name: str
    argument: str | None
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A picture shown to the model.

    Attributes:
        name: Path as written in the suite.
        media_type: Such as ``image/png``.
        data: The file's bytes.
    """

    name: str
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message of the request template; images come before the words."""

    role: Literal["system", "user", "assistant"]
    content: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A tool offered to the model: name, description, JSON Schema of its arguments."""

    name: str
    description: str
    parameters: JsonObject


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameters:
    """Sampling parameters, sent as the provider calls them; None is not sent.

    Attributes:
        temperature: Sampling temperature.
        top_p: Nucleus sampling, share of mass.
        max_output_tokens: Longest answer, tokens.
        seed: Sent where the wire has one.
        stop: Texts that end the answer.
        tool_choice: ``auto``, ``none``, ``required`` or a tool's name.
        top_logprobs: How many of the likeliest tokens to ask log-probabilities of, 1..20.
        reasoning_effort: ``none``, ``minimal``, ``low``, ``medium`` or ``high``.
        stream: Whether the answer is asked for as a stream.
    """

    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    tool_choice: str | None = None
    top_logprobs: int | None = None
    reasoning_effort: str | None = None
    stream: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One request template and what its answers must satisfy.

    Attributes:
        id: Matches ``ID_PATTERN``; unique within the suite.
        line: 1-based line in the suite file.
        samples: Trials per run, >= 1.
        messages: The request's messages, contexts already put in front.
        tools: Tools offered, possibly none.
        response_schema: JSON Schema that answers are asked to conform to, or None.
        parameters: Sampling parameters.
        checks: What each answer must satisfy.
        metrics: What is measured of each answer.
        fingerprint_parts: Digest of each part of what we send (``messages``, ``tools``,
            ``schema``, ``parameters``, ``context <path>``), so that a change of ours is named.
        request_fingerprint: Digest over all parts: decides comparability, per case.
    """

    id: str
    line: int
    samples: int
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    response_schema: JsonObject | None
    parameters: Parameters
    checks: tuple[CheckSpec, ...]
    metrics: tuple[MetricSpec, ...]
    fingerprint_parts: Mapping[str, str]
    request_fingerprint: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Margin:
    """A declared tolerance: ``+0.02``/``-0.02`` (difference) or ``1.25x`` (ratio)."""

    value: float
    kind: Literal["difference", "ratio"]


@dataclass(frozen=True, kw_only=True, slots=True)
class GatePolicy:
    """Rules of the release gate, beside level, power and margins.

    Attributes:
        slots: Blocks at most, >= 2: times that every case is asked on every side.
        critical: Margins that stop the gate as soon as one of them is broken; empty makes all
            of them so.
        muted: Margins that are shown and never decide.
        same_model: Both sides are promised to be one model: then any difference of the answers
            is a reason not to move, not only a margin.
    """

    slots: int = 20
    critical: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    same_model: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The suite's rules for a verdict.

    Attributes:
        alarm_budget_per_year: Largest accepted chance, 0..1, of any false red in 365 nights.
        nights: Accepted nights a complete baseline has, >= 5.
        alpha: Level of a two-sided comparison outside the nightly rule, 0..1.
        power: Power at which smallest visible changes are stated, 0..1.
        margins: Tolerance per plane or metric: ``conformance``, ``refusals``, ``error_rate``,
            ``ttft``, ``total``, ``time_per_token``.
        gate: Rules of the release gate.
        limits: Absolute bounds: ``latency_p95_s`` (s), ``error_rate`` (0..1).
        allowed_models: Model echoes accepted besides the target's own name.
        on_inconclusive: ``warn`` (exit 0) or ``fail`` (exit 3).
        store_prompts: ``full``, or ``hash`` to keep prompts out of recordings.
        volatile: JSONPaths (RFC 9535) into a request body whose values may differ between two
            requests that are the same request, such as ``$.metadata.request_id``.
    """

    alarm_budget_per_year: float = 0.10
    nights: int = 10
    alpha: float = 0.05
    power: float = 0.8
    margins: Mapping[str, Margin] = field(default_factory=dict)
    gate: GatePolicy = GatePolicy()
    limits: Mapping[str, float] = field(default_factory=dict)
    allowed_models: tuple[str, ...] = ()
    on_inconclusive: Literal["warn", "fail"] = "warn"
    store_prompts: Literal["full", "hash"] = "full"
    volatile: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """One versioned contract file.

    Attributes:
        name: Matches ``ID_PATTERN``.
        version: Semantic version of the contract.
        path: File it came from, as given.
        targets: Whom it is about, in file order; never empty.
        cases: In file order; never empty; unique ids.
        policy: Rules for a verdict.
        fingerprint: Digest of everything that judges: says which rules made a verdict.
    """

    name: str
    version: str
    path: str
    targets: tuple[Target, ...]
    cases: tuple[Case, ...]
    policy: Policy
    fingerprint: str

    def case(self, case_id: str) -> Case:
        """Return the case with this id.

        Raises:
            KeyError: If the suite has no such case.
        """
        for case in self.cases:
            if case.id == case_id:
                return case
        raise KeyError(case_id)
