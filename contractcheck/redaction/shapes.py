"""What keys and account ids look like: documented shapes of what providers issue.

Sources: the key formats shown on the providers' API-key pages, and the rule sets of public
secret scanners (gitleaks, detect-secrets, GitHub secret scanning). A key without a prefix
(Azure's 32 hex digits, Mistral's 32 letters, Cohere's 40, the secret half of an AWS pair) cannot
be told from an ordinary hash: it is caught by the name of its field, or because the process
knows its value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from contractcheck.redaction.linear import compile_linear

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.redaction.linear import LinearPattern, Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """One kind of key.

    Attributes:
        kind: What it is, for people.
        source: RE2 source, without the left boundary.
        needs: Classes of characters that must each occur, or it is an ordinary word. A shape
            with needs is bounded, or a text made of near misses would cost time squared.
    """

    kind: str
    source: bytes
    needs: tuple[bytes, ...] = ()


_DIGIT, _UPPER, _LOWER = b"[0-9]", b"[A-Z]", b"[a-z]"
_MIXED = (_DIGIT, _UPPER, _LOWER)

KEY_SHAPES = (
    Shape(
        kind="an OpenAI, Anthropic or OpenRouter key",
        source=rb"sk-(?:ant|proj|svcacct|admin|or-v1|lf|None|helicone)-[A-Za-z0-9_-]{16,}",
    ),
    Shape(kind="a key that starts with sk-", source=rb"sk-[A-Za-z0-9]{16,255}", needs=(_DIGIT,)),
    Shape(kind="a key that starts with sk-", source=rb"sk-[A-Za-z0-9_-]{20,255}", needs=_MIXED),
    Shape(kind="an OpenAI client secret", source=rb"ek_[A-Za-z0-9]{20,255}", needs=(_DIGIT,)),
    Shape(kind="an OpenAI session", source=rb"sess-[A-Za-z0-9]{24,255}", needs=(_DIGIT,)),
    Shape(kind="a Google API key", source=rb"AIza[0-9A-Za-z_-]{33,}"),
    Shape(kind="a Google API key", source=rb"AQ\.[0-9A-Za-z_-]{20,255}", needs=(_DIGIT,)),
    Shape(kind="a Google access token", source=rb"ya29\.[0-9A-Za-z_-]{16,}"),
    Shape(kind="a Google refresh token", source=rb"1//0[0-9A-Za-z_-]{20,}"),
    Shape(kind="a Google client secret", source=rb"GOCSPX-[0-9A-Za-z_-]{20,}"),
    Shape(kind="an AWS access key id", source=rb"(?:AKIA|ASIA|ABIA)[0-9A-Z]{16}"),
    Shape(kind="an Amazon Bedrock key", source=rb"(?:ABSK|bedrock-api-key-)[0-9A-Za-z+/=]{40,}"),
    Shape(kind="a Groq key", source=rb"gsk_[0-9A-Za-z]{20,}"),
    Shape(kind="a Hugging Face token", source=rb"(?:hf|api_org)_[0-9A-Za-z]{20,}"),
    Shape(kind="an xAI key", source=rb"xai-[0-9A-Za-z]{20,}"),
    Shape(kind="a Fireworks key", source=rb"fw_[0-9A-Za-z]{20,255}", needs=(_DIGIT,)),
    Shape(kind="a Together key", source=rb"tgp_v1_[0-9A-Za-z_-]{20,}"),
    Shape(kind="a Replicate token", source=rb"r8_[0-9A-Za-z]{30,}"),
    Shape(kind="a Perplexity key", source=rb"pplx-[0-9A-Za-z]{30,}"),
    Shape(kind="an NVIDIA key", source=rb"nvapi-[0-9A-Za-z_-]{20,}"),
    Shape(kind="a Databricks token", source=rb"dapi[0-9a-f]{32}"),
    Shape(kind="a Cerebras key", source=rb"csk-[0-9A-Za-z]{20,}"),
    Shape(kind="an Anyscale key", source=rb"esecret_[0-9A-Za-z]{20,}"),
    Shape(kind="a LangSmith key", source=rb"lsv2_(?:pt|sk)_[0-9A-Za-z_]{20,}"),
    Shape(kind="a Langfuse key", source=rb"pk-lf-[0-9a-f-]{36}"),
    Shape(kind="a Weights & Biases key", source=rb"wandb_v1_[0-9A-Za-z_]{20,}"),
    Shape(kind="an ElevenLabs key", source=rb"sk_[0-9a-f]{40,}"),
    Shape(kind="a Voyage key", source=rb"pa-[0-9A-Za-z_-]{40,255}", needs=_MIXED),
    Shape(kind="a Jina key", source=rb"jina_[0-9A-Za-z_-]{30,255}", needs=(_DIGIT,)),
    Shape(kind="a Pinecone key", source=rb"pcsk_[0-9A-Za-z_]{20,255}", needs=(_DIGIT,)),
    Shape(kind="a Tavily key", source=rb"tvly-[0-9A-Za-z_-]{16,255}", needs=(_DIGIT,)),
    Shape(kind="a Sentry token", source=rb"sntry[su]_[0-9A-Za-z+/=_-]{20,}"),
    Shape(kind="a GitHub token", source=rb"gh[pousr]_[0-9A-Za-z]{30,}"),
    Shape(kind="a GitHub token", source=rb"github_pat_[0-9A-Za-z_]{30,}"),
    Shape(kind="a GitLab token", source=rb"gl(?:pat|rt|dt|ptt)-[0-9A-Za-z_-]{20,}"),
    Shape(kind="a Slack token", source=rb"xox[abeoprs]-[0-9A-Za-z-]{10,255}", needs=(_DIGIT,)),
    Shape(kind="a Stripe key", source=rb"(?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z]{16,}"),
    Shape(kind="a webhook secret", source=rb"whsec_[0-9A-Za-z+/=]{20,}"),
    Shape(kind="an npm token", source=rb"npm_[0-9A-Za-z]{36}"),
    Shape(kind="a package index token", source=rb"pypi-AgE[0-9A-Za-z_-]{40,}"),
    Shape(kind="a SendGrid key", source=rb"SG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}"),
    Shape(
        kind="a JSON Web Token",
        source=rb"eyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}(?:\.[0-9A-Za-z_-]*)?",
    ),
    Shape(kind="an OpenAI organisation", source=rb"org-[0-9A-Za-z]{20,255}", needs=(_DIGIT,)),
    Shape(kind="an OpenAI project", source=rb"proj_[0-9A-Za-z]{20,255}", needs=(_DIGIT,)),
    Shape(kind="an OpenAI user", source=rb"user-[0-9A-Za-z]{24,255}", needs=(_DIGIT,)),
)

_BOUNDARY = rb"(?:^|[^A-Za-z0-9]|\\[bfnrt]|(?:\\u00|%)[0-9A-Fa-f]{2})"
"""A key starts where a word starts; behind an escaped line feed, quote or ``=`` too."""

_PEM_HEAD = rb"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
_PEM_BODY = re.compile(rb"(?:[A-Za-z0-9+/=\s\\:,%*]|-(?!----(?:BEGIN|END) ))*+")
"""Base64, its line ends (escaped ones too) and RFC 1421 headers; ends where a string ends."""

_PEM_END = re.compile(rb"-----END [A-Z ]{0,30}PRIVATE KEY-----")


def shapes_source() -> bytes:
    """RE2 source that matches wherever ``find_shapes`` may find something.

    It stops where the shortest key would end, so that it is quick to compile for each process.
    """
    shortest = (re.sub(rb"\{(\d+),\d*\}$", rb"{\1}", shape.source) for shape in KEY_SHAPES)
    return _located(b"|".join(shortest))


def _located(sources: bytes) -> bytes:
    return _BOUNDARY + b"(" + sources + b")|" + _PEM_HEAD


def find_shapes(data: bytes) -> Iterator[tuple[Span, str]]:
    """Find everything shaped like a key: its span and its kind, left to right."""
    any_shape, each = _compiled()
    position = 0
    while match := any_shape.search(data, position):
        start, _ = match.span(1)
        if start < 0:
            start, position = _pem_span(data, *match.span())
            yield (start, position), "a private key"
            continue
        ends = [
            (found.end(), shape.kind)
            for shape, pattern in each
            if (found := pattern.match(data, start))
            and all(re.search(need, found.group()) for need in shape.needs)
        ]
        position = start + 1
        if ends:
            position, kind = max(ends)
            yield (start, position), kind


@cache
def _compiled() -> tuple[LinearPattern, tuple[tuple[Shape, re.Pattern[bytes]], ...]]:
    each = tuple((shape, re.compile(shape.source)) for shape in KEY_SHAPES)
    sources = b"|".join(shape.source for shape in KEY_SHAPES)
    return compile_linear(_located(sources), is_longest=True), each


def _pem_span(data: bytes, start: int, head_end: int) -> Span:
    """Up to the end mark or the end of the text: a key that was cut off is a key too (RFC 7468)."""
    body = _PEM_BODY.match(data, head_end)
    text = body.group() if body else b""
    mark = _PEM_END.match(data, head_end + len(text))
    return start, mark.end() if mark else head_end + len(text.rstrip(b"\\"))
