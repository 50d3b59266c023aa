"""Libraries that only some credentials need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from contractcheck.auth import find_aws, find_entra, find_google, read_keyring_key
from contractcheck.errors import UsageError

EXTRAS = {
    "aws": lambda: find_aws("bedrock", "eu-central-1"),
    "google": lambda: find_google("scope"),
    "entra": lambda: find_entra("scope"),
    "keyring": lambda: read_keyring_key("openai"),
}
LIBRARIES = ("botocore", "google", "azure", "keyring")


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_library_that_is_missing_is_named_with_its_extra(extra, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] in LIBRARIES]:
        monkeypatch.delitem(sys.modules, name)

    class NotInstalled:
        @staticmethod
        def find_spec(name, _path, _target=None):
            if name.split(".")[0] in LIBRARIES:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sys, "meta_path", [NotInstalled, *sys.meta_path])
    with pytest.raises(UsageError, match=rf"pip install 'contractcheck\[{extra}\]'"):
        EXTRAS[extra]()


def test_none_is_imported_before_it_is_needed():
    code = f"import contractcheck.auth, sys; print([n for n in {LIBRARIES!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"[]\n"
