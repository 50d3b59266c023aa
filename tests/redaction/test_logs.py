import io
import logging

import pytest

from contractcheck.redaction import Scrubber, scrubbed_logs

SECRET = "azure/32+hex=0123456789abcdef"  # noqa: S105 - made up, to be found
STARS = "*" * len(SECRET)


@pytest.fixture
def written():
    """What a handler writes with the standard formatter."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    logger = logging.getLogger("contractcheck-tests.deep.inside")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield logger, stream
    logger.removeHandler(handler)


def test_records_are_scrubbed_while_the_context_is_open_and_not_after(written):
    logger, stream = written
    factory = logging.getLogRecordFactory()
    with scrubbed_logs(Scrubber.for_secrets([SECRET])):
        logger.debug("headers=%r n=%d", [(b"x-request-id", SECRET.encode())], 7)
        logger.debug("sent " + SECRET)  # noqa: G003 - clients do that too
    assert logging.getLogRecordFactory() is factory
    logger.debug("after %s", "that")
    name = "contractcheck-tests.deep.inside"
    assert stream.getvalue().splitlines() == [
        f"{name}: headers=[(b'x-request-id', b'{STARS}')] n=7",
        f"{name}: sent {STARS}",
        f"{name}: after that",
    ]


def test_a_record_without_a_secret_keeps_its_arguments(caplog):
    with scrubbed_logs(Scrubber.for_secrets([SECRET])), caplog.at_level("INFO"):
        logging.getLogger("access").info("%s %s", "GET", "/")
    (record,) = caplog.records
    assert (record.msg, record.args) == ("%s %s", ("GET", "/"))


def test_exceptions_and_records_that_do_not_format_are_scrubbed(written):
    logger, stream = written
    with scrubbed_logs(Scrubber.for_secrets([SECRET])):
        try:
            int(SECRET)
        except ValueError:
            logger.exception("failed")
        logger.error("%d", SECRET)
    assert SECRET not in stream.getvalue()
    assert f"invalid literal for int() with base 10: '{STARS}'" in stream.getvalue()
    assert stream.getvalue().count(STARS) == 2


def test_the_factory_is_given_back_when_the_session_fails():
    factory = logging.getLogRecordFactory()
    with pytest.raises(ZeroDivisionError), scrubbed_logs(Scrubber.for_secrets([])):
        raise ZeroDivisionError
    assert logging.getLogRecordFactory() is factory


def test_a_cookie_that_a_client_logs_as_a_pair_of_bytes_is_scrubbed(written):
    logger, stream = written
    headers = [(b"Set-Cookie", b"sid=abcdef; Path=/"), (b"openai-organization", b"acme-corp")]
    with scrubbed_logs(Scrubber.for_secrets([])):
        logger.debug("receive_response_headers.complete return_value=%r", (b"HTTP/1.1", headers))
    assert "sid=abcdef" not in stream.getvalue()
    assert "acme-corp" not in stream.getvalue()


class Broken(Exception):  # noqa: N818 - what it is called in code under test
    def __str__(self):
        raise AttributeError(SECRET)

    __repr__ = __str__


def test_what_cannot_be_written_does_not_fail_the_code_that_logs_it(written):
    logger, stream = written
    with scrubbed_logs(Scrubber.for_secrets([SECRET])):
        logger.info("%s", Broken())
        logger.info(Broken())
        logger.info("%s %r", "a", Broken())
        logger.error("failed", exc_info=Broken())
    assert "its text cannot be made (AttributeError)" in stream.getvalue()
    assert stream.getvalue().count("cannot be made") == 3
    assert "failed" in stream.getvalue()
    assert SECRET not in stream.getvalue()


def test_the_stack_of_a_record_is_scrubbed(written):
    logger, stream = written
    scrubber = Scrubber.for_secrets(["azure/32+hex=0123456789abcdef"])
    with scrubbed_logs(scrubber):
        logger.info("azure/32+hex=0123456789abcdef", stack_info=True)
    assert SECRET not in stream.getvalue()
    assert "Stack (most recent call last)" in stream.getvalue()
