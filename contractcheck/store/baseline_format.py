"""``baseline.json``: who accepted which night, and the digests of all the rest.

Format 2 keeps what was asked (``parts``) once per distinct suite, not once per night. Format 3 is
format 2 with ``rebases``, and is only written when there are any: an older version would take the
nights of all eras for one. Formats 1 and 2 are read for ever.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from typing import TYPE_CHECKING, cast

import orjson

from contractcheck.errors import RecordingError
from contractcheck.model.baseline import Acceptance, AcceptedNight

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.baseline import Baseline
    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.night import NightStatistics

FORMAT = 3
"""Version of ``baseline.json``; readers refuse newer ones and must load every older one."""

_WITHOUT_REBASES = 2
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
        "format": FORMAT if baseline.rebases else _WITHOUT_REBASES,
        "suite": baseline.suite,
        "target": baseline.target.id,
        "reference_night": baseline.reference_night,
        "reference_run": reference_run,
        **({"rebases": baseline.rebases} if baseline.rebases else {}),
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
    acceptance = _object(row["acceptance"])
    parts = row["parts"]
    if isinstance(parts, str):
        parts = _object(document["parts"])[parts]
    expires = _text_or_none(acceptance.get("expires"))
    return AcceptedNight(
        statistics=statistics,
        run_root=str(row["run_root"]),
        acceptance=Acceptance(
            accepted_by=str(acceptance["by"]),
            accepted_at=str(acceptance["at"]),
            reason=str(acceptance["reason"]),
            ticket=_text_or_none(acceptance.get("ticket")),
            # Earlier versions kept 20270131 as given, which no night of that year comes after.
            expires=None if expires is None else date.fromisoformat(expires).isoformat(),
        ),
        parts={case: _texts(one) for case, one in _object(parts).items()},
        vantage=_texts(row["vantage"]),
    )


def rebases_of(document: JsonObject) -> tuple[str, ...]:
    """First nights of later eras, oldest first.

    Raises:
        KeyError, TypeError, ValueError: If they are no accepted nights in order.
    """
    found = document.get("rebases", [])
    if not isinstance(found, list):
        raise TypeError(f"rebases {found!r} is no list")
    rebases = tuple(str(night) for night in found)
    if unknown := set(rebases) - set(rows_of(document)):
        raise ValueError(f"{min(unknown)!r} in rebases is no accepted night")
    if list(rebases) != sorted(set(rebases)):
        raise ValueError(f"rebases {', '.join(rebases)} are not in order")
    return rebases


def is_date(text: str) -> bool:
    """Whether a text is an ISO date, and so safe as the name of a file."""
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) is not None


def _object(value: JsonValue) -> JsonObject:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no object")
    return value


def _texts(value: JsonValue) -> dict[str, str]:
    texts = {name: one for name, one in _object(value).items() if isinstance(one, str)}
    if strange := [one for one in _object(value).values() if not isinstance(one, str)]:
        raise TypeError(f"{strange[0]!r} is no text")
    return texts


def _text_or_none(value: JsonValue) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


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
