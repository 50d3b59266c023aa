"""The house stays as ARCHITECTURE.md draws it; import-linter proves the floors in `make lint`."""

import ast
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "contractcheck"
SOURCES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(
    path for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
)
MOST_FILE_LINES = 400
MOST_FUNCTION_LINES = 40
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
HEAVY = {
    "click",
    "httpx2",
    "jsonschema",
    "numpy",
    "orjson",
    "pandas",
    "pydantic",
    "re2",
    "rich",
    "ruamel",
    "scipy",
    "starlette",
    "uvicorn",
    "vcr",
}


def place_of(path):
    return str(path.relative_to(ROOT))


def count_lines(function):
    """Lines of a function without its docstring: explaining costs nothing."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    docstring = function.body[0]
    return lines - (docstring.end_lineno - docstring.lineno + 1)


def functions_of(path):
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, FUNCTIONS)]


def modules_loaded_by(statement):
    """Top-level names of the modules that a fresh interpreter has after a statement."""
    script = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in json.loads(shown.stdout)}


def test_no_file_is_too_long_to_be_read_at_once():
    lengths = {place_of(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert {place: lines for place, lines in lengths.items() if lines >= MOST_FILE_LINES} == {}


def test_no_function_is_too_long_to_be_understood_at_once():
    lengths = {
        f"{place_of(path)}:{function.lineno} {function.name}": count_lines(function)
        for path in SOURCES
        for function in functions_of(path)
    }
    assert len(lengths) > len(SOURCES)
    assert {place: lines for place, lines in lengths.items() if lines >= MOST_FUNCTION_LINES} == {}


@pytest.mark.parametrize("room", ROOMS, ids=place_of)
def test_every_room_says_what_it_is_for(room):
    front = room if room.is_file() else room / "__init__.py"
    words = ast.get_docstring(ast.parse(front.read_text()))
    assert words
    assert words.partition("\n")[0].endswith(".")


def test_every_room_has_a_floor_and_every_floor_its_rooms():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (floors,) = [
        contract
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    ]
    placed = {room.strip() for layer in floors["layers"] for room in layer.split("|")}
    assert placed == {room.stem for room in ROOMS} - {"__init__"}
    assert floors["exhaustive"] is True


def test_only_the_command_line_prints():
    printing = [
        f"{place_of(path)}:{node.lineno}"
        for path in SOURCES
        if PACKAGE / "cli" not in path.parents
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert printing == []


@pytest.mark.parametrize(
    ("library", "room"),
    [("click", "cli"), ("pytest", "pytest_plugin"), ("vcr", "cassettes"), ("_pytest", None)],
)
def test_a_library_stays_in_its_room(library, room):
    importing = {
        place_of(path)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [a.name for a in node.names]
        )
        if name.partition(".")[0] == library
    }
    outside = {
        place for place in importing if room is None or f"contractcheck/{room}/" not in place
    }
    assert outside == set()
    assert importing or room is None


@pytest.mark.parametrize("module", ["contractcheck", "contractcheck.errors", "contractcheck.model"])
def test_the_ground_floor_needs_only_python(module):
    loaded = modules_loaded_by(f"import {module}") - modules_loaded_by("pass")
    assert loaded - set(sys.stdlib_module_names) == {"contractcheck"}


def test_a_test_session_without_contracts_pays_for_nothing():
    before = modules_loaded_by("import pytest")
    loaded = modules_loaded_by("import pytest, contractcheck.pytest_plugin") - before
    assert loaded & HEAVY == set()
    assert loaded - set(sys.stdlib_module_names) == {"contractcheck"}


def test_help_does_not_load_what_the_commands_need():
    statement = "from click.testing import CliRunner; from contractcheck.cli import cli; CliRunner().invoke(cli, ['--help'])"
    assert modules_loaded_by(statement) & (HEAVY - {"click"}) == set()


@pytest.mark.parametrize("name", ["math", "json"])
def test_modules_are_listed_as_they_are_loaded(name):
    assert name in modules_loaded_by(f"import {name}")
