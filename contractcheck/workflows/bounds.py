"""From what a user asked for to the bounds of a session; and where its processes meet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from contractcheck.sampling import Bounds, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping


class Asked(TypedDict, total=False):
    """What may be asked for; see ``Bounds``. ``no_retry`` goes before ``attempts``."""

    attempts: int
    no_retry: bool
    patience_s: float
    deadline_s: float | None
    requests_per_minute: float | None
    max_tokens: int | None
    idle_timeout_s: float
    request_timeout_s: float
    first_token_timeout_s: float | None


def make_bounds(environment: Mapping[str, str], **asked: Unpack[Asked]) -> Bounds:
    """Make the bounds of a session whose limits all processes of this machine share.

    Args:
        environment: The process's environment.
        **asked: What differs from the defaults.
    """
    default = Bounds()
    attempts = 1 if asked.get("no_retry") else asked.get("attempts", default.retry.attempts)
    return Bounds(
        retry=RetryPolicy(attempts=attempts),
        patience_s=asked.get("patience_s", default.patience_s),
        deadline_s=asked.get("deadline_s"),
        requests_per_minute=asked.get("requests_per_minute"),
        max_tokens=asked.get("max_tokens"),
        idle_timeout_s=asked.get("idle_timeout_s", default.idle_timeout_s),
        request_timeout_s=asked.get("request_timeout_s", default.request_timeout_s),
        first_token_timeout_s=asked.get("first_token_timeout_s"),
        shared=find_meeting_place(environment),
    )


def find_meeting_place(environment: Mapping[str, str]) -> Path | None:
    """Folder in which this user's processes share what they know of limits.

    The XDG base directory specification, version 0.8: what lives no longer than a login belongs
    below ``XDG_RUNTIME_DIR``; without one, the cache is the next best. None without a home.
    """
    for name in ("XDG_RUNTIME_DIR", "XDG_CACHE_HOME"):
        value = environment.get(name, "")
        # The specification: a relative path is to be ignored.
        if value and Path(value).is_absolute():
            return Path(value) / "contractcheck" / "limits"
    home = environment.get("HOME", "")
    return Path(home) / ".cache" / "contractcheck" / "limits" if home else None
