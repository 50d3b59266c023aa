"""Who is asked."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contractcheck.model.credential import AuthChoice
    from contractcheck.model.wire_mapping import WireMapping

_DATED = re.compile(r"(19|20)\d{2}-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])")
_UNSAFE = re.compile(r"[^a-z0-9._-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A model at a provider: what a run samples.

    Attributes:
        provider: Wire dialect, such as ``openai``; one of ``providers.provider_names()``.
        model: Model name as sent in the request.
        base_url: Endpoint without trailing slash; None means the provider's public one.
        region: Where the provider runs the model, for wires that ask; None is the wire's default.
        api_version: Version of the wire, for wires that have several; None is the usual one.
        project: Account, project or resource that pays, for wires whose path names it.
        mapping: How it is asked and read, for the provider ``http``; None for all others.
        auth: How the suite wants it shown who asks; None leaves it to the wire. Not recorded, and
            no part of who the target is.
    """

    provider: str
    model: str
    base_url: str | None = None
    region: str | None = None
    api_version: str | None = None
    project: str | None = None
    mapping: WireMapping | None = field(default=None, hash=False, repr=False)
    auth: AuthChoice | None = field(default=None, compare=False)

    @property
    def id(self) -> str:
        """``provider:model``, as written in suites and on the command line."""
        return f"{self.provider}:{self.model}"

    @property
    def folder(self) -> str:
        """A file name for this target: readable, and different for different targets.

        Characters outside ``[a-z0-9._-]`` (upper case too: some file systems fold it)
        become ``-``; a name that had any gets a digest, so that no two targets meet.
        """
        plain = self.id.replace(":", "-", 1)
        safe = _UNSAFE.sub("-", plain.lower()).strip(".-") or "target"
        if safe == plain and len(safe) <= 80:  # noqa: PLR2004 - readable length of a folder name
            return safe
        digest = hashlib.sha256(self.id.encode()).hexdigest()[:8]
        return f"{safe[:80]}-{digest}"

    @property
    def is_pinned(self) -> bool:
        """Whether the name carries a date, so that the provider promised one snapshot."""
        return _DATED.search(self.model) is not None


def parse_target(text: str) -> tuple[str, str] | None:
    """Split ``provider:model``; None when either part is missing or has a blank."""
    provider, separator, model = text.partition(":")
    if not separator or not provider or not model or re.search(r"\s", text):
        return None
    return provider, model
