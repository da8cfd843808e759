"""Detection of another data set by the energy of a system or of a classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gibbsweep.data import Split
from gibbsweep.evaluate.drawing.figures import figure_pixels
from gibbsweep.evaluate.examples import Examples, batches_of
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSample, HasEnergy, HasLogits


@dataclass(frozen=True)
class OutlierDetection:
    """The probability that an example of another data set has a higher energy than one of the split, as
    ``outlier_auroc``.

    The energy of a classifier that has none is -logsumexp of its logits, the same expression that a class energy's E(x)
    is (Grathwohl et al. 2020; Liu et al., "Energy-based Out-of-distribution Detection", 2020). The validation split is
    held against the outlier set's training file, the test split against its test file.

    Example::

        OutlierDetection("fashion_mnist")(system, load("mnist").test, generator=seeded(0)).metrics["outlier_auroc"]
    """

    outliers: str = "fashion_mnist"
    """The other data set."""
    limit: int | None = 2000
    """Number of examples of each, at most, evenly spread; None for all."""
    needs: ClassVar[type] = HasLogits

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the data sets that it reads beside the study's own."""
        return (self.outliers,)

    def __call__(self, system: HasLogits, split: Split, *, generator: torch.Generator) -> Evaluation:
        from sklearn.metrics import roc_auc_score

        inside, outside = _energies_of_both(system, split, self.outliers, self.limit, generator)
        labels = torch.cat([torch.zeros(len(inside)), torch.ones(len(outside))])
        return Evaluation({"outlier_auroc": float(roc_auc_score(labels.numpy(), torch.cat([inside, outside]).numpy()))})


@dataclass(frozen=True)
class EnergyHistogram:
    """Histograms of the energies of data, of another data set, and of the system's own samples where it has any, as the
    picture ``energies``. Energies are as in :class:`OutlierDetection`.

    Example::

        EnergyHistogram("fashion_mnist")(system, load("mnist").test, generator=seeded(0)).images["energies"]
    """

    outliers: str = "fashion_mnist"
    """The other data set."""
    n: int = 1000
    """Number of examples of each data set, at most, evenly spread."""
    n_samples: int = 64
    """Number of samples."""
    needs: ClassVar[type] = HasLogits

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.outliers,)

    def __call__(self, system: HasLogits, split: Split, *, generator: torch.Generator) -> Evaluation:
        from matplotlib.figure import Figure

        inside, outside = _energies_of_both(system, split, self.outliers, self.n, generator)
        by_label = {"data": inside, self.outliers: outside}
        if isinstance(system, CanSample):
            by_label["samples"] = energy_of_any(system, system.sample(self.n_samples, generator=generator).x).cpu()
        figure = Figure(figsize=(4.2, 3.0), layout="constrained")
        axes = figure.subplots()
        everything = torch.cat(list(by_label.values()))
        low, high = float(everything.quantile(0.002)), float(everything.quantile(0.998))
        for label, energies in by_label.items():
            # What lies beyond the edges is counted in the last bin, so that no histogram loses mass unseen.
            values = energies.clamp(low, high).numpy()
            axes.hist(values, bins=60, range=(low, high), density=True, alpha=0.55, label=label)
        axes.set_xlabel("energy")
        axes.set_yscale("log")
        axes.set_ylabel("density")
        axes.legend(frameon=False, fontsize=8)
        return Evaluation(images={"energies": figure_pixels(figure)})


def energy_of_any(system: HasLogits, x: Tensor) -> Tensor:
    """E(x), or the negative logsumexp of a classifier's logits in its place: (B, *D) -> (B,) float32."""
    energy = system.energy(x) if isinstance(system, HasEnergy) else -torch.logsumexp(system.logits(x), dim=1)
    return energy.float()


def _energies_of_both(
    system: HasLogits, split: Split, outliers: str, limit: int | None, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    other = split.dataset.other(outliers, "test" if split.part == "test" else "train")
    inside, outside = (_energies(system, part, limit, generator.device) for part in (split, other))
    return inside, outside


def _energies(system: HasLogits, split: Examples, limit: int | None, device: torch.device) -> Tensor:
    return torch.cat([energy_of_any(system, batch["x"]).cpu() for batch in batches_of(split, limit, device)])
