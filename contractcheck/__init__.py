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

Importing this package does nothing and imports nothing else.
"""

__version__ = "0.1.0"
