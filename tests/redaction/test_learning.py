"""A scrubber learns secrets while it is used: tokens that were granted in the middle of a run."""

import sys
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.redaction import Scrubber, Searched, find_leak, is_searched

FIRST = "first-token-0123456789abcdef"
SECOND = "second+token/fedcba9876543210"


def test_what_was_learnt_is_found_like_what_was_known():
    learning = Scrubber.for_secrets([FIRST])
    body = f'{{"old": "{FIRST}", "new": "{SECOND}"}}'.encode()
    assert SECOND.encode() in learning.scrub(body)
    learning.learn([SECOND])
    assert learning.scrub(body) == Scrubber.for_secrets([FIRST, SECOND]).scrub(body)
    assert find_leak(SECOND.encode(), learning) is not None


def test_to_learn_again_changes_nothing():
    learning = Scrubber.for_secrets([FIRST])
    learning.learn([SECOND])
    known = learning.known
    learning.learn((FIRST, SECOND))
    assert learning.known is known


def test_others_with_the_same_secrets_do_not_learn_along():
    learning, other = Scrubber.for_secrets([FIRST]), Scrubber.for_secrets([FIRST])
    learning.learn([SECOND])
    assert other.scrub(SECOND.encode()) == SECOND.encode()


def test_what_was_searched_before_is_searched_again():
    learning = Scrubber.for_secrets([FIRST])
    body = Searched.by(learning, SECOND.encode(), None)
    assert is_searched(body, learning)
    learning.learn([SECOND])
    assert not is_searched(body, learning)


def test_a_stream_that_spells_a_learnt_secret_is_starred():
    learning = Scrubber.for_secrets([])
    pieces = [SECOND[at : at + 3] for at in range(0, len(SECOND), 3)]
    body = b"".join(b'data: {"content":"%s"}\n\n' % piece.encode() for piece in pieces)
    assert learning.scrub(body) == body  # compiled for this field before it learns
    learning.learn([SECOND])
    starred = b"".join(b'data: {"content":"%s"}\n\n' % (b"*" * len(piece)) for piece in pieces)
    assert learning.scrub(body) == starred


def test_a_secret_is_known_as_soon_as_learning_it_returned_whoever_else_learns():
    learning = Scrubber.for_secrets([])
    before = sys.getswitchinterval()

    def learn_one(number):
        token = f"token-{number:020}-of-thread"
        learning.learn([token])
        return learning.scrub(token.encode())

    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            scrubbed = set(pool.map(learn_one, range(16)))
    finally:
        sys.setswitchinterval(before)
    assert scrubbed == {b"*" * len(f"token-{0:020}-of-thread")}


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text(st.characters(codec="ascii", min_codepoint=33), min_size=6), max_size=4))
def test_one_by_one_or_at_once_is_the_same(secrets):
    learning = Scrubber.for_secrets([])
    for secret in secrets:
        learning.learn([secret])
    text = " ".join(secrets).encode()
    assert learning.scrub(text) == Scrubber.for_secrets(secrets).scrub(text)


def test_nothing_of_a_learnt_secret_is_shown():
    learning = Scrubber.for_secrets([])
    learning.learn([SECOND])
    assert repr(learning) == "Scrubber()"
