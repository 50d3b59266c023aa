"""The HTTP face of the simulator: a starlette application that keeps time."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from contractcheck.simulator import (
    anthropic_wire,
    azure_wire,
    bedrock_wire,
    cohere_wire,
    embeddings_wire,
    gemini_wire,
    mistral_wire,
    openai_wire,
    responses_wire,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from starlette.requests import Request

    from contractcheck.simulator.dialect import Dialect
    from contractcheck.simulator.reply import Reply
    from contractcheck.simulator.service import Service

DIALECTS: tuple[Dialect, ...] = (
    openai_wire,
    responses_wire,
    embeddings_wire,
    azure_wire,
    anthropic_wire,
    gemini_wire,
    bedrock_wire,
    cohere_wire,
    mistral_wire,
)

SDK_PREFIXES: Mapping[str, str] = MappingProxyType(
    {
        "openai": "/v1",
        "azure": "",
        "anthropic": "",
        "gemini": "",
        "bedrock": "",
        "cohere": "",
        "mistral": "/mistral",
    }
)
"""What the official SDK of each provider expects at the end of its base URL."""

TICK_S = 0.004
"""Events due within one tick of the last write leave together. Without it, a strongly
scaled-down stream would wake the loop for every token and delay its neighbours."""


class ConnectionCutError(Exception):
    """Tells the server to drop the connection of a reply that is not whole; never seen outside."""


def make_app(service: Service) -> Starlette:
    """Return the application: the POST routes of every dialect."""
    return Starlette(
        routes=[
            Route(path, _make_endpoint(service, dialect, fields), methods=["POST"])
            for dialect in DIALECTS
            for path, fields in dialect.PATHS.items()
        ]
    )


def _make_endpoint(
    service: Service, dialect: Dialect, fields: Mapping[str, object]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        arrived_s = asyncio.get_running_loop().time()
        address = {**fields, **request.path_params}
        query = {f"?{name}": value for name, value in request.query_params.items()}
        told = {**request.headers, **query}
        reply = service.reply(dialect, told, await request.body(), address)
        headers = dict(reply.headers)
        if not reply.streamed:
            length = sum(len(content) for _, content in reply.parts) + reply.missing_bytes
            headers["content-length"] = str(length)
            await _sleep_until(arrived_s + reply.parts[-1][0])
        return StreamingResponse(
            _pace(reply, arrived_s),
            status_code=reply.status,
            headers=headers,
            media_type=reply.media_type,
        )

    return endpoint


async def _pace(reply: Reply, arrived_s: float) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    sent, parts = 0, reply.parts
    earliest_s, last_s = arrived_s, arrived_s + parts[-1][0]
    while sent < len(parts):
        await _sleep_until(min(max(arrived_s + parts[sent][0], earliest_s), last_s))
        now_s = loop.time()
        due = sent + 1
        while due < len(parts) and arrived_s + parts[due][0] <= now_s:
            due += 1
        yield b"".join(content for _, content in parts[sent:due])
        sent, earliest_s = due, now_s + TICK_S
    if reply.missing_bytes:
        raise ConnectionCutError


async def _sleep_until(moment_s: float) -> None:
    delay_s = moment_s - asyncio.get_running_loop().time()
    if delay_s > 0.0:
        await asyncio.sleep(delay_s)
