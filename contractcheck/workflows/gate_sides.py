"""The sides of a gate as people write them: a target, a revision, an endpoint, an SDK, or nights.

A side is a bare ``provider:model``, or ``key=value`` pairs joined by commas::

    openai:gpt-5-mini
    target=openai:gpt-5-mini,base_url=https://eu.llm.example.com
    rev=main                             the suite as it was there; its only target
    env=.venv-next                       through the official SDK of that virtual environment
    accepted                             the accepted nights of a target that is gone
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.errors import UsageError
from contractcheck.model.target import Target, parse_target
from contractcheck.providers import provider_names

if TYPE_CHECKING:
    from contractcheck.model.suite import Suite

_KEYS = ("target", "base_url", "rev", "env", "accepted")

_SECRET_PLACE = re.compile(r"(?:://|base_url=)[^,]*[?#@]")
"""Where an address may hold a credential: user, query, fragment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SideSpec:
    """A side as written.

    Attributes:
        target: ``provider:model``, or empty for the suite's only target.
        base_url: Endpoint that the user named, or None.
        revision: Commit, branch or tag whose suite is asked; empty for the files as they are.
        environment: Virtual environment whose SDK asks; empty for this program's own requests.
        is_accepted: Whether accepted nights stand in: nobody is asked.
    """

    target: str = ""
    base_url: str | None = None
    revision: str = ""
    environment: str = ""
    is_accepted: bool = False

    @property
    def text(self) -> str:
        """The side as ``key=value`` pairs, which ``parse_side`` reads again."""
        if self.is_accepted:
            return f"accepted={self.target}" if self.target else "accepted"
        pairs = (
            ("target", self.target),
            ("base_url", self.base_url),
            ("rev", self.revision),
            ("env", self.environment),
        )
        return ",".join(f"{key}={value}" for key, value in pairs if value)


def parse_side(text: str, option: str) -> SideSpec:
    """Read one side.

    Args:
        text: As written.
        option: Such as ``--from``, for the error.

    Raises:
        UsageError: Naming the part that is wrong.
    """
    if text == "accepted":
        return SideSpec(is_accepted=True)
    if _SECRET_PLACE.search(text):
        raise UsageError(
            f"{option}: base_url is written down and shown, so it may not hold a user, a query or "
            "a fragment; give scheme, host and path alone, and the key in the environment"
        )
    if "=" not in text.partition(",")[0]:
        text = f"target={text}"
    values: dict[str, str] = {}
    for part in text.split(","):
        key, separator, value = part.partition("=")
        where = f"{option} {text!r}: {part!r}"
        if not separator:
            raise UsageError(
                f"{where} is no key=value; a side is provider:model, or pairs of "
                f"{', '.join(_KEYS)} joined by commas"
            )
        if key not in _KEYS:
            raise UsageError(f"{where}: unknown key {key!r}; known: {', '.join(_KEYS)}")
        if key in values:
            raise UsageError(f"{where}: {key} is given twice")
        if not value:
            raise UsageError(f"{where}: {key} is empty")
        values[key] = value
    return _spec(values, f"{option} {text!r}")


def resolve_target(spec: SideSpec, suite: Suite, option: str) -> Target:
    """Whom a side asks; a target of the suite brings the suite's endpoint with it.

    Raises:
        UsageError: If the side names no target and the suite has several.
    """
    known = {target.id: target for target in suite.targets}
    if spec.target:
        provider, _, model = spec.target.partition(":")
        return known.get(spec.target, Target(provider=provider, model=model))
    if len(known) > 1:
        raise UsageError(
            f"{option} names no target, and {suite.name} has {len(known)}: "
            f"add target=… of {', '.join(known)}"
        )
    return suite.targets[0]


def _spec(values: dict[str, str], where: str) -> SideSpec:
    if "accepted" in values:
        if len(values) > 1:
            other = next(key for key in values if key != "accepted")
            raise UsageError(f"{where}: accepted nights have no {other}; leave it out")
        return SideSpec(target=_target(values["accepted"], where), is_accepted=True)
    return SideSpec(
        target=_target(values["target"], where) if "target" in values else "",
        base_url=values.get("base_url"),
        revision=values.get("rev", ""),
        environment=values.get("env", ""),
    )


def _target(text: str, where: str) -> str:
    parts = parse_target(text)
    if parts is None:
        raise UsageError(f"{where}: {text!r} is not a target such as openai:gpt-5-mini")
    if parts[0] not in (names := provider_names()):
        known = ", ".join(names)
        raise UsageError(f"{where}: unknown provider {parts[0]!r}; known providers: {known}")
    return text
