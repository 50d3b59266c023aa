"""Recordings: one journal per case and run, sealed into an immutable run.

``interception`` (the only user of vcrpy) hands finished exchanges to an ``OpenRun``, which keeps a
``JournalWriter`` per case; ``sealing`` turns a folder of journals into a sealed run; ``reading``
loads and verifies one whole, ``tape`` one exchange at a time.
The format is described in docs/reference/recording-format.md.
"""

from contractcheck.cassettes.case_files import read_case_bytes
from contractcheck.cassettes.interception import SLOT, Slot, recording
from contractcheck.cassettes.journal import Fsync, JournalWriter
from contractcheck.cassettes.layout import is_sealed
from contractcheck.cassettes.open_run import OpenRun, create_run, resume_run
from contractcheck.cassettes.reading import read_header, read_run
from contractcheck.cassettes.sealing import seal_run
from contractcheck.cassettes.tape import Tape, open_tape

__all__ = [
    "SLOT",
    "Fsync",
    "JournalWriter",
    "OpenRun",
    "Slot",
    "Tape",
    "create_run",
    "is_sealed",
    "open_tape",
    "read_case_bytes",
    "read_header",
    "read_run",
    "recording",
    "resume_run",
    "seal_run",
]
