"""Sentences for the notes of studies: how to read the columns that several tables have."""

from __future__ import annotations

from gibbsweep.evaluate import Features


def distances(features: Features = "classifier", *, of: str = "images") -> str:
    """What distances and scores of samples are measured with. ``of``: the plural of what the data are."""
    network = "Inception v3" if features == "inception" else "the data set's own classifier"
    comparable = "" if features == "inception" else ": they compare with each other, and with no published number"
    return (
        "Distances (FD: Fréchet, KD: kernel), class-IS (class inception score), precision and recall are in the "
        f"features of {network}, of n samples against n {of}{comparable}."
    )


def references(of: str = "images") -> str:
    """What the rows of :func:`gibbsweep.study.references` are. ``of``: the plural of what the data are."""
    return (
        f"The rows training_data and noise have n training {of}, and noise of the data's moments, in place of samples: "
        "what n allows."
    )


def sampling(n: int) -> str:
    """What the columns of :class:`gibbsweep.evaluate.SamplingCost` are, of ``n`` samples."""
    return (
        f"`nfe` and `s/sample`: network evaluations and seconds of one of {n} samples that are drawn at once on this "
        "device."
    )


DENSITY = (
    "Noise can have a high precision, where few features tell it from an unusual image: read density, which outliers "
    "mislead less, and coverage, the share of images near a sample, with it."
)
"""Why a table has density and coverage beside precision and recall."""
BITS = (
    "Bits per dimension are of bytes, dequantised uniformly, along the probability flow with one random direction for "
    "the trace: of `bits n` test images, in `bits nfe` evaluations at most."
)
"""What the columns of :class:`gibbsweep.evaluate.BitsPerDim` are."""
INVERTED = (
    "`inverted` is the share of seeds in which reverse AIS lies above AIS by more than two standard errors, and log p "
    "is AIS, a bound from above."
)
"""When the two ends of a likelihood's bracket change places."""
