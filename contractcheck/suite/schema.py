"""The JSON Schema of suite files, for editors: generated, shipped, and tested to be current."""

from __future__ import annotations

import json
from importlib.resources import files

from contractcheck.suite.file_format import SuiteFile


def suite_schema() -> str:
    """Generate the JSON Schema (Draft 2020-12) of ``*.contract.yaml``; the same bytes each time.

    Editors read it from the comment ``# yaml-language-server: $schema=…``. It is a little
    wider than the loader, which also reads the files that a suite names.
    """
    schema = SuiteFile.model_json_schema(mode="validation")
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "contractcheck suite",
        "description": "What a model provider must keep doing.",
    }
    body = {key: value for key, value in schema.items() if key not in head}
    return json.dumps(head | body, indent=2, ensure_ascii=False) + "\n"


def shipped_schema() -> str:
    """Return the schema as it lies in the package."""
    return files("contractcheck.suite").joinpath("suite.schema.json").read_text("utf-8")
