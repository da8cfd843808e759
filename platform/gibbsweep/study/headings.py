"""Columns of a table under the headings that metrics usually have."""

from __future__ import annotations

from gibbsweep.errors import UserError

HEADINGS = {
    "accuracy": "accuracy",
    "auprc": "AUPRC",
    "auroc": "AUROC",
    "bits_n": "bits n",
    "bits_nfe": "bits nfe",
    "bits_per_dim": "bits/dim",
    "class_inception_score": "class-IS",
    "distance_n": "n",
    "ece": "ECE",
    "error": "error",
    "frechet_distance": "FD",
    "kernel_distance": "KD",
    "log_likelihood": "log p",
    "log_likelihood_ais": "AIS",
    "log_likelihood_reverse_ais": "rev. AIS",
    "nll": "NLL",
    "precision": "prec.",
    "recall": "recall",
    "sampling_nfe": "nfe",
    "sampling_seconds": "s/sample",
    "synthetic_auroc": "synthetic",
    "voxel_n": "n",
}
"""By the metric's name without its split."""


def columns(*metrics: str, split: str = "test") -> dict[str, str]:
    """Metrics of ``split``, each with its usual heading: columns of a :class:`~gibbsweep.study.study.Study`.

    Study(..., columns={**columns("frechet_distance", "recall"), "test/class_accuracy": "digit accuracy"})
    """
    strange = [metric for metric in metrics if metric not in HEADINGS]
    if strange:
        raise UserError(
            f"there is no usual heading for {', '.join(strange)}: write the column out, {{'{split}/{strange[0]}': 'HEADING'}}, "
            f"or use one of {', '.join(HEADINGS)}."
        )
    return {f"{split}/{metric}": HEADINGS[metric] for metric in metrics}
