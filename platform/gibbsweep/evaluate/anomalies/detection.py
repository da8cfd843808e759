"""Detection of a class that training never saw among the classes that it saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate.anomalies.measures import auprc, auroc, scores
from gibbsweep.evaluate.anomalies.pictures import draw_histograms, draw_rows
from gibbsweep.evaluate.drawing.figures import figure_pixels
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasAnomalyScore

if TYPE_CHECKING:
    from gibbsweep.data import Split


@dataclass(frozen=True)
class AnomalyDetection:
    """Detection of the classes that the split's view excludes, on all examples of the split.

    In ``mnist[-3]`` the threes are the anomalies, the positive class, against all other digits. Metrics: ``auroc``,
    ``auprc``, and ``anomaly_share``, the share of anomalies, which is a random score's ``auprc``. Picture ``anomalies``
    of images: histograms of the score, and images of the anomalies and of the normal examples with the lowest and with
    the highest score.

    Example::

        AnomalyDetection()(system, load("mnist[-3]").test, generator=seeded(0)).metrics["auroc"]
    """

    batch_size: int = 1000
    """Examples at a time."""
    n_shown: int = 10
    """Images in a row of the picture."""
    needs: ClassVar[type] = HasAnomalyScore

    def check_split(self, split: Split) -> None:
        _anomalous(split)

    def __call__(self, system: HasAnomalyScore, split: Split, *, generator: torch.Generator) -> Evaluation:
        anomalous = _anomalous(split)
        batch = split.batch(torch.arange(len(split)))
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
        for indices in (np.flatnonzero(anomalous), np.flatnonzero(~anomalous)):
            order = indices[np.argsort(values[indices])]
            rows += [order[:n], order[::-1][:n]]
        shown = x[torch.from_numpy(np.concatenate(rows))]
        labels = ["anomalies, lowest", "anomalies, highest", "normal, lowest", "normal, highest"]
        draw_rows(pictures, shown, labels, binary=binary)
        return figure_pixels(figure)


def _anomalous(split: Split) -> NDArray[np.bool_]:
    """Which examples (N,) of ``split`` are of classes that its view excludes."""
    excluded = torch.tensor(split.dataset.view.exclude, dtype=torch.int64)
    anomalous: NDArray[np.bool_] = (
        np.zeros(len(split), bool) if split.y is None else torch.isin(split.y, excluded).numpy()
    )
    if not anomalous.any() or anomalous.all():
        raise UserError(
            f"the {split.part} split of '{split.dataset.name}' has {int(anomalous.sum())} anomalies among "
            f"{len(split)} examples: train on a view that excludes a class, such as mnist[-3], and test on its "
            "test split."
        )
    return anomalous
