"""Pictures and captions: retrieval of one by the other, and drawings of a caption."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate.demands import ask_captions, ask_pictures
from gibbsweep.evaluate.drawing.figures import figure_pixels
from gibbsweep.evaluate.examples import evenly_spread
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanDepict, CanEmbedPairs

if TYPE_CHECKING:
    from gibbsweep.data import Split

_CHUNK = 500


@runtime_checkable
class DepictsPairs(CanEmbedPairs, CanDepict, Protocol):
    """A system with an energy of pairs that can draw a picture of a caption."""


@dataclass(frozen=True)
class Retrieval:
    """Retrieval of captions by pictures and of pictures by captions, ranked by energy.

    Metrics: ``text_recall_at_K``, the recall of each picture's caption among the different captions of the split;
    ``picture_recall_at_K``, the recall of any of a caption's pictures among all pictures; ``recall_at_1``, the mean of
    the two for K = 1; ``pair_auroc``, the area under the ROC curve of the energy as a classifier of matched pairs
    against pairs with another caption, one of each for every picture; ``n_pictures`` and ``n_captions``, the sizes of
    the two sets.

    Captions of the same known words have the same energy; where they tie, the recall is its expectation over the order
    of the tied.

    Example::

        Retrieval()(system, load("captioned_digits").test, generator=seeded(0)).metrics["recall_at_1"]
    """

    at: tuple[int, ...] = (1, 5, 10)
    """Numbers K of ranks that count, 1 among them."""
    limit: int | None = None
    """Number of pictures, at most, evenly spread; None for all."""
    needs: ClassVar[type] = CanEmbedPairs

    def check_split(self, split: Split) -> None:
        ask_captions(self, split, self.limit)

    def __call__(self, system: CanEmbedPairs, split: Split, *, generator: torch.Generator) -> Evaluation:
        from sklearn.metrics import roc_auc_score

        energy, caption_of = pair_energies(system, split, self.limit, generator.device)
        n_pictures, n_captions = energy.shape
        matched_energy = energy.gather(1, caption_of[:, None])
        metrics: dict[str, float] = {}
        for k in self.at:
            metrics[f"text_recall_at_{k}"] = float(_recall(energy, matched_energy, k).mean())
        matched = torch.nn.functional.one_hot(caption_of, n_captions).bool()
        # The best picture of each caption against all pictures of other captions.
        best = energy.masked_fill(~matched, torch.inf).min(dim=0).values[:, None]
        others = energy.masked_fill(matched, torch.inf).T
        for k in self.at:
            metrics[f"picture_recall_at_{k}"] = float(_recall(torch.cat([best, others], dim=1), best, k).mean())
        metrics["recall_at_1"] = (metrics["text_recall_at_1"] + metrics["picture_recall_at_1"]) / 2
        shift = torch.randint(1, n_captions, (n_pictures,), generator=generator, device=generator.device).cpu()
        wrong_energy = energy.gather(1, ((caption_of + shift) % n_captions)[:, None])
        scores = -torch.cat([matched_energy, wrong_energy])[:, 0].numpy()
        metrics["pair_auroc"] = float(roc_auc_score(np.repeat([1, 0], n_pictures), scores))
        return Evaluation({**metrics, "n_pictures": float(n_pictures), "n_captions": float(n_captions)})


@dataclass(frozen=True)
class PicturesFromText:
    """Captions with pictures of them, as the picture ``pictures_from_text``: a column for each caption, with a picture
    of the split that has it, the split's picture of lowest energy, and the picture that the system makes.

    Example::

        PicturesFromText(n=4)(system, load("captioned_digits").test, generator=seeded(0)).images["pictures_from_text"]
    """

    n: int = 8
    """Number of captions, at most, evenly spread."""
    needs: ClassVar[type] = DepictsPairs

    def check_split(self, split: Split) -> None:
        ask_captions(self, split)
        ask_pictures(self, split)

    def __call__(self, system: DepictsPairs, split: Split, *, generator: torch.Generator) -> Evaluation:
        from matplotlib.figure import Figure

        energy, caption_of = pair_energies(system, split, None, generator.device)
        n_captions = energy.shape[1]
        captions = evenly_spread(n_captions, self.n)
        first = torch.stack([(caption_of == caption).nonzero()[0, 0] for caption in captions])
        nearest = energy[:, captions].argmin(dim=0)
        batch = split.batch(first)
        made = system.depict(batch["text"].to(generator.device), generator=generator).x.cpu()
        rows = {"drawn": batch["x"], "nearest": split.batch(nearest)["x"], "made": made}
        figure = Figure(figsize=(1.3 * len(captions) + 0.8, 4.9), layout="constrained")
        axes = figure.subplots(len(rows), len(captions), squeeze=False)
        texts = split.text(first)
        for row, (name, pictures) in zip(axes, rows.items(), strict=True):
            for axis, picture in zip(row, pictures, strict=True):
                pixels = ((picture + 1) / 2).clamp(0, 1).permute(1, 2, 0).numpy().squeeze()
                axis.imshow(pixels, cmap="gray", vmin=0, vmax=1)
                axis.set_xticks([])
                axis.set_yticks([])
            row[0].set_ylabel(name, fontsize=11)
        for axis, text in zip(axes[0], texts, strict=True):
            axis.set_title(_folded(text or ""), fontsize=9)
        return Evaluation(images={"pictures_from_text": figure_pixels(figure)})


def pair_energies(
    system: CanEmbedPairs, split: Split, limit: int | None, device: torch.device
) -> tuple[Tensor, Tensor]:
    """The energy (N, M) of each picture with each different caption of the split, and the caption (N,) of each picture,
    on the CPU. Captions differ where their words do, whether the vocabulary has them or not."""
    rows = evenly_spread(len(split), limit)
    pictures, captions, tokens = [], [], []
    for chunk in torch.split(rows, _CHUNK):
        batch = split.batch(chunk)
        if "text" not in batch:
            raise UserError(
                f"pairs of '{split.dataset.name}' cannot be judged: it has no captions; choose a captioned set."
            )
        picture, caption = system.embed_pairs({name: value.to(device) for name, value in batch.items()})
        pictures.append(picture)
        captions.append(caption)
        tokens.append(batch["text"])
    texts = split.text(rows)
    names = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    if len(names) < 2:
        raise UserError(
            f"the captions of '{split.dataset.name}' are all the same: retrieval needs at least two; choose other data."
        )
    caption_of = torch.tensor([names[text] for text in texts])
    # Equal ids are scored once and copied, so that ties are exact.
    _, ids = torch.unique(torch.cat(tokens), dim=0, return_inverse=True)
    first_with_ids = torch.stack([(ids == i).nonzero()[0, 0] for i in range(int(ids.max()) + 1)])
    first = torch.stack([(caption_of == i).nonzero()[0, 0] for i in range(len(names))])
    picture, caption = torch.cat(pictures), torch.cat(captions)[first_with_ids.to(device)]
    table = torch.cat([system.pair_energy(chunk[:, None], caption[None]) for chunk in torch.split(picture, _CHUNK)])
    return table.float().cpu()[:, ids[first]], caption_of


def _recall(energy: Tensor, matched: Tensor, k: int) -> Tensor:
    """The probability (N,) that ``matched`` (N, 1) is among the ``k`` lowest of its row of ``energy`` (N, M), which
    holds it."""
    better = (energy < matched).sum(dim=1)
    tied = (energy == matched).sum(dim=1)
    return ((k - better) / tied).clamp(0, 1)


def _folded(text: str, width: int = 14) -> str:
    """The first three lines of ``text``, of at most ``width`` characters each."""
    import textwrap

    return "\n".join(textwrap.wrap(text, width)[:3])
