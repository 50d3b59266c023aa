import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.errors import UsageError
from contractcheck.model.target import Target
from contractcheck.providers import provider_names
from contractcheck.workflows.gate_sides import SideSpec, parse_side, resolve_target

MINI = "openai:gpt-5-mini"
KNOWN = ", ".join(provider_names())


class Suite:
    name = "mail"

    def __init__(self, *targets):
        self.targets = targets


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        (MINI, SideSpec(target=MINI)),
        (f"target={MINI}", SideSpec(target=MINI)),
        (f"{MINI},rev=v1.2", SideSpec(target=MINI, revision="v1.2")),
        ("rev=HEAD~1", SideSpec(revision="HEAD~1")),
        (
            f"base_url=http://127.0.0.1:9/v1=b,target={MINI}",
            SideSpec(target=MINI, base_url="http://127.0.0.1:9/v1=b"),
        ),
        ("env=.venv-next", SideSpec(environment=".venv-next")),
        ("accepted", SideSpec(is_accepted=True)),
        (f"accepted={MINI}", SideSpec(target=MINI, is_accepted=True)),
    ],
)
def test_a_side_is_read_and_written_again(text, spec):
    assert parse_side(text, "--from") == spec
    assert parse_side(spec.text, "--from") == spec


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gpt-5-mini", "'gpt-5-mini' is not a target such as openai:gpt-5-mini"),
        ("", "'target=': target is empty"),
        ("openia:m", f"unknown provider 'openia'; known providers: {KNOWN}"),
        (
            f"{MINI},eu",
            (
                "'eu' is no key=value; a side is provider:model, or pairs of "
                "target, base_url, rev, env, accepted joined by commas"
            ),
        ),
        (
            f"target={MINI},region=eu",
            "'region=eu': unknown key 'region'; known: target, base_url, rev, env, accepted",
        ),
        ("rev=", "'rev=': rev is empty"),
        ("rev=a,rev=b", "'rev=b': rev is given twice"),
        (f"accepted={MINI},rev=main", "accepted nights have no rev; leave it out"),
    ],
)
def test_a_wrong_part_is_named(text, words):
    with pytest.raises(UsageError) as refused:
        parse_side(text, "--to")
    assert str(refused.value).startswith("--to '")
    assert str(refused.value).endswith(words)


@pytest.mark.parametrize(
    "text",
    [
        f"{MINI},base_url=http://127.0.0.1:9/v1?api_key=topsecret",
        f"{MINI},base_url=http://127.0.0.1:9/v1?api_key=a,topsecret",
        f"base_url=http://127.0.0.1:9/v1#topsecret,target={MINI}",
        f"{MINI},base_url=https://user:topsecret@llm.example.com,eu",
        "https://llm.example.com?key=topsecret",
    ],
)
def test_an_address_that_may_hold_a_credential_is_refused_and_not_shown(text):
    with pytest.raises(UsageError, match="--to: base_url is written down") as refused:
        parse_side(text, "--to")
    assert "topsecret" not in str(refused.value)


@given(st.text(max_size=40))
def test_any_text_is_a_side_or_a_refusal(text):
    try:
        spec = parse_side(text, "--to")
    except UsageError:
        return
    assert parse_side(spec.text, "--to") == spec


def test_a_side_without_a_target_asks_the_only_one():
    own = Target(provider="openai", model="gpt-5-mini", base_url="https://eu.example.com")
    other = Target(provider="openai", model="b")
    spec = SideSpec(revision="main")
    assert resolve_target(spec, Suite(own), "--to") == own
    assert resolve_target(SideSpec(target=MINI), Suite(own, other), "--to") == own
    assert resolve_target(SideSpec(target="openai:new"), Suite(own), "--to") == Target(
        provider="openai", model="new"
    )
    with pytest.raises(UsageError) as refused:
        resolve_target(spec, Suite(own, other), "--to")
    assert str(refused.value) == (
        "--to names no target, and mail has 2: add target=… of openai:gpt-5-mini, openai:b"
    )
