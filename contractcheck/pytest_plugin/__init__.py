"""The pytest face: options, collection, items, summary. Imports nothing heavy.

Without ``--contract`` no suite is collected and nothing beyond this package is imported.
"""

from contractcheck.pytest_plugin.collection import pytest_collect_file
from contractcheck.pytest_plugin.options import (
    pytest_addoption,
    pytest_configure,
    pytest_report_header,
)
from contractcheck.pytest_plugin.summary import (
    pytest_runtest_makereport,
    pytest_sessionfinish,
    pytest_terminal_summary,
)

__all__ = [
    "pytest_addoption",
    "pytest_collect_file",
    "pytest_configure",
    "pytest_report_header",
    "pytest_runtest_makereport",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
]
