import re
from pathlib import Path

import contractcheck


def test_only_public_names_of_vcrpy_are_used():
    uses = []
    for path in Path(contractcheck.__file__).parent.rglob("*.py"):
        text = path.read_text()
        if re.search(r"^\s*(?:import|from) vcr\b", text, re.MULTILINE):
            uses.append(path.name)
            names = re.findall(r"\b(?:vcr|machine|Cassette|config)\.(\w+)", text)
            names += re.findall(r"from vcr[\w.]* import ([\w, ]+)", text)
            names += re.findall(r"(?:from|import) vcr\.([\w.]+)", text)
            assert [name for name in names if re.search(r"(?:^|\.)_", name)] == []
            assert {"VCR", "use", "PATCHER_NAMES"} <= set(names)
    assert uses == ["interception.py"]
