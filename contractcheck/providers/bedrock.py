"""Amazon Bedrock, ``Converse`` and ``ConverseStream``: one wire for all models it serves.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and
API_runtime_ConverseStream.html. Who answered is told nowhere but in the path that was asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from contractcheck.model.credential import ApiKey, AwsSignature
from contractcheck.model.wire import WireRequest
from contractcheck.providers.aws_event_stream import read_aws_frames
from contractcheck.providers.bedrock_answer import read_converse
from contractcheck.providers.bedrock_request import write_body
from contractcheck.providers.first_content import NamedContent

if TYPE_CHECKING:
    from contractcheck.model.completion import Completion
    from contractcheck.model.credential import CredentialScheme
    from contractcheck.model.exchange import Response
    from contractcheck.model.suite import Case
    from contractcheck.model.target import Target
    from contractcheck.model.wire import Frame


@dataclass(frozen=True, slots=True)
class Bedrock(NamedContent):
    """The dialect; stateless."""

    base_url: str = "https://bedrock-runtime.{region}.amazonaws.com"
    schemes: tuple[CredentialScheme, ...] = (
        AwsSignature(service="bedrock"),
        ApiKey(variable="AWS_BEARER_TOKEN_BEDROCK"),
    )
    idempotency_header: str | None = None

    def build(self, case: Case, target: Target) -> WireRequest:
        """Write the request for a case.

        Raises:
            UsageError: If the case asks for what Converse cannot say.
        """
        operation = "converse-stream" if case.parameters.stream else "converse"
        return WireRequest(
            method="POST",
            # Ids hold colons and, as ARNs, slashes: botocore escapes both.
            path=f"/model/{quote(target.model, safe='')}/{operation}",
            headers=(("content-type", "application/json"),),
            body=write_body(case, target),
        )

    def frames(self, response: Response) -> tuple[Frame, ...]:
        """Cut an answer into its events."""
        return read_aws_frames(response)

    def read(self, response: Response) -> Completion:
        """Read an answer, streamed or not."""
        return read_converse(response)


DIALECT = Bedrock()
