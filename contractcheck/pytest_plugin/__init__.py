"""The pytest face: options, collection, items, summary. Imports nothing heavy.

Without ``--contract`` no suite is collected and nothing beyond this package is imported.
"""

from contractcheck.pytest_plugin.collection import pytest_collect_file
from contractcheck.pytest_plugin.lifecycle import pytest_configure, pytest_report_header
from contractcheck.pytest_plugin.options import pytest_addoption

__all__ = [
    "pytest_addoption",
    "pytest_collect_file",
    "pytest_configure",
    "pytest_report_header",
]
