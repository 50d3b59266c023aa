"""Provider-contract regression tests for teams that run on model providers.

The five-minute map. A *suite* (``*.contract.yaml``) says what a provider must
keep doing. ``contractcheck run`` samples every case of a suite against a
target and journals each exchange as it happens; the sealed *run* is the
cassette. ``measuring`` turns runs into one flat observation table, ``judging``
compares tonight's table with the *accepted nights* of the baseline and gives a
*verdict*: PASS, QUIET, FAIL, INCONCLUSIVE or ERROR. ``report`` renders it.

Rooms, from the ground up (imports only point down, checked in CI)::

    errors, model                          the nouns, and the exception tree
    stats, checks, metrics, redaction      pure functions
    simulator                              a provider that really samples
    suite, providers, cassettes, store     files, wires, recordings
    sampling, measuring, judging, report   one step of the pipeline each
    workflows                              the use cases
    cli, pytest_plugin                     the two faces

Importing this package does nothing and imports nothing else: ``record_calls``,
``replay_calls`` and ``in_trial`` (docs/how-to/record-sdk-calls.md) are loaded when
they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contractcheck.cassettes import in_trial
    from contractcheck.workflows.own_calls import record_calls, replay_calls

__version__ = "0.1.0"
__all__ = ["__version__", "in_trial", "record_calls", "replay_calls"]

_PLACES = {
    "in_trial": "contractcheck.cassettes",
    "record_calls": "contractcheck.workflows.own_calls",
    "replay_calls": "contractcheck.workflows.own_calls",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)
