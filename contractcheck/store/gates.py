"""Plans of gates, and what their SDKs could not read: small files beside the runs they sample."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import orjson

from contractcheck.errors import RecordingError, UsageError
from contractcheck.files import parse_json_object, write_atomically
from contractcheck.model.gate import GatePlan, UnreadAnswer
from contractcheck.store.runs import is_run_id

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.model.json_value import JsonObject

FORMAT = 1
"""Version of the files; readers refuse newer ones."""


@dataclass(frozen=True, slots=True)
class GateStore:
    """Plans below one folder, usually ``.contractcheck/gates``; it need not exist yet."""

    root: Path

    def write(self, plan: GatePlan) -> None:
        """Write a plan, over the one of the same id.

        Raises:
            RecordingError: If the disk refuses.
        """
        document = {"contractcheck": "gate", "format": FORMAT, **asdict(plan)}
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RecordingError(f"{self.root}: cannot be made ({error.strerror})") from error
        data = orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"
        write_atomically(self.root / f"{plan.id}.json", data)

    def find(self, name: str) -> GatePlan:
        """Read a plan by its id or an unambiguous beginning of it.

        Raises:
            UsageError: If no gate, or more than one, has this name.
            RecordingError: If the file is damaged or of a newer format.
        """
        known = sorted(p.stem for p in self.root.glob("*.json") if is_run_id(p.stem))
        found = [gate for gate in known if name and gate.startswith(name)]
        if len(found) == 1:
            return self._read(found[0])
        if not found:
            there = f"the latest is {known[-1]}" if known else "there is none"
            raise UsageError(f"no gate {name!r} below {self.root}; {there}")
        raise UsageError(
            f"{name!r} fits {len(found)} gates: {', '.join(found[:5])}; give more of the id"
        )

    def note_unread(self, gate: str, answer: UnreadAnswer) -> None:
        """Write down that an SDK could not read an answer; the recording cannot tell.

        Raises:
            RecordingError: If the disk refuses.
        """
        path = self._unread_path(gate)
        try:
            with path.open("ab") as file:
                # Begins a line of its own, even after one that a kill tore.
                file.write(b"\n" + orjson.dumps(answer) + b"\n")
        except OSError as error:
            raise RecordingError(f"{path}: cannot be written ({error.strerror})") from error

    def read_unread(self, gate: str) -> tuple[UnreadAnswer, ...]:
        """What was written down; a line that a kill tore is passed over.

        Raises:
            RecordingError: If a whole line is no such note.
        """
        path = self._unread_path(gate)
        try:
            lines = path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise RecordingError(f"{path}: cannot be read ({error.strerror})") from error
        return tuple(
            _decode_unread(line, f"{path}:{number}")
            for number, line in enumerate(lines, 1)
            if line.endswith(b"}")
        )

    def _unread_path(self, gate: str) -> Path:
        return self.root / f"{gate}.unread.jsonl"

    def _read(self, gate: str) -> GatePlan:
        path = self.root / f"{gate}.json"
        try:
            data = path.read_bytes()
        except OSError as error:
            raise RecordingError(f"{path}: cannot be read ({error.strerror})") from error
        document = parse_json_object(data, str(path))
        if document.get("contractcheck") != "gate" or document.get("format") != FORMAT:
            raise RecordingError(
                f"{path}: is no gate of format {FORMAT}; was it written by a newer contractcheck?"
            )
        try:
            plan = _decode(document)
        except (KeyError, TypeError, ValueError) as error:
            raise RecordingError(f"{path}: is no gate ({error!r}); start a new one") from error
        if plan.id != gate:
            raise RecordingError(f"{path}: holds the gate {plan.id!r}; start a new one")
        return plan


def _decode(document: JsonObject) -> GatePlan:
    plan = GatePlan(
        id=_text(document["id"]),
        suite=_text(document["suite"]),
        suite_path=_text(document["suite_path"]),
        suite_fingerprint=_text(document["suite_fingerprint"]),
        slots=_count(document["slots"]),
        looks=tuple(map(_count, _list(document["looks"]))),
        sides=tuple(map(_text, _list(document["sides"]))),
        started_at=_text(document["started_at"]),
        outcome=tuple(map(_text, _list(document["outcome"]))),
        stopped=_text(document["stopped"]),
        stopped_blocks=_index(document["stopped_blocks"]),
    )
    if list(plan.looks) != sorted(set(plan.looks)) or plan.looks[-1:] != (plan.slots,):
        raise ValueError(f"looks {plan.looks} do not lead to {plan.slots} slots")
    return plan


def _decode_unread(line: bytes, place: str) -> UnreadAnswer:
    document = parse_json_object(line, place)
    try:
        return UnreadAnswer(
            side=_text(document["side"]),
            case=_text(document["case"]),
            trial=_index(document["trial"]),
            words=_text(document["words"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RecordingError(f"{place}: is no note of a gate ({error!r})") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{value!r} is no count")
    return value


def _index(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no index")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value
