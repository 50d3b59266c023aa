"""Requests in, timed replies out: everything of the server but the sockets."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING

import orjson

from contractcheck.simulator.answering import answer_question
from contractcheck.simulator.keyed import keyed_integer, keyed_uniform
from contractcheck.simulator.played_incidents import play_incidents
from contractcheck.simulator.question import RequestError
from contractcheck.simulator.reply import Reply
from contractcheck.simulator.transport import read_attempt, refuse_attempt, spoil_reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.simulator.conditions import Conditions
    from contractcheck.simulator.dialect import Dialect
    from contractcheck.simulator.question import Question

_NOTHING: Mapping[str, object] = MappingProxyType({})


class Service:
    """Answers requests and counts how often each was asked.

    Attributes:
        conditions: State of the provider; replaced as a whole between nights.
        request_count: Requests handled so far, refused ones included.
    """

    def __init__(self, conditions: Conditions) -> None:
        self.conditions = conditions
        self.request_count = 0
        self._asked: Counter[tuple[str, ...]] = Counter()
        self._attempted: Counter[tuple[str, ...]] = Counter()

    def reply(
        self,
        dialect: Dialect,
        headers: Mapping[str, str],
        body: bytes,
        address: Mapping[str, object] = _NOTHING,
    ) -> Reply:
        """Handle one request. Never raises for anything a client sent.

        Args:
            dialect: Whose wire format.
            headers: Of the request, under lower-case names; with its query parameters, under
                their names behind ``?``.
            body: Of the request.
            address: Fields that the path said (`Dialect.PATHS`); laid over the body's.
        """
        self.request_count += 1
        request_id = f"{keyed_integer('request', str(self.request_count)):016x}"
        conditions = self.conditions
        try:
            check_auth(dialect, headers)
            question = dialect.read_question({**read_json(body), **address})
            place = (conditions.night, question.key)
            arrivals = count_on(self._attempted, (*dialect.PATHS, *place))
            attempt = read_attempt(headers, arrivals)
            refuse_attempt(dialect, conditions, attempt)
            occurrence = count_on(self._asked, place)
            check_overload(dialect, question, conditions, occurrence)
            reply = self._answer(dialect, question, conditions, occurrence, request_id)
            return spoil_reply(
                reply,
                dialect,
                conditions,
                occasion=(str(conditions.seed), *place, str(occurrence)),
                attempt=attempt,
                accept_encoding=headers.get("accept-encoding", ""),
            )
        except RequestError as error:
            return self._refuse(dialect, error, request_id)

    def _answer(
        self,
        dialect: Dialect,
        question: Question,
        conditions: Conditions,
        occurrence: int,
        request_id: str,
    ) -> Reply:
        answer = answer_question(question, conditions, occurrence)
        timing = answer.timing
        if question.streamed:
            shown_s = timing.first_token_s
            frames = dialect.write_frames(question, answer, conditions.night)
            parts = tuple((timing.due_s[i], data) for i, data in frames)
        else:
            shown_s = timing.total_s
            content = orjson.dumps(dialect.write_answer(question, answer, conditions.night))
            parts = ((timing.total_s, content),)
        reply = Reply(
            status=200,
            headers=dialect.write_headers(request_id, -self.request_count, shown_s),
            parts=parts,
            streamed=question.streamed,
            media_type=dialect.STREAM_TYPE if question.streamed else "application/json",
        )
        return play_incidents(reply, dialect.FORMAT, conditions.changes, answer)

    def _refuse(self, dialect: Dialect, error: RequestError, request_id: str) -> Reply:
        headers = dialect.write_headers(request_id, -self.request_count, 0.0)
        headers |= dialect.write_error_headers(error)
        content = orjson.dumps(dialect.write_error(error, f"req_{request_id}"))
        return Reply(status=error.status, headers=headers, parts=((0.0, content),))


def count_on(counter: Counter[tuple[str, ...]], key: tuple[str, ...]) -> int:
    """Return how often ``key`` was counted before, and count it."""
    before = counter[key]
    counter[key] += 1
    return before


def check_auth(dialect: Dialect, headers: Mapping[str, str]) -> None:
    """Demand a key; any will do.

    Raises:
        RequestError: 401 when none of the dialect's headers carries one.
    """
    keys = (headers.get(name, "").removeprefix("Bearer") for name in dialect.AUTH_HEADERS)
    if not any(key.strip() for key in keys):
        raise RequestError("You didn't provide an API key.", status=401, code="invalid_api_key")


def read_json(body: bytes) -> Mapping[str, object]:
    """Parse a request body.

    Raises:
        RequestError: 400 when it is no JSON object.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise RequestError("We could not parse the JSON body of your request.") from None
    if not isinstance(value, dict):
        raise RequestError("The JSON body of your request must be an object.")
    return value


def check_overload(
    dialect: Dialect, question: Question, conditions: Conditions, occurrence: int
) -> None:
    """Refuse the share of requests that an outage loses.

    Raises:
        RequestError: 503/529 or 429, in equal parts.
    """
    occasion = (str(conditions.seed), conditions.night, question.key, str(occurrence))
    if keyed_uniform("overload", *occasion) < conditions.error_rate:
        raise dialect.make_overload(keyed_integer("overload kind", *occasion))


def answer_body(
    dialect: Dialect, body: Mapping[str, object], *, conditions: Conditions, occurrence: int
) -> dict[str, object]:
    """Return the JSON body the server would send for one request, without HTTP or waiting.

    Args:
        dialect: Whose wire format.
        body: Request body.
        conditions: State of the provider.
        occurrence: How often this very request was asked before in this night, >= 0.
    """
    try:
        question = dialect.read_question(body)
        check_overload(dialect, question, conditions, occurrence)
        answer = answer_question(question, conditions, occurrence)
    except RequestError as error:
        return dialect.write_error(error, "req_in_process")
    content = dialect.write_answer(question, answer, conditions.night)
    plain = Reply(status=200, headers={}, parts=((0.0, orjson.dumps(content)),))
    played = play_incidents(plain, dialect.FORMAT, conditions.changes, answer)
    return content if played is plain else dict(read_json(played.parts[0][1]))
