"""Anomalies made of normal images: a detector can be tuned on them while real anomalies must stay unseen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional

from gibbsweep.evaluate.anomalies.measures import auroc, scores
from gibbsweep.evaluate.demands import try_on
from gibbsweep.evaluate.examples import examples_of
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasAnomalyScore

if TYPE_CHECKING:
    from gibbsweep.data import Split


@dataclass(frozen=True)
class SyntheticAnomalies:
    """Detection of anomalies made of normal examples: no example of a class or set that is held out is looked at.

    Metrics: ``synthetic_auroc_KIND``, the AUROC of each kind of anomaly against the normal examples, and
    ``synthetic_auroc``, its mean over the kinds.

    Example::

        split = load("mnist[-3]").validation
        SyntheticAnomalies(limit=500)(system, split, generator=seeded(0)).metrics["synthetic_auroc"]
    """

    limit: int = 1000
    """Number of normal examples, at most, evenly spread."""
    batch_size: int = 500
    """Examples at a time."""
    made_as: Literal["pieces", "corrupted"] = "pieces"
    """The kinds of anomalies: those of :func:`synthetic_anomalies` or those of :func:`corrupted_images`."""
    needs: ClassVar[type] = HasAnomalyScore

    def check_split(self, split: Split) -> None:
        make = synthetic_anomalies if self.made_as == "pieces" else corrupted_images
        try_on(self, split, lambda x: make(x, generator=torch.Generator()))

    def __call__(self, system: HasAnomalyScore, split: Split, *, generator: torch.Generator) -> Evaluation:
        x = examples_of(split, self.limit, torch.device("cpu"))
        make = synthetic_anomalies if self.made_as == "pieces" else corrupted_images
        anomalies = make(x, generator=generator)
        normal = scores(system, x, batch_size=self.batch_size, generator=generator)
        by_kind = {
            kind: auroc(normal, scores(system, images, batch_size=self.batch_size, generator=generator))
            for kind, images in anomalies.items()
        }
        mean = sum(by_kind.values()) / len(by_kind)
        return Evaluation({"synthetic_auroc": mean} | {f"synthetic_auroc_{kind}": v for kind, v in by_kind.items()})


def synthetic_anomalies(x: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
    """Make N anomalies (N, C, H, W) of each kind from the normal images ``x`` (N, C, H, W), in the same units; the
    background is the smallest value.

    ``splice``: the upper half of one image above the lower half of another. ``overlay``: two images at once, the larger
    value of each pixel. ``mirror``: left and right exchanged. ``transpose``: rows and columns exchanged (square
    images). ``half``: the lower half alone, on background, which is simpler than any normal image: a score that grows
    with ink misses it.

    A mirrored 8 is still an 8: no detector separates all of them, and the same holds for every contender.
    """
    if x.ndim != 4:
        raise ValueError(
            f"synthetic anomalies are made of images (N, C, H, W): got {tuple(x.shape)}; choose image data"
        )
    if x.shape[2] != x.shape[3]:
        raise ValueError(f"synthetic anomalies need square images: got {tuple(x.shape)}; resize them")
    middle = x.shape[2] // 2
    # Rolling a random order by one place pairs every image with another one.
    order = torch.randperm(len(x), generator=generator, device=generator.device).to(x.device)
    partner = torch.empty_like(order).index_copy_(0, order, order.roll(1))
    splice = torch.cat([x[:, :, :middle], x[partner, :, middle:]], dim=2)
    half = x.clone()
    half[:, :, :middle] = x.min()
    return {
        "splice": splice,
        "overlay": torch.maximum(x, x[partner]),
        "mirror": x.flip(3),
        "transpose": x.transpose(2, 3).contiguous(),
        "half": half,
    }


def corrupted_images(x: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
    """Make N anomalies (N, C, H, W) of each kind from photographs ``x`` (N, C, H, W), by a change of what they show or
    of how finely they show it. (A mirrored photograph, as :func:`synthetic_anomalies` has it, is no anomaly.)

    ``blend``: the mean of two images. ``shuffle``: the sixteen blocks of an image in another order. ``upside_down``.
    ``smooth``: a binomial blur of five pixels. ``flat``: each value at the middle of one of four bands. ``noisy``:
    Gaussian noise whose standard deviation is a tenth of the range of the values.
    """
    if x.ndim != 4:
        raise ValueError(f"corrupted images are made of images (N, C, H, W): got {tuple(x.shape)}; choose image data")
    if x.shape[2] % 4 or x.shape[3] % 4:
        raise ValueError(f"sixteen equal blocks need edges divisible by 4: got {tuple(x.shape)}; resize them")
    order = torch.randperm(len(x), generator=generator, device=generator.device).to(x.device)
    partner = torch.empty_like(order).index_copy_(0, order, order.roll(1))
    low, high = x.min(), x.max()
    band = (high - low) / 4
    noise = torch.randn(x.shape, generator=generator, device=generator.device).to(x)
    return {
        "blend": (x + x[partner]) / 2,
        "shuffle": _shuffled(x, generator),
        "upside_down": x.flip(2),
        "smooth": _smooth(x),
        "flat": low + band * (((x - low) / band).floor().clamp(0, 3) + 0.5),
        "noisy": (x + 0.1 * (high - low) * noise).clamp(low, high),
    }


def _shuffled(x: Tensor, generator: torch.Generator) -> Tensor:
    """``x`` (N, C, H, W) with the 4 x 4 blocks of each image in a random order."""
    n, channels, height, width = x.shape
    blocks = x.reshape(n, channels, 4, height // 4, 4, width // 4).permute(0, 2, 4, 1, 3, 5).flatten(1, 2)
    order = torch.rand(n, 16, generator=generator, device=generator.device).argsort(dim=1).to(x.device)
    moved: Tensor = blocks[torch.arange(n, device=x.device)[:, None], order]
    placed = moved.reshape(n, 4, 4, channels, height // 4, width // 4).permute(0, 3, 1, 4, 2, 5)
    return placed.reshape(x.shape)


def _smooth(x: Tensor) -> Tensor:
    """``x`` (N, C, H, W) convolved with the binomial kernel of 5 x 5."""
    row = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], dtype=x.dtype, device=x.device) / 16
    kernel = torch.outer(row, row).expand(x.shape[1], 1, 5, 5)
    padded = functional.pad(x, (2, 2, 2, 2), mode="reflect")
    return functional.conv2d(padded, kernel, groups=x.shape[1])
