"""Send one request, by our own client or through somebody's SDK; the recording has what came."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import httpx2

from contractcheck.cassettes import in_trial
from contractcheck.model.exchange import Response
from contractcheck.providers.first_content import has_content
from contractcheck.sampling.sdk_relay import SdkTrial
from contractcheck.sampling.watch import OverdueError, Watch

if TYPE_CHECKING:
    from contractcheck.model.exchange import Headers
    from contractcheck.model.run import Trial
    from contractcheck.model.wire import WireRequest
    from contractcheck.providers.wire import Dialect
    from contractcheck.sampling.options import Bounds, Side
    from contractcheck.sampling.sdk_relay import SdkRelay


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A request that was sent.

    Attributes:
        headers: With what it was sent, as far as they are known here.
        words: What an SDK raised, or empty.
    """

    headers: Headers = field(default=(), repr=False)
    words: str = ""


class Sender(Protocol):
    """A way to ask one side."""

    @property
    def may_repeat(self) -> bool:
        """Whether a failed request may be sent again."""

    async def send(self, trial: Trial, wire: WireRequest, *, number: int, made: int) -> Sent:
        """Send a request and take its whole answer; trouble on the wire is no exception.

        Args:
            trial: What it belongs to.
            wire: The request.
            number: The trial's number in the session.
            made: Attempts of earlier sessions.
        """


MOST_ANSWER_BYTES = 8 << 20
"""Largest answer that is read, 8 MiB: nobody's output limit fills a tenth of it, and what would
go on for ever must fill neither memory nor disk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnSender:
    """Our own client.

    Attributes:
        client: Sends.
        side: Whom to ask.
        dialect: How it speaks.
        bounds: How long an answer may take.
    """

    client: httpx2.AsyncClient
    side: Side
    dialect: Dialect
    bounds: Bounds
    _urls: dict[str, httpx2.URL] = field(default_factory=dict)

    @property
    def may_repeat(self) -> bool:
        """It may."""
        return True

    async def send(self, trial: Trial, wire: WireRequest, *, number: int, made: int) -> Sent:
        """Send a request; see ``Sender``."""
        headers = await self.side.authorizer.authorize(wire, self.side.base_url)
        pieces: list[bytes] = []
        opened: list[httpx2.Response] = []
        with in_trial(trial.case, number, first_attempt=made) as slot:
            watch = Watch(
                bounds=self.bounds, slot=slot, has_content=lambda: self._has_content(opened, pieces)
            )
            try:
                async with (
                    watch.watching(),
                    self.client.stream(
                        wire.method,
                        self._url(wire.path),
                        headers=list(headers),
                        content=wire.body,
                    ) as response,
                ):
                    opened.append(response)
                    size_bytes = 0
                    async for piece in response.aiter_raw():
                        pieces.append(piece)
                        size_bytes += len(piece)
                        if size_bytes > MOST_ANSWER_BYTES:
                            slot.overdue = "AnswerTooLarge"
                            break
            except (httpx2.HTTPError, OverdueError):
                pass  # the recording has it
        return Sent(headers=headers)

    def _url(self, path: str) -> httpx2.URL:
        """The address of a path, parsed once: that takes as long as to journal an answer."""
        if path not in self._urls:
            self._urls[path] = httpx2.URL(self.side.base_url + path)
        return self._urls[path]

    def _has_content(self, opened: list[httpx2.Response], pieces: list[bytes]) -> bool:
        """Whether what has come so far holds content."""
        if not opened:
            return False
        body = b"".join(pieces)
        so_far = Response(
            status=opened[0].status_code,
            http_version="HTTP/1.1",
            headers=tuple(opened[0].headers.items()),
            body=body,
            chunk_bytes=(len(body),),
            chunk_times_us=(0,),
        )
        return has_content(self.dialect.frames(so_far))


@dataclass(frozen=True, kw_only=True, slots=True)
class SdkSender:
    """The SDK of another environment.

    What it could not read is told, and nothing is sent again: an SDK that is judged has to come
    through as it is.

    Attributes:
        relay: Passes its requests on.
        side: Whom it asks.
    """

    relay: SdkRelay
    side: Side

    @property
    def may_repeat(self) -> bool:
        """It may not."""
        return False

    async def send(self, trial: Trial, wire: WireRequest, *, number: int, made: int) -> Sent:
        """Send a request; see ``Sender``."""
        sdk_trial = SdkTrial(case=trial.case, number=number, first_attempt=made)
        answer = await self.relay.ask(sdk_trial, wire.body)
        # An SDK repeats what the provider said, which may name the key.
        words = self.side.run.scrubber.scrub_text(answer.error)
        if answer.is_unread:
            self.side.tell_unread(trial, words)
        return Sent(words=words)
