"""Anomaly scores of examples, and how well they tell normal examples from anomalies."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep_models.capabilities import HasAnomalyScore


def scores(system: HasAnomalyScore, x: Tensor, *, batch_size: int, generator: torch.Generator) -> NDArray[np.float64]:
    """Anomaly scores of ``x``, (N, *D) -> (N,), high = anomalous, ``batch_size`` examples at a time.

    Raises ValueError where they are not all finite.
    """
    device = generator.device
    parts = [system.anomaly_score(part.to(device), generator=generator) for part in torch.split(x, batch_size)]
    values: NDArray[np.float64] = torch.cat(parts).double().cpu().numpy()
    if not np.isfinite(values).all():
        raise ValueError(
            f"{int((~np.isfinite(values)).sum())} of {len(values)} anomaly scores are not finite: look at the weights"
        )
    return values


def auroc(normal: NDArray[np.float64], anomalous: NDArray[np.float64]) -> float:
    """The area under the ROC curve: the probability that an anomaly scores higher than a normal example (ties count
    half)."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(_truth(normal, anomalous), np.concatenate([normal, anomalous])))


def auprc(normal: NDArray[np.float64], anomalous: NDArray[np.float64], *, balanced: bool = False) -> float:
    """The area under the precision-recall curve, as average precision with the anomaly as the positive class.

    A random score has the anomalies' share, or 1/2 where both classes weigh alike (``balanced``).
    """
    from sklearn.metrics import average_precision_score

    truth = _truth(normal, anomalous)
    weights = np.where(truth == 1, 1 / len(anomalous), 1 / len(normal)) if balanced else None
    return float(average_precision_score(truth, np.concatenate([normal, anomalous]), sample_weight=weights))


def _truth(normal: NDArray[np.float64], anomalous: NDArray[np.float64]) -> NDArray[np.int64]:
    """0 for each normal example, then 1 for each anomaly."""
    return np.concatenate([np.zeros(len(normal), np.int64), np.ones(len(anomalous), np.int64)])


def fpr95(normal: NDArray[np.float64], anomalous: NDArray[np.float64]) -> float:
    """The false positive rate at 95 %: the share of anomalies that pass for normal at the threshold that 95 % of the
    normal examples pass (Liang et al. 2018)."""
    return float((anomalous <= np.quantile(normal, 0.95)).mean())
