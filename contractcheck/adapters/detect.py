"""What the answers of a table are, when nobody said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.model.json_text import JsonTextError, parse_json

if TYPE_CHECKING:
    import pandas as pd


def holds_json_objects(table: pd.DataFrame) -> bool:
    """Whether every answer that is not blank is a JSON object, and some answer is."""
    answers = [text for text in table.loc[table["kind"] == "text", "string"] if text.strip()]
    return bool(answers) and all(_is_object(text) for text in answers)


def mark_as_json(table: pd.DataFrame) -> pd.DataFrame:
    """The same table with its texts to be compared path by path."""
    return table.assign(kind=table["kind"].replace("text", "json"))


def _is_object(text: str) -> bool:
    if not text.lstrip().startswith("{"):
        return False
    try:
        return isinstance(parse_json(text), dict)
    except JsonTextError:
        return False
