"""Silent upstream changes the simulator can switch on under the same model name.

Its own, in `CHANGES`, are what a model or a wire may do at any time; those of the catalogue
(`contractcheck.incidents`) are what real providers did.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from contractcheck.errors import UsageError
from contractcheck.incidents import read_catalogue
from contractcheck.simulator.keyed import keyed_uniform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Plane = Literal["outputs", "conformance", "latency", "identity", "infra", "tool"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeDescription:
    """What one change does.

    Attributes:
        summary: One sentence for ``--list-changes``.
        plane: Where it shows first.
        unit: ``share`` of requests affected (0..1), or a ``factor`` (> 0) on all of them.
        default: Amount when none is given.
    """

    summary: str
    plane: Plane
    unit: Literal["share", "factor"] = "share"
    default: float = 1.0


CHANGES: Mapping[str, ChangeDescription] = MappingProxyType(
    {
        "refusals": ChangeDescription(
            summary="Answers become a polite refusal in words; status and finish reason stay.",
            plane="outputs",
        ),
        "temperature": ChangeDescription(
            summary="Sampling is flatter (factor > 1) or sharper (< 1) than what was asked.",
            plane="outputs",
            unit="factor",
            default=1.5,
        ),
        "truncation": ChangeDescription(
            summary="Answers are cut at 40 % of their tokens, finish reason 'length'/'max_tokens'.",
            plane="outputs",
        ),
        "json_format": ChangeDescription(
            summary="JSON answers come in a Markdown fence or after a sentence of prose.",
            plane="conformance",
        ),
        "renamed_field": ChangeDescription(
            summary="The field with the answer, and the one with each piece of a stream, get "
            "other names: 'output' for 'message' and 'delta' (OpenAI chat), and the like.",
            plane="conformance",
        ),
        "finish_reason": ChangeDescription(
            summary="A new finish reason: 'pause_turn' (Anthropic), 'model_pause' (all others).",
            plane="conformance",
        ),
        "tool_argument_type": ChangeDescription(
            summary="Tool arguments change type: numbers become strings, "
            "identifiers with digits become integers.",
            plane="conformance",
        ),
        "slow_first_token": ChangeDescription(
            summary="The time to the first token is multiplied.",
            plane="latency",
            unit="factor",
            default=2.0,
        ),
        "fingerprint": ChangeDescription(
            summary="Another system_fingerprint (OpenAI chat only; the others send none).",
            plane="identity",
        ),
    }
)
"""Every change of the simulator's own by name."""


def describe_change(name: str) -> ChangeDescription:
    """Describe a change, of the simulator's own or of the catalogue.

    Raises:
        UsageError: There is no such change, or no provider can play it.
    """
    if name in CHANGES:
        return CHANGES[name]
    incident = read_catalogue().get(name)
    if incident is None:
        raise UsageError(f"unknown change {name!r}; {_suggest(name)}")
    if not incident.is_playable:
        raise UsageError(f"change {name!r} befell a testing tool: no provider can play it")
    return ChangeDescription(summary=incident.summary, plane=incident.plane, default=incident.share)


def _suggest(name: str) -> str:
    near = get_close_matches(name, [*CHANGES, *read_catalogue()], n=1)
    told = "`contractcheck simulator --list-changes` tells all"
    return f"did you mean {near[0]!r}? {told}" if near else told


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One change in force.

    Attributes:
        name: A key of `CHANGES`, or of the catalogue of incidents.
        rate: Share of requests affected, 0..1; for ``temperature`` and
            ``slow_first_token`` the factor instead (> 0, not 1).

    Raises:
        UsageError: The name is unknown or the amount outside its range.
    """

    name: str
    rate: float = 1.0

    def __post_init__(self) -> None:
        description = describe_change(self.name)
        if description.unit == "share":
            if not 0.0 <= self.rate <= 1.0:
                raise UsageError(
                    f"change {self.name!r}: {self.rate} is not a share of requests; use 0 to 1"
                )
        elif not (0.0 < self.rate < math.inf and self.rate != 1.0):
            raise UsageError(
                f"change {self.name!r}: {self.rate} is not a factor that changes anything; "
                f"use a positive number other than 1, for example {description.default}"
            )


def parse_change(text: str) -> Change:
    """Read ``NAME`` or ``NAME=AMOUNT``.

    Raises:
        UsageError: The name is unknown, or the amount no number or outside its range.
    """
    name, separator, amount = text.partition("=")
    if not separator:
        return Change(name=name, rate=describe_change(name).default)
    try:
        rate = float(amount)
    except ValueError:
        raise UsageError(
            f"change {text!r}: {amount!r} is not a number; write it like refusals=0.1"
        ) from None
    return Change(name=name, rate=rate)


def find_active(changes: Sequence[Change], *key: str) -> dict[str, float]:
    """Return the changes that hit one request, with their amounts.

    Each change tosses its own coin, so that the requests a mixed change misses
    are answered exactly as they would have been without it.
    """
    return {
        change.name: change.rate
        for change in changes
        if describe_change(change.name).unit == "factor"
        or keyed_uniform("change", change.name, *key) < change.rate
    }
