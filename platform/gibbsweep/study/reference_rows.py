"""Reference rows of tables of samples: what training examples and noise would get."""

from __future__ import annotations

from typing import Any

from gibbsweep.results.answer import REFERENCES
from gibbsweep.study.contender import Contender
from gibbsweep_models.baselines.references import NoiseConfig, TrainingDataConfig
from gibbsweep_models.types import Units


def references(*, units: Units = "signed", **fields: Any) -> dict[str, Contender]:
    """The contenders ``training_data`` and ``noise`` of a study that measures samples, with ``fields`` of
    :class:`~gibbsweep.study.contender.Contender`.

    They are measured like every other contender and train nothing. Distances of n samples are biased by n: that of
    training examples is the floor, and that of noise what a model must leave far behind. For example::

        contenders={"vae": VAE, **references(final_evaluators=(SampleDistances(n=1_000), SampleGrid()))}
    """
    training_data, noise = REFERENCES
    return {
        training_data: Contender(TrainingDataConfig(units), **fields),
        noise: Contender(NoiseConfig(units=units), **fields),
    }


__all__ = ["REFERENCES", "references"]
