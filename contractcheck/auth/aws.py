"""AWS Signature Version 4, by botocore: the credential is never sent, only what it signs.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from contractcheck.auth.apart import SharedWork, run_apart
from contractcheck.auth.extras import import_extra
from contractcheck.auth.held import HeldSecrets
from contractcheck.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
        find: Looks for credentials again: what botocore holds by itself it replaces shortly before
            it expires, but not what a file or the environment held, nor what was revoked.
        again_after_s: Where nothing whole is found, it is looked for once more after this, s.
    """

    credentials: AwsCredentials = field(repr=False)
    service: str
    region: str
    find: Callable[[], AwsCredentials | None] = field(default=lambda: None, repr=False)
    again_after_s: float = field(default=1.0, repr=False)
    _held: HeldSecrets = field(default_factory=HeldSecrets, repr=False)
    _keys: AwsKeys | None = field(default=None, repr=False)
    _finding: SharedWork[None] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Look for other credentials once for all requests that were refused."""
        self._finding = SharedWork(lambda: run_apart(self._find_again))

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every key and session token so far."""
        return self._held.values

    @property
    def account(self) -> str:
        """The first key's name."""
        return next(iter(self._held.values), "")

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

    async def renew(self, used: Headers) -> bool:
        """Look for other keys, unless others have taken their place since: see ``Authorizer``."""
        if self._keys is None or _is_signed_by(self._keys, used):
            await self._finding.result()
        return self._keys is not None and not _is_signed_by(self._keys, used)

    def prepare(self) -> None:
        """Hold the keys of now; blocks.

        Raises:
            MeasurementError: If there are none to be had.
        """
        self._hold(_fetch(self.credentials))

    def _hold(self, keys: AwsKeys) -> None:
        self._held.add(keys.access_key, keys.secret_key, keys.token or "")
        self._keys = keys

    def _find_again(self) -> None:
        found = self._look()
        if found is None:
            time.sleep(self.again_after_s)
            found = self._look()
        if found is None:
            return
        credentials, keys = found
        if keys != self._keys:
            self.credentials = credentials
            self._hold(keys)

    def _look(self) -> tuple[AwsCredentials, AwsKeys] | None:
        """Find credentials and their keys; None when there are none, or not yet all of them.

        A login helper may be half through writing a file. The old keys were refused in any case,
        so what cannot be had now is no worse than no other keys.
        """
        try:
            found = self.find()
            return None if found is None else (found, _fetch(found))
        except MeasurementError:
            return None

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
    credentials = _find_credentials()
    if credentials is None:
        return None
    authorizer = AwsAuthorizer(credentials, service, region, find=_find_credentials)
    authorizer.prepare()
    return authorizer


def _find_credentials() -> AwsCredentials | None:
    """Ask botocore's chain from its beginning: a session of its own remembers nothing."""
    session = import_extra("botocore.session", "aws")
    errors = import_extra("botocore.exceptions", "aws")
    try:
        return cast("AwsCredentials | None", session.Session().get_credentials())
    except errors.BotoCoreError as error:
        raise MeasurementError(f"no AWS credentials: {type(error).__name__}") from None


def _fetch(credentials: AwsCredentials) -> AwsKeys:
    errors = import_extra("botocore.exceptions", "aws")
    try:
        return credentials.get_frozen_credentials()
    except (errors.BotoCoreError, errors.ClientError, RuntimeError) as error:
        # It raises a RuntimeError when what it was given in exchange has expired too.
        name = type(error).__name__
    raise MeasurementError(f"no AWS credentials: they could not be refreshed ({name})")


def _is_signed_by(keys: AwsKeys, headers: Headers) -> bool:
    """Whether headers show these keys: by the name that a signature gives, and the token."""
    sent = dict(headers)
    is_named = f"Credential={keys.access_key}/" in sent.get("authorization", "")
    return is_named and sent.get("x-amz-security-token", "") == (keys.token or "")


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
