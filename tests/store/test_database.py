"""How a database is reached; no server is asked."""

import pytest
from sqlalchemy import event

from contractcheck.store.database import open_database


class ReachedError(Exception):
    """What the driver was about to be asked with."""


def parameters(url):
    database = open_database(url, create=True)

    def reach(_dialect, _record, _arguments, parameters):
        raise ReachedError(parameters)

    event.listen(database.engine, "do_connect", reach)
    with pytest.raises(ReachedError) as reached, database.engine.connect():
        pass
    database.close()
    return reached.value.args[0]


def test_a_server_that_falls_silent_is_given_up_within_a_minute_or_so():
    found = parameters("postgresql://me@db/nights")
    idle = found["keepalives_idle"] + found["keepalives_interval"] * found["keepalives_count"]
    assert found["keepalives"] == 1
    assert 0 < found["connect_timeout"] <= idle <= 90
    assert 0 < found["tcp_user_timeout"] <= 60_000


def test_what_the_url_says_of_it_counts():
    found = parameters("postgresql://me@db/nights?tcp_user_timeout=5&connect_timeout=2")
    assert (int(found["tcp_user_timeout"]), int(found["connect_timeout"])) == (5, 2)
