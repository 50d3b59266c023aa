"""What the answers of one night looked like on the wire: counts per place, never content.

The unit is the exchange: the forty chunks of a stream are one observation, because what one of
them has, its neighbours usually have too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.judgement import Rate

Fact = tuple[str, str, str]
"""One thing seen in an exchange: place, aspect (``ASPECTS``) and what was seen there.

A place is the kind of frame and the path in it, such as ``chunk choices[*].delta.content``; a kind
alone means the frame itself; ``header x-request-id`` is a response header.
"""

ASPECTS = ("came", "lacked", "type", "value", "form")

BROKEN_ASPECTS = ("pattern", "empty")
"""Aspects that are problems at once and nothing to learn: an identifier of a forbidden form, an
object that holds none of the members of which it must have one."""

Severity = Literal["breaking", "additive", "informational"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceShape:
    """One place of the wire in one night; all counts are exchanges.

    Attributes:
        came: In which it came at least once.
        lacked: In which what it belongs to came at least once without it.
        types: In which it came with this JSON type; ``empty array`` is a type of its own.
        values: In which it came with this value; only of closed sets, such as finish reasons.
        forms: In which it came in this form: of identifiers prefix, alphabet and length; of a
            frame a digest of the order of its keys.
    """

    came: int
    lacked: int = 0
    types: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, int] = field(default_factory=dict)
    forms: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class WireShape:
    """The wire of one night.

    Attributes:
        format: Wire format, such as ``openai-chat``.
        exchanges: Answers that were looked at.
        places: What was seen, by place.
    """

    format: str
    exchanges: int
    places: Mapping[str, PlaceShape]


@dataclass(frozen=True, kw_only=True, slots=True)
class ShapeChange:
    """A place of the wire that is not as it was in accepted nights.

    Attributes:
        path: Such as ``choices[*].delta.content``.
        what: Such as ``gone`` or ``renamed to 'output'``.
        severity: ``breaking`` when programs that lived with the accepted nights may fail;
            ``additive`` when only those that refuse what is new may; ``informational`` otherwise.
        baseline: How often it was so in the accepted nights.
        candidate: How often tonight.
    """

    path: str
    what: str
    severity: Severity
    baseline: Rate
    candidate: Rate
