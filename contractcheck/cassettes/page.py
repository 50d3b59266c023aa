"""One case's file, open or sealed: its first line, and its lines taken one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from contractcheck.cassettes.lines import FORMAT, decode_exchange, decode_request
from contractcheck.errors import RecordingError

if TYPE_CHECKING:
    from contractcheck.model.exchange import Exchange, Request
    from contractcheck.model.json_value import JsonObject


@dataclass(slots=True)
class Page:
    """The lines of one case's file, taken one by one.

    Attributes:
        run: Id of the run that the file must belong to.
        case: Case that it must be about.
        requests: By digest.
        exchanges: In file order.
    """

    run: str
    case: str
    requests: dict[str, Request] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)

    def take(self, line: JsonObject, number: int, place: str) -> None:
        """Take one line.

        Args:
            line: The line, parsed.
            number: 1-based; the first one says what the file is.
            place: Path and line, for the error.

        Raises:
            RecordingError: If the line is not of this file, damaged, or of a newer format.
        """
        if number == 1:
            check_format(line, place)
            if line.get("run") != self.run or line.get("case") != self.case:
                raise RecordingError(
                    f"{place}: belongs to case {line.get('case')!r} of run {line.get('run')!r}; "
                    f"expected {self.case!r} of {self.run!r}: the file was moved"
                )
            return
        try:
            if "req" in line:
                request = decode_request(line)
                self.requests[request.digest] = request
            else:
                self.exchanges.append(decode_exchange(line, self.case, self.requests))
        except (RecordingError, KeyError, TypeError, ValueError) as error:
            what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise RecordingError(f"{place}: damaged line: {what}") from error


def first_line(kind: str, run: str, case: str) -> bytes:
    """The line that says what a file is: ``journal`` (open) or ``cassette`` (sealed)."""
    return orjson.dumps({"contractcheck": kind, "format": FORMAT, "run": run, "case": case})


def check_format(document: JsonObject, place: str) -> None:
    """Refuse files of a newer format.

    Raises:
        RecordingError: If the format is not one this version reads.
    """
    version = document.get("format")
    if not isinstance(version, int) or not 1 <= version <= FORMAT:
        raise RecordingError(
            f"{place}: format {version!r}; this version reads up to {FORMAT}: upgrade contractcheck"
        )
