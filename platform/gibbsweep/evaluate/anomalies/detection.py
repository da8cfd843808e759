"""How well a score tells a class that training never saw from the classes that it saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate.anomalies.synthetic import corrupted_images, synthetic_anomalies
from gibbsweep.evaluate.contract import first_examples
from gibbsweep.evaluate.drawing.figures import figure_pixels
from gibbsweep.evaluate.drawing.grids import image_grid
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasAnomalyScore

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gibbsweep.data import Split


def scores(system: HasAnomalyScore, x: Tensor, *, batch_size: int, generator: torch.Generator) -> NDArray[np.float64]:
    """(N, *D) -> (N,), high = anomalous, ``batch_size`` examples at a time."""
    device = generator.device
    parts = [system.anomaly_score(part.to(device), generator=generator) for part in torch.split(x, batch_size)]
    values: NDArray[np.float64] = torch.cat(parts).double().cpu().numpy()
    if not np.isfinite(values).all():
        raise ValueError(f"{int((~np.isfinite(values)).sum())} of {len(values)} anomaly scores are not finite")
    return values


def auroc(normal: NDArray[np.float64], anomalous: NDArray[np.float64]) -> float:
    """The probability that an anomaly scores higher than a normal example (ties count half)."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(_truth(normal, anomalous), np.concatenate([normal, anomalous])))


def auprc(normal: NDArray[np.float64], anomalous: NDArray[np.float64], *, balanced: bool = False) -> float:
    """Average precision with the anomaly as the positive class: of a random score it is the anomalies' share, or 1/2 if both classes
    weigh alike (``balanced``)."""
    from sklearn.metrics import average_precision_score

    truth = _truth(normal, anomalous)
    weights = np.where(truth == 1, 1 / len(anomalous), 1 / len(normal)) if balanced else None
    return float(average_precision_score(truth, np.concatenate([normal, anomalous]), sample_weight=weights))


def _truth(normal: NDArray[np.float64], anomalous: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(len(normal), np.int64), np.ones(len(anomalous), np.int64)])


def fpr95(normal: NDArray[np.float64], anomalous: NDArray[np.float64]) -> float:
    """The share of anomalies that pass for normal at the threshold that 95 % of the normal examples pass (Liang et al. 2018)."""
    return float((anomalous <= np.quantile(normal, 0.95)).mean())


def draw_histograms(axes: Axes, by_label: Mapping[str, NDArray[np.float64]], *, around: NDArray[np.float64]) -> None:
    """Histograms of scores (N,) by label, over the middle of the scores ``around``; the outer bars hold what lies beyond."""
    # The tails of a heavy-tailed score would press the rest into one bar.
    lower, upper = np.quantile(around, [0.25, 0.75])
    reach = 3.0 * (upper - lower)
    low, high = max(around.min(), lower - reach), min(around.max(), upper + reach)
    bins = np.linspace(low, high if high > low else low + 1.0, 60).tolist()
    for label, values in by_label.items():
        axes.hist(values.clip(low, high), bins=bins, density=True, alpha=0.6, label=label)
    axes.set_xlabel("anomaly score (the outer bars hold what lies beyond)")
    axes.set_yticks([])
    axes.legend(frameon=False)


@dataclass(frozen=True)
class SyntheticAnomalies:
    """``synthetic_auroc``: the mean over the kinds of :func:`synthetic_anomalies` (``made_as="pieces"``) or of
    :func:`corrupted_images` (``"corrupted"``) of the AUROC against ``limit`` normal examples of the split, and
    ``synthetic_auroc_KIND`` each. No example of the class or set that is held out is looked at."""

    limit: int = 1000
    batch_size: int = 500
    made_as: Literal["pieces", "corrupted"] = "pieces"
    needs: ClassVar[type] = HasAnomalyScore

    def __call__(self, system: HasAnomalyScore, split: Split, *, generator: torch.Generator) -> Evaluation:
        x = first_examples(split, self.limit, torch.device("cpu"))
        made = (synthetic_anomalies if self.made_as == "pieces" else corrupted_images)(x, generator=generator)
        normal = scores(system, x, batch_size=self.batch_size, generator=generator)
        by_kind = {
            kind: auroc(normal, scores(system, images, batch_size=self.batch_size, generator=generator))
            for kind, images in made.items()
        }
        mean = sum(by_kind.values()) / len(by_kind)
        return Evaluation({"synthetic_auroc": mean} | {f"synthetic_auroc_{kind}": v for kind, v in by_kind.items()})


@dataclass(frozen=True)
class AnomalyDetection:
    """``auroc`` and ``auprc`` of the classes that the split's view excludes (``mnist[-3]``: the threes are the anomalies, the
    positive class) against all others, on all examples of the split; ``anomaly_share`` is their share, a random score's auprc.

    Picture ``anomalies``: histograms of the score, and ``n_shown`` images each of the anomalies and of the normal examples
    with the lowest and with the highest score.
    """

    batch_size: int = 1000
    n_shown: int = 10
    needs: ClassVar[type] = HasAnomalyScore

    def __call__(self, system: HasAnomalyScore, split: Split, *, generator: torch.Generator) -> Evaluation:
        excluded = torch.tensor(split.dataset.view.exclude, dtype=torch.int64)
        batch = split.batch(torch.arange(len(split)))
        anomalous = torch.isin(batch["y"], excluded).numpy() if "y" in batch else np.zeros(len(split), bool)
        if not anomalous.any() or anomalous.all():
            raise UserError(
                f"the {split.part} split of '{split.dataset.name}' has {int(anomalous.sum())} anomalies among {len(split)} "
                "examples: train on a view that excludes a class, such as mnist[-3], and test on its test split."
            )
        values = scores(system, batch["x"], batch_size=self.batch_size, generator=generator)
        normal, abnormal = values[~anomalous], values[anomalous]
        metrics = {
            "auroc": auroc(normal, abnormal),
            "auprc": auprc(normal, abnormal),
            "anomaly_share": float(anomalous.mean()),
        }
        if batch["x"].ndim != 4:
            return Evaluation(metrics)
        names = [split.dataset.classes[label] for label in split.dataset.view.exclude]
        picture = self._picture(batch["x"], values, anomalous, " ".join(names), binary=split.units == "binary")
        return Evaluation(metrics, {"anomalies": picture})

    def _picture(
        self, x: Tensor, values: NDArray[np.float64], anomalous: NDArray[np.bool_], name: str, *, binary: bool
    ) -> NDArray[np.uint8]:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.6, 5.2), layout="constrained")
        histogram, pictures = figure.subplots(2, 1, height_ratios=(1.2, 1))
        draw_histograms(
            histogram, {"normal": values[~anomalous], f"anomalous ({name})": values[anomalous]}, around=values
        )
        n = min(self.n_shown, int(anomalous.sum()), int((~anomalous).sum()))
        rows = []
        for places in (np.flatnonzero(anomalous), np.flatnonzero(~anomalous)):
            order = places[np.argsort(values[places])]
            rows += [order[:n], order[::-1][:n]]
        shown = x[torch.from_numpy(np.concatenate(rows))]
        grid = image_grid(shown, columns=n, binary=binary)
        pictures.imshow(grid, cmap="gray", vmin=0, vmax=255, interpolation="antialiased", aspect="equal")
        pictures.set_xticks([])
        centres = (np.arange(4) + 0.5) * grid.shape[0] / 4
        pictures.set_yticks(centres, ["anomalies, lowest", "anomalies, highest", "normal, lowest", "normal, highest"])
        pictures.tick_params(length=0)
        for side in pictures.spines.values():
            side.set_visible(False)
        return figure_pixels(figure)
