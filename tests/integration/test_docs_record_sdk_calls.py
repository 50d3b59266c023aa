"""The page on recording one's own calls holds code that works."""

import re
from pathlib import Path

import openai
import pytest

from contractcheck.simulator import Conditions, Simulator

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "record-sdk-calls.md"


@pytest.fixture
def page():
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 - our own page, under test
    return names


def test_what_the_page_shows_works(page, tmp_path):
    with Simulator(Conditions(night="2026-03-01", time_scale=0.0)) as simulator:
        url = f"{simulator.base_url}/v1"
        with openai.OpenAI(base_url=url, api_key="sk-one-0123456789") as client:
            live = page["record"](tmp_path / "run", client)
    with openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="another") as client:
        assert page["replay"](tmp_path / "run", client) == live
    assert len(set(live)) > 1
    assert page["rule"].fields == ("$.metadata.request_id",)
