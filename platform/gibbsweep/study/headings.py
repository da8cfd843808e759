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
    "class_accuracy": "accuracy",
    "class_inception_score": "class-IS",
    "class_inception_score_denoised": "class-IS",
    "cluster_accuracy": "cluster ACC",
    "cluster_ari": "ARI",
    "cluster_nmi": "NMI",
    "coverage": "coverage",
    "coverage_buffer": "coverage buf.",
    "coverage_denoised": "coverage",
    "density": "density",
    "density_denoised": "density",
    "distance_n": "n",
    "distance_n_buffer": "n buf.",
    "distance_n_denoised": "n",
    "ece": "ECE",
    "energy_distance": "energy distance",
    "energy_drift": "energy drift, sd",
    "energy_gap": "gap",
    "error": "error",
    "filled": "filled",
    "fpr95": "FPR95",
    "frechet_distance": "FD",
    "frechet_distance_buffer": "FD buf.",
    "frechet_distance_denoised": "FD",
    "frechet_distance_noisy": "FD, noisy",
    "guidance_scale": "scale",
    "interior_margin": "margin",
    "iou_coverage": "coverage",
    "iou_coverage_buffer": "coverage from persistent chains",
    "iou_mmd": "MMD (1 - IoU)",
    "iou_mmd_buffer": "MMD from persistent chains",
    "kernel_distance": "KD",
    "kernel_distance_buffer": "KD buf.",
    "knn_accuracy": "20 neighbours",
    "last_step_gain": "gain of last step",
    "linear_accuracy": "linear probe",
    "log_likelihood": "log p",
    "log_likelihood_ais": "AIS",
    "log_likelihood_inverted": "inverted",
    "log_likelihood_reverse_ais": "rev. AIS",
    "log_likelihood_uncertainty": "± agreement",
    "long_run_energy_drift": "E drift",
    "long_run_kernel_distance_drift": "KD drift",
    "mixing_autocorrelation": "autocorr.",
    "n_noise_levels": "L",
    "nearest_train_iou": "nearest IoU",
    "nearest_train_iou_real": "nearest IoU of test examples",
    "nfe": "nfe",
    "nll": "NLL",
    "outlier_auroc": "outlier AUROC",
    "precision": "prec.",
    "precision_denoised": "prec.",
    "recall": "recall",
    "recall_buffer": "recall buf.",
    "recall_denoised": "recall",
    "sampling_nfe": "nfe",
    "sampling_seconds": "s/sample",
    "score_error": "score error",
    "share_error": "share error",
    "sigma_highest": "σ₁",
    "sound_cut_share": "cut",
    "sound_nfe": "nfe",
    "sound_seconds_per_second": "s/s",
    "synthetic_accuracy": "CAS",
    "synthetic_accuracy_real": "CAS of data",
    "synthetic_auroc": "synthetic",
    "vlb_bits": "VLB",
    "vlb_bits_se": "VLB SE",
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
            f"there is no usual heading for {', '.join(strange)}: write the column out, "
            f"{{'{split}/{strange[0]}': 'HEADING'}}, or use one of {', '.join(HEADINGS)}."
        )
    return {f"{split}/{metric}": HEADINGS[metric] for metric in metrics}
