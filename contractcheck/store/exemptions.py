"""Mutes and quarantines: a reviewable file beside ``baseline.json``, in version control.

The file may come with a pull request, so nothing in it is believed: links, size, types, dates and
names are looked at before anything is made of it.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import orjson

from contractcheck.errors import RecordingError
from contractcheck.files import parse_json_object, write_atomically
from contractcheck.model.history import Exemption
from contractcheck.model.suite import ID_PATTERN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from contractcheck.model.json_value import JsonObject
    from contractcheck.model.target import Target

FORMAT = 1
"""Version of ``exemptions.json``; readers refuse newer ones."""

MOST_DAYS = 92
"""A quarter: an exemption that is still needed then is renewed by somebody who looks again."""

MOST_DAYS_OF_ALL = 14
"""A suite that is muted as a whole watches nothing, so it may not last."""

EXEMPTIONS_FILE = "exemptions.json"
_MOST_BYTES = 1 << 20
_MOST_ROWS = 1000
_REMEDY = "restore it from version control"
_TEXTS = ("kind", "reason", "owner", "created_at", "expires")


def most_days(*, is_all: bool) -> int:
    """How many days after its making the last night of an exemption may be.

    Args:
        is_all: Whether it is about no case and no metric, but all of the suite.
    """
    return MOST_DAYS_OF_ALL if is_all else MOST_DAYS


@dataclass(frozen=True, slots=True)
class ExemptionStore:
    """Exemptions below one folder, usually ``cassettes``.

    Whoever changes them holds the baseline's lock: an acceptance sweeps the folder.
    """

    root: Path

    def path(self, suite: str, target: Target) -> Path:
        """Where the exemptions of a suite and target lie or will lie."""
        return self.root / suite / target.folder / EXEMPTIONS_FILE

    def read(self, suite: str, target: Target) -> tuple[Exemption, ...]:
        """All exemptions, expired ones too, in file order; none when there is no file.

        Raises:
            RecordingError: If the file is a link, too large, damaged or of a newer format.
        """
        path = self.path(suite, target)
        for place in (path.parent.parent, path.parent, path):
            if place.is_symlink():
                raise RecordingError(
                    f"{place}: is a symbolic link; exemptions are a plain file in plain folders; "
                    f"{_REMEDY}"
                )
        try:
            with path.open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise RecordingError(f"{path}: cannot be read ({error.strerror}); {_REMEDY}") from error
        if len(data) > _MOST_BYTES:
            raise RecordingError(f"{path}: is larger than {_MOST_BYTES >> 20} MiB; {_REMEDY}")
        return _decode(parse_json_object(data, str(path)), str(path))

    def add(self, suite: str, target: Target, exemption: Exemption) -> bool:
        """Add an exemption; one of the same kind, case and metric is replaced.

        Returns:
            Whether it replaced one.

        Raises:
            RecordingError: If the old file is damaged or the disk refuses; nothing has changed.
        """
        old = self.read(suite, target)
        kept = [one for one in old if _subject(one) != _subject(exemption)]
        self._write(suite, target, [*kept, exemption])
        return len(kept) < len(old)

    def remove(
        self, suite: str, target: Target, *, kind: str, case: str | None, metric: str | None
    ) -> bool:
        """Take one exemption back, if it is there.

        Returns:
            Whether it was there.

        Raises:
            RecordingError: If the old file is damaged or the disk refuses; nothing has changed.
        """
        old = self.read(suite, target)
        kept = [one for one in old if _subject(one) != (kind, case, metric)]
        if len(kept) == len(old):
            return False
        self._write(suite, target, kept)
        return True

    def _write(self, suite: str, target: Target, exemptions: Sequence[Exemption]) -> None:
        path = self.path(suite, target)
        document = {
            "contractcheck": "exemptions",
            "format": FORMAT,
            "suite": suite,
            "target": target.id,
            "exemptions": [asdict(one) for one in exemptions],
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RecordingError(f"{path.parent}: cannot be made ({error.strerror})") from error
        write_atomically(path, orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")


def _subject(one: Exemption) -> tuple[str, str | None, str | None]:
    return one.kind, one.case, one.metric


def _decode(document: JsonObject, place: str) -> tuple[Exemption, ...]:
    version = document.get("format")
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= FORMAT:
        raise RecordingError(
            f"{place}: format {version!r}; this version reads up to {FORMAT}: upgrade contractcheck"
        )
    try:
        return _decode_rows(document["exemptions"])
    except (KeyError, TypeError, ValueError) as error:
        words = f"{type(error).__name__}: {error}"
        raise RecordingError(f"{place}: damaged ({words}); {_REMEDY}") from error


def _decode_rows(rows: object) -> tuple[Exemption, ...]:
    if not isinstance(rows, list) or len(rows) > _MOST_ROWS:
        raise ValueError(f"exemptions are no list of at most {_MOST_ROWS}")
    found = tuple(_decode_row(row) for row in rows)
    if len({_subject(one) for one in found}) < len(found):
        raise ValueError("two exemptions have the same kind, case and metric")
    return found


def _decode_row(row: object) -> Exemption:
    if not isinstance(row, dict):
        raise TypeError(f"{row!r} is no exemption")
    kind, reason, owner, created_at, expires = (_text(row[name]) for name in _TEXTS)
    case, metric = (None if row[name] is None else _text(row[name]) for name in ("case", "metric"))
    if kind not in ("mute", "quarantine"):
        raise ValueError(f"{kind!r} is neither a mute nor a quarantine")
    if case is not None and re.fullmatch(ID_PATTERN, case) is None:
        raise ValueError(f"{case!r} is not the id of a case")
    if kind == "quarantine" and (case is None or metric is not None):
        raise ValueError("a quarantine is about one case, and the whole of it")
    if date.fromisoformat(expires).isoformat() != expires:
        raise ValueError(f"{expires!r} is not a date such as 2027-01-31")
    if not owner.strip() or not reason.strip():
        raise ValueError("an exemption has an owner and a reason")
    _refuse_long(created_at, expires, most_days(is_all=case is None and metric is None))
    return Exemption(
        kind="mute" if kind == "mute" else "quarantine",
        reason=reason,
        owner=owner,
        created_at=created_at,
        expires=expires,
        case=case,
        metric=metric,
    )


def _refuse_long(created_at: str, expires: str, most: int) -> None:
    made = datetime.fromisoformat(created_at).date()
    if (date.fromisoformat(expires) - made).days > most:
        raise ValueError(
            f"expires {expires!r} is more than {most} days after created_at {created_at!r}"
        )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
