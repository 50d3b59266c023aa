"""Keep secrets off the disk: pure bytes → bytes, the secrets passed in as a value.

Four layers, and the last one fails closed (a hit refuses the write):

1. ``headers``: an allow-list; a header that nobody vouched for is not stored.
2. ``known``: every secret the process resolved, however it is spelled, whole or cut.
3. ``shapes`` and ``fields``: what looks like a key, and what stands where only secrets stand.
4. ``scan``: the bytes about to be written are searched once more, but for those just found clean.

``Scrubber`` puts 2 and 3 together, ``bodies`` applies it whatever the content coding, ``logs``
to log records, and ``file_scan`` searches what others recorded. docs/reference/redaction.md says
what is found.
"""

from contractcheck.redaction.bodies import RedactedBody, redact_body
from contractcheck.redaction.file_scan import scan_file
from contractcheck.redaction.headers import allowed_headers, redact_headers
from contractcheck.redaction.logs import scrubbed_logs
from contractcheck.redaction.scan import Leak, Searched, find_leak, is_searched
from contractcheck.redaction.scrub import Scrubber

__all__ = [
    "Leak",
    "RedactedBody",
    "Scrubber",
    "Searched",
    "allowed_headers",
    "find_leak",
    "is_searched",
    "redact_body",
    "redact_headers",
    "scan_file",
    "scrubbed_logs",
]
