"""Which credential a target gets: what its suite chose, or the first that can be had."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from contractcheck.auth import (
    ClientCredentials,
    KeyAuthorizer,
    RenewingAuthorizer,
    find_aws,
    find_entra,
    find_google,
)
from contractcheck.errors import Problem, SuiteError, UsageError
from contractcheck.model.credential import (
    ApiKey,
    AwsSignature,
    ClientLogin,
    EntraToken,
    GoogleToken,
    Variable,
)
from contractcheck.redaction import Scrubber, scrubbed_logs
from contractcheck.suite.addresses import is_loopback
from contractcheck.workflows.key_sources import KeyPlace, find_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contractcheck.auth import Authorizer
    from contractcheck.model.credential import AuthChoice, CredentialScheme, SchemeChoice
    from contractcheck.model.target import Target

_NO_KEY = "none"
"""Sent to servers on this machine that need no key; some refuse an empty header."""

_KINDS = {"key": ApiKey, "aws": AwsSignature, "google": GoogleToken, "entra": EntraToken}

_ADVICE: Mapping[type, str] = {
    AwsSignature: "give AWS credentials (aws configure)",
    GoogleToken: "log in with `gcloud auth application-default login`",
    EntraToken: "log in with `az login`",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Whom a credential would go to.

    Attributes:
        target: Who is asked.
        schemes: Ways that its wire knows, the usual one first.
        host: Where the credential goes.
        is_here: Whether that is this machine.
        region: For signatures; empty when nobody said.
        environment: The process's environment.
    """

    target: Target
    schemes: Sequence[CredentialScheme]
    host: str
    is_here: bool
    region: str
    environment: Mapping[str, str] = field(repr=False)

    @property
    def place(self) -> KeyPlace:
        """Whose API key would be wanted."""
        return KeyPlace(provider=self.target.provider, host=self.host, is_here=self.is_here)


def find_authorizer(asked: Asked) -> Authorizer:
    """Find the credential of a target.

    A key that the user keeps comes before what a cloud's own tools would find. This machine gets
    a cloud's credential only when the suite chose so, and no credential at all if there is none.

    Raises:
        UsageError: If there is none, the suite chose what this wire does not know, or named a
            variable that it may not.
        MeasurementError: If a cloud's credential is there and cannot be had.
    """
    choice = asked.target.auth
    if isinstance(choice, ClientLogin):
        return RenewingAuthorizer(source=_client(asked, choice))
    schemes = asked.schemes if choice is None else _chosen(asked, choice)
    for scheme in schemes:
        if isinstance(scheme, ApiKey) and (found := _of_key(scheme, asked)) is not None:
            return found
    if choice is not None or not asked.is_here:
        # Their libraries log what token servers answer, and no session is open yet.
        with scrubbed_logs(Scrubber.for_secrets(())):
            for scheme in schemes:
                if (found := _of_cloud(scheme, asked)) is not None:
                    return found
    if choice is None and asked.is_here:
        return KeyAuthorizer(key=_NO_KEY)
    raise UsageError(f"{asked.target.id}: {_advice(schemes, asked.host)}")


def _of_key(scheme: ApiKey, asked: Asked) -> Authorizer | None:
    found = find_key(scheme.variable, asked.place, asked.environment)
    if isinstance(found, str):
        return KeyAuthorizer(key=found, header=scheme.header, prefix=scheme.prefix)
    if found is None:
        return None
    return RenewingAuthorizer(source=found, header=scheme.header, prefix=scheme.prefix)


def _of_cloud(scheme: CredentialScheme, asked: Asked) -> Authorizer | None:
    if isinstance(scheme, AwsSignature):
        if not asked.region:
            raise UsageError(f"{asked.target.id} needs a region: give it one, or set AWS_REGION")
        return find_aws(scheme.service, asked.region)
    if isinstance(scheme, GoogleToken):
        google = find_google(scheme.scope)
        return None if google is None else RenewingAuthorizer(source=google)
    if isinstance(scheme, EntraToken):
        return RenewingAuthorizer(source=find_entra(scheme.scope))
    return None


def _advice(schemes: Sequence[CredentialScheme], host: str) -> str:
    variables = [scheme.variable for scheme in schemes if isinstance(scheme, ApiKey)]
    ways = [f"set {' or '.join(variables)} to a key for {host}"] if variables else []
    return ", or ".join((*ways, *(_ADVICE[type(s)] for s in schemes if type(s) in _ADVICE)))


def _chosen(asked: Asked, choice: SchemeChoice) -> tuple[CredentialScheme, ...]:
    """The ways that a suite chose among those of the wire."""
    found = tuple(s for s in asked.schemes if isinstance(s, _KINDS[choice.method]))
    if not found:
        known = [
            name for name, kind in _KINDS.items() if any(isinstance(s, kind) for s in asked.schemes)
        ]
        raise _wrong(
            choice,
            f"{asked.target.provider} does not know {choice.method!r}; it knows: "
            f"{', '.join(known) or 'nothing'}",
        )
    if choice.variable is None:
        return found
    first = next(scheme for scheme in found if isinstance(scheme, ApiKey))
    _read(asked, choice, choice.variable, to=asked.host)
    return (ApiKey(variable=choice.variable.name, header=first.header, prefix=first.prefix),)


def _client(asked: Asked, login: ClientLogin) -> ClientCredentials:
    to = _trusted_token_host(asked, login)
    name = login.client_id
    return ClientCredentials(
        token_url=login.token_url,
        client_id=_read(asked, login, name, to=to) if isinstance(name, Variable) else name,
        client_secret=_read(asked, login, login.client_secret, to=to),
        scope=login.scope,
        audience=login.audience,
        method=login.method,
    )


def _trusted_token_host(asked: Asked, login: ClientLogin) -> str:
    """Where the client's secret goes: a host that is trusted like any other."""
    url = urlsplit(login.token_url)
    host = url.hostname or ""
    trusted = (asked.host, *trusted_hosts(asked.environment))
    if host not in trusted and not is_loopback(host):
        raise _wrong(
            login,
            f"the suite would show a client's secret to {host}: a suite file alone may not direct "
            "a credential there; list the host in CONTRACTCHECK_TRUSTED_HOSTS",
        )
    return host


def _read(asked: Asked, choice: AuthChoice, variable: Variable, *, to: str) -> str:
    """What a variable holds that a suite named, if it may be named, and sent to this host."""
    own = {scheme.variable for scheme in asked.schemes if isinstance(scheme, ApiKey)}
    listed = _words(asked.environment, "CONTRACTCHECK_ALLOWED_VARIABLES")
    allowed = {*own, *(word for word in listed if "@" not in word)}
    if variable.name not in allowed and f"{variable.name}@{to}" not in listed:
        raise _wrong(
            choice,
            f"a suite may not send ${{{variable.name}}} to {to}: if it is meant for that host, "
            f"list {variable.name}@{to} in CONTRACTCHECK_ALLOWED_VARIABLES",
        )
    if not (value := asked.environment.get(variable.name, "").strip()):
        raise _wrong(choice, f"the variable {variable.name} is not set")
    return value


def _wrong(choice: AuthChoice, what: str) -> SuiteError:
    problem = Problem(file=choice.file, line=choice.line, where="auth", what=what)
    return SuiteError([problem])


def trusted_hosts(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Hosts that the user trusts with credentials, lower case."""
    return tuple(word.lower() for word in _words(environment, "CONTRACTCHECK_TRUSTED_HOSTS"))


def _words(environment: Mapping[str, str], name: str) -> list[str]:
    return environment.get(name, "").replace(",", " ").split()
