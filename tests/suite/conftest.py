"""A folder with one good suite, and small edits of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contractcheck.errors import SuiteError
from contractcheck.model.suite import Suite
from contractcheck.suite import load_suite

PROVIDERS = ("openai", "anthropic")

TOOL = {
    "name": "look",
    "description": "Look it up.",
    "parameters": {"type": "object", "properties": {"id": {"type": "string"}}},
}


class Folder:
    """A suite's folder on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path / "mail.contract.yaml"

    def write(self, text: str | bytes, **others: str) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        self.file.write_bytes(data)
        for name, content in others.items():
            (self.path / name.replace("__", ".")).write_text(content)

    def load(self, text: str | bytes, **others: str) -> Suite:
        self.write(text, **others)
        return load_suite(self.file, providers=PROVIDERS)

    def errors(self, text: str | bytes, **others: str) -> list[str]:
        """Problems of a suite, one line each, without the folder's name."""
        with pytest.raises(SuiteError) as caught:
            self.load(text, **others)
        assert caught.value.exit_code == 2
        return str(caught.value).replace(f"{self.path}/", "").splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.write("", tool__json=json.dumps(TOOL), schema__json='{"type": "object"}')
    return made
