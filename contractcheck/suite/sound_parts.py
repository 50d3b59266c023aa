"""The sound parts of a suite file whose shape is wrong, so that they can be checked all the same.

Who repairs a file wants to hear of the file outside the folder and the id given twice now, not
after every misspelt key is mended. Wrong parts are left out, or a harmless stand-in takes their
place, so that lists keep their order and every line its number; what depends on a wrong part is
left out with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.suite.file_format import CaseFile, SuiteFile

if TYPE_CHECKING:
    from collections.abc import Collection

    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.suite.yaml_reader import Path

_JUDGED_BY_FILES = ("tool_choice", "checks")
"""Keys of a case whose rules look at its tools and its schema."""


def sound_parts(
    value: JsonValue, wrong: Collection[Path], providers: Collection[str]
) -> JsonObject | None:
    """Make a document without the wrong places of a given one.

    Args:
        value: What the file holds.
        wrong: Its wrong places: keys that are missing, unknown or of another kind, or inside them.
        providers: Known wire dialects; one of them stands in for targets that are wrong.

    Returns:
        A document of which nothing but the sound parts can have a problem, or None when there is
        no list of cases.
    """
    cases = value.get("cases") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(cases, list) or ("cases",) in wrong:
        return None
    wrong_keys = {path[0] for path in wrong if path}
    kept = {
        key: value[key] for key in SuiteFile.model_fields if key in value and key not in wrong_keys
    }
    return {
        "suite": "stand-in",
        "version": "0.0.0",
        "targets": [f"{min(providers, default='none')}:stand-in"],
        **kept,
        "cases": [
            _sound_case(case, index, [path[2:] for path in wrong if path[:2] == ("cases", index)])
            for index, case in enumerate(cases)
        ],
    }


def _sound_case(case: JsonValue, index: int, wrong: Collection[Path]) -> JsonObject:
    written = case if isinstance(case, dict) else {}
    wrong_keys = {path[0] for path in wrong if path}
    kept = {
        key: written[key]
        for key in CaseFile.model_fields
        if key in written and key not in wrong_keys
    }
    for key in ("context", "tools"):
        names = written.get(key)
        if key in wrong_keys and isinstance(names, list):
            kept[key] = names[: _first_wrong(key, wrong)]
    if not wrong_keys.isdisjoint({"tools", "response_schema"}):
        kept = {key: part for key, part in kept.items() if key not in _JUDGED_BY_FILES}
    return {
        "id": f"stand-in-{index}",
        "messages": [{"role": "user", "content": "stand-in"}],
        **kept,
    }


def _first_wrong(key: str, wrong: Collection[Path]) -> int:
    """Index of the first wrong item of a list; 0 when the list itself is."""
    inside = [path[1] if len(path) > 1 else 0 for path in wrong if path and path[0] == key]
    return min((index for index in inside if isinstance(index, int)), default=0)
