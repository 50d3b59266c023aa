"""Keep secrets out of log records while a session is open.

At DEBUG, HTTP clients log what they send and receive: a signature, a cookie, a key that the
server echoed. Whoever shows captured logs (pytest does, for every failed test) shows those.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.redaction.scrub import Scrubber


@contextmanager
def scrubbed_logs(scrubber: Scrubber) -> Iterator[None]:
    """Scrub every log record of the process that is made while the context is open.

    A record without a secret is left as it is, arguments included. Contexts may be nested, and
    must be closed in the reverse order.
    """
    make_record = logging.getLogRecordFactory()

    def make_scrubbed(*args: object, **kwargs: object) -> logging.LogRecord:
        record = make_record(*args, **kwargs)
        _scrub_record(record, scrubber)
        return record

    logging.setLogRecordFactory(make_scrubbed)
    try:
        yield
    finally:
        logging.setLogRecordFactory(make_record)


def _scrub_record(record: logging.LogRecord, scrubber: Scrubber) -> None:
    """Scrub what a handler would write; never raises into the code that logs."""
    message = _message(record)
    scrubbed = scrubber.scrub_text(message)
    if scrubbed != message:
        record.msg, record.args = "%s", (scrubbed,)
    if record.exc_info:
        text = logging.Formatter().formatException(record.exc_info)
        scrubbed = scrubber.scrub_text(text)
        if scrubbed != text:
            record.exc_text = scrubbed  # formatters take what is already there
    if record.stack_info:
        record.stack_info = scrubber.scrub_text(record.stack_info)


def _message(record: logging.LogRecord) -> str:
    """The message of a record; one that cannot be made is replaced by words that can."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - a ``__str__`` of the code under test may raise anything
        try:
            message = f"{record.msg} {record.args}"  # logging would print both as they are
        except Exception as error:  # noqa: BLE001 - the same
            message = f"a log record: its text cannot be made ({type(error).__name__})"
    record.msg, record.args = "%s", (message,)
    return message
