"""A key that stays the same."""

from __future__ import annotations

import asyncio

from contractcheck.auth import KeyAuthorizer


def test_it_is_sent_in_its_header_behind_the_requests_own(request_of):
    authorizer = KeyAuthorizer(key="key-1", header="x-goog-api-key", prefix="")
    sent = asyncio.run(authorizer.authorize(request_of(), "https://gw.example"))
    assert sent == (("content-type", "application/json"), ("x-goog-api-key", "key-1"))


def test_there_is_no_other_and_everybody_is_told_of_this_one(request_of):
    authorizer, told = KeyAuthorizer(key="key-1"), []
    authorizer.tell(told.extend)
    assert told == ["key-1"]
    sent = asyncio.run(authorizer.authorize(request_of(), "https://gw.example"))
    assert asyncio.run(authorizer.renew(sent)) is False
    assert "key-1" not in repr(authorizer)
