"""The catalogue: changes of real providers, with their dates and sources, as data.

``catalogue.json`` holds one object per incident, in the order in which they were collected.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import orjson

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

IncidentClass = Literal["must-fail", "warn", "statistical", "null"]
"""What a watch owes to an incident: red on the first night (FAIL, or ERROR where nothing could be
measured); a notice; an alarm on the second of two nights; or silence."""

ShownIn = Literal["answer", "text", "model", "refusal", "tool"]
"""The form of the answer; what the model says; how it draws; a refused request; or nothing on a
wire, but the testing tool itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownIncident:
    """One change that was reported of a real provider.

    Attributes:
        number: In the catalogue, from 1.
        name: As users write it after ``--change``.
        date: Day or month, ISO 8601; several where it came back.
        formats: Wire formats on which it can be played.
        summary: What changed, in one sentence.
        evidence: Public reports of it.
        classes: What a watch owes to it; the first is the strongest.
        plane: Where it shows: identity (the wire), conformance, outputs, infra (nothing could be
            measured) or tool.
        share: Share of the answers that are struck unless somebody says otherwise, 0..1.
        shown_in: What it changes.
    """

    number: int
    name: str
    date: str
    formats: tuple[str, ...]
    summary: str
    evidence: tuple[str, ...]
    classes: tuple[IncidentClass, ...]
    plane: Literal["identity", "conformance", "outputs", "infra", "tool"]
    share: float
    shown_in: ShownIn

    @property
    def is_playable(self) -> bool:
        """Whether a provider can show it; else it befell a tool."""
        return bool(self.formats)


@cache
def read_catalogue() -> Mapping[str, KnownIncident]:
    """Return every incident by name, in the order of their numbers."""
    rows = orjson.loads((files(__package__) / "catalogue.json").read_bytes())
    incidents = (
        KnownIncident(
            **{
                **row,
                "formats": tuple(row["formats"]),
                "evidence": tuple(row["evidence"]),
                "classes": tuple(row["classes"]),
            }
        )
        for row in rows
    )
    return MappingProxyType({incident.name: incident for incident in incidents})


def find_incident(name: str) -> KnownIncident:
    """Return an incident by its name.

    Raises:
        UsageError: The catalogue has no such name; says which is the nearest.
    """
    catalogue = read_catalogue()
    if name in catalogue:
        return catalogue[name]
    near = get_close_matches(name, catalogue, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(catalogue)}"
    raise UsageError(f"the catalogue has no incident {name!r}; {hint}")
