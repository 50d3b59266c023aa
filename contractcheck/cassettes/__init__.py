"""Recordings: one journal per case and run, sealed into an immutable run.

Recording: ``interception`` opens a session; an adapter in ``clients`` sees a request leave inside
a ``trial``; the ``recorder`` starts a ``take`` of it, and the finished exchange goes to a journal
of an ``open_run``. ``sealing`` turns that into a sealed run, ``reading`` loads and verifies it.
Replaying: ``tape`` finds exchanges of a run without loading it; the ``player`` answers each request
with what its ``playlist`` has next. ``canonical`` says when two requests are the same.

The format is described in docs/reference/recording-format.md, the use in
docs/how-to/record-sdk-calls.md.
"""

from contractcheck.cassettes.canonical import EXACT, Canonicalisation, canonical_request
from contractcheck.cassettes.case_files import read_case_bytes
from contractcheck.cassettes.interception import recording, replaying
from contractcheck.cassettes.journal import Fsync, JournalWriter
from contractcheck.cassettes.layout import is_sealed
from contractcheck.cassettes.lines import body_of
from contractcheck.cassettes.memory_tape import MemoryTape
from contractcheck.cassettes.open_run import OpenRun, create_run, resume_run
from contractcheck.cassettes.reading import read_header, read_run
from contractcheck.cassettes.run_lock import is_being_recorded
from contractcheck.cassettes.run_plan import declare_cases, declare_stop
from contractcheck.cassettes.sealing import seal_run
from contractcheck.cassettes.tape import Tape, open_tape
from contractcheck.cassettes.trial import SLOT, Slot, in_trial

__all__ = [
    "EXACT",
    "SLOT",
    "Canonicalisation",
    "Fsync",
    "JournalWriter",
    "MemoryTape",
    "OpenRun",
    "Slot",
    "Tape",
    "body_of",
    "canonical_request",
    "create_run",
    "declare_cases",
    "declare_stop",
    "in_trial",
    "is_being_recorded",
    "is_sealed",
    "open_tape",
    "read_case_bytes",
    "read_header",
    "read_run",
    "recording",
    "replaying",
    "resume_run",
    "seal_run",
]
