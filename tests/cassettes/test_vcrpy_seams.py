import re
from pathlib import Path

import contractcheck

PACKAGE = Path(contractcheck.__file__).parent


def names_of_vcrpy(text):
    """Every name of vcrpy that a module of ours uses."""
    names = re.findall(r"\b(?:vcr|machine|Cassette|config)\.(\w+)", text)
    for imported in re.findall(r"from vcr[\w.]* import ([\w, ]+)", text):
        names += re.split(r",\s*", imported)
    return names + re.findall(r"(?:from|import) vcr\.([\w.]+)", text)


def users_of_vcrpy():
    texts = {path.name: path.read_text() for path in PACKAGE.rglob("*.py")}
    pattern = re.compile(r"^\s*(?:import|from) vcr\b", re.MULTILINE)
    return {name: names_of_vcrpy(text) for name, text in texts.items() if pattern.search(text)}


def test_only_public_names_of_vcrpy_are_used():
    users = users_of_vcrpy()
    private = [
        (user, name)
        for user, names in users.items()
        for name in names
        if re.search(r"(?:^|\.)_", name)
    ]
    assert private == []
    assert {"VCR", "use", "PATCHER_NAMES"} <= set(users["interception.py"])


def test_none_of_its_stubs_is_used():
    users = users_of_vcrpy()
    assert users
    for user, names in users.items():
        assert [name for name in names if "stub" in name.lower()] == [], user
