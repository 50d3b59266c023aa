"""Find suite files and load them; every problem of every file is told at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from contractcheck.errors import Problem, SuiteError
from contractcheck.suite.build import build_suite
from contractcheck.suite.file_format import SuiteFile
from contractcheck.suite.sound_parts import sound_parts
from contractcheck.suite.validation import validate, wrong_places
from contractcheck.suite.yaml_reader import MAX_BYTES, YamlError, read_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from contractcheck.model.suite import Suite
    from contractcheck.suite.yaml_reader import Document

SUFFIX = ".contract.yaml"
"""What the name of a suite file ends in, so that no other tool's files are taken for one."""


def find_suites(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Find suite files: those named, and below each folder those with the suffix, sorted.

    A file that is named twice, in whatever way, is one; it is called as it was named first. Hidden
    folders (``.venv``, ``.git``) are left out, and links to folders not followed.

    Raises:
        SuiteError: If a path does not exist.
    """
    found: dict[Path, Path] = {}
    problems: list[Problem] = []
    for path in paths:
        if path.is_dir():
            for file in _below(path):
                found.setdefault(file.resolve(), file)
        elif path.exists():
            found.setdefault(path.resolve(), path)
        else:
            what = f"no such file or folder; suites are files named *{SUFFIX}"
            problems.append(Problem(file=str(path), line=None, where="", what=what))
    if problems:
        raise SuiteError(problems)
    return tuple(found.values())


def load_suite(path: Path, *, providers: Collection[str]) -> Suite:
    """Load one suite.

    Args:
        path: The suite file; schemas, tools and contexts are read from its folder only.
        providers: Known wire dialects, such as ``openai``.

    Raises:
        SuiteError: With every problem found.
    """
    return load_suites([path], providers=providers)[0]


def load_suites(paths: Iterable[Path], *, providers: Collection[str]) -> tuple[Suite, ...]:
    """Load several suites, in the order given.

    Args:
        paths: Suite files.
        providers: Known wire dialects, such as ``openai``.

    Raises:
        SuiteError: With every problem of every file; also when two suites have one name,
            since recordings are kept by it.
    """
    suites: list[Suite] = []
    problems: list[Problem] = []
    for path in paths:
        loaded = _load(path, providers)
        if isinstance(loaded, tuple):
            problems.extend(loaded)
            continue
        twin = next((suite for suite in suites if suite.name == loaded.name), None)
        if twin is not None:
            what = f"{loaded.name!r} is the name of {twin.path} too; recordings are kept by name"
            problems.append(Problem(file=str(path), line=None, where="suite", what=what))
        suites.append(loaded)
    if problems:
        raise SuiteError(problems)
    return tuple(suites)


def _below(folder: Path) -> list[Path]:
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += (Path(parent, name) for name in sorted(files) if name.endswith(SUFFIX))
    return found


def _load(path: Path, providers: Collection[str]) -> Suite | tuple[Problem, ...]:
    file = str(path)
    try:
        document = read_yaml(_read(path), file=file)
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        return (Problem(file=file, line=None, where="", what=what),)
    except YamlError as error:
        return error.problems
    shape = validate(SuiteFile, document.value, file=file, line_of=document.line_of)
    if isinstance(shape, tuple):
        return _in_order((*shape, *_others(document, file, providers)))
    built = build_suite(shape, file=file, document=document, providers=providers)
    return _in_order(built) if isinstance(built, tuple) else built


def _others(document: Document, file: str, providers: Collection[str]) -> tuple[Problem, ...]:
    """Problems of the parts of a file whose shape is right, where that of others is wrong."""
    wrong = wrong_places(SuiteFile, document.value)
    sound = sound_parts(document.value, wrong, providers)
    shape = validate(SuiteFile, sound, file=file, line_of=document.line_of)
    if isinstance(shape, tuple):
        return ()
    built = build_suite(shape, file=file, document=document, providers=providers)
    return built if isinstance(built, tuple) else ()


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(
        sorted(problems, key=lambda problem: (problem.file, problem.line or 0, problem.where))
    )


def _read(path: Path) -> bytes:
    """Read at most one byte more than is allowed: enough to see that it is too much."""
    if not path.is_file():
        raise OSError("not a file")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
