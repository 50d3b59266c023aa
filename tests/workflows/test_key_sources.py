"""Where API keys are looked for, and what a repository can do to it: nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, NoKeyringError

from contractcheck.auth import CommandSource
from contractcheck.errors import MeasurementError, UsageError
from contractcheck.model.target import Target
from contractcheck.model.wire import WireRequest
from contractcheck.workflows.endpoint import resolve_endpoint

KEY = "kept-key-0123456789"


class Kept(KeyringBackend):
    """A keyring in memory."""

    priority = 1

    def __init__(self, keys=(), error=None):
        super().__init__()
        self.keys, self.error, self.asked = dict(keys), error, []

    def get_password(self, service, username):
        self.asked.append((service, username))
        if self.error:
            raise self.error
        return self.keys.get(username)

    def set_password(self, service, username, password):
        raise NotImplementedError


@pytest.fixture
def kept():
    before = keyring.get_keyring()
    backend = Kept()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user's folder, and a project beside it that is the working directory."""
    project = tmp_path / "project"
    (project / "sub").mkdir(parents=True)
    (project / ".git").mkdir()
    monkeypatch.chdir(project / "sub")
    made = tmp_path / "home"
    (made / ".config" / "contractcheck").mkdir(parents=True, mode=0o755)
    return made


def write(folder, text):
    file = folder / ".config" / "contractcheck" / "credentials.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o600)
    return file


def resolve(provider="openai", url=None, **environment):
    target = Target(provider=provider, model="m", base_url=url)
    return resolve_endpoint(target, base_url=None, environment=environment)


def key_of(endpoint):
    """What a request would show, after a command was run for it."""
    request = WireRequest(method="POST", path="/", headers=(), body=b"")
    ((_, value),) = asyncio.run(endpoint.authorizer.authorize(request, endpoint.base_url))
    key = value.removeprefix("Bearer ")
    assert key in endpoint.authorizer.secrets
    return key


def printing(text, *, code=0):
    words = [sys.executable, "-c", f"import sys; print({text!r}); sys.exit({code})"]
    return " ".join(f"'{word}'" if '"' in word else f'"{word}"' for word in words)


def test_a_command_prints_the_key():
    assert key_of(resolve(CONTRACTCHECK_KEY_COMMAND=printing(KEY))) == KEY


def test_it_is_run_when_the_key_is_first_needed_and_again_when_it_was_refused(tmp_path):
    count = tmp_path / "count"
    code = f"f = open({str(count)!r}, 'a'); f.write('x'); f.close(); print('key-' + str(len(open({str(count)!r}).read())))"
    endpoint = resolve(CONTRACTCHECK_KEY_COMMAND=f'"{sys.executable}" -c "{code}"')
    assert not count.exists()
    assert [key_of(endpoint), key_of(endpoint)] == ["key-1", "key-1"]
    used = (("authorization", "Bearer key-1"),)
    assert asyncio.run(endpoint.authorizer.renew(used))
    assert key_of(endpoint) == "key-2"


def test_its_key_goes_where_the_provider_wants_it():
    endpoint = resolve("gemini", CONTRACTCHECK_KEY_COMMAND=printing(KEY))
    request = WireRequest(method="POST", path="/", headers=(), body=b"")
    sent = asyncio.run(endpoint.authorizer.authorize(request, endpoint.base_url))
    assert sent == (("x-goog-api-key", KEY),)


def test_a_command_may_take_its_time_but_not_for_ever():
    source = CommandSource(
        command=[sys.executable, "-c", "import time; time.sleep(30)"], more={}, limit_s=0.2
    )
    with pytest.raises(MeasurementError, match=r"took longer than 0\.2 s"):
        source.fetch()


def test_the_command_of_a_provider_comes_before_that_of_all():
    commands = {
        "CONTRACTCHECK_KEY_COMMAND": printing("of-all"),
        "CONTRACTCHECK_KEY_COMMAND_OPENAI_RESPONSES": printing(KEY),
    }
    assert key_of(resolve("openai-responses", **commands)) == KEY
    assert key_of(resolve("anthropic", **commands)) == "of-all"


def test_a_variable_comes_before_a_command(tmp_path):
    never = f'"{sys.executable}" -c "open({str(tmp_path / "ran")!r}, \'w\')"'
    endpoint = resolve(OPENAI_API_KEY=f" {KEY}\n", CONTRACTCHECK_KEY_COMMAND=never)
    assert key_of(endpoint) == KEY
    assert not (tmp_path / "ran").exists()


def test_a_command_is_told_whose_key_is_wanted():
    show = "import os; print(os.environ['CONTRACTCHECK_PROVIDER'] + '@' + os.environ['CONTRACTCHECK_HOST'])"
    endpoint = resolve(CONTRACTCHECK_KEY_COMMAND=f'"{sys.executable}" -c "{show}"')
    assert key_of(endpoint) == "openai@api.openai.com"


def test_no_shell_reads_a_command(tmp_path):
    with pytest.raises(UsageError):
        resolve(CONTRACTCHECK_KEY_COMMAND=f"/bin/false; touch {tmp_path / 'ran'}")
    printed = resolve(CONTRACTCHECK_KEY_COMMAND=f"/bin/echo ;touch${{IFS}}{tmp_path / 'ran'}")
    assert key_of(printed) == f";touch${{IFS}}{tmp_path / 'ran'}"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (printing(KEY, code=3), "ended with code 3"),
        (printing(""), "printed no key"),
        (printing(f"{KEY} {KEY}"), "printed no key"),
        (printing(f"{KEY}\\n{KEY}"), "printed no key"),
        (printing(f"{KEY}\\u00e9"), "printed no key"),
    ],
)
def test_a_command_that_gives_no_key_is_named_and_its_output_is_not_shown(command, what, capfd):
    endpoint = resolve(CONTRACTCHECK_KEY_COMMAND=command)
    with pytest.raises(MeasurementError) as caught:
        key_of(endpoint)
    assert what in str(caught.value)
    assert KEY not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("/no/such/program", "there is no program '/no/such/program'"),
        ("no-such-program x", "there is no program 'no-such-program'"),
        ("'unclosed", "is no command"),
        ("./get-key", "write its whole path"),
        ("scripts/get-key", "write its whole path"),
    ],
)
def test_what_is_no_program_of_the_user_is_refused_before_anything(command, what, home):
    for place in (Path("get-key"), Path("scripts/get-key")):
        place.parent.mkdir(exist_ok=True)
        place.write_text("#!/bin/sh\ntouch ran\n")
        place.chmod(0o755)
    with pytest.raises(UsageError, match="CONTRACTCHECK_KEY_COMMAND") as caught:
        resolve(CONTRACTCHECK_KEY_COMMAND=command)
    assert what in str(caught.value)
    assert not Path("ran").exists()


def test_this_machine_is_not_given_what_is_kept_for_others(kept):
    kept.keys = {"openai": KEY, "127.0.0.1": KEY}
    endpoint = resolve(
        url="http://127.0.0.1:1", CONTRACTCHECK_KEY_COMMAND=printing(KEY), CONTRACTCHECK_KEYRING="1"
    )
    assert KEY not in endpoint.secrets
    assert kept.asked == []


def test_a_keyring_is_asked_for_the_host_and_then_for_the_provider(kept):
    kept.keys = {"openai": KEY}
    assert key_of(resolve(CONTRACTCHECK_KEYRING="1")) == KEY
    service = "contractcheck"
    assert kept.asked == [(service, "api.openai.com"), (service, "openai")]


def test_a_keyring_is_asked_only_if_the_user_says_so(kept):
    kept.keys = {"openai": KEY}
    with pytest.raises(UsageError, match="set OPENAI_API_KEY"):
        resolve()
    with pytest.raises(UsageError, match="set OPENAI_API_KEY"):
        resolve(CONTRACTCHECK_KEYRING="0")
    assert kept.asked == []


def test_a_locked_keyring_says_so(kept):
    kept.error = KeyringLocked(KEY)
    with pytest.raises(UsageError) as caught:
        resolve(CONTRACTCHECK_KEYRING="1")
    assert "unlock it" in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_keyring_that_is_none_keeps_nothing(kept):
    kept.error = NoKeyringError()
    with pytest.raises(UsageError, match="set OPENAI_API_KEY"):
        resolve(CONTRACTCHECK_KEYRING="1")


@pytest.mark.parametrize("kept_text", ["two words", "two\nlines", "schlüssel", " "])
def test_what_a_keyring_holds_that_is_no_key_is_not_shown(kept, kept_text):
    kept.keys = {"openai": kept_text}
    with pytest.raises(UsageError) as caught:
        resolve(CONTRACTCHECK_KEYRING="1")
    assert str(caught.value) == "the keyring holds no key for 'openai': it is no visible ASCII"


def test_the_users_file_names_a_command_or_an_entry_of_the_keyring(home, kept):
    kept.keys = {"work": KEY}
    command = f'[{sys.executable}, -c, "print(1234567)"]'
    write(home, f"openai: {{keyring: work}}\nanthropic: {{command: {command}}}\n")
    assert key_of(resolve(HOME=str(home))) == KEY
    assert key_of(resolve("anthropic", HOME=str(home))) == "1234567"
    with pytest.raises(UsageError, match="set MISTRAL_API_KEY"):
        resolve("mistral", HOME=str(home))


def test_an_entry_of_a_host_comes_before_that_of_its_provider_here_too(home, kept):
    kept.keys = {"of-provider": "wrong-key-000", "of-host": KEY}
    write(
        home,
        "openai: {keyring: of-provider}\napi.openai.com: {keyring: of-host}\n127.0.0.1: {keyring: of-host}",
    )
    assert key_of(resolve(HOME=str(home))) == KEY
    assert key_of(resolve(url="http://127.0.0.1:1", HOME=str(home))) == KEY


@pytest.mark.parametrize(
    "entry",
    [
        "op read x",
        "{command: op read x}",
        "{command: []}",
        "{command: [1]}",
        "{keyring: ''}",
        "{key: literal}",
        "{keyring: a, command: [b]}",
    ],
)
def test_an_entry_of_another_shape_is_refused(home, entry):
    write(home, f"openai: {entry}")
    with pytest.raises(UsageError, match=r"credentials.yaml: openai: expected"):
        resolve(HOME=str(home))


def test_an_entry_without_its_key_says_how_to_put_it_there(home, kept):
    write(home, "openai: {keyring: work}")
    with pytest.raises(UsageError, match="keyring set contractcheck work"):
        resolve(HOME=str(home))


@pytest.mark.parametrize("where", ["", "sub", "sub/deeper"])
def test_a_file_inside_the_project_is_refused(home, where):
    folder = home.parent / "project" / where
    write(folder, "openai: {command: [touch, ran]}")
    with pytest.raises(UsageError, match="where a pull request may write"):
        resolve(HOME=str(folder))
    assert not Path("ran").exists()


def test_a_link_into_the_project_is_refused(home):
    inside = write(home.parent / "project", "openai: {command: [touch, ran]}")
    (home / ".config" / "contractcheck" / "credentials.yaml").symlink_to(inside)
    with pytest.raises(UsageError, match="where a pull request may write"):
        resolve(HOME=str(home))
    assert not Path("ran").exists()


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
@pytest.mark.parametrize("which", ["file", "folder"])
def test_a_file_that_others_may_write_is_refused(home, mode, which):
    file = write(home, "openai: {command: [touch, ran]}")
    (file if which == "file" else file.parent).chmod(mode | 0o700)
    with pytest.raises(UsageError, match="may be written by others"):
        resolve(HOME=str(home))
    assert not Path("ran").exists()


def test_a_file_of_somebody_else_is_refused(home, monkeypatch):
    file = write(home, "openai: {command: [touch, ran]}")
    if os.getuid() == 0:
        os.chown(file, 12345, 12345)
    else:  # only root can give a file away; so be somebody else
        monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(UsageError, match="may be written by others"):
        resolve(HOME=str(home))
    assert not Path("ran").exists()


def test_another_folder_of_settings_may_be_named(home, kept, tmp_path):
    kept.keys = {"work": KEY}
    write(home, "openai: {keyring: work}")
    assert key_of(resolve(XDG_CONFIG_HOME=str(home / ".config"), HOME="/nowhere")) == KEY


@pytest.mark.parametrize("text", ["- a", "a: [", "openai: &x {keyring: y}"])
def test_a_file_that_is_no_mapping_is_refused(home, text):
    write(home, text)
    with pytest.raises(UsageError, match=r"credentials.yaml: "):
        resolve(HOME=str(home))
