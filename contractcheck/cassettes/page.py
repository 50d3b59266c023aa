"""One case's file, open or sealed: its first line, and its lines taken one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from contractcheck.cassettes.caps import refuse_large_answers
from contractcheck.cassettes.lines import decode_exchange, decode_request, parsed_key
from contractcheck.cassettes.upgrade import FORMAT, check_format, upgraded
from contractcheck.errors import RecordingError
from contractcheck.files import parse_json_object
from contractcheck.model.exchange import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.exchange import Exchange

Key = tuple[str, int, int]
"""What an exchange is found by within its case: request digest, trial, attempt."""


@dataclass(slots=True)
class Page:
    """The lines of one case's file, taken one by one.

    Attributes:
        run: Id of the run that the file must belong to.
        case: Case that it must be about.
        version: Format of its lines; 0 until the first line was taken.
        requests: By digest.
        exchanges: In file order.
        answers_bytes: Length of their answers.
    """

    run: str
    case: str
    version: int = 0
    requests: dict[str, Request] = field(default_factory=dict)
    exchanges: dict[Key, Exchange] = field(default_factory=dict)
    answers_bytes: int = 0

    def take(self, line: bytes, place: str) -> None:
        """Take one line, the first one first.

        Args:
            line: A line without chain.
            place: Path and line, for the error.

        Raises:
            RecordingError: If the line is not of this file, damaged, repeated, or of a newer
                format, or the file spells more than is ever held.
        """
        if self.version == 0:
            self.version = take_first_line(line, place, run=self.run, case=self.case)
            return
        item = decode_line(
            line, place, version=self.version, case=self.case, requests=self.requests
        )
        if isinstance(item, Request):
            self.requests[item.digest] = item
            return
        if key_of(item) in self.exchanges:
            raise twice(key_of(item), place)
        self.answers_bytes += 0 if item.response is None else len(item.response.body)
        refuse_large_answers(self.answers_bytes, place)
        self.exchanges[key_of(item)] = item


def key_of(exchange: Exchange) -> Key:
    """What an exchange is found by."""
    return exchange.request.digest, exchange.trial, exchange.attempt


def twice(key: Key, place: str) -> RecordingError:
    """The error of an exchange that a file holds already."""
    return RecordingError(
        f"{place}: damaged line: trial {key[1]}, attempt {key[2]} of this request stands in the "
        "file already"
    )


def line_key(line: bytes, place: str) -> str | Key:
    """Return the digest of a request line, or the key of an exchange line, by parsing it.

    Raises:
        RecordingError: If the line is neither.
    """
    document = parse_json_object(line, place)
    try:
        return parsed_key(document)
    except (KeyError, ValueError) as error:
        raise _damaged(error, place) from error


def first_line(kind: str, run: str, case: str) -> bytes:
    """The line that says what a file is: ``journal`` (open) or ``cassette`` (sealed)."""
    return orjson.dumps({"contractcheck": kind, "format": FORMAT, "run": run, "case": case})


def take_first_line(line: bytes, place: str, *, run: str, case: str) -> int:
    """Return the format version that the first line of a file names.

    Raises:
        RecordingError: If the file is not of this run and case, or of a newer format.
    """
    document = parse_json_object(line, place)
    version = check_format(document, place)
    if document.get("run") != run or document.get("case") != case:
        raise RecordingError(
            f"{place}: does not belong to case {case!r} of run {run!r}: the file was moved; put it "
            "back, or delete it to record its case again"
        )
    return version


def decode_line(
    line: bytes, place: str, *, version: int, case: str, requests: Mapping[str, Request]
) -> Request | Exchange:
    """Decode any line but the first.

    Args:
        line: The line without chain.
        place: Path and line, for the error.
        version: Format of the file.
        case: Case of the file.
        requests: Those that exchanges may name.

    Raises:
        RecordingError: If it is damaged.
    """
    document = parse_json_object(line, place)
    try:
        document = upgraded(document, version)
        if "req" in document:
            return decode_request(document)
        return decode_exchange(document, case, requests)
    except (KeyError, ValueError) as error:
        raise _damaged(error, place) from error


def _damaged(error: KeyError | ValueError, place: str) -> RecordingError:
    what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return RecordingError(f"{place}: damaged line: {what}")
