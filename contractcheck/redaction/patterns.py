"""What keys look like: documented shapes of provider credentials.

Sources: the key formats printed on the providers' API-key pages and the rule sets of public
secret scanners. A shape without a prefix (Azure's 32 hex digits, Mistral's 32 letters) cannot
be told from an ordinary hash: such keys are caught because the process knows their value.
"""

from __future__ import annotations

import re

KEY_SHAPES = re.compile(
    rb"""
      sk-(?:ant-|proj-|svcacct-|or-)?[A-Za-z0-9_-]{16,}   # OpenAI, Anthropic, OpenRouter, DeepSeek
    | AIza[0-9A-Za-z_-]{35}                               # Google API key
    | ya29\.[0-9A-Za-z_-]{20,}                            # Google OAuth access token
    | (?:AKIA|ASIA)[0-9A-Z]{16}                           # AWS access key id
    | gsk_[0-9A-Za-z]{20,}                                # Groq
    | hf_[0-9A-Za-z]{20,}                                 # Hugging Face
    | xai-[0-9A-Za-z]{20,}                                # xAI
    | gh[pousr]_[0-9A-Za-z]{30,}                          # GitHub
    | eyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}   # JSON Web Token
    """,
    re.VERBOSE,
)

PEM_BLOCK = re.compile(
    rb"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
    # Up to the next mark or the end: a block cut off is a key too, and stopping at every mark
    # keeps the search linear in what it reads.
    rb"(?:[^-]|-(?!----(?:BEGIN|END) ))*+"
    rb"(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
)
"""A private key in PEM armour (RFC 7468)."""

SECRET_FIELD = re.compile(
    rb"""(?ix)
    (["']?\b(?:api[-_]?key|authorization|access[-_]?token|refresh[-_]?token|client[-_]?secret
        |x-api-key|x-goog-api-key|secret[-_]?access[-_]?key|password)["']?
     \s{0,8}[:=]\s{0,8}["']?(?:Bearer\s{1,8}|Basic\s{1,8})?)
    (?![0-9.]+\s*[,}\]])   # a bare JSON number: stars would not parse, and no key is a number
    ([A-Za-z0-9._~+/=-]{8,})
    """
)
"""A value behind a field name that only ever holds a credential (JSON, form, query)."""
