"""Get credentials apart from what is measured."""

from __future__ import annotations

import asyncio
from contextvars import Context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Made = TypeVar("Made")


async def run_apart(function: Callable[[], Made]) -> Made:
    """Run a function that blocks in another thread, and in an empty context.

    The trial that waits for a credential is in the context of its task. In an empty one nothing
    that the function sends belongs to a trial, so no recorder takes a token for an answer.
    """
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, Context().run, function)


@dataclass(slots=True, eq=False)
class SharedWork(Generic[Made]):
    """Work that is done once for all who ask for it meanwhile; who gives up takes it from nobody.

    Attributes:
        do: Begins it.
    """

    do: Callable[[], Coroutine[None, None, Made]]
    _under_way: asyncio.Task[Made] | None = field(default=None, repr=False)

    async def result(self) -> Made:
        """Wait for what is under way, or for a new beginning."""
        # Nothing is awaited in between, so one task serves all that ask meanwhile.
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.get_running_loop().create_task(self.do())
        return await asyncio.shield(self._under_way)
