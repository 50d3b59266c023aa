"""Response headers that tell something: versions, regions, request ids, limits, deprecation.

Sources: RFC 9745 (Deprecation), RFC 8594 (Sunset), RFC 9111 section 5.5 (Warning, obsolete but
sent); Cohere's ``x-api-warning``; rate-limit headers of the providers' API references; absurd
limits as reported for Azure OpenAI on 2025-11-17 (learn.microsoft.com/answers/questions/5625878).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contractcheck.model.completion import WireProblem
from contractcheck.wire_contracts.identifier_form import identifier_form
from contractcheck.wire_contracts.walk import nameable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.model.exchange import Response
    from contractcheck.model.wire_shape import Fact

_TELLING = re.compile(
    r"ratelimit|request-?id|correlation-id|trace-id|version|region|deployment|deprecat|sunset"
    r"|warning|processing-ms|endpoint-call"
)
"""Headers whose presence is learnt; those of proxies and caches come and go."""

_NAMED = re.compile(r"version|region")
"""Headers whose values are few and name something."""

_IDENTIFIERS = re.compile(r"request-?id$|correlation-id$|trace-id$")
_ANNOUNCEMENTS = frozenset({"deprecation", "sunset", "warning", "x-api-warning"})
_LONGEST_VALUE = 200


def header_facts(response: Response) -> Iterator[Fact]:
    """Note which telling headers came, the values that name something, and forms of ids."""
    for name, value in _told(response):
        place = f"header {nameable(name)}"
        yield (place, "came", "")
        if _NAMED.search(name):
            yield (place, "value", value if _is_label(value) else nameable(value))
        elif _IDENTIFIERS.search(name):
            yield (place, "form", identifier_form(value))


def header_problems(response: Response) -> Iterator[WireProblem]:
    """Find announced ends and limits that cannot be meant; both are additive."""
    for name, value in _told(response):
        if name in _ANNOUNCEMENTS:
            words = " ".join(value.split())[:_LONGEST_VALUE]
            yield _problem(name, f"the provider announces: {words}")
        elif "ratelimit" in name and (number := _integer(value)) is not None:
            if "limit" in name.replace("ratelimit", "") and number <= 0:
                yield _problem(name, f"a limit of {number}: clients that divide by it fail")
            elif number < 0:
                yield _problem(name, f"{number}, where a count from 0 is documented")


def _told(response: Response) -> Iterator[tuple[str, str]]:
    for name, value in response.headers:
        lowered = name.lower()
        if _TELLING.search(lowered):
            yield lowered, value.strip()


def _is_label(value: str) -> bool:
    """Dates and version numbers begin with a digit, names do not."""
    return re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z ._:/-]{0,47}", value, re.ASCII) is not None


def _integer(value: str) -> int | None:
    return int(value) if re.fullmatch(r"-?[0-9]{1,18}", value, re.ASCII) else None


def _problem(name: str, what: str) -> WireProblem:
    return WireProblem(path=f"header {name}", what=what, severity="additive")
