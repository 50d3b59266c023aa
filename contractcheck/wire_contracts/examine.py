"""Look at one exchange as it came over the wire: what is wrong, and what was seen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

from contractcheck.model.completion import Outcome
from contractcheck.providers import dialect
from contractcheck.providers.failures import has_error
from contractcheck.wire_contracts.formats import wire_format
from contractcheck.wire_contracts.grammar.repeats import find_repeats
from contractcheck.wire_contracts.headers import header_facts, header_problems
from contractcheck.wire_contracts.published import find_problems
from contractcheck.wire_contracts.usage import check_accounts, check_output_tokens
from contractcheck.wire_contracts.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from contractcheck.model.completion import Completion, WireProblem
    from contractcheck.model.exchange import Exchange, Response
    from contractcheck.model.wire import Frame
    from contractcheck.model.wire_mapping import WireMapping
    from contractcheck.model.wire_shape import Fact
    from contractcheck.wire_contracts.formats import WireFormat

_LOOKED_AT = (Outcome.ANSWERED, Outcome.MALFORMED, Outcome.TRUNCATED)
"""Outcomes of which something came that has the shape of an answer, or should have it."""

_MOST_PROBLEMS = 100
"""Of one exchange: whoever needs more of them to believe it will not be convinced by more."""

_INDEX = re.compile(r"\[[0-9]+\]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Examination:
    """What one exchange shows.

    Attributes:
        problems: Where it left the documented format.
        facts: What was seen where, to be learnt; empty unless the whole answer came.
    """

    problems: tuple[WireProblem, ...] = ()
    facts: frozenset[Fact] = frozenset()


def examine(
    exchange: Exchange, provider: str, completion: Completion, mapping: WireMapping | None = None
) -> Examination:
    """Look at one exchange.

    Args:
        exchange: As recorded.
        provider: Whose dialect and wire format.
        completion: The exchange as its dialect read it. A refused request is not looked at, and
            of a stream that was cut only what came.
        mapping: How the provider ``http`` is read.
    """
    spoken, response = wire_format(provider), exchange.response
    if response is None or completion.outcome not in _LOOKED_AT:
        return Examination()
    frames = _until_error(dialect(provider, mapping).frames(response))
    facts = _facts(spoken, response, frames)
    is_stream = any(frame.name for frame in frames)
    order = [check(frames) for check in spoken.checks] if is_stream else []
    repeats = find_repeats(frames) if is_stream else ()
    counted = check_output_tokens(completion) if completion.outcome is Outcome.ANSWERED else ()
    problems = chain(
        find_problems(spoken.shape, facts) if spoken.schema else (),
        *order,
        repeats,
        header_problems(response),
        check_accounts(spoken.schema, frames),
        counted,
    )
    has_frame = any(frame.document is not None for frame in frames)
    is_whole = has_frame and completion.outcome is not Outcome.TRUNCATED
    return Examination(
        problems=tuple(islice(dict.fromkeys(problems), _MOST_PROBLEMS)),
        facts=frozenset(facts) if is_whole else frozenset(),
    )


def merge_problems(
    own: Sequence[WireProblem], found: Iterable[WireProblem]
) -> tuple[WireProblem, ...]:
    """Add to a dialect's own problems those of an examination that it did not tell.

    Both look at the same places and say it in other words; one finding per place is enough.
    """
    told = [(normal_path(one.path), one.severity) for one in own]
    return (*own, *(one for one in found if not _is_told(one, told)))


def _is_told(problem: WireProblem, told: Iterable[tuple[str, str]]) -> bool:
    path = normal_path(problem.path)
    return any(
        severity == problem.severity
        and (path == known or path.endswith("." + known) or known.startswith(path + "."))
        for known, severity in told
    )


def normal_path(path: str) -> str:
    """Return a path without the numbers of its items, as places have none."""
    return _INDEX.sub("[*]", path)


def _until_error(frames: Iterable[Frame]) -> tuple[Frame, ...]:
    """Frames before the provider told of an error: the error itself is no answer."""
    return tuple(_before_error(frames))


def _before_error(frames: Iterable[Frame]) -> Iterator[Frame]:
    for frame in frames:
        document = frame.document
        if document is not None and (document.get("type") == "error" or has_error(document)):
            return
        yield frame


def _facts(spoken: WireFormat, response: Response, frames: Iterable[Frame]) -> set[Fact]:
    walk, documented = Walk(), spoken.shape.frames
    for frame in frames:
        if frame.document is None:
            continue
        kind = spoken.kind_of(frame)
        if kind in documented:
            walk.frame(documented[kind], frame.document)
        elif not spoken.schema:
            walk.open_frame(kind, frame.document)
        else:
            walk.unknown_frame(kind)
    return walk.finish().union(header_facts(response))
