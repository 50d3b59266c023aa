import ssl

import pytest

from contractcheck.sampling import SilentProgress, sample
from contractcheck.sampling.trust import trusted

ANSWER = (
    b'{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}'
)


@pytest.mark.parametrize(
    "urls",
    [
        ["https://api.example"],
        ["http://127.0.0.1:1", "https://api.example"],
        ["HTTPS://api.example"],
        ["api.example"],
    ],
)
def test_whoever_may_be_asked_over_tls_is_verified_as_ever(urls):
    assert trusted(urls) is True


def test_where_only_plain_http_is_asked_nobody_is_trusted():
    context = trusted(["http://127.0.0.1:1", "http://localhost:2/v1"])
    assert context.cert_store_stats() == {"x509": 0, "crl": 0, "x509_ca": 0}
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_no_authority_is_read_to_ask_a_server_of_this_machine(
    serve, make_cases, make_run, monkeypatch
):
    async def fine(_number, _body):
        return 200, ANSWER

    def refuse(*_arguments, **_named):
        raise AssertionError("authorities were read")

    cases = make_cases(a=1)
    with serve(fine) as provider:
        run = make_run(cases)
        monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", refuse)
        assert sample(run, cases, provider.options, SilentProgress()).errors == 0
