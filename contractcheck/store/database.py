"""One database of ours: SQLite beside the project, or PostgreSQL where several runners write.

Every piece of work is one transaction that may be done twice with the same effect, so that it can
be done again when the connection was lost, even while it was being committed.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from contractcheck.errors import RecordingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.exc import DBAPIError

_Result = TypeVar("_Result")

_PAUSES_S: Final = (0.1, 0.5, 2.0)
"""Before each further try: a restarted server is back within seconds, or not soon."""

_BUSY_S = 30.0
"""How long SQLite waits for another writer (s); ours are done in milliseconds."""

_CONNECTION: Final = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""How long a silent PostgreSQL is waited for, unless the URL says otherwise: 10 s for an answer at
all, then about a minute; else a peer that is gone holds a connection for hours. The last is in ms,
the others in s: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS."""

_REFUSALS: Final = ("authentication failed", "does not exist", "no pg_hba.conf entry")

_SECRET: Final = re.compile("pass|secret|token|key")
"""In names of options of a URL, such as ``sslpassword``."""

_SCHEMES: Final = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


@dataclass(frozen=True, slots=True)
class Database:
    """An open database.

    Attributes:
        engine: SQLAlchemy's.
        shown: Its URL without password and options, for errors and reports.
    """

    engine: Engine
    shown: str

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self.engine.dialect.name == "sqlite"

    def do(self, work: Callable[[Connection], _Result], tries: int | None = None) -> _Result:
        """Do a piece of work in one transaction, again when the connection was lost.

        Args:
            work: May be done twice: the first time may have been committed all the same.
            tries: How often at most; None is as often as there are pauses, and once more.

        Raises:
            RecordingError: If the database cannot be reached or refuses; names it, not its
                password.
        """
        from sqlalchemy.exc import DBAPIError

        pauses = iter(_PAUSES_S if tries is None else _PAUSES_S[: tries - 1])
        while True:
            try:
                with self.engine.begin() as connection:
                    return work(connection)
            except DBAPIError as error:
                pause_s = next(pauses, None) if _is_passing(error) else None
                if pause_s is None:
                    raise _told(error, self) from None
                time.sleep(pause_s)

    def close(self) -> None:
        """Close its connections."""
        self.engine.dispose()


def open_database(url: str | Path, *, create: bool) -> Database:
    """Prepare a database; nothing is asked of it yet.

    Args:
        url: A path, ``sqlite:///PATH`` or ``postgresql://USER@HOST/NAME``.
        create: Make the file of an SQLite database, readable by its owner only.

    Raises:
        UsageError: If it is none of these, or absent and not to be made.
        RecordingError: If its file cannot be made.
    """
    parsed = _parse(url)
    if parsed.drivername.startswith("sqlite"):
        return _open_file(parsed, create=create)
    return _open_server(parsed)


def _parse(url: str | Path) -> URL:
    from sqlalchemy import URL, make_url
    from sqlalchemy.exc import ArgumentError

    if isinstance(url, Path) or "://" not in url:
        return URL.create("sqlite+pysqlite", database=str(url))
    scheme = url.partition("://")[0]
    if scheme not in _SCHEMES:
        raise UsageError(
            f"--history {scheme}://…: a history is a path, sqlite:///PATH or "
            "postgresql://USER@HOST/NAME"
        )
    try:
        parsed = make_url(url).set(drivername=_SCHEMES[scheme])
    except (ArgumentError, ValueError):  # its text would show the password
        raise UsageError(f"--history {scheme}://…: is not a URL of a database") from None
    # A password that holds one may have been cut in two, of which one half would be shown.
    is_cut = url.count("@") > 1 or "@" in f"{parsed.host}{parsed.database}"
    if scheme.startswith("postgres") and is_cut:
        raise UsageError(
            f"--history {scheme}://…: holds more than one @; write the one in a password as %40"
        )
    return parsed


def _open_file(url: URL, *, create: bool) -> Database:
    from sqlalchemy import create_engine, event

    if not url.database or url.database == ":memory:" or url.query:
        raise UsageError("--history: an SQLite history is a file, such as sqlite:///history.sqlite")
    path = Path(url.database)
    _prepare_file(path, create=create)
    engine = create_engine(url, connect_args={"timeout": _BUSY_S}, hide_parameters=True)
    event.listen(engine, "connect", _set_up_sqlite)
    return Database(engine=engine, shown=str(path))


def _prepare_file(path: Path, *, create: bool) -> None:
    if path.is_symlink():
        raise RecordingError(f"{path}: is a symbolic link; name the file it leads to")
    if path.exists():
        return
    if not create:
        raise UsageError(f"{path}: there is no history; `contractcheck watch` makes one")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600))
    except OSError as error:
        raise RecordingError(f"{path}: cannot be made ({error.strerror})") from error


def _set_up_sqlite(connection: object, _record: object) -> None:
    """WAL: readers never wait for a writer. FULL: what was committed outlives a power cut."""
    import sqlite3

    if not isinstance(connection, sqlite3.Connection):
        raise TypeError(f"{connection!r} is no SQLite connection")
    cursor = connection.cursor()
    cursor.execute("PRAGMA trusted_schema = OFF")  # the file may come from anywhere
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _open_server(url: URL) -> Database:
    from sqlalchemy import create_engine

    try:
        engine = create_engine(
            url,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={name: _CONNECTION[name] for name in _CONNECTION if name not in url.query},
        )
    except ImportError as error:
        raise UsageError(
            "--history postgresql://… needs psycopg: pip install 'contractcheck[postgres]'"
        ) from error
    shown = url.set(query={}, drivername="postgresql").render_as_string(hide_password=True)
    return Database(engine=engine, shown=shown)


def _is_passing(error: DBAPIError) -> bool:
    """Whether the same may go well in a moment: a connection lost or refused, a writer in the way.

    SQLSTATE classes 08 (connection), 40 (rolled back: deadlock, serialisation) and 57P (shutdown):
    https://www.postgresql.org/docs/current/errcodes-appendix.html. Without a SQLSTATE, psycopg's
    OperationalError is about reaching the server; being refused by it is not passing, and libpq
    tells that in words only.
    """
    import sqlite3

    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return "locked" in str(cause)
    state = getattr(cause, "sqlstate", None)
    if state is None:
        is_refused = any(words in str(cause) for words in _REFUSALS)
        is_unreached = error.connection_invalidated or type(cause).__name__ == "OperationalError"
        return is_unreached and not is_refused
    return str(state)[:2] in {"08", "40"} or str(state).startswith("57P")


def _told(error: DBAPIError, database: Database) -> RecordingError:
    """The driver's words on one line, without what could be a password."""
    words = " ".join(str(error.orig).split()) or type(error.orig).__name__
    url = database.engine.url
    hidden = [str(url.password or "")]
    hidden += [str(url.query[name]) for name in url.query if _SECRET.search(name)]
    for secret in filter(None, hidden):
        words = words.replace(secret, "***")
    if database.is_sqlite and ("malformed" in words or "not a database" in words):
        words += "; move it away, and `contractcheck history rebuild` makes it again from the runs"
    else:
        words += "; what was committed before stands, and the same can be done again"
    return RecordingError(f"history {database.shown}: {words}")
