"""Studies of images that measure samples by distances in the features of a network: their option, and their figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import Features
from gibbsweep.results.figures import RowBars
from gibbsweep.study.budget_values import by_budget

N_SAMPLES: int = by_budget(smoke=24, laptop=1_000, long=1_000, gpu=5_000, paper=10_000)
"""How many samples a retrained model is measured by, where one costs little."""


@dataclass(frozen=True)
class SampleOptions:
    """What `python sweeps/STUDY.py` asks of such a study: ``run_study_of(study, SampleOptions)``."""

    features: Features = "classifier"
    """What samples are measured with: the data set's own classifier, or Inception v3."""

    @property
    def needs(self) -> DataNeeds:
        """Images, with labels where their own classifier is what measures."""
        return DataNeeds(labels=self.features == "classifier", dims=3)


def distance_bars(metrics: Mapping[str, str]) -> RowBars:
    """A figure of the Fréchet distances ``metrics``, each with its name in the legend."""
    return RowBars(metrics, "Fréchet distance, lower is better")
