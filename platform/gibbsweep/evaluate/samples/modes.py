"""The balance of modes: whether samples of vectors fall into the classes of the data as often as the data do."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.data import Split
from gibbsweep.errors import UserError
from gibbsweep.evaluate.drawing.figures import figure_pixels
from gibbsweep.evaluate.examples import examples_of
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSample


@dataclass(frozen=True)
class ModeBalance:
    """Shares of the classes among samples of vectors, each given to the class whose training examples have the nearest
    mean.

    Metrics: ``share_C``, of class C among the samples; ``share_error``, half the summed differences from the shares in
    the split; ``energy_distance``, 2 E|x - y| - E|x - x'| - E|y - y'| between samples and split, without bias (Székely
    & Rizzo 2013), 0 on average for equal distributions; ``nfe`` and ``sample_seconds`` of one sample. Picture
    ``scatter``: samples over data.

    Example::

        ModeBalance(n=5_000)(system, load("two_modes").test, generator=seeded(0)).metrics["share_error"]
    """

    n: int = 2000
    """Number of samples, at most as many as the split has examples."""
    picture: bool = False
    """Whether to draw the picture."""
    needs: ClassVar[type] = CanSample

    def check_split(self, split: Split) -> None:
        if split.y is None or len(split.shape) != 1:
            raise UserError(
                f"ModeBalance needs labelled vectors: got examples of shape {split.shape}; take two_modes or ring8"
            )

    def __call__(self, system: CanSample, split: Split, *, generator: torch.Generator) -> Evaluation:
        self.check_split(split)
        n = min(self.n, len(split))
        start = time.perf_counter()
        samples = system.sample(n, generator=generator)
        seconds = time.perf_counter() - start
        real = examples_of(split, n, samples.x.device)
        centres = class_means(split.dataset.train).to(samples.x)
        shares_of_samples, shares_of_data = shares(samples.x, centres), shares(real, centres)
        names = split.dataset.classes
        metrics = {f"share_{name}": float(share) for name, share in zip(names, shares_of_samples, strict=True)}
        metrics |= {
            "share_error": float((shares_of_samples - shares_of_data).abs().sum() / 2),
            "energy_distance": energy_distance(real, samples.x),
            "nfe": float(samples.nfe),
            "sample_seconds": seconds / n,
        }
        return Evaluation(metrics, {"scatter": scatter(real, samples.x)} if self.picture else {})


def class_means(split: Split) -> Tensor:
    """Mean of each of the K classes among the first 2000 examples, (K, F)."""
    batch = split.batch(torch.arange(min(2000, len(split))))
    x, y = batch["x"], batch["y"]
    return torch.stack([x[y == label].mean(dim=0) for label in range(int(y.max()) + 1)])


def shares(x: Tensor, centres: Tensor) -> Tensor:
    """Share (K,) of ``x`` (n, F) that is nearest to each of ``centres`` (K, F)."""
    nearest = torch.cdist(x, centres).argmin(dim=1)
    return nearest.bincount(minlength=len(centres)) / len(x)


def energy_distance(real: Tensor, fake: Tensor) -> float:
    """2 E|x - y| - E|x - x'| - E|y - y'| of ``real`` (n, F) and ``fake`` (m, F), over pairs of different examples."""
    if not bool(torch.isfinite(fake).all()):
        raise ValueError("the samples are not all finite: the sampler diverged; lower its step")
    real, fake = real.double().flatten(1), fake.double().flatten(1)
    across = torch.cdist(real, fake).mean()
    return float(2 * across - torch.pdist(real).mean() - torch.pdist(fake).mean())


def scatter(real: Tensor, fake: Tensor) -> NDArray[np.uint8]:
    """Pixels of a drawing of samples (n, 2) over data (n, 2)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2, 3.2), layout="constrained")
    axes = figure.add_subplot()
    for x, colour, label in ((real, "0.75", "data"), (fake, "C0", "samples")):
        across, up = x[:1000, :2].cpu().numpy().T
        axes.scatter(across, up, s=3, color=colour, label=label, linewidths=0)
    low, high = real.min(dim=0).values.cpu(), real.max(dim=0).values.cpu()
    margin = 0.15 * (high - low)
    axes.set_xlim(float(low[0] - margin[0]), float(high[0] + margin[0]))
    axes.set_ylim(float(low[1] - margin[1]), float(high[1] + margin[1]))
    axes.legend(frameon=False, fontsize=8, markerscale=3, loc="upper left")
    axes.set_aspect("equal")
    return figure_pixels(figure)
