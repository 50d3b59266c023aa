"""Suite files → ``Suite``: read, judged, fingerprinted; errors name file and line.

``yaml_reader`` reads bytes, ``file_format`` and ``fields`` say what may stand where,
``resources`` reads the files that a suite names, ``build`` puts the nouns together.
"""

from contractcheck.suite.load import find_suites, load_suite, load_suites
from contractcheck.suite.schema import suite_schema

__all__ = ["find_suites", "load_suite", "load_suites", "suite_schema"]
