from contractcheck.redaction import Scrubber, allowed_headers, redact_headers

SECRET = "azure/32+hex=0123456789abcdef"  # noqa: S105 - made up, to be found
HEADERS = [
    ("Set-Cookie", "a=b"),
    ("X-RateLimit-Limit-Tokens", "10"),
    ("openai-organization", "acme"),
    ("Date", "now"),
    ("date", "later"),
    ("x-goog-api-key", "k"),
]
KEPT = (("X-RateLimit-Limit-Tokens", "10"), ("Date", "now"), ("date", "later"))


def test_only_headers_on_the_allow_list_are_kept_in_order_with_case_and_duplicates():
    assert allowed_headers(HEADERS) == KEPT
    assert redact_headers(HEADERS, Scrubber.for_secrets([SECRET])) == KEPT


def test_names_and_values_of_kept_headers_are_scrubbed():
    scrubber = Scrubber.for_secrets([SECRET])
    stars = "*" * len(SECRET)
    headers = [
        ("x-request-id", f"req {SECRET}"),
        (f"x-ratelimit-{SECRET}", "1"),
        ("content-type", "api_key=9876543210fedcba; a=b"),
        ("Accept", "key=abcdefgh&x=1"),
        ("date", "now"),
    ]
    assert redact_headers(headers, scrubber) == (
        ("x-request-id", f"req {stars}"),
        (f"x-ratelimit-{stars}", "1"),
        ("content-type", "api_key=****************; a=b"),
        ("Accept", "key=********&x=1"),
        ("date", "now"),
    )


def test_a_value_alone_is_scrubbed_like_one_among_others():
    scrubber = Scrubber.for_secrets([])
    alone = redact_headers([("accept", "key=abcdefgh&x=1")], scrubber)
    assert alone == (("accept", "key=********&x=1"),)
