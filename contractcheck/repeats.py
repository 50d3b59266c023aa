"""Text of which one long passage comes again and again, with that passage written once.

The events of a token stream repeat all of their JSON but for a few characters: written out, an
answer of a kilobyte takes sixty. A text is therefore kept as its parts, and what stands between
them, once. Nothing is understood for that, neither events nor JSON: the parts joined are the
text, character for character, whatever was chosen to stand between them.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonValue

MOST_JOINT_BYTES = 384
"""Longest passage that is written once. A part takes three bytes of a line, its quotes and comma,
so no line spells a text of more than 129 times its own length."""

MOST_TEXT = 8 << 20
"""Longest text in parts, in characters: no answer is longer, and no line spells more by them."""

_PART_MARKS = 3
"""Quotes and comma that each further part costs."""

_LINE_ENDS = ("\n\n", "\r\n\r\n", "\n")
"""What may end an event: of server-sent events, of JSON lines."""

_EVENTS = 3
"""Compared with each other: two may begin with the same word by chance."""

_LEAST_SAVED = 0.25
"""Share of a text that must be saved, or it is kept as it is."""

_QUICK_CHARACTERS = 48
"""``str.split`` looks for so many fastest, and prepares anew for every hit from 100 on."""

_MOST_WRONG = 16
"""Hits that go on otherwise, such as the last event; with more, the whole joint is looked for."""

_BEFORE_A_VALUE = '":,{['
_BEHIND_A_VALUE = re.compile(r'[",}\]]')


class Repeats(NamedTuple):
    """A text in parts: ``joint.join(parts)``.

    Attributes:
        joint: What stands between the parts.
        parts: Three or more.
    """

    joint: str
    parts: list[str]


def split_repeats(text: str) -> Repeats | None:
    """Find what stands between the parts of a text, and its parts; None when too little repeats.

    Of equal texts the same is found, so that what is written does not depend on who writes it.
    """
    joint = _joint(text) if len(text) <= MOST_TEXT else ""
    if not joint:
        return None
    parts = _split(text, joint)
    saved = (len(joint) - _PART_MARKS) * (len(parts) - 2)
    return Repeats(joint, parts) if saved >= _LEAST_SAVED * len(text) else None


def join_repeats(joint: str, parts: JsonValue) -> bytes:
    """Return the UTF-8 of a text that was split.

    Args:
        joint: What stands between the parts.
        parts: Texts, if nobody edited them.

    Raises:
        ValueError: If the parts are no texts, there is none, or the joint or the whole is longer
            than any that is written: a line of one megabyte could otherwise spell a terabyte.
    """
    if not isinstance(parts, list) or not parts:
        raise ValueError("a body in no parts")
    if len(joint.encode()) > MOST_JOINT_BYTES:
        raise ValueError(f"a joint of more than {MOST_JOINT_BYTES} bytes")
    if len(joint) * (len(parts) - 1) > MOST_TEXT:
        raise ValueError(f"parts that spell more than {MOST_TEXT:,} characters")
    try:
        return joint.join(cast("list[str]", parts)).encode()
    except TypeError as error:
        raise ValueError("a part of a body is no text") from error


def _joint(text: str) -> str:
    """The end of one event and the beginning of the next, as far as three neighbours agree."""
    for line_end in _LINE_ENDS:
        events = _neighbours(text, line_end)
        if events:
            break
    else:
        return ""
    head = min(_common(events[0], other) for other in events[1:])
    # Cut where a value begins: what is common to two values is chance.
    head = max(events[0].rfind(mark, 0, head) for mark in _BEFORE_A_VALUE) + 1
    rests = [event[head:][::-1] for event in events]
    tail = min(_common(rests[0], other) for other in rests[1:])
    end = rests[0][:tail][::-1]
    behind = _BEHIND_A_VALUE.search(end)
    return _bounded((end[behind.start() :] if behind else "") + line_end + events[0][:head])


def _bounded(joint: str) -> str:
    """The end of a joint that is too long, from where a value ends: no key begins inside a word."""
    encoded = joint.encode()
    if len(encoded) <= MOST_JOINT_BYTES:
        return joint
    cut = encoded[-MOST_JOINT_BYTES:].decode(errors="ignore")
    behind = _BEHIND_A_VALUE.search(cut)
    return cut[behind.start() :] if behind else ""


def _neighbours(text: str, line_end: str) -> list[str]:
    """Three whole events in a row, from a third of a text on: it begins and ends with others."""
    bounds = [text.find(line_end, len(text) // 3)]
    while bounds[-1] >= 0 and len(bounds) <= _EVENTS:
        bounds.append(text.find(line_end, bounds[-1] + len(line_end)))
    if bounds[-1] < 0:
        return []
    return [text[before + len(line_end) : end] for before, end in pairwise(bounds)]


def _common(one: str, other: str) -> int:
    """Length of what two texts begin with; as many looks as the length has binary digits."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one.startswith(other[:middle]):
            low = middle
        else:
            high = middle - 1
    return low


def _split(text: str, joint: str) -> list[str]:
    head, rest = joint[:_QUICK_CHARACTERS], joint[_QUICK_CHARACTERS:]
    first, *others = text.split(head)
    length = len(rest)
    wrong = [index for index, other in enumerate(others) if not other.startswith(rest)]
    if len(wrong) > _MOST_WRONG:
        return text.split(joint)
    parts, start = [first], 0
    for index in wrong:  # no end of a part
        parts += [other[length:] for other in others[start:index]]
        parts[-1] += head + others[index]
        start = index + 1
    return [*parts, *[other[length:] for other in others[start:]]]
