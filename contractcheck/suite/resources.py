"""Files that a suite names: schemas, tools and contexts, all inside the suite's folder."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, cast

from contractcheck.checks.json_schema import SchemaFormError, check_schema
from contractcheck.checks.registry import excerpt
from contractcheck.errors import Problem
from contractcheck.model.json_text import JsonTextError, canonical_json, parse_json
from contractcheck.model.suite import Image, Tool
from contractcheck.suite.file_format import ToolFile
from contractcheck.suite.json_lines import line_of_path
from contractcheck.suite.validation import validate
from contractcheck.suite.yaml_reader import MAX_BYTES

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.suite.yaml_reader import Path

MAX_IMAGE_BYTES = 4 << 20
"""All wires take pictures of 4 MiB; encoded in base64 they are a third larger."""

_PICTURES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)
"""First bytes of the files that all wires take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """A path that a suite file gives, and where it gives it."""

    folder: FilePath
    relative: str
    file: str
    line: int
    where: str

    @property
    def shown(self) -> str:
        """The file it names, as seen from where the suite file was named."""
        return str(FilePath(self.file).parent / self.relative)

    def problem(self, what: str) -> ResourceError:
        """Make an error about the path itself."""
        return ResourceError(Problem(file=self.file, line=self.line, where=self.where, what=what))

    def problem_inside(self, what: str, *, line: int | None, where: str = "") -> ResourceError:
        """Make an error about the content of the file."""
        return ResourceError(Problem(file=self.shown, line=line, where=where, what=what))


class ResourceError(ValueError):
    """A named file cannot be used."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def read_text(reference: Reference) -> str:
    """Read a UTF-8 text of at most 1 MiB.

    Raises:
        ResourceError: If it is outside the folder (links followed), missing, or not such a text.
    """
    data = _read_bytes(reference, most=MAX_BYTES)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"not UTF-8 at byte {error.start}; save the file as UTF-8"
        line = data.count(b"\n", 0, error.start) + 1
        raise reference.problem_inside(what, line=line) from None


def read_image(reference: Reference) -> Image:
    """Read a picture of at most 4 MiB; its kind is told by its first bytes, not by its name.

    Raises:
        ResourceError: If it is outside the folder, missing, too large, or no picture.
    """
    data = _read_bytes(reference, most=MAX_IMAGE_BYTES)
    for pattern, media_type in _PICTURES:
        if pattern.match(data):
            return Image(name=reference.relative, media_type=media_type, data=data)
    raise reference.problem(f"{excerpt(reference.relative)} is no PNG, JPEG, GIF or WebP picture")


def read_schema(reference: Reference) -> JsonObject:
    """Read a JSON Schema that stands on its own.

    Raises:
        ResourceError: If the file or the schema cannot be used.
    """
    text, value = _read_json(reference)
    _check_schema(reference, text, value, ())
    return cast("JsonObject", value)


def read_tool(reference: Reference) -> Tool:
    """Read a tool: name, description, and a JSON Schema of its arguments.

    Raises:
        ResourceError: If the file or the schema in it cannot be used.
    """
    text, value = _read_json(reference)
    tool = validate(
        ToolFile, value, file=reference.shown, line_of=lambda path: line_of_path(text, path)
    )
    if isinstance(tool, tuple):
        raise ResourceError(*tool)
    parameters = cast("JsonObject", tool.parameters)
    _check_schema(reference, text, parameters, ("parameters",))
    if parameters.get("type") != "object":
        what = 'the arguments of a tool are an object; write "type": "object"'
        line = line_of_path(text, ("parameters",))
        raise reference.problem_inside(what, line=line, where="parameters")
    return Tool(name=tool.name, description=tool.description, parameters=parameters)


def _read_bytes(reference: Reference, *, most: int) -> bytes:
    path = _resolve(reference)
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise reference.problem(f"{excerpt(reference.relative)} is not a file")
        if size > most:
            raise reference.problem(
                f"{excerpt(reference.relative)} holds {size} bytes; at most {most} "
                f"({most >> 20} MiB) are read"
            )
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise reference.problem(f"{excerpt(reference.relative)}: {reason}") from None


def _resolve(reference: Reference) -> FilePath:
    relative = reference.relative
    what = f"{excerpt(relative)} leaves the suite's folder; only files inside it are read"
    if FilePath(relative).is_absolute() or "\\" in relative or "\0" in relative:
        raise reference.problem(what)
    try:
        root = reference.folder.resolve()
        path = (root / relative).resolve()
    except (OSError, RuntimeError):  # a name that is too long, a circle of links
        raise reference.problem(f"{excerpt(relative)} cannot be followed") from None
    # From Python 3.13 on, a circle of links is resolved to itself.
    if os.path.islink(path):  # noqa: PTH114 - is_symlink() raises for a name that is too long
        raise reference.problem(f"{excerpt(relative)} cannot be followed")
    if not path.is_relative_to(root):
        raise reference.problem(what)
    return path


def _read_json(reference: Reference) -> tuple[str, JsonValue]:
    text = read_text(reference)
    try:
        value = parse_json(text, unique_keys=True)
        canonical_json(value).encode()
    except JsonTextError as error:
        raise reference.problem_inside(str(error), line=error.line) from None
    except UnicodeEncodeError:
        what = "holds half of a surrogate pair, which is not text"
        raise reference.problem_inside(what, line=None) from None
    return text, value


def _check_schema(reference: Reference, text: str, schema: JsonValue, prefix: Path) -> None:
    try:
        check_schema(schema)
    except SchemaFormError as error:
        path = (*prefix, *error.path)
        where = ".".join(str(step) for step in path)
        line = line_of_path(text, path)
        raise reference.problem_inside(str(error), line=line, where=where) from None
