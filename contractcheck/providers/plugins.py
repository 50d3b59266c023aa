"""Dialects of other packages, found by their entry points.

Source: Python Packaging User Guide, "Entry points specification". A package that declares
``[project.entry-points."contractcheck.providers"]`` is found when it is installed, and imported
when one of its providers is first asked for.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, cast

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from contractcheck.providers.wire import Dialect

GROUP = "contractcheck.providers"
_MEMBERS = ("base_url", "schemes", "idempotency_header", "build", "frames", "read")


def plugin_names() -> frozenset[str]:
    """Names of the providers that other packages bring; nothing of theirs is imported."""
    return frozenset(entry_points(group=GROUP).names)


@lru_cache(maxsize=64)
def load_plugin(provider: str) -> Dialect | None:
    """Import the dialect of another package; None when none has this name.

    A process imports it once, as Python does with modules.

    Raises:
        UsageError: If two packages claim the name, or the package's dialect cannot be used.
    """
    found = tuple(entry_points(group=GROUP, name=provider))
    if not found:
        return None
    if len(found) > 1:
        owners = " and ".join(sorted(_owner(entry) for entry in found))
        raise UsageError(f"provider {provider!r} is claimed by {owners}; uninstall one of them")
    entry = found[0]
    try:
        loaded = entry.load()
    except Exception as error:
        raise UsageError(
            f"provider {provider!r} of {_owner(entry)} ({entry.value}) cannot be imported: "
            f"{type(error).__name__}: {error}; update or uninstall {_owner(entry)}"
        ) from error
    lacking = [name for name in _MEMBERS if not hasattr(loaded, name)]
    if lacking:
        raise UsageError(
            f"provider {provider!r} of {_owner(entry)} ({entry.value}) is no dialect: it has no "
            f"{', '.join(lacking)}; update or uninstall {_owner(entry)}"
        )
    return cast("Dialect", loaded)


def _owner(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.value
