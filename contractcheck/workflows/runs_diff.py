"""What differs between two recorded runs: what was asked, of whom, and what came.

Times are never compared: two nights never take equally long, and what they say is judged by
``contractcheck report``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.model.json_text import JsonTextError, parse_json
from contractcheck.workflows.json_difference import Difference, json_differences
from contractcheck.workflows.runs_answer import plain_body, stream_differences
from contractcheck.workflows.text_difference import line_differences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from contractcheck.model.exchange import Exchange, Request, Response
    from contractcheck.model.json_value import JsonValue
    from contractcheck.model.run import Run, RunHeader
    from contractcheck.model.target import Target

_MOST_BYTES = 1 << 18
"""Larger bodies are told by digest alone: whoever reads a comparison reads no more than this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunDiff:
    """All differences of two runs, in reading order.

    Attributes:
        header: Of suite, target, vantage, and per case of samples and request parts.
        requests: Of what was sent, per case.
        exchanges: Of what came: present on one side, status, ending, body digest.
        compared: Exchanges that both runs have.
    """

    header: tuple[Difference, ...]
    requests: tuple[Difference, ...]
    exchanges: tuple[Difference, ...]
    compared: int

    @property
    def is_empty(self) -> bool:
        """Whether the runs are alike."""
        return not (self.header or self.requests or self.exchanges)


def diff_runs(old: Run, new: Run, *, bodies: bool = False) -> RunDiff:
    """Compare two runs.

    Args:
        old: The one.
        new: The other.
        bodies: Spell out how texts of bodies differ, not only that they do. Of streams whose
            answers differ these are spelled out, not the events.
    """
    header = tuple(json_differences(_comparable(old.header), _comparable(new.header), "header"))
    partners = _partners(old, new)
    requests = tuple(_request_differences(old, new, partners))
    ours = {_key(x, partners): x for x in old.exchanges}
    theirs = {_key(x, {}): x for x in new.exchanges}
    targets = (old.header.target, new.header.target) if bodies else None
    exchanges = [
        difference
        for key in sorted(ours.keys() | theirs.keys())
        for difference in _exchange_differences(ours.get(key), theirs.get(key), targets)
    ]
    return RunDiff(
        header=header,
        requests=requests,
        exchanges=tuple(exchanges),
        compared=len(ours.keys() & theirs.keys()),
    )


def _comparable(header: RunHeader) -> JsonValue:
    """The header without what differs between any two runs: id, night, times."""
    return {
        "suite": header.suite,
        "suite_version": header.suite_version,
        "suite_fingerprint": header.suite_fingerprint,
        "target": header.target.id,
        "base_url": header.target.base_url,
        "status": header.status,
        "label": header.label,
        "vantage": dict(header.vantage),
        "cases": {
            case: {"samples": plan.samples, "parts": dict(plan.parts)}
            for case, plan in header.cases.items()
        },
    }


_Key = tuple[str, int, int, str]


def _key(exchange: Exchange, partners: Mapping[tuple[str, str], str]) -> _Key:
    digest = exchange.request.digest
    return (
        exchange.case,
        exchange.trial,
        exchange.attempt,
        partners.get((exchange.case, digest), digest),
    )


def _requests(run: Run) -> dict[str, dict[str, Request]]:
    """Requests by case and digest, in the order of their first trial."""
    found: dict[str, dict[str, Request]] = {}
    for exchange in run.exchanges:
        found.setdefault(exchange.case, {}).setdefault(exchange.request.digest, exchange.request)
    return found


def _partners(old: Run, new: Run) -> dict[tuple[str, str], str]:
    """Case and digest of each changed request of the old run → digest of the one in its place.

    Requests that only one side has are paired in the order in which they were first sent.
    """
    ours, theirs = _requests(old), _requests(new)
    partners: dict[tuple[str, str], str] = {}
    for case in ours.keys() & theirs.keys():
        gone = [digest for digest in ours[case] if digest not in theirs[case]]
        come = [digest for digest in theirs[case] if digest not in ours[case]]
        partners |= {(case, a): b for a, b in zip(gone, come, strict=False)}
    return partners


def _request_differences(
    old: Run, new: Run, partners: Mapping[tuple[str, str], str]
) -> Iterator[Difference]:
    ours, theirs = _requests(old), _requests(new)
    for (case, before), after in sorted(partners.items()):
        yield from _compare_requests(case, ours[case][before], theirs[case][after])


def _compare_requests(case: str, old: Request, new: Request) -> Iterator[Difference]:
    for name, before, after in (
        ("method", old.method, new.method),
        ("url", old.url, new.url),
    ):
        if before != after:
            yield Difference(where=f"{case}: {name}", old=before, new=after)
    if old.body == new.body:
        if not old.body:
            yield Difference(where=f"{case}: request digest", old=old.digest, new=new.digest)
        return
    try:
        before_json, after_json = parse_json(old.body.decode()), parse_json(new.body.decode())
    except (JsonTextError, UnicodeDecodeError):
        yield Difference(where=f"{case}: body", old=_told(old.body), new=_told(new.body))
        return
    yield from json_differences(before_json, after_json, f"{case}: $")


def _exchange_differences(
    old: Exchange | None, new: Exchange | None, targets: tuple[Target, Target] | None
) -> Iterator[Difference]:
    """Differences of one exchange; those inside its body only when its targets are given."""
    one = old or new
    if one is None:
        return
    attempt = f", attempt {one.attempt}" if one.attempt else ""
    where = f"{one.case}: trial {one.trial}{attempt}"
    if old is None or new is None:
        yield Difference(where=where, old=_outcome(old), new=_outcome(new))
        return
    if _outcome(old) != _outcome(new):
        yield Difference(where=where, old=_outcome(old), new=_outcome(new))
    before, after = _body(old.response), _body(new.response)
    if before != after:
        yield Difference(where=f"{where}: body", old=_told(before), new=_told(after))
        if targets is not None:
            answers = tuple(stream_differences(old, new, targets, where))
            yield from answers or _text_differences(old.response, new.response, f"{where}: body")


def _outcome(exchange: Exchange | None) -> str | None:
    if exchange is None:
        return None
    status = exchange.response.status if exchange.response else "no response"
    return f"{status}, {exchange.ended}" + (f", {exchange.error}" if exchange.error else "")


def _body(response: Response | None) -> bytes:
    return response.body if response is not None else b""


def _told(body: bytes) -> str:
    return f"{hashlib.sha256(body).hexdigest()[:12]} ({len(body)} bytes)"


def _text_differences(
    old: Response | None, new: Response | None, where: str
) -> Iterator[Difference]:
    before, after = _text(old), _text(new)
    if before is None or after is None:
        return
    try:
        yield from json_differences(parse_json(before), parse_json(after), f"{where} $")
    except JsonTextError:
        yield from line_differences(before, after, where)


def _text(response: Response | None) -> str | None:
    """The text of a body, decoded; None when it is none, or too long to be spelled out."""
    body = b"" if response is None else plain_body(response)
    if body is None or len(body) > _MOST_BYTES:
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None
