"""What several studies say, measure and compare with in the same way: one file for each subject."""

from gibbsweep.study.shared import notes
from gibbsweep.study.shared.anomalies import auroc_bars, isolation_forest, one_class_svm
from gibbsweep.study.shared.distances import N_SAMPLES, SampleOptions, distance_bars
from gibbsweep.study.shared.generators import (
    GAN_RATES,
    SMALL_CHANNELS,
    gan,
    solid_baselines,
    vae,
    wgan_gp,
    wide_channels,
)

__all__ = [
    "GAN_RATES",
    "N_SAMPLES",
    "SMALL_CHANNELS",
    "SampleOptions",
    "auroc_bars",
    "distance_bars",
    "gan",
    "isolation_forest",
    "notes",
    "one_class_svm",
    "solid_baselines",
    "vae",
    "wgan_gp",
    "wide_channels",
]
