"""Mapping files: how a target of the provider ``http`` is asked and read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.model.wire_mapping import MappingError, read_mapping
from contractcheck.suite.fields import FieldError, read_path
from contractcheck.suite.resources import ResourceError, read_text
from contractcheck.suite.yaml_reader import YamlError, dotted, read_yaml

if TYPE_CHECKING:
    from contractcheck.errors import Problem
    from contractcheck.model.wire_mapping import WireMapping
    from contractcheck.suite.resources import Reference
    from contractcheck.suite.target_fields import TargetEntry
    from contractcheck.suite.yaml_reader import Document, Path

_PROVIDER = "http"


def read_mapping_file(reference: Reference) -> WireMapping:
    """Read a mapping file (YAML or JSON).

    Raises:
        ResourceError: With every problem found, if the file or the mapping cannot be used.
    """
    text = read_text(reference)
    try:
        document = read_yaml(text.encode(), file=reference.shown)
    except YamlError as error:
        raise ResourceError(*error.problems) from None
    try:
        mapping = read_mapping(document.value)
    except MappingError as error:
        found = [_problem(reference, document, place, what) for place, what in error.problems]
        raise ResourceError(*found) from None
    wrong: list[Problem] = []
    for place, path in mapping.json_paths():
        try:
            read_path(path)
        except FieldError as error:
            wrong.append(_problem(reference, document, place, str(error)))
    if "${" in text:
        what = "${…} is read in the auth of a target only; a mapping holds no variables"
        line = text.count("\n", 0, text.index("${")) + 1
        wrong.extend(reference.problem_inside(what, line=line).problems)
    if wrong:
        raise ResourceError(*wrong)
    return mapping


def misplaced_mapping(entry: TargetEntry) -> str | None:
    """Say what is wrong with a target that has a mapping, or has none."""
    if entry.provider == _PROVIDER and entry.mapping is None:
        return (
            "provider http needs a mapping of how it is asked and read: {target: http:name, "
            "base_url: https://…, mapping: gateway.yaml}"
        )
    if entry.provider != _PROVIDER and entry.mapping is not None:
        return f"only provider http has a mapping; {entry.provider} has a wire of its own"
    return None


def _problem(reference: Reference, document: Document, place: Path, what: str) -> Problem:
    error = reference.problem_inside(what, line=document.line_of(place), where=dotted(place))
    return error.problems[0]
