"""No part of a password is in what is told of a URL, however the URL was written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.errors import RecordingError, UsageError
from contractcheck.store.database import open_database
from contractcheck.store.remote import open_remote
from contractcheck.store.url_secrets import find_secrets

PASSWORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
LETTERS = st.text("QXZJK", min_size=4, max_size=9)


def pieces_of(password):
    return {piece for piece in re.split(r"\W+", password) if len(piece) > 3}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sftp://bob:p@ss@host/x", "sftp://***@host/x"),
        ("sftp://bob:se/cret@host/x/", "sftp://***@host/x"),
        ("sftp://bob:se?cret@host/x", "sftp://***"),
        ("https://host/x?sig=a@bc", "https://***"),
        ("https://host/x?sig=abcd", "https://host/x"),
        ("s3://bucket/folder", "s3://bucket/folder"),
        ("/home/a@b/c", "/home/a@b/c"),
    ],
)
def test_a_url_is_shown_without_whatever_may_be_a_password(url, shown):
    assert find_secrets(url).shown == shown


@given(LETTERS, PASSWORDS, LETTERS)
def test_no_piece_of_a_password_is_told(head, middle, tail):
    password = f"{head}{middle}{tail}"
    url = f"sftp://bob:{password}@host/x"
    known = find_secrets(url)
    told = [known.shown, known.tell(OSError(f"cannot open {url}"))]
    told.append(known.tell(ValueError(f"no port {password!r}")))
    if known.is_ambiguous:
        told += [known.tell(ValueError(f"no port {piece!r}")) for piece in pieces_of(password)]
    for words in told:
        assert not any(piece in words for piece in pieces_of(password))
    plain = known.tell(OSError("777"))
    assert plain == "777" or known.is_ambiguous


@given(LETTERS, PASSWORDS)
def test_no_query_is_told(secret, more):
    url = f"https://host/x?sv=1&sig={secret}{more}"
    known = find_secrets(url)
    for words in (known.shown, known.tell(OSError(f"404, message='', url={url}"))):
        assert secret not in words


@pytest.mark.parametrize(
    "url", ["sftp://bob:hunter/2secret@host/x", "https://bob:hunter[2secret@host/x"]
)
def test_a_library_that_cuts_a_url_elsewhere_shows_no_piece_of_it(url):
    with pytest.raises((UsageError, RecordingError)) as told:
        open_remote(url).names()
    assert "hunter" not in str(told.value)
    assert "2secret" not in str(told.value)


@given(PASSWORDS, PASSWORDS)
def test_a_history_whose_password_was_not_encoded_is_refused_without_it(head, tail):
    password = f"Q{head}@{tail}Z"
    with pytest.raises(UsageError, match=r"%40|is not a URL") as told:
        open_database(f"postgresql://bob:{password}@db/x", create=True)
    assert f"Q{head}" not in str(told.value)
    assert f"{tail}Z" not in str(told.value)


def test_options_of_a_url_that_hold_a_password_are_not_told():
    url = "postgresql://me@127.0.0.1:9/nights?sslpassword=hunter2&sslmode=hunter2"
    with pytest.raises(RecordingError, match="sslmode") as told:
        open_database(url, create=True).do(lambda link: link.exec_driver_sql("SELECT 1"), 1)
    assert "hunter2" not in str(told.value)
