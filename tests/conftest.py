"""What every test can rely on."""

import os
import shutil
import signal
import tempfile


def pytest_configure(config):
    """Let Ctrl-C arrive, in the processes that tests start too; keep out of the user's cache.

    A shell starts its background jobs with SIGINT ignored, and children inherit that: tests of
    interrupts would wait for ever in ``make test &``.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    # What processes share of a provider's limits is shared within one test process only.
    meeting_place = tempfile.mkdtemp(prefix="contractcheck-tests-")
    os.environ["XDG_RUNTIME_DIR"] = meeting_place
    config.add_cleanup(lambda: shutil.rmtree(meeting_place, ignore_errors=True))
