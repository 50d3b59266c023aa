"""One quota for all processes of a machine: a small file per target, behind a lock.

Nothing in it is worth more than minutes: a file that is old, torn by a kill, foreign or from
before a reboot counts as empty. Neither its name nor its
content holds a credential: the name is keyed by a random salt that never leaves the folder.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import orjson

from contractcheck.sampling.quota import Lease, Quota, Rate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from filelock import FileLock

    from contractcheck.model.json_value import JsonObject, JsonValue

T = TypeVar("T")

_FRESH_S: Final = 300.0
"""What nobody touched for longer (s) is forgotten: providers count in minutes."""

_SALT_FILE: Final = "salt"
_SALT_BYTES: Final = 32
_LOCK_POLL_S: Final = 0.002
_MOST_BYTES: Final = 65_536


class QuotaStore(Protocol):
    """Where a quota is kept."""

    @property
    def is_blank(self) -> bool:
        """Whether surely nothing is known yet, found out without waiting."""

    async def update(self, step: Callable[[Quota], tuple[Quota, T]]) -> T:
        """Take one step from what is known to what is known then."""


@dataclass(slots=True)
class LocalQuota:
    """A quota of this process alone."""

    quota: Quota = field(default_factory=Quota)

    @property
    def is_blank(self) -> bool:
        """Whether nothing is known yet."""
        return not self.quota.is_restricting

    async def update(self, step: Callable[[Quota], tuple[Quota, T]]) -> T:
        """Take one step."""
        self.quota, told = step(self.quota)
        return told


@dataclass(kw_only=True, slots=True)
class SharedQuota:
    """A quota that all processes of this machine share.

    Attributes:
        path: The file.
        now_s: The monotonic clock.
        lock: Held for a step; the system lets go of it when a process dies.
        alone: Set when the disk began to refuse: a run goes on without the others.
    """

    path: Path
    now_s: Callable[[], float]
    lock: FileLock
    alone: LocalQuota | None = None

    @property
    def is_blank(self) -> bool:
        """Whether there is no file: the first who learns something makes it."""
        return self.alone.is_blank if self.alone else not self.path.exists()

    async def update(self, step: Callable[[Quota], tuple[Quota, T]]) -> T:
        """Take one step, alone among all processes."""
        if self.alone is None:
            try:
                await self._acquire()
            except OSError:
                self.alone = LocalQuota()
        if self.alone is not None:
            return await self.alone.update(step)
        try:
            return self._step(step)
        finally:
            self.lock.release()

    def _step(self, step: Callable[[Quota], tuple[Quota, T]]) -> T:
        before = self._read()
        after, told = step(before)
        if after is before or not (after.is_restricting or before.is_restricting):
            return told
        try:
            self._write(encode_quota(after))
        except OSError:
            self.alone = LocalQuota(after)
        return told

    def _write(self, data: bytes) -> None:
        """Write in place, which takes a small part of the time: half a quota is read as none."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(descriptor, data, 0)
            os.ftruncate(descriptor, len(data))
        finally:
            os.close(descriptor)

    async def _acquire(self) -> None:
        from filelock import Timeout

        while True:
            # Waiting inside the lock would stop the event loop, and with it all clocks.
            with suppress(Timeout):
                self.lock.acquire(timeout=0)
                return
            await asyncio.sleep(_LOCK_POLL_S)

    def _read(self) -> Quota:
        try:
            with self.path.open("rb") as file:
                data = file.read(_MOST_BYTES)
        except OSError:
            return Quota()
        quota = decode_quota(data)
        age_s = self.now_s() - quota.at_s
        if not 0.0 <= age_s <= _FRESH_S:
            return Quota()
        leases = {process: x for process, x in quota.leases.items() if _is_alive(process)}
        return quota if len(leases) == len(quota.leases) else replace(quota, leases=leases)


def _is_alive(process: int) -> bool:
    """Whether there is such a process; a killed one has nothing under way any more."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def open_quota(
    folder: Path | None, key: tuple[str, ...], now_s: Callable[[], float]
) -> tuple[QuotaStore, str]:
    """Open the quota of one target.

    Args:
        folder: Where the machine's processes meet, made if missing; None keeps to this process.
        key: What tells targets apart: host, model, credential.
        now_s: The monotonic clock.

    Returns:
        The store, and why it is not shared although it should be; empty when it is as asked.
    """
    if folder is None:
        return LocalQuota(), ""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = hmac.new(_salt(folder), orjson.dumps(key), hashlib.sha256).hexdigest()[:32]
        lock = _lock(folder / f"{name}.lock")
    except (OSError, NotImplementedError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no locks"
        words = f"limits are not shared with other processes: {folder}: {reason}"
        return LocalQuota(), words
    return SharedQuota(path=folder / f"{name}.json", now_s=now_s, lock=lock), ""


def _lock(path: Path) -> FileLock:
    """Make the lock, and take it once, to know that this file system has locks."""
    from filelock import FileLock, Timeout

    # Not thread-local: a worker may take it, and the session's end let it go.
    lock = FileLock(path, mode=0o600, thread_local=False)
    with suppress(Timeout):
        lock.acquire(timeout=0)
        lock.release()
    return lock


def _salt(folder: Path) -> bytes:
    """This folder's salt; of several processes that come first, one makes it."""
    path = folder / _SALT_FILE
    with suppress(FileNotFoundError):
        return path.read_bytes()
    mine = folder / f"{_SALT_FILE}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
    try:
        descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_SALT_BYTES))
        with suppress(FileExistsError):
            # Unlike a rename, a link never replaces what another made first.
            os.link(mine, path)
    finally:
        mine.unlink(missing_ok=True)
    return path.read_bytes()


def encode_quota(quota: Quota) -> bytes:
    """Write a quota as JSON."""
    rate = quota.advertised
    return orjson.dumps(
        {
            "advertised": None if rate is None else [rate.per_s, rate.burst],
            "level": quota.level,  # infinite becomes null
            "level_at_s": quota.level_at_s,
            "window": quota.window,
            "cut_at_s": quota.cut_at_s,
            "paused_until_s": quota.paused_until_s,
            "strikes": quota.strikes,
            "leases": {str(p): [x.under_way, x.at_s] for p, x in quota.leases.items()},
            "at_s": quota.at_s,
        }
    )


def decode_quota(data: bytes) -> Quota:
    """Read a quota; what is none counts as an empty one."""
    try:
        document: JsonValue = orjson.loads(data)
        return _decode(document) if isinstance(document, dict) else Quota()
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return Quota()


def _decode(document: JsonObject) -> Quota:
    advertised, leases, window = document["advertised"], document["leases"], document["window"]
    if not isinstance(leases, dict):
        raise TypeError
    rate = None if advertised is None else _pair(advertised)
    if rate is not None and min(rate) <= 0.0:
        raise ValueError
    level = document["level"]
    return Quota(
        advertised=None if rate is None else Rate(per_s=rate[0], burst=rate[1]),
        level=math.inf if level is None else _number(level),
        level_at_s=_number(document["level_at_s"]),
        window=None if window is None else max(1.0, _number(window)),
        cut_at_s=_number(document["cut_at_s"]),
        paused_until_s=_number(document["paused_until_s"]),
        strikes=int(_number(document["strikes"])),
        leases={int(p): _lease(lease) for p, lease in leases.items() if int(p) > 0},
        at_s=_number(document["at_s"]),
    )


def _lease(value: JsonValue) -> Lease:
    under_way, at_s = _pair(value)
    return Lease(under_way=int(under_way), at_s=at_s)


def _pair(value: JsonValue) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - a pair
        raise TypeError
    return _number(value[0]), _number(value[1])


def _number(value: JsonValue) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)
