"""Keep secrets off the disk: pure bytes → bytes, the secrets passed in as a value.

Four layers, and the last one fails closed (a hit refuses the write):

1. ``headers``: an allow-list; a header that nobody vouched for is not stored.
2. ``scrub``: every secret the process resolved, plain and in three encodings.
3. ``scrub``: field names and the key prefixes of known providers, JWTs and PEM blocks.
4. ``scan``: the bytes about to be written are searched once more.
"""

from contractcheck.redaction.bodies import RedactedBody, redact_body
from contractcheck.redaction.headers import allowed_headers
from contractcheck.redaction.scan import Leak, find_leak
from contractcheck.redaction.scrub import Scrubber

__all__ = ["Leak", "RedactedBody", "Scrubber", "allowed_headers", "find_leak", "redact_body"]
