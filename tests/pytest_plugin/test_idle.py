"""Without ``--contract``: nothing is collected, and nothing heavy is imported."""

import re
import subprocess
import sys

HEAVY = (
    "click",
    "contractcheck.workflows",
    "filelock",
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
)

_SPY = """\
import sys

def pytest_unconfigure():
    print("LOADED", *sorted(sys.modules))
"""


def test_no_suite_is_collected_and_nothing_heavy_is_imported(accepted):
    (accepted.root / "conftest.py").write_text(_SPY)
    (accepted.root / "test_ordinary.py").write_text("def test_ordinary():\n    assert True\n")
    session = accepted.pytest("-p", "no:cacheprovider")
    assert session.code == 0, session.output
    assert session.outcomes == {"test_ordinary": "passed"}
    assert session.contracts == ""
    loaded = session.output.split("LOADED")[1].split()
    assert "contractcheck.pytest_plugin" in loaded
    heavy = [name for name in loaded if f"{name}.".startswith(tuple(f"{h}." for h in HEAVY))]
    assert heavy == []


def test_the_plugin_alone_costs_little(capsys):
    """Only its own modules beyond pytest's; the time is printed, since machines differ."""
    code = "import pytest, sys; before = set(sys.modules); import contractcheck.pytest_plugin; "
    code += "print(*sorted(set(sys.modules) - before))"
    timed = [sys.executable, "-X", "importtime", "-c", code]
    done = subprocess.run(timed, capture_output=True, text=True, check=True)
    # Standard library aside, nobody else's modules.
    foreign = [
        name
        for name in done.stdout.split()
        if not name.startswith("contractcheck")
        and name.partition(".")[0] not in sys.stdlib_module_names
    ]
    assert foreign == []
    # What makes and judges items waits for --contract too.
    own = {name.rpartition(".")[2] for name in done.stdout.split() if "contractcheck" in name}
    assert own == {"contractcheck", "pytest_plugin", "collection", "lifecycle", "options"}
    (line,) = re.findall(r"\| +(\d+) \| +contractcheck\.pytest_plugin$", done.stderr, re.MULTILINE)
    with capsys.disabled():
        # The figure is told, not judged: it depends on the machine.
        sys.stdout.write(f"\nimport of the pytest plugin: {int(line) / 1000:.1f} ms\n")


def test_switched_off_it_leaves_no_trace(project):
    on = project.pytest("--help")
    off = project.pytest("--help", "-p", "no:contractcheck")
    assert "--contract-max-requests" in on.output
    assert "contract" not in off.output


def test_it_can_be_named_where_plugins_are_not_loaded_by_themselves(accepted):
    session = accepted.replay(
        "-p", "contractcheck.pytest_plugin", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"
    )
    assert session.code == 0, session.output
    assert set(session.outcomes.values()) == {"passed"}


def test_options_that_need_a_live_run_are_refused_in_a_replay(project):
    for option in ("--contract-night", "--contract-max-requests=3", "--contract-base-url=http://x"):
        session = project.replay(option)
        assert session.code == 4
        assert f"{option.partition('=')[0]} needs --contract-mode live" in session.output
        assert "Traceback" not in session.output


def test_a_bound_on_requests_is_a_positive_number(project):
    session = project.live("--contract-max-requests=0")
    assert session.code == 4
    assert "'0' is not a number of requests, 1 or more" in session.output


def test_no_suite_is_exit_five_as_pytest_has_it(project):
    project.suite_file.unlink()
    session = project.replay()
    assert session.code == 5, session.output
    assert "nothing was checked" in session.contracts


def test_a_suite_named_without_the_option_says_which_option(accepted):
    session = accepted.pytest(accepted.node("greeting"), "-p", "no:cacheprovider")
    assert session.code == 4
    assert "suite.contract.yaml is a contract suite: add --contract" in session.output


def test_listings_of_pytest_stay_as_they_are(accepted):
    session = accepted.replay("--fixtures", "-q")
    assert session.code == 0
    assert session.contracts == ""
