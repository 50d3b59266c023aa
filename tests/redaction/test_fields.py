"""Values that stand where only secrets stand, whatever they look like."""

import json

import pytest

from contractcheck.redaction import Scrubber, find_leak

VALUE = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"  # as a hash looks, and as keys without a prefix do
scrubber = Scrubber.for_secrets([])

NAMES = [
    "api_key",
    "apiKey",
    "API-KEY",
    "Api_Key",
    "x-api-key",
    "xi-api-key",
    "x-goog-api-key",
    "Ocp-Apim-Subscription-Key",
    "AZURE_OPENAI_API_KEY",
    "wandb_api_key",
    "authorization",
    "Proxy-Authorization",
    "access_token",
    "accessToken",
    "refresh_token",
    "id_token",
    "SessionToken",
    "X-Amz-Security-Token",
    "client_secret",
    "clientSecret",
    "SecretAccessKey",
    "aws_secret_access_key",
    "private_key",
    "AccountKey",
    "password",
    "PASSWD",
    "openai-organization",
    "OpenAI-Project",
    "anthropic-organization-id",
    "X-Goog-User-Project",
]
PLACES = {
    "json": '{"NAME": "VALUE", "n": 1}',
    "json, spread out": '{\n  "NAME" :\t"VALUE"\n}',
    "nested": '{"a": [{"b": {"NAME": "VALUE"}}]}',
    "in a list": '{"NAME": ["VALUE", "VALUE"], "n": ["a"]}',
    "bearer": '{"NAME": "Bearer VALUE"}',
    "json in json": json.dumps({"body": json.dumps({"NAME": "VALUE", "n": "x"})}),
    "three deep": json.dumps([json.dumps([json.dumps([{"NAME": "VALUE", "n": "x"}]), "y"]), "z"]),
    "python": "{'NAME': 'VALUE', 'n': 'x'}",
    "keyword": "Client(NAME='VALUE', n=1)",
    "yaml": "NAME: VALUE\nn: 1",
    "yaml list": "NAME:\n- VALUE\nn: 1",
    "header": "POST / HTTP/1.1\r\nNAME: VALUE\r\nHost: x",
    "bearer header": "NAME: Bearer VALUE\r\n",
    "form": "grant=a&NAME=VALUE&n=1",
    "only form": "NAME=VALUE",
    "query": "https://x/y?a=1&NAME=VALUE&n=1",
    "query in json": '{"url": "https://x/y?NAME=VALUE\\u0026n=1"}',
    "escaped query": "next=https%3A%2F%2Fx%2Fy%3FNAME%3DVALUE%26n%3D1",
    "multipart": '--b\r\nContent-Disposition: form-data; name="NAME"\r\n\r\nVALUE\r\n--b--',
    "multipart with a type": '--b\r\nContent-Disposition: form-data; name="NAME"; filename="f"\r\n'
    "Content-Type: text/plain\r\n\r\nVALUE\r\n--b--",
    "xml": "<Credentials><NAME>VALUE</NAME><n>1</n></Credentials>",
    "environment": "export NAME=VALUE\nexport N=1",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", PLACES)
def test_a_credentials_field_is_starred_and_nothing_around_it(place, name):
    text = PLACES[place].replace("NAME", name)
    before = text.replace("VALUE", VALUE).encode()
    after = scrubber.scrub(before)
    expected = text.replace("VALUE", "*" * len(VALUE)).encode()
    # A quoted value is starred whole, its scheme too.
    assert after in (expected, expected.replace(b"Bearer ", b"*" * 7))


def test_a_quoted_value_may_hold_anything():
    for value in ('a"b\\c{}d', "with & = ? %", "é\u2028ü", "\\\\", "line\nline", "'quoted'"):
        document = {"password": "pass" + value, "after": "kept"}
        for levels in range(3):
            data = json.dumps(document).encode()
            cleaned = json.loads(scrubber.scrub(data))
            for _ in range(levels):
                cleaned = json.loads(cleaned)
            assert set(cleaned["password"]) == {"*"}
            assert cleaned["after"] == "kept"
            document = json.dumps(document)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("https://x/v1?key=abcdefgh", "abcdefgh"),
        ("https://x/v1?a=1&Key=abcdefgh&b", "abcdefgh"),
        ("https://x/v1?token=abcdefgh#top", "abcdefgh"),
        ("https://x/b?sv=2024&SIG=ab%2Fcdefgh%3D&se=1", "ab%2Fcdefgh%3D"),
        ("https://x/b?X-Amz-Credential=AKIDx%2F20260101&X=1", "AKIDx%2F20260101"),
        ("https://x/b?X-Amz-Signature=deadbeef&X=1", "deadbeef"),
        ("https://user:hunter2secret@x/y", "user:hunter2secret"),
        ("grant_type=x&assertion=abcdefgh", "abcdefgh"),
        ("password=correcthorse&user=me", "correcthorse"),
        ("Authorization: Basic dXNlcjpwYXNzMQ==", "dXNlcjpwYXNzMQ=="),
        ("sent bearer abcdefgh12345678 to me", "abcdefgh12345678"),
        ("Cookie: session=abc; theme=dark\r\nHost: x", "session=abc; theme=dark"),
        ("set-cookie: a=b; Path=/\r\n", "a=b; Path=/"),
        ('{"Set-Cookie": ["a=bcdef; Path=/"]}', "a=bcdef; Path=/"),
        ('{"cookie": "session=abc"}', "session=abc"),
        ("challenge __cf_bm=abc.def-123; path=/", "abc.def-123"),
        ('{"text": "got __Secure-id=abcdef1\\n"}', "abcdef1"),
        ("arn:aws:bedrock:us-east-1:123456789012:model/x", "123456789012"),
        ("arn:aws-cn:iam::123456789012:role/x", "123456789012"),
        ("https://x/v1/projects/my-project-7/locations/us/models/m", "my-project-7"),
        ("consumer projects/123456789012 is disabled", "123456789012"),
        ("Consumer 'project_number:123456789012'", "123456789012"),
        (
            "/subscriptions/550e8400-e29b-41d4-a716-446655440000/x",
            "550e8400-e29b-41d4-a716-446655440000",
        ),
    ],
)
def test_credentials_and_accounts_in_addresses_and_headers_are_starred(text, secret):
    cleaned = scrubber.scrub(text.encode())
    assert cleaned == text.replace(secret, "*" * len(secret)).encode()
    assert scrubber.scrub_for_identity(cleaned) == scrubber.scrub_for_identity(text.encode())


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("https://tok9fh3k@x/y", "tok9fh3k"),
        ("https://bob:pw123@x/y", "bob:pw123"),
        ("https://:p@x", ":p"),
        ("postgresql+psycopg://a:b@x:5432/c?d=e@f", "a:b"),
        ("https://bob:p@ss@x/y", "bob:p@ss"),
        ("https://bob:p%40ss(1)@x/y", "bob:p%40ss(1)"),
        (r'{"url": "https:\/\/bob:pw@x\/y"}', "bob:pw"),
        (r'"{\"url\": \"https:\\\/\\\/bob:pw@x\"}"', "bob:pw"),
        ("next=https%3A%2F%2Fbob%3Apw%40x%2Fy", "bob%3Apw"),
    ],
)
def test_the_user_part_of_an_address_is_starred_and_never_written(text, secret):
    data = text.encode()
    cleaned = scrubber.scrub(data)
    assert cleaned == data.replace(secret.encode(), b"*" * len(secret))
    assert scrubber.scrub(cleaned) == cleaned
    assert find_leak(data, scrubber).kind == "a credential in an address"
    assert find_leak(cleaned, scrubber) is None


def test_who_asks_is_not_part_of_what_is_asked():
    one, other = b"see https://bob:pw@x/y now", b"see https://t@x/y now"
    assert scrubber.scrub_for_identity(one) == scrubber.scrub_for_identity(other)
    assert scrubber.scrub_for_identity(one) == scrubber.scrub_for_identity(scrubber.scrub(one))


@pytest.mark.parametrize(
    "text",
    [
        "https://x/@user/y?mail=a@b.c#d@e",
        "see https://x.example, mail a@b.c",
        "[x](https://x.example),[y](mailto:a@b.c)",
        "https://{user}:{password}@x/y",
        "https://<token>@x/y",
        "https://$USER:${PASSWORD}@x",
        "git clone ssh://git@x/y",
        '["https://x","a@b.c"]',
    ],
)
def test_an_address_without_a_credential_stays(text):
    assert scrubber.scrub(text.encode()) == text.encode()
    assert find_leak(text.encode(), scrubber) is None


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("[(b'Set-Cookie', b'sid=abc; Path=/'), (b'x', b'y')]", "sid=abc; Path=/"),
        ("[(b'set-cookie', b'sid=\"abcdef\"; Path=/')]", 'sid="abcdef"; Path=/'),
        (r"[(b'set-cookie', b'sid=ab\xff\\cd')]", r"sid=ab\xff\\cd"),
        ("[(b'set-cookie', b\"sid='abcdef'\")]", "sid='abcdef'"),
        ("[(b'authorization', b'Bearer abc.def')]", "Bearer abc.def"),
        ("[(b'Api-Key', b'abcdefgh'), (b'x', b'y')]", "abcdefgh"),
        ("[(b'openai-organization', b'acme-corp')]", "acme-corp"),
        ("((b'openai-project',b'acme-corp'))", "acme-corp"),
        ('{"log": "[(b\'Set-Cookie\', b\'sid=abc\')]", "n": 1}', "sid=abc"),
    ],
)
def test_headers_as_pairs_of_bytes_are_starred_as_clients_log_them(text, secret):
    cleaned = scrubber.scrub(text.encode())
    assert cleaned == text.replace(secret, "*" * len(secret)).encode()
    assert scrubber.scrub(cleaned) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        '["password", "api_key", "authorization", "refund"]',
        '{"required": ["api_key", "username"]}',
        "os.getenv('OPENAI_API_KEY', 'default-value')",
        "[('password', 'required'), ('cookie', 'chocolate chip')]",
        "[(b'content-type', b'application/json')]",
        "(b'authorization', b'by the manager')",
        """{"a": "'authorization', b'","b":"","c":"'"}""",
    ],
)
def test_words_in_lists_stay(text):
    assert scrubber.scrub(text.encode()) == text.encode()
