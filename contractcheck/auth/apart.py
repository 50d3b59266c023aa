"""Get credentials apart from what is measured."""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Made = TypeVar("Made")


async def run_apart(function: Callable[[], Made]) -> Made:
    """Run a function that blocks in another thread, and in an empty context.

    The trial that waits for a credential is in the context of its task. In an empty one nothing
    that the function sends belongs to a trial, so no recorder takes a token for an answer.
    """
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, Context().run, function)
