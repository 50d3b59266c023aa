"""What a suite may say of credentials: names of variables, and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contractcheck.model.credential import ClientLogin, SchemeChoice, Variable
from contractcheck.suite import suite_schema
from contractcheck.suite.auth_fields import read_auth
from contractcheck.suite.fields import FieldError

BASE = """\
suite: mail
version: 1.0.0
targets:
  - target: openai:m
    auth: AUTH
cases:
  - id: a
    messages: [{role: user, content: "echo ${HOME}"}]
"""
LITERAL = "sk-literally-0123456789"


def write(auth):
    return BASE.replace("AUTH", auth)


def login(url="https://login.example/token", **others):
    fields = {"token_url": url, "client_id": "me", "client_secret": "${MY_SECRET}", **others}
    return json.dumps({"oauth2": {name: value for name, value in fields.items() if value}})


@pytest.mark.parametrize("method", ["key", "aws", "google", "entra"])
def test_a_way_is_chosen_by_its_name(folder, method):
    (target,) = folder.load(write(method)).targets
    assert target.auth == SchemeChoice(method=method, file=str(folder.file), line=4)


def test_a_variable_is_named_and_not_read(folder, monkeypatch):
    monkeypatch.setenv("GATEWAY_KEY", LITERAL)
    (target,) = folder.load(write("{key: '${GATEWAY_KEY}'}")).targets
    assert target.auth.variable == Variable(name="GATEWAY_KEY")
    assert LITERAL not in repr(target)


def test_client_credentials_are_names_and_places(folder):
    text = write(login(client_id="${MY_ID}", scope="a b", audience="https://api", method="post"))
    (target,) = folder.load(text).targets
    assert target.auth == ClientLogin(
        token_url="https://login.example/token",  # noqa: S106 - an address
        client_id=Variable(name="MY_ID"),
        client_secret=Variable(name="MY_SECRET"),
        scope="a b",
        audience="https://api",
        method="post",
        file=str(folder.file),
        line=4,
    )


def test_how_it_is_shown_who_asks_is_no_part_of_who_is_asked(folder):
    plain = folder.load(BASE.replace("    auth: AUTH\n", ""))
    other = folder.load(write("aws"))
    assert plain.targets == other.targets
    assert plain.fingerprint == other.fingerprint


def test_a_prompt_with_the_name_of_a_variable_is_a_prompt(folder, monkeypatch):
    monkeypatch.setenv("HOME", "/root/of/all")
    assert folder.load(write("key")).cases[0].messages[0].content == "echo ${HOME}"


@pytest.mark.parametrize(
    "auth",
    [
        LITERAL,
        f"{{key: {LITERAL}}}",
        f"{{key: '${{A}}{LITERAL}'}}",
        f"[{LITERAL}]",
        f"{{oauth2: {LITERAL}}}",
        f"{{command: [echo, {LITERAL}]}}",
        f"{{keyring: {LITERAL}}}",
        login(client_secret=LITERAL),
        login(client_id="${my_id}" + LITERAL),
        login(url=f"https://user:{LITERAL}@login.example/token"),
        login(url=f"https://login.example/token?secret={LITERAL}"),
        login(url="http://login.example/${A}" + LITERAL),
    ],
)
def test_what_may_be_a_secret_is_refused_with_its_line_and_not_shown(folder, auth):
    errors = folder.errors(write(auth))
    assert all(error.startswith("mail.contract.yaml:4: targets[0]: auth") for error in errors)
    assert len(errors) == 1
    assert LITERAL not in errors[0]


@pytest.mark.parametrize(
    ("auth", "what"),
    [
        ("{key: '${home}'}", "auth.key: expected the name of an environment variable"),
        ("{key: '${A:-b}'}", "auth.key: expected the name of an environment variable"),
        ("{key: '$A'}", "auth.key: expected the name of an environment variable"),
        (
            "{key: '${A}', header: x}",
            "auth: expected 'key', 'aws', 'google' or 'entra', or a mapping",
        ),
        (login(url="http://login.example/token"), "auth.oauth2.token_url: expected an address"),
        (login(url="https://login.example/a b"), "auth.oauth2.token_url: expected an address"),
        (login(client_secret=None), "auth.oauth2: missing key 'client_secret'"),
        (login(passcode="x"), "auth.oauth2: unknown key 'passcode'"),
        (login(method="digest"), "auth.oauth2.method: expected 'basic' or 'post'"),
        (login(scope="${A}"), "auth.oauth2.scope: expected a text"),
        (login(audience="a\nb"), "auth.oauth2.audience: expected a text"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(folder, auth, what):
    (error,) = folder.errors(write(auth))
    assert error.startswith(f"mail.contract.yaml:4: targets[0]: {what}")


@pytest.mark.parametrize(
    "target",
    [
        "{target: 'openai:m', base_url: 'https://${HOST}/'}",
        "{target: 'openai:m', base_url: 'https://gw.example/${OPENAI_API_KEY}'}",
        "'openai:${OPENAI_API_KEY}'",
        "{target: 'openai:m', project: '${OPENAI_API_KEY}'}",
        "{target: 'openai:m', region: '${OPENAI_API_KEY}'}",
    ],
)
def test_no_variable_is_read_in_another_field_of_a_target(folder, target):
    text = BASE.replace("target: openai:m\n    auth: AUTH", target)
    errors = folder.errors(text)
    assert errors
    assert all(error.startswith("mail.contract.yaml:4: targets[0]") for error in errors)


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("policy: {identity: {allow: ['${MODEL}']}}", "policy.identity.allow[0]"),
        ("    tools: ['${TOOLS}/look.json']", "cases[0].tools[0]"),
        ("    context: ['${HOME}/.ssh/id_rsa']", "cases[0].context[0]"),
        ("    response_schema: '${HOME}/schema.json'", "cases[0].response_schema"),
    ],
)
def test_nor_anywhere_else_but_in_what_a_model_is_asked(folder, line, where):
    errors = folder.errors(write("key") + line + "\n")
    what = "${…} is read in auth of a target only; write the value out"
    assert f"mail.contract.yaml:9: {where}: {what}" in errors


def test_what_an_answer_is_compared_with_may_speak_of_variables(folder):
    text = write("key") + "    checks: [{contains: '${HOME}'}]\n    stop: ['${END}']\n"
    assert folder.load(text).cases[0].checks[0].argument == "${HOME}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.just("${A_KEY}"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["key", "oauth2", "token_url", "client_id", "client_secret", "method"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=200)
@given(JSON)
def test_whatever_stands_there_is_read_or_refused(value):
    try:
        found = read_auth(value)
    except FieldError as error:
        found = str(error)
    assert found[:4] == "auth" if isinstance(found, str) else found == read_auth(value)


@pytest.mark.parametrize("auth", ['"key"', '{"key": "${A_KEY}"}', login(), login(scope="a b")])
def test_editors_accept_what_is_accepted(folder, auth):
    folder.load(write(auth))
    document = {
        "suite": "mail",
        "version": "1.0.0",
        "targets": [{"target": "openai:m", "auth": json.loads(auth)}],
        "cases": [{"id": "a", "messages": [{"role": "user", "content": "hi"}]}],
    }
    Draft202012Validator(json.loads(suite_schema())).validate(document)
