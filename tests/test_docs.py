"""Documentation is a promise: what it shows must exist, load and be current."""

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from contractcheck.checks import CHECKS
from contractcheck.cli import cli
from contractcheck.errors import (
    ContractcheckError,
    MeasurementError,
    NothingToCheckError,
    UsageError,
)
from contractcheck.judging import exit_code
from contractcheck.metrics import METRICS
from contractcheck.model.credential import ApiKey
from contractcheck.model.judgement import Verdict
from contractcheck.model.suite import CheckMode
from contractcheck.providers import DIALECTS, dialect
from contractcheck.suite import load_suite, suite_schema

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", ".github/*.md", "bench/*.md")
    for page in ROOT.glob(pattern)
)
HIDDEN = ("-h", "--help", "--version")


def name_of(page):
    return str(page.relative_to(ROOT))


def blocks(page, language):
    """Fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def commands():
    """Every command that does something, by its words."""

    def walk(words, command):
        if isinstance(command, click.Group):
            if command.invoke_without_command:
                yield " ".join(words)
            context = click.Context(command)
            for name in command.list_commands(context):
                yield from walk([*words, name], command.get_command(context, name))
        else:
            yield " ".join(words)

    return sorted(walk([], cli))


def options_in_help(command):
    shown = CliRunner().invoke(cli, [*command.split(), "--help"], prog_name="contractcheck")
    assert shown.exit_code == 0
    return set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", shown.output, re.MULTILINE)) - {*HIDDEN}


@pytest.fixture(scope="module")
def plugin_options():
    shown = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"], capture_output=True, text=True, check=True
    ).stdout
    return set(re.findall(r"^  (--contract[a-z-]*)", shown, re.MULTILINE))


def sections(page):
    """From each heading to the text up to the next one."""
    parts = re.split(r"^#{2,4} (.+)$", page.read_text(), flags=re.MULTILINE)
    return dict(zip((part.strip() for part in parts[1::2]), parts[2::2], strict=True))


def first_column(text):
    return re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)


CLI = ROOT / "docs/reference/cli.md"
SUITE = ROOT / "docs/reference/suite.md"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_suite_that_is_shown_loads(page, tmp_path):
    shown = [text for text in blocks(page, "yaml") if text.startswith("suite:")]
    for number, text in enumerate(shown):
        path = tmp_path / f"{number}.contract.yaml"
        path.write_text(text)
        suite = load_suite(path, providers=tuple(DIALECTS))
        assert suite.cases


def test_the_first_suite_of_the_readme_is_whole_and_uses_what_it_explains(tmp_path):
    text = (ROOT / "README.md").read_text()
    marked = text.split("<!-- suite:begin -->")[1].split("<!-- suite:end -->")[0]
    path = tmp_path / "greetings.contract.yaml"
    path.write_text(re.findall(r"```yaml\n(.*?)```", marked, re.DOTALL)[0])
    suite = load_suite(path, providers=tuple(DIALECTS))
    (case,) = suite.cases
    assert f"suites/{suite.name}/{path.name}" in text
    assert case.samples == 10  # "ten requests"
    assert {check.mode for check in case.checks} == {CheckMode.ALWAYS, CheckMode.NO_WORSE}
    assert dialect(suite.targets[0].provider).schemes[0].variable in text


@pytest.mark.parametrize("command", commands())
def test_the_reference_lists_the_options_of_each_command(command):
    listed = first_column(sections(CLI)[f"`contractcheck {command}`"])
    options = [name.split()[0] for name in listed if name.startswith("-")]
    assert set(options) == options_in_help(command)
    assert len(options) == len(set(options))


def test_the_reference_describes_no_command_that_is_gone():
    described = {name for name in sections(CLI) if name.startswith("`contractcheck ")}
    assert described == {f"`contractcheck {command}`" for command in commands()}


def test_the_reference_lists_the_options_of_the_plugin(plugin_options):
    listed = first_column(sections(CLI)["pytest"])
    assert {name.split()[0] for name in listed} == plugin_options


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_that_are_shown_exist_with_their_options(page):
    known = commands()
    text = "\n".join(re.findall(r"```(?:console|bash|yaml)\n(.*?)```", page.read_text(), re.DOTALL))
    text = text.replace("\\\n", " ")
    shown = re.findall(r"\bcontractcheck ([a-z-].*)$", text, re.MULTILINE)
    for line in shown:
        words = line.partition("#")[0].partition("|")[0].split()
        if words[0] in HIDDEN:
            continue
        two = " ".join(words[:2])
        command = two if two in known else words[0]
        assert command in known, line
        options = {word.split("=")[0] for word in words if word.startswith("--")}
        assert options <= options_in_help(command), line


def test_plugin_options_that_are_mentioned_exist(plugin_options):
    mentioned = {
        (name_of(page), option)
        for page in PAGES
        for option in re.findall(r"--contract[a-z-]*", page.read_text())
    }
    assert mentioned
    assert [(page, option) for page, option in mentioned if option not in plugin_options] == []


def test_environment_variables_are_all_documented():
    source = "\n".join(path.read_text() for path in (ROOT / "contractcheck").rglob("*.py"))
    read = set(re.findall(r"\bCONTRACTCHECK_[A-Z_]+\b", source))
    schemes = [scheme for provider in DIALECTS for scheme in dialect(provider).schemes]
    keys = {scheme.variable for scheme in schemes if isinstance(scheme, ApiKey)}
    assert set(first_column(sections(CLI)["Environment variables"])) == read | keys


def test_exit_codes_in_the_readme_are_those_of_the_program():
    text = sections(ROOT / "README.md")["Verdicts and exit codes"]
    verdicts = {
        name: row[2]
        for row in re.findall(r"^\| ([A-Z, ]+) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
        for name in row[0].split(", ")
    }
    assert set(verdicts) == {verdict.value for verdict in Verdict}
    for verdict in Verdict:
        under = [exit_code(verdict, "warn"), exit_code(verdict, "fail")]
        assert re.findall(r"\d+", verdicts[verdict.value]) == [
            str(code) for code in dict.fromkeys(under)
        ]
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    errors = (ContractcheckError, UsageError, NothingToCheckError, MeasurementError)
    assert codes == {error.exit_code for error in errors}


def summary(text):
    return " ".join(text.split()).replace("``", "`")


def checks_table():
    forms = {
        "none": "none",
        "text": "a text",
        "texts": "a text or a list of texts",
        "count": "a number or a range",
    }
    rows = [
        f"| `{check.name}` | {forms[check.form]} | {summary(check.summary)} |"
        for check in CHECKS.values()
    ]
    return "\n".join(["| check | argument | demands |", "|---|---|---|", *rows])


def metrics_table():
    rows = [
        f"| `{metric.name}` | {'a place' if metric.takes_argument else 'none'} "
        f"| {metric.unit or metric.kind} | {summary(metric.summary)} |"
        for metric in METRICS.values()
    ]
    return "\n".join(["| metric | argument | gives | meaning |", "|---|---|---|---|", *rows])


@pytest.mark.parametrize("name", ["checks", "metrics"])
def test_the_tables_of_checks_and_metrics_are_those_of_the_registries(name):
    expected = {"checks": checks_table, "metrics": metrics_table}[name]()
    written = (
        SUITE.read_text().split(f"<!-- {name}:begin -->\n")[1].split(f"<!-- {name}:end -->")[0]
    )
    assert written.strip() == expected, f"put this into {name_of(SUITE)}:\n{expected}"


def test_every_key_of_a_suite_is_described_where_it_belongs():
    schema = json.loads(suite_schema())
    shapes = {name: set(shape.get("properties", {})) for name, shape in schema["$defs"].items()}
    own = sections(SUITE)
    assert set(first_column(own["Top level"])) == set(schema["properties"])
    assert set(first_column(own["`defaults`"])) == shapes["Defaults"]
    assert set(first_column(own["`cases`"])) == shapes["CaseFile"] - shapes["Defaults"]
    assert set(first_column(own["`messages`"])) == shapes["MessageFile"]
    assert set(first_column(own["`policy`"])) == shapes["PolicyFile"]
    parts = {"watch", "gate", "margins", "limits", "identity"}
    for part in parts:
        keys = shapes[f"{part.capitalize()}File"]
        assert set(first_column(own[f"`policy.{part}`"])) == keys
    described = {"Defaults", "CaseFile", "MessageFile", "PolicyFile"}
    assert set(shapes) == described | {f"{part.capitalize()}File" for part in parts}


def anchors(page):
    """Anchors as forges make them of headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_workflows_that_are_shown_pass_the_audit_of_our_own(tmp_path):
    shown = [
        text
        for page in PAGES
        for text in blocks(page, "yaml")
        if re.search(r"^jobs:$", text, re.MULTILINE)
    ]
    assert shown
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    for number, text in enumerate(shown):
        (folder / f"{number}.yml").write_text(text)
    audit = subprocess.run(
        [Path(sys.executable).with_name("zizmor"), "--offline", "--quiet", folder],
        check=False,
        capture_output=True,
        text=True,
    )
    assert audit.returncode == 0, audit.stdout + audit.stderr
