"""What every test can rely on."""

import signal


def pytest_configure():
    """Let Ctrl-C arrive, in the processes that tests start too.

    A shell starts its background jobs with SIGINT ignored, and children inherit that: tests of
    interrupts would wait for ever in ``make test &``.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
