"""How a gateway of one's own is asked and read, as declared in a mapping file.

A mapping is data: it may come from a pull request. Nothing in it is run, no text is put together
from parts, and of the environment it names one variable, whose own name says that it is for this.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from contractcheck.model.credential import ApiKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from contractcheck.model.json_value import JsonObject, JsonValue

Place = tuple[str | int, ...]
"""Keys and indices from the top of a mapping to a value."""

PLACEHOLDERS: Final = (
    *("model", "messages", "conversation", "system", "prompt"),
    *("temperature", "top_p", "max_output_tokens", "seed", "stop", "stream"),
    *("top_logprobs", "reasoning_effort"),
    *("tools", "functions", "tool_choice", "response_schema"),
)
"""What may stand in a body as ``"{name}"``, alone: a typed value takes its place."""

ANSWER_PATHS: Final = (
    *("text", "reasoning", "finish_reason", "model", "id", "error"),
    *("input_tokens", "output_tokens", "cached_input_tokens", "total_tokens"),
)
CALL_PATHS: Final = ("each", "name", "arguments", "id", "index")

DEFAULT_KEY: Final = ApiKey(variable="CONTRACTCHECK_HTTP_KEY")
KEY_VARIABLE: Final = r"CONTRACTCHECK_([A-Z0-9]+_)*(KEY|TOKEN)"
"""Variables that a mapping may name: no secret that is there for another purpose."""

_KEYS = ("method", "path", "headers", "key", "body", "answer", "stream")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_METHODS = ("POST", "PUT")
_PATH = re.compile(r"(/([A-Za-z0-9._~:-]|%[0-9A-F]{2})+|/\{model\})+")
_HEADER = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,1000}")
_JSON_PATH = re.compile(r"\$.{0,500}")
_REGEX_CALL = re.compile(r"\b(match|search)\s*\(")
_MOST_DESCENTS = 2
_MOST_COMMAS = 8
_STEPS: Final = frozenset({".", ".."})
_OWN_HEADERS = frozenset(
    {
        *("accept-encoding", "connection", "content-length", "content-type", "host"),
        *("expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
        # Other words for a method, which gateways believe.
        *("x-http-method", "x-http-method-override", "x-method-override"),
    }
)
_SECRET_HEADER = re.compile(r"auth|cookie|key|token|secret|password|credential|signature")


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerPaths:
    """Where things are in a body or in an event: JSONPaths (RFC 9535), by ``ANSWER_PATHS``.

    Attributes:
        paths: Name to path; ``text`` or ``calls`` is there.
        calls: Of tool calls: ``each`` from the top, the others from one call; may be empty.
    """

    paths: Mapping[str, str]
    calls: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamPaths:
    """How a stream of server-sent events is read.

    Attributes:
        event: Where things are in one event; texts are put together.
        end_text: Data of the event that ends the stream well, or None.
        end_path: JSONPath that finds something in such an event only, or None.
    """

    event: AnswerPaths
    end_text: str | None
    end_path: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WireMapping:
    """A declared wire.

    Attributes:
        document: As declared; what is stored with a run.
        method: ``POST`` or ``PUT``.
        path: From the endpoint on; a segment ``{model}`` stands for the model's name.
        headers: Names in lower case; no credential.
        key: How the credential is shown.
        body: Template of the JSON body.
        answer: How a whole answer is read.
        stream: How a streamed one is; None when there is none.
    """

    document: JsonObject
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    key: ApiKey
    body: JsonObject
    answer: AnswerPaths
    stream: StreamPaths | None

    def used_placeholders(self) -> frozenset[str]:
        """Names of the placeholders in the body."""
        return frozenset(name for _, name in _placeholders(self.body, ()))

    def json_paths(self) -> Iterator[tuple[Place, str]]:
        """Every JSONPath, and where it is declared."""
        parts: list[tuple[str, AnswerPaths]] = [("answer", self.answer)]
        if self.stream is not None:
            parts.append(("stream", self.stream.event))
            if self.stream.end_path is not None:
                yield ("stream", "end", "path"), self.stream.end_path
        for part, found in parts:
            yield from (((part, name), path) for name, path in found.paths.items())
            yield from (((part, "calls", name), path) for name, path in found.calls.items())


class MappingError(ValueError):
    """A mapping is not what it may be; carries every problem: where, and what is wrong."""

    def __init__(self, problems: list[tuple[Place, str]]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, at))}: {what}" for at, what in problems))
        self.problems = tuple(problems)


def read_mapping(value: JsonValue) -> WireMapping:
    """Read a mapping.

    Args:
        value: What the file, or the header of a run, holds. JSONPaths are only told by their ``$``.

    Raises:
        MappingError: With every problem found.
    """
    reader = _Reader()
    top = reader.mapping(value, (), _KEYS)
    reader.require(top, (), ("path", "body", "answer"))
    mapping = WireMapping(
        document=top,
        method=reader.one_of(top.get("method", "POST"), ("method",), _METHODS),
        path=reader.way(top.get("path", "/")),
        headers=reader.headers(top.get("headers", {})),
        key=reader.key(top.get("key")),
        body=reader.body(top.get("body", {})),
        answer=reader.answer(top.get("answer", {"text": "$"}), ("answer",)),
        stream=reader.stream(top.get("stream")),
    )
    if reader.problems:
        raise MappingError(reader.problems)
    return mapping


@dataclass(slots=True)
class _Reader:
    """Reads the parts of a mapping; notes what is wrong and goes on."""

    problems: list[tuple[Place, str]] = field(default_factory=list)

    def fail(self, place: Place, what: str) -> None:
        self.problems.append((place, what))

    def mapping(self, value: JsonValue, place: Place, allowed: tuple[str, ...]) -> JsonObject:
        if not isinstance(value, dict):
            self.fail(place, "expected a mapping")
            return {}
        for name in value.keys() - set(allowed):
            self.fail((*place, name), f"unknown key; allowed: {', '.join(sorted(allowed))}")
        return value

    def require(self, found: JsonObject, place: Place, names: tuple[str, ...]) -> None:
        for name in names:
            if name not in found:
                self.fail(place, f"missing key {name!r}")

    def one_of(self, value: JsonValue, place: Place, allowed: tuple[str, ...]) -> str:
        if isinstance(value, str) and value in allowed:
            return value
        self.fail(place, f"expected {' or '.join(allowed)}")
        return allowed[0]

    def text(self, value: JsonValue, place: Place, pattern: re.Pattern[str], expected: str) -> str:
        if isinstance(value, str) and pattern.fullmatch(value):
            return value
        self.fail(place, f"expected {expected}")
        return ""

    def way(self, value: JsonValue) -> str:
        """Read the path of the request: down from the endpoint, never up."""
        path = self.text(value, ("path",), _PATH, "a path such as /v1/generate")
        if _STEPS & {unquote(segment) for segment in path.split("/")}:
            self.fail(("path",), "a step to another folder: write the path without '.' and '..'")
        return path

    def headers(self, value: JsonValue) -> tuple[tuple[str, str], ...]:
        found = self.mapping(value, ("headers",), tuple(value) if isinstance(value, dict) else ())
        return tuple((name.lower(), self._header(name.lower(), found[name])) for name in found)

    def _header(self, name: str, value: JsonValue) -> str:
        place = ("headers", name)
        if not _HEADER.fullmatch(name):
            self.fail(place, "is no name of a header")
        elif name in _OWN_HEADERS:
            self.fail(place, "is written by this program")
        elif _SECRET_HEADER.search(name):
            self.fail(place, "may carry a credential: name its variable under key, not its value")
        return self.text(value, place, _HEADER_VALUE, "a text of printable ASCII")

    def key(self, value: JsonValue) -> ApiKey:
        if value is None:
            return DEFAULT_KEY
        place: Place = ("key",)
        found = self.mapping(value, place, ("variable", "header", "prefix"))
        self.require(found, place, ("variable",))
        variable = self.text(
            found.get("variable", DEFAULT_KEY.variable),
            (*place, "variable"),
            re.compile(KEY_VARIABLE),
            "a variable of the form CONTRACTCHECK_…_KEY or CONTRACTCHECK_…_TOKEN",
        )
        header = self.text(
            found.get("header", DEFAULT_KEY.header),
            (*place, "header"),
            _HEADER,
            "a header in lower case, such as x-api-key",
        )
        if header in _OWN_HEADERS:
            self.fail((*place, "header"), "is written by this program")
        prefix = self.text(
            found.get("prefix", DEFAULT_KEY.prefix if header == DEFAULT_KEY.header else ""),
            (*place, "prefix"),
            re.compile(r"([A-Za-z-]{1,20} )?"),
            'a word and a blank, such as "Bearer "',
        )
        return ApiKey(variable=variable, header=header, prefix=prefix)

    def body(self, value: JsonValue) -> JsonObject:
        if not isinstance(value, dict):
            self.fail(("body",), "expected a mapping")
            return {}
        found, used = value, set[str]()
        for place, name in _placeholders(found, ("body",)):
            used.add(name)
            if name not in PLACEHOLDERS:
                self.fail(place, f"unknown placeholder; allowed: {', '.join(PLACEHOLDERS)}")
        for place in _mixed(found, ("body",)):
            self.fail(place, "a placeholder stands alone; no texts are put together")
        if not used & {"messages", "conversation", "prompt"}:
            self.fail(("body",), 'asks nothing: write "{messages}", "{conversation}" or "{prompt}"')
        return found

    def answer(self, value: JsonValue, place: Place, *more: str) -> AnswerPaths:
        found = self.mapping(value, place, (*ANSWER_PATHS, "calls", *more))
        if not {"text", "calls"} & found.keys():
            self.fail(place, "missing key 'text'")
        calls = found.get("calls", {})
        calls = self.mapping(calls, (*place, "calls"), CALL_PATHS)
        if calls:
            self.require(calls, (*place, "calls"), ("each", "name", "arguments"))
        return AnswerPaths(
            paths={n: self._path(found[n], (*place, n)) for n in ANSWER_PATHS if n in found},
            calls={n: self._path(calls[n], (*place, "calls", n)) for n in CALL_PATHS if n in calls},
        )

    def stream(self, value: JsonValue) -> StreamPaths | None:
        if value is None:
            return None
        place: Place = ("stream",)
        event = self.answer(value, place, "end")
        found = value if isinstance(value, dict) else {}
        self.require(found, place, ("end",))
        end = found.get("end", "")
        if isinstance(end, str):
            return StreamPaths(event=event, end_text=end, end_path=None)
        parts = self.mapping(end, (*place, "end"), ("path",))
        self.require(parts, (*place, "end"), ("path",))
        path = self._path(parts.get("path", "$"), (*place, "end", "path"))
        return StreamPaths(event=event, end_text=None, end_path=path)

    def _path(self, value: JsonValue, place: Place) -> str:
        if isinstance(value, str) and _REGEX_CALL.search(value):
            # Their patterns are followed by backtracking, which some texts keep busy for years.
            self.fail(place, "match() and search() are not followed; compare with == instead")
        if isinstance(value, str) and _is_costly(value):
            self.fail(
                place,
                f"searches too much: at most {_MOST_DESCENTS} times '..', {_MOST_COMMAS} commas, "
                "and no second '$' where there is a filter",
            )
        return self.text(value, place, _JSON_PATH, "a JSONPath such as $.text")


def _is_costly(path: str) -> bool:
    """Whether the work may grow as a power of the answer's size, or twice with every step."""
    is_nested = "?" in path and path.count("$") > 1
    return is_nested or path.count("..") > _MOST_DESCENTS or path.count(",") > _MOST_COMMAS


def _placeholders(value: JsonValue, place: Place) -> Iterator[tuple[Place, str]]:
    for at, text in _texts(value, place):
        if found := _PLACEHOLDER.fullmatch(text):
            yield at, found[1]


def _mixed(value: JsonValue, place: Place) -> Iterator[Place]:
    for at, text in _texts(value, place):
        names = _PLACEHOLDER.findall(text)
        if set(names) & set(PLACEHOLDERS) and not _PLACEHOLDER.fullmatch(text):
            yield at


def _texts(value: JsonValue, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, (*place, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*place, index))
