"""Prices: the shipped table is whole and dated; a file of one's own goes before it."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from contractcheck.errors import UsageError
from contractcheck.model.target import parse_target
from contractcheck.providers.prices import Price, load_prices

if TYPE_CHECKING:
    from pathlib import Path


def test_every_shipped_price_is_of_a_target_positive_and_dated() -> None:
    table = load_prices()
    assert len(table.prices) > 100
    for target, price in table.prices.items():
        assert parse_target(target) is not None, target
        least_usd = 0 if target.startswith("openai-embeddings:") else price.input_usd
        assert price.input_usd > 0, target
        assert least_usd <= price.output_usd, target
        assert date.fromisoformat(price.as_of) >= date(2026, 11, 1)
    assert "2026" in table.sources[0]


def test_a_model_costs_the_same_by_responses_unless_somebody_says_otherwise(
    tmp_path: Path,
) -> None:
    own = tmp_path / "prices.json"
    models = {"openai:m": [1, 2], "openai:n": [1, 2], "openai-responses:n": [3, 4]}
    own.write_text(json.dumps({"as_of": "2027-01-01", "models": models}))
    table = load_prices(own)
    assert table.of("openai-responses:m") == table.of("openai:m") is not None
    assert table.of("openai-responses:n") == Price(input_usd=3, output_usd=4, as_of="2027-01-01")
    assert table.of("other:openai-responses:m") is None


def test_cost_is_per_million_tokens() -> None:
    price = Price(input_usd=2.0, output_usd=10.0, as_of="2026-11-21")
    assert price.cost_usd(input_tokens=500_000, output_tokens=100_000) == pytest.approx(2.0)


def test_own_prices_go_before_the_shipped_ones_and_keep_the_rest(tmp_path: Path) -> None:
    known = load_prices()
    own = tmp_path / "prices.json"
    own.write_text(
        json.dumps(
            {"as_of": "2027-01-01", "models": {"openai:gpt-5-mini": [7, 8.5], "x:y": [0, 0]}}
        )
    )
    table = load_prices(own)
    assert table.of("openai:gpt-5-mini") == Price(input_usd=7, output_usd=8.5, as_of="2027-01-01")
    assert table.of("x:y") == Price(input_usd=0, output_usd=0, as_of="2027-01-01")
    assert table.of("anthropic:claude-haiku-4-5") == known.of("anthropic:claude-haiku-4-5")
    assert table.of("nobody:knows") is None
    assert str(own) in table.sources[-1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "expected"),
        ('{"models": {}}', "as_of is missing"),
        ('{"as_of": "2027-01-01", "models": {}, "currency": "EUR"}', "unknown field 'currency'"),
        ('{"as_of": "2027-01-01", "models": {"a:b": [1]}}', "a:b: expected"),
        ('{"as_of": "2027-01-01", "models": {"a:b": [1, -2]}}', "a:b: expected"),
        ('{"as_of": "2027-01-01", "models": {"a:b": [1, true]}}', "a:b: expected"),
        ('{"as_of": "2027-01-01", "models": {"a:b": "cheap"}}', "a:b: expected"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    own = tmp_path / "mine.json"
    own.write_text(text)
    with pytest.raises(UsageError, match=words) as error:
        load_prices(own)
    assert str(own) in str(error.value)


def test_a_missing_file_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.json: prices cannot be read"):
        load_prices(tmp_path / "none.json")
