"""Shards: parts of one suite's cases, sampled on several machines and merged into one night."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.model.suite import Suite

_FORM = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """One of ``count`` parts of a suite's cases; ``index`` counts from 1."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def read_shard(text: str) -> Shard:
    """Read ``i/n``, such as ``2/8``.

    Raises:
        UsageError: If it is not of that form, or i is larger than n.
    """
    found = _FORM.fullmatch(text)
    if found is None or int(found[1]) > int(found[2]):
        raise UsageError(f"shard {text[:20]!r} is not i/n, such as 2/8, with i from 1 to n")
    return Shard(index=int(found[1]), count=int(found[2]))


def cases_of(suite: Suite, shard: Shard) -> frozenset[str]:
    """Which cases a shard asks: every n-th, in the order of the digests of their ids.

    The order of a suite's file often goes by kind, and so by cost; digests deal kinds out. Sizes
    differ by one at most, and every machine finds the same parts.

    Raises:
        UsageError: If the suite has fewer cases than there are shards.
    """
    if shard.count > len(suite.cases):
        raise UsageError(
            f"{suite.name} has {len(suite.cases)} cases: it cannot be split into {shard.count} "
            "shards; use fewer, or name suites with --suite"
        )
    ids = sorted((case.id for case in suite.cases), key=_digest)
    return frozenset(ids[shard.index - 1 :: shard.count])


def shard_conflicts(marks: Sequence[tuple[str, str]]) -> list[str]:
    """Say why some runs are not all shards of one whole; empty where they are, or none is one.

    Args:
        marks: Per run its id and its shard as in its header, empty for a run that is none.

    Raises:
        UsageError: If a header's shard is none.
    """
    if not any(mark for _, mark in marks):
        return []
    if others := [run for run, mark in marks if not mark]:
        return [f"{', '.join(others)}: no shard, and cannot be merged with shards"]
    shards = {run: read_shard(mark) for run, mark in marks}
    counts = {shard.count for shard in shards.values()}
    if len(counts) > 1:
        told = ", ".join(f"{run} is {shard}" for run, shard in shards.items())
        return [f"shards of different splits: {told}"]
    (count,) = counts
    missing = sorted({*range(1, count + 1)} - {shard.index for shard in shards.values()})
    if not missing:
        return []
    told = ", ".join(f"{index}/{count}" for index in missing)
    return [f"shard {told} is missing: a night is the whole suite; name the runs of all shards"]


def _digest(case: str) -> bytes:
    return hashlib.sha256(case.encode()).digest()
