"""What tests of readers share: an answer as it came, what was noted of it, a plain question."""

from contractcheck.model.exchange import Response
from contractcheck.model.suite import Case, Message, Parameters

PLAIN = Case(
    id="a",
    line=1,
    samples=1,
    messages=(Message(role="user", content="Hi"),),
    tools=(),
    response_schema=None,
    parameters=Parameters(),
    checks=(),
    metrics=(),
    fingerprint_parts={},
    request_fingerprint="r",
)


def answer_of(body, media_type="application/json"):
    """An answer of status 200 that came in one piece."""
    return Response(
        status=200,
        http_version="HTTP/1.1",
        headers=(("Content-Type", media_type),),
        body=body,
        chunk_bytes=(len(body),),
        chunk_times_us=(1,),
    )


def breaks(completion):
    return {p.path: p.what for p in completion.wire_problems if p.severity == "breaking"}


def additions(completion):
    return {p.path: p.what for p in completion.wire_problems if p.severity == "additive"}
