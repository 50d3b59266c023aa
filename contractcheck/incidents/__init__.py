"""What providers have changed, as pure functions: of an answer as read, and of one on the wire.

``INCIDENTS`` are changes of answers as checks and metrics see them, so that a suite can be asked
whether it would have seen them. The catalogue (`read_catalogue`) lists what was reported of real
providers, with dates and sources; `strike` does to a recorded exchange what each of them did.
"""

from contractcheck.incidents.answers import INCIDENTS, Incident
from contractcheck.incidents.catalogue import KnownIncident, read_catalogue
from contractcheck.incidents.striking import change_answer, strike
from contractcheck.incidents.wire import Part, WireAnswer

__all__ = [
    "INCIDENTS",
    "Incident",
    "KnownIncident",
    "Part",
    "WireAnswer",
    "change_answer",
    "read_catalogue",
    "strike",
]
