"""AWS Signature Version 4, by botocore: the credential is never sent, only what it signs.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from contractcheck.auth.apart import run_apart
from contractcheck.auth.extras import import_extra
from contractcheck.auth.held import HeldSecrets
from contractcheck.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.auth.held import Learn
    from contractcheck.model.exchange import Headers
    from contractcheck.model.wire import WireRequest


class AwsKeys(NamedTuple):
    """What signs (botocore has the same tuple)."""

    access_key: str
    secret_key: str
    token: str | None


class AwsCredentials(Protocol):
    """What is used of botocore's credentials; those that expire have ``refresh_needed`` too."""

    def get_frozen_credentials(self) -> AwsKeys:
        """The keys of now; asks for others when these are about to expire."""


class _Request(Protocol):
    headers: Mapping[str, str]


@dataclass(slots=True, eq=False)
class AwsAuthorizer:
    """Signs requests to one service in one region.

    Attributes:
        credentials: Of botocore's own chain.
        service: Signing name, such as ``bedrock``.
        region: Such as ``eu-central-1``.
    """

    credentials: AwsCredentials = field(repr=False)
    service: str
    region: str
    _held: HeldSecrets = field(default_factory=HeldSecrets, repr=False)
    _keys: AwsKeys | None = field(default=None, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every key and session token so far."""
        return self._held.values

    def tell(self, learn: Learn) -> None:
        """Have ``learn`` told every secret: see ``Authorizer``."""
        self._held.tell(learn)

    async def authorize(self, request: WireRequest, base_url: str) -> Headers:
        """Return the request's headers and the signature: see ``Authorizer``.

        Only what must be is signed (host, date, session token, type of the body), so that no
        client's or proxy's other headers break the signature.
        """
        keys = await self._current_keys()
        signed = _sign(request, base_url + request.path, keys, self.service, self.region)
        return (*request.headers, *signed)

    async def renew(self, used: Headers) -> bool:  # noqa: ARG002 - see below
        """Keys that expire are replaced well before they do; others stay refused."""
        return False

    def prepare(self) -> None:
        """Hold the keys of now; blocks.

        Raises:
            MeasurementError: If there are none to be had.
        """
        keys = _fetch(self.credentials)
        self._held.add(keys.access_key, keys.secret_key, keys.token or "")
        self._keys = keys

    async def _current_keys(self) -> AwsKeys:
        is_stale = getattr(self.credentials, "refresh_needed", lambda: False)
        if self._keys is None or is_stale():
            await run_apart(self.prepare)
        return cast("AwsKeys", self._keys)


def find_aws(service: str, region: str) -> AwsAuthorizer | None:
    """Find credentials as every AWS tool does; None when there are none.

    Environment, shared files, sign-on, container and instance, in botocore's order; may ask the
    instance's metadata service.

    Raises:
        UsageError: If botocore is not installed.
        MeasurementError: If there are credentials, and they cannot be had.
    """
    session = import_extra("botocore.session", "aws")
    errors = import_extra("botocore.exceptions", "aws")
    try:
        credentials = session.Session().get_credentials()
    except errors.BotoCoreError as error:
        raise MeasurementError(f"no AWS credentials: {type(error).__name__}") from None
    if credentials is None:
        return None
    authorizer = AwsAuthorizer(credentials, service, region)
    authorizer.prepare()
    return authorizer


def _fetch(credentials: AwsCredentials) -> AwsKeys:
    errors = import_extra("botocore.exceptions", "aws")
    try:
        return credentials.get_frozen_credentials()
    except (errors.BotoCoreError, errors.ClientError) as error:
        name = type(error).__name__
    raise MeasurementError(f"no AWS credentials: they could not be refreshed ({name})")


def _sign(request: WireRequest, url: str, keys: AwsKeys, service: str, region: str) -> Headers:
    """The headers to add; that of the host is the client's to send."""
    auth = import_extra("botocore.auth", "aws")
    awsrequest = import_extra("botocore.awsrequest", "aws")
    own = {name: value for name, value in request.headers if name == "content-type"}
    signed = cast(
        "_Request",
        awsrequest.AWSRequest(method=request.method, url=url, data=request.body, headers=own),
    )
    auth.SigV4Auth(keys, service, region).add_auth(signed)
    return tuple(
        (name.lower(), value) for name, value in signed.headers.items() if name.lower() not in own
    )
