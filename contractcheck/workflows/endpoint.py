"""Where a target is asked, and with which credential.

A suite file may come from a pull request. It may name an endpoint, but a credential only ever
goes to the provider's own host, to this machine, to a host that the person at the keyboard
named (``--base-url``), or to one listed in ``CONTRACTCHECK_TRUSTED_HOSTS``. Requests are never
redirected, so it stays there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from contractcheck.errors import UsageError
from contractcheck.model.credential import AwsSignature
from contractcheck.providers import dialect
from contractcheck.suite.addresses import is_loopback
from contractcheck.workflows.credential import Asked, find_authorizer, trusted_hosts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

    from contractcheck.auth import Authorizer
    from contractcheck.model.target import Target
    from contractcheck.providers.wire import Dialect

_SECRET_ENDINGS = (
    *("KEY", "TOKEN", "SECRET", "PASSWORD"),
    *("PASSWD", "PASSPHRASE", "CREDENTIALS"),
)

_SETTING = re.compile(
    r"true|false|yes|no|on|off|none|null|auto|enabled?|disabled?|default|required|optional"
    r"|production|development|staging|testing|password|secret|changeme|postgres"
    r"|\d{1,7}|(?:~?/|\.{1,2}/|[a-z]:\\)[^\0\n]*\.(?:json|ya?ml|toml|txt|pem|key|crt|p12|pfx|pub)",
    re.IGNORECASE,
)
"""Values that say how something is set, defaults that everybody knows, short numbers, and names of
files: no secrets, and starring them would take words out of ordinary text."""

_REGION = re.compile(r"[a-z0-9-]{1,40}")

_NO_ADDRESS = "is no address; expected http(s)://host[:port][/path]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A resolved endpoint.

    Attributes:
        base_url: Without trailing slash.
        authorizer: Puts the credential for this host on requests.
        secrets: Everything that must never be written: this and all other credentials in the
            environment.
    """

    base_url: str
    authorizer: Authorizer
    secrets: tuple[str, ...] = field(repr=False)


def resolve_endpoint(
    target: Target, *, base_url: str | None, environment: Mapping[str, str]
) -> Endpoint:
    """Find endpoint and credential of a target.

    Args:
        target: Whom to ask; its own ``base_url`` comes from the suite file.
        base_url: What the user named on the command line, or None.
        environment: The process's environment.

    Raises:
        UsageError: If the credential is missing or would go to an untrusted host.
        MeasurementError: If a cloud's own credential is there and cannot be had.
    """
    speaker = dialect(target.provider, target.mapping)
    region = _region(speaker, target, environment)
    own_url = _own_url(speaker, region)
    url = (base_url or target.base_url or own_url).rstrip("/")
    if not url:
        lacks = (
            "needs a region; give it one, or an endpoint with base_url"
            if speaker.base_url
            else "has no public endpoint; give yours with base_url"
        )
        raise UsageError(f"{target.id} {lacks}")
    if target.mapping is None:
        url = url.removesuffix("/v1")  # what the SDKs take; the dialects' paths begin with it
    parts = _plain_parts(url, target)
    host = parts.hostname or ""
    is_here = is_local(parts)
    if base_url is None and not is_here:
        _require_trust(host, urlsplit(own_url).hostname or "", target, environment)
    if parts.scheme == "http" and not is_here:
        raise UsageError(f"{url}: a credential is never sent over plain http; use https")
    asked = Asked(
        target=target,
        schemes=speaker.schemes,
        host=host,
        is_here=is_here,
        region=region,
        environment=environment,
    )
    authorizer = find_authorizer(asked)
    secrets = (*authorizer.secrets, *find_secrets(environment))
    return Endpoint(base_url=url, authorizer=authorizer, secrets=secrets)


def _plain_parts(url: str, target: Target) -> SplitResult:
    """Split an address that is one, and no more; what may hold a secret is told of, never shown."""
    if "?" in url or "#" in url:
        raise UsageError(
            f"the endpoint of {target.id} holds a query or a fragment; take it out: an endpoint "
            "is written down and shown, and a key belongs in the environment"
        )
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise UsageError(f"the endpoint of {target.id} {_NO_ADDRESS}") from None
    if parts.username or parts.password:
        raise UsageError(f"the endpoint at {host} holds a user or password; take it out")
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"the endpoint of {target.id} {_NO_ADDRESS}")
    return parts


def _region(speaker: Dialect, target: Target, environment: Mapping[str, str]) -> str:
    """Where the target is served; AWS's own variables speak for wires that AWS signs."""
    if target.region:
        return target.region
    is_aws = any(isinstance(scheme, AwsSignature) for scheme in speaker.schemes)
    usual = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
    return usual if is_aws and _REGION.fullmatch(usual) else ""


def _own_url(speaker: Dialect, region: str) -> str:
    """The provider's public endpoint, where this target is served."""
    if "{region}" not in speaker.base_url:
        return speaker.base_url
    # Vertex serves its global location at the host without one.
    return speaker.base_url.format(region=region).replace("//global-", "//") if region else ""


def is_local(url: SplitResult) -> bool:
    """Whether a URL leads to this machine."""
    return is_loopback(url.hostname or "")


def find_secrets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Values of all variables that by their name hold a credential.

    A value that is a mere setting (``true``, ``production``, a number of up to seven digits, the
    name of a key file) is none. Values under six characters are left out by ``Scrubber``.
    """
    return tuple(
        value
        for name, value in sorted(environment.items())
        if name.upper().endswith(_SECRET_ENDINGS) and value and not _SETTING.fullmatch(value)
    )


def _require_trust(host: str, own: str, target: Target, environment: Mapping[str, str]) -> None:
    if host != own and host not in trusted_hosts(environment):
        foreign = f", which is not {own}" if own else ""
        raise UsageError(
            f"the suite sends {target.id} to {host}{foreign}: a suite file alone may not direct a "
            "credential there; add --base-url, or list the host in CONTRACTCHECK_TRUSTED_HOSTS"
        )
