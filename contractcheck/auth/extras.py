"""Libraries that only some credentials need."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from types import ModuleType


def import_extra(module: str, extra: str) -> ModuleType:
    """Import a module of an optional library.

    Raises:
        UsageError: If it is not installed; says what to install.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{module.partition('.')[0]} is not installed: pip install 'contractcheck[{extra}]'"
        ) from error
