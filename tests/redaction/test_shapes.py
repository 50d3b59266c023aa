"""Keys of unknown value are known by their shape; ordinary words are not taken for keys."""

import json
import re
import string

import pytest

from contractcheck.redaction import Scrubber, find_leak

scrubber = Scrubber.for_secrets([])
SOME = "aB3" * 50


def shaped(prefix, length, alphabet=""):
    return prefix + "".join(c for c in SOME * 3 if not alphabet or c in alphabet)[:length]


HEX = string.digits + "abcdef"
UPPER = string.digits + string.ascii_uppercase
KEYS = {
    "OpenAI": shaped("sk-", 48),
    "OpenAI project": "sk-proj-Abc_def-ghijklmnopqrstuv",
    "OpenAI service": shaped("sk-svcacct-", 100),
    "OpenAI admin": shaped("sk-admin-", 100),
    "OpenAI client secret": shaped("ek_", 32, HEX),
    "Anthropic": "sk-ant-api03-abcdefghijklmnop1234",
    "OpenRouter": shaped("sk-or-v1-", 64, HEX),
    "LiteLLM": "sk-Ab3_Cd4-Ef5_Gh6-Ij7_Kl",
    "DeepSeek": shaped("sk-", 32, HEX),
    "Google": shaped("AIza", 35),
    "Google new": shaped("AQ.", 50),
    "Google access": shaped("ya29.", 60),
    "Google refresh": shaped("1//0", 60),
    "Google client": shaped("GOCSPX-", 28),
    "AWS": "AKIAIOSFODNN7EXAMPLE",
    "AWS temporary": shaped("ASIA", 16, UPPER),
    "Bedrock": shaped("ABSK", 60),
    "Groq": shaped("gsk_", 52),
    "Hugging Face": "hf_" + "abcDEF" * 5,
    "xAI": shaped("xai-", 80),
    "Fireworks": shaped("fw_", 24),
    "Together": shaped("tgp_v1_", 43),
    "Replicate": shaped("r8_", 37),
    "Perplexity": shaped("pplx-", 48),
    "NVIDIA": shaped("nvapi-", 64),
    "Databricks": shaped("dapi", 32, HEX),
    "Cerebras": shaped("csk-", 48),
    "Anyscale": shaped("esecret_", 26),
    "LangSmith": shaped("lsv2_pt_", 43, HEX),
    "Voyage": shaped("pa-", 43),
    "Jina": shaped("jina_", 60),
    "Pinecone": shaped("pcsk_", 70),
    "Tavily": shaped("tvly-dev-", 32),
    "ElevenLabs": shaped("sk_", 48, HEX),
    "Sentry": shaped("sntryu_", 64, HEX),
    "GitHub": shaped("ghp_", 36),
    "GitHub fine": shaped("github_pat_", 82),
    "GitLab": shaped("glpat-", 20),
    "Slack": "xoxb-1234567890-aBcDeFgHiJ",
    "Stripe": shaped("sk_live_", 24),
    "npm": shaped("npm_", 36),
    "SendGrid": shaped("SG.", 22) + "." + shaped("", 43),
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "unsigned token": "eyJhbGciOiJub25lIn0x.eyJzdWIiOiIxMjM0NTY3ODkwIn0.",
    "organisation": "org-" + "aB3dE5gH" * 3,
    "project": "proj_" + "aB3dE5gH" * 3,
}
PLACES = [
    "KEY",
    '{"echo": "KEY"}',
    "https://x/v1?q=KEY&a=1",
    "https://x/v1/KEY/models",
    "said KEY.",
    '{"text": "line\\nKEY\\ttab"}',
    '{"text": "\\u0022KEY\\u0022"}',
    "a%3DKEY%26b",
    "(KEY)",
    "x: 'KEY'",
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_anything_shaped_like_a_key_is_starred_at_the_same_length(key, place):
    before = place.replace("KEY", key).encode()
    after = scrubber.scrub(before)
    expected = place.replace("KEY", "*" * len(key)).encode()
    # Base64 has a slash of its own: there the rest of the path may go too.
    assert after in (expected, expected.replace(b"/models", b"*" * 7))
    assert find_leak(before, scrubber) is not None
    assert find_leak(after, scrubber) is None


ORDINARY = [
    "risk-management-strategies-for-2024",
    "task-oriented-dialogue-2025-edition",
    "disk-proj-alpha-2024-notes",
    "ask-anthropic-about-claude-3",
    "sk-learn",
    "sk-learn-based-pipeline-number-7",
    "whisk-ant-hill-behaviour-2020x",
    "chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012",
    "msg_01XFDUDYJgAACzvnptvVoYEL",
    "req_011CSHoEeqs5C35K2UUqR7Fy",
    "call_abcdefghijklmnop12345678",
    "toolu_01A09q90qw90lq917835lq9",
    "resp_67ccd2bed1ec8190b14f964abc0542670bb6",
    "rs_6820f383d7c08191846711c5df8233bc0ac5ba57aafcbac7",
    "fc_67ca09c6bedc8190a7abfec07b1a1332096610f474011cc0",
    "file-BK7bzQj3FfZFXr7DbL6xJwfo",
    "asst_abc123",
    "thread_abc123DEF456",
    "batch_67d0ee00a1ac8190a5e3f7d3bf1c39ed",
    "fp_06737a9306",
    "gpt-4o-mini-2024-07-18",
    "claude-3-5-sonnet-20241022",
    "models/gemini-2.5-flash-lite-001",
    "ft:gpt-4o-mini-2024-07-18:acme::AbCdEf12",
    "pplx-70b-online",
    "pplx-7b-chat-long-context-2024",
    "hf_hub_download",
    "fw_version",
    "r8_model",
    "pa-system",
    "xai-grok-4-fast-reasoning",
    "csk-2024",
    "dapi-docs",
    "org-chart-2024-quarter-three",
    "organisation-2025",
    "user-interface-guidelines-2024",
    "project_number",
    "proj_alpha",
    "jina_embeddings_v3_small",
    "550e8400-e29b-41d4-a716-446655440000",
    "d41d8cd98f00b204e9800998ecf8427e",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "AIzawa",
    "AKIANE",
    "ASIATIC",
    "ASIA-PACIFIC",
    "2026-01-01T00:00:00Z",
    "1735689600",
    "+49-170-1234567",
    "4111111111111111",
    "max_tokens",
    "completion_tokens",
    '"token":"authorization"',
    '"tokens":["api_key"]',
    "keyboard?key=a&x=1",
    "monkey=bananas123",
    "the-api-key",
    "projects/big-apple/readme.md",
    "arn:aws:s3:::bucket",
    "https://example.org:8443/a@b",
]


@pytest.mark.parametrize("word", ORDINARY)
def test_ordinary_words_ids_hashes_and_model_names_are_left_alone(word):
    for place in PLACES:
        text = place.replace("KEY", word).encode()
        assert scrubber.scrub(text) == text
        assert find_leak(text, scrubber) is None


SENTENCES = [
    "Your password must have ten characters: letters, digits and a sign.",
    "The authorization: ask the manager. Bearer of good news; bearer authentication-and-authorization.",
    'client = OpenAI(api_key=os.environ.get("OPENAI_API_KEY"))',
    "api_key = os.environ['API_KEY']",
    'headers = {"Authorization": f"Bearer {api_key}", "x-api-key": "$ANTHROPIC_API_KEY"}',
    'curl -H "Authorization: Bearer $OPENAI_API_KEY" "https://x/y?key=${GEMINI_API_KEY}&a=1"',
    'Client(api_key="<your key>", password="{{ password }}", token="hf_...", access_token="%TOKEN%")',
    "def set(self, cookie: http.cookies.BaseCookie[str] = Cookie(), quote_cookie: bool = True): ...",
    "opening: Token\n    closing: Token\n\nNodeType2 = 1",
    "Set the `api_key` parameter, or: api_key: required, password: optional",
    '{"authorization": "by the manager on duty", "cookie": "chocolate chip", "password": ""}',
    '{"required": ["api_key", "password"], "properties": {"api_key": {"type": "string"}}}',
    '{"error": {"type": "authentication_error", "code": "invalid_api_key", "param": null}}',
    '{"logprobs": {"content": [{"token": " internationalization", "bytes": [32, 105]}]}}',
    '{"usage": {"prompt_tokens": 12345678, "completion_tokens": 87654321, "cache_key": "abcdefgh"}}',
    "See https://example.org/a?page=2&sort=key and mail me@example.org",
    "-----BEGIN CERTIFICATE----- is public, and so is -----BEGIN PUBLIC KEY-----.",
    "1 * 2 ** 3 *** bold ***** rule",
]


@pytest.mark.parametrize("text", SENTENCES)
def test_ordinary_text_is_left_alone(text):
    for data in (text.encode(), json.dumps({"content": text}).encode()):
        assert scrubber.scrub(data) == data
        assert scrubber.scrub_for_identity(data) == data
        assert find_leak(data, scrubber) is None


PEM = b"-----BEGIN RSA PRIVATE KEY-----\nMIIEow-IBAAKCAQEA\n-----END RSA PRIVATE KEY-----"


def test_a_private_key_is_starred_whole_and_so_is_one_that_was_cut_off():
    scrub = scrubber.scrub
    assert scrub(b"<" + PEM + b">") == b"<" + b"*" * len(PEM) + b">"
    cut = PEM[:50]
    assert scrub(cut) == b"*" * len(cut)
    assert find_leak(scrub(PEM), scrubber) is None


def test_a_private_key_in_a_document_ends_where_its_text_ends():
    encrypted = PEM.replace(b"\n", b"\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0F\n\n", 1)
    for pem in (PEM, PEM[:50], encrypted):
        for levels in range(1, 4):
            document = {"a": pem.decode(), "z": "after"}
            for _ in range(levels):
                document = {"in": json.dumps(document), "z": "after"}
            cleaned = scrubber.scrub(json.dumps(document).encode())
            assert b"MII" not in cleaned
            inner = json.loads(cleaned)
            for _ in range(levels):
                assert inner["z"] == "after"
                inner = json.loads(inner["in"])
            assert re.fullmatch(r"\*+", inner["a"])
            assert inner["z"] == "after"


def test_text_that_was_made_to_hurt_costs_time_in_proportion_to_its_length():
    # A quadratic search needs minutes for each of these; this is 128 KiB in under a second.
    for hurting in (
        b"-----BEGIN PRIVATE KEY-----x",
        b"sk-aaaaaaaaaaaaaaaa-",
        b"sk-aaaaaaaaaaaaaaaa1-",
        b'api_key:\\"',
        b"api_key:'",
        b"eyJaaaaaaaaaaa.",
        b"://:",
        b"&a=",
        b'name="password"\r\na\r\n',
        b"<password>",
        b"\\\\",
        b'data: {"text":"sk-',
    ):
        assert len(scrubber.scrub(hurting * (2**17 // len(hurting)))) > 130_000


def test_nothing_is_kept_of_text_that_never_comes_to_an_end():
    """Each key here hides the beginning of the next one until it is starred."""
    chain = b"AKIA" + b"A" * 16
    assert scrubber.scrub(chain * 100) == b"*" * 2000
    assert scrubber.scrub(b"no " + chain * 3) == b"no " + b"*" * 60
