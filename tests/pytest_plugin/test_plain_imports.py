"""pytest rewrites the assertions of tests, and compiles none of our modules anew."""

import sys

from contractcheck.pytest_plugin.plain_imports import PlainImports

_SPY = """\
import atexit, sys

atexit.register(lambda: print("LEFT", *(type(one).__name__ for one in sys.meta_path)))

def pytest_unconfigure():
    loaders = {
        name: type(module.__spec__.loader).__name__
        for name, module in sys.modules.items()
        if name.startswith("contractcheck.") and "pytest_plugin" not in name
    }
    print("OURS", len(loaders), "REWRITTEN", *sorted(
        name for name, loader in loaders.items() if loader != "SourceFileLoader"
    ))
"""


def test_our_modules_are_loaded_as_they_are_and_assertions_of_tests_still_speak(accepted):
    (accepted.root / "conftest.py").write_text(_SPY)
    (accepted.root / "test_ordinary.py").write_text("def test_sum():\n    assert 1 + 1 == 3\n")
    session = accepted.replay()
    assert session.code == 1, session.output
    assert "assert (1 + 1) == 3" in session.output
    ours, rewritten = session.output.split("OURS ")[1].splitlines()[0].split(" REWRITTEN")
    assert int(ours) > 100
    assert rewritten.strip() == ""
    assert "PlainImports" not in session.output.split("LEFT ")[1].splitlines()[0]


def test_it_finds_nothing_but_this_package():
    finder = PlainImports()
    found = finder.find_spec("contractcheck.errors", sys.modules["contractcheck"].__path__)
    assert found.origin == sys.modules["contractcheck.errors"].__file__
    assert finder.find_spec("json") is None
    assert finder.find_spec("contractcheck_like") is None
    assert finder.find_spec("contractcheck.nowhere", sys.modules["contractcheck"].__path__) is None
