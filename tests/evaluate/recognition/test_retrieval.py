"""Retrieval by systems that know the words, that know nothing, and that err."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gibbsweep.data import Dataset, load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import PicturesFromText, Retrieval
from gibbsweep_models.draws import seeded
from gibbsweep_models.types import Batch, Samples


class Words:
    """A system that knows from a caption's ids what its picture is, and draws noise."""

    def __init__(self, data: Dataset, sign: float = 1.0) -> None:
        self.sign, self.n = sign, data.spec.vocabulary_size or 0
        batch = data.test.batch(slice(None))
        self.captions = {x.numpy().tobytes(): t for x, t in zip(batch["x"], batch["text"], strict=True)}

    def embed_pairs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        texts = torch.stack([self.captions[x.numpy().tobytes()] for x in batch["x"]])
        hot = [F.normalize(F.one_hot(t, self.n).sum(dim=1).float(), dim=1) for t in (texts, batch["text"])]
        return hot[0], hot[1]

    def pair_energy(self, picture: Tensor, caption: Tensor) -> Tensor:
        return -self.sign * (picture * caption).sum(dim=-1)

    def depict(self, text: Tensor, *, generator: torch.Generator) -> Samples:
        return Samples(torch.rand(len(text), 1, 8, 8, generator=generator), 1)


def test_a_system_that_knows_the_words_finds_everything() -> None:
    data = load("captioned_digits")
    metrics = Retrieval()(Words(data), data.test, generator=seeded(0)).metrics
    for name, value in metrics.items():
        if "recall" in name or name == "pair_auroc":
            assert value == pytest.approx(1.0), name
    assert metrics["n_pictures"] == 360
    assert metrics["n_captions"] == len(set(data.test.text(slice(None))))


def test_a_system_that_knows_nothing_is_at_chance_and_one_that_errs_below() -> None:
    data = load("captioned_digits")
    nothing = Retrieval()(Words(data, sign=0.0), data.test, generator=seeded(0)).metrics
    n = nothing["n_captions"]
    assert nothing["text_recall_at_1"] == pytest.approx(1 / n)
    assert nothing["text_recall_at_5"] == pytest.approx(5 / n)
    assert nothing["pair_auroc"] == pytest.approx(0.5)
    wrong = Retrieval()(Words(data, sign=-1.0), data.test, generator=seeded(0)).metrics
    assert wrong["pair_auroc"] < 0.1 and wrong["text_recall_at_1"] == 0


def test_pictures_from_text_are_one_picture() -> None:
    data = load("captioned_digits")
    (pixels,) = PicturesFromText(n=3)(Words(data), data.test, generator=seeded(0)).images.values()
    assert pixels.dtype == np.uint8 and pixels.shape[2] == 3


def test_pairs_without_captions_are_refused() -> None:
    with pytest.raises(UserError, match="no captions"):
        Retrieval()(Words(load("captioned_digits")), load("digits").test, generator=seeded(0))
