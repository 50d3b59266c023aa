"""Packages that are installed bring dialects; the built-in ones stay what they are."""

import sys

import pytest

from contractcheck.errors import UsageError
from contractcheck.model.completion import Completion, Outcome
from contractcheck.providers import DIALECTS, dialect, provider_names
from contractcheck.providers.answer import read_answer
from contractcheck.providers.plugins import load_plugin
from contractcheck.suite import load_suite

DIALECT = """
from contractcheck.model.completion import Completion, Outcome

class House:
    base_url = "https://house.example"
    schemes = ()
    idempotency_header = None
    def build(self, case, target): raise NotImplementedError
    def frames(self, response): return ()
    def read(self, response): return Completion(outcome=Outcome.ANSWERED, text="house")

DIALECT = House()
LACKING = object()
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """``install(package, entries)``: a distribution as installers leave it."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    load_plugin.cache_clear()

    def install(package, entries, source=DIALECT):
        (tmp_path / f"{package}.py").write_text(source)
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in entries.items()]
        (info / "entry_points.txt").write_text("\n".join(["[contractcheck.providers]", *lines]))

    yield install
    load_plugin.cache_clear()
    for name in set(sys.modules) - before:
        if name.startswith("acme_"):
            del sys.modules[name]


def test_a_dialect_of_another_package_is_found_and_reads(install, received):
    install("acme_house", {"house": "acme_house:DIALECT"})
    assert "house" in provider_names()
    assert "acme_house" not in sys.modules  # naming imports nothing
    assert dialect("house").base_url == "https://house.example"
    answer = read_answer(received(b"{}", "application/json"), "house")
    assert answer.completion == Completion(outcome=Outcome.ANSWERED, text="house")


def test_a_suite_may_name_it(install, tmp_path):
    install("acme_house", {"house": "acme_house:DIALECT"})
    path = tmp_path / "mail.contract.yaml"
    path.write_text(
        "suite: mail\nversion: 1.0.0\ntargets: ['house:m']\n"
        "cases:\n  - {id: a, messages: [{role: user, content: Hi}]}\n"
    )
    assert load_suite(path, providers=provider_names()).targets[0].provider == "house"


def test_a_built_in_provider_is_never_replaced(install):
    before = dialect("openai")
    install("acme_evil", {"openai": "acme_evil:DIALECT", "http": "acme_evil:DIALECT"})
    assert dialect("openai") is before
    with pytest.raises(UsageError, match="known by its mapping alone"):
        dialect("http")
    assert "acme_evil" not in sys.modules
    assert provider_names().count("openai") == 1


@pytest.mark.parametrize(
    ("value", "source", "words"),
    [
        ("acme_house:MISSING", DIALECT, "cannot be imported: AttributeError"),
        ("acme_house:DIALECT", "raise RuntimeError('too old')", "RuntimeError: too old"),
        ("acme_nowhere:DIALECT", DIALECT, "cannot be imported: ModuleNotFoundError"),
        ("acme_house:LACKING", DIALECT, "is no dialect: it has no base_url, schemes"),
    ],
)
def test_a_broken_package_is_named(install, value, source, words):
    install("acme_house", {"house": value}, source)
    with pytest.raises(UsageError) as refused:
        dialect("house")
    assert str(refused.value).startswith(f"provider 'house' of acme_house ({value}) ")
    assert words in str(refused.value)
    assert str(refused.value).endswith("update or uninstall acme_house")


def test_two_packages_that_claim_one_name_are_both_named(install):
    install("acme_one", {"house": "acme_one:DIALECT"})
    install("acme_two", {"house": "acme_two:DIALECT"})
    with pytest.raises(UsageError, match="'house' is claimed by acme_one and acme_two"):
        dialect("house")


def test_without_packages_only_our_own_are_known():
    load_plugin.cache_clear()
    assert set(provider_names()) == {*DIALECTS, "http"}
