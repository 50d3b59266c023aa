"""Send one request, by our own client or through somebody's SDK; the recording has what came."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import httpx2

from contractcheck.cassettes import in_trial
from contractcheck.sampling.sdk_relay import SdkTrial
from contractcheck.sampling.watch import OverdueError

if TYPE_CHECKING:
    from contractcheck.model.exchange import Headers
    from contractcheck.model.run import Trial
    from contractcheck.model.wire import WireRequest
    from contractcheck.sampling.hearing import Ear
    from contractcheck.sampling.options import Side
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


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnSender:
    """Our own client.

    Attributes:
        ear: Sends, and hears answers out.
        side: Whom to ask.
    """

    ear: Ear
    side: Side
    _urls: dict[str, httpx2.URL] = field(default_factory=dict)

    @property
    def may_repeat(self) -> bool:
        """It may."""
        return True

    async def send(self, trial: Trial, wire: WireRequest, *, number: int, made: int) -> Sent:
        """Send a request; see ``Sender``."""
        headers = await self.side.authorizer.authorize(wire, self.side.base_url)
        url = self._url(wire.path)
        with in_trial(trial.case, number, first_attempt=made) as slot:
            try:
                async with self.ear.ask(
                    slot, wire.method, url, headers=headers, body=wire.body
                ) as heard:
                    async for _ in heard.pieces():
                        pass
            except (httpx2.HTTPError, OverdueError):
                pass  # the recording has it
        return Sent(headers=headers)

    def _url(self, path: str) -> httpx2.URL:
        """The address of a path, parsed once: that takes as long as to journal an answer."""
        if path not in self._urls:
            self._urls[path] = httpx2.URL(self.side.base_url + path)
        return self._urls[path]


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
