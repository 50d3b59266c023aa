"""``baseline.json``: who accepted which night, and the digests of all the rest.

Format 2 keeps what was asked (``parts``) once per distinct suite, not once per night; format 1 is
read for ever.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, cast

import orjson

from contractcheck.errors import RecordingError
from contractcheck.model.baseline import Acceptance, AcceptedNight

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.baseline import Baseline
    from contractcheck.model.json_value import JsonObject
    from contractcheck.model.night import NightStatistics

FORMAT = 2
"""Version of ``baseline.json``; readers refuse newer ones and must load every older one."""

_KEY_HEX = 16


def encode_baseline(
    baseline: Baseline, digests: Mapping[str, str], reference_run: str | None
) -> bytes:
    """Encode a baseline.

    Args:
        baseline: The whole baseline.
        digests: Per night, the digest of the file of its statistics.
        reference_run: Id of the run that lies beside it, or None.
    """
    document = {
        "contractcheck": "baseline",
        "format": FORMAT,
        "suite": baseline.suite,
        "target": baseline.target.id,
        "reference_night": baseline.reference_night,
        "reference_run": reference_run,
        "nights": [_encode_row(night, digests) for night in baseline.nights],
        "parts": {_parts_key(night.parts): night.parts for night in baseline.nights},
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"


def check_format(document: JsonObject, place: str) -> None:
    """Refuse a ``baseline.json`` of a newer format.

    Raises:
        RecordingError: If the format is not one this version reads; ``place`` says where.
    """
    version = document.get("format")
    if not isinstance(version, int) or not 1 <= version <= FORMAT:
        raise RecordingError(
            f"{place}: format {version!r}; this version reads up to {FORMAT}: upgrade contractcheck"
        )


def rows_of(document: JsonObject) -> dict[str, JsonObject]:
    """The rows of a document, by night, in file order.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: If it is not built like one.
    """
    rows: dict[str, JsonObject] = {}
    for row in cast("list[JsonObject]", document["nights"]):
        night = str(row["night"])
        if not is_date(night):
            raise ValueError(f"{night!r} is not a date")
        if night in rows:
            raise ValueError(f"night {night} stands there twice")
        rows[night] = row
    return rows


def decode_row(document: JsonObject, row: JsonObject, statistics: NightStatistics) -> AcceptedNight:
    """Put an accepted night together from its row and its statistics.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: If the row is not built like one.
    """
    acceptance = cast("dict[str, str | None]", row["acceptance"])
    parts = row["parts"]
    if isinstance(parts, str):
        parts = cast("JsonObject", document["parts"])[parts]
    return AcceptedNight(
        statistics=statistics,
        run_root=str(row["run_root"]),
        acceptance=Acceptance(
            accepted_by=str(acceptance["by"]),
            accepted_at=str(acceptance["at"]),
            reason=str(acceptance["reason"]),
            ticket=acceptance.get("ticket"),
            expires=acceptance.get("expires"),
        ),
        parts=cast("dict[str, dict[str, str]]", parts),
        vantage=cast("dict[str, str]", row["vantage"]),
    )


def is_date(text: str) -> bool:
    """Whether a text is an ISO date, and so safe as the name of a file."""
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) is not None


def _encode_row(night: AcceptedNight, digests: Mapping[str, str]) -> dict[str, object]:
    statistics = night.statistics
    acceptance = night.acceptance
    return {
        "night": statistics.night,
        "run": statistics.run_id,
        "run_root": night.run_root,
        "statistics": digests[statistics.night],
        "acceptance": {
            "by": acceptance.accepted_by,
            "at": acceptance.accepted_at,
            "reason": acceptance.reason,
            "ticket": acceptance.ticket,
            "expires": acceptance.expires,
        },
        "vantage": night.vantage,
        "parts": _parts_key(night.parts),
    }


def _parts_key(parts: Mapping[str, Mapping[str, str]]) -> str:
    """A short name made from the content: two branches that add nights merge without renaming."""
    material = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(material).hexdigest()[:_KEY_HEX]
