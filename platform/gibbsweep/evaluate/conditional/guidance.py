"""One trained model at many scales of its guidance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import torch
from torch import Tensor

from gibbsweep.data import Dataset, Split
from gibbsweep.errors import UserError
from gibbsweep.evaluate.conditional.class_distances import (
    ROWS,
    class_measures,
    class_rows,
    classes_of,
    draw_in_parts,
    prepare_networks,
)
from gibbsweep.evaluate.demands import ask_labels, ask_number, ask_pictures
from gibbsweep.evaluate.drawing.figures import figure_pixels
from gibbsweep.evaluate.drawing.grids import image_grid
from gibbsweep.evaluate.features.distances import LEAST
from gibbsweep.evaluate.features.network import FeatureKind, brief
from gibbsweep.evaluate.samples.sample_distances import feature_distances
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSampleGuided

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Curve = Mapping[float, Mapping[str, float]]
"""Metrics by guidance scale."""


@dataclass(frozen=True)
class GuidanceScales:
    """Samples at each of several guidance scales, from the same noise and of the classes that the split's examples
    have.

    Nothing is retrained. Metrics: ``frechet_distance_at_S``, ``class_accuracy_at_S`` and ``recall_at_S`` at each scale
    S; ``guidance_scale``, where the distance to *validation* examples is least, so that the test split has no say in
    it; the metrics of :class:`~gibbsweep.evaluate.conditional.class_distances.ClassDistances` on samples from fresh
    noise at that scale; ``interior_margin``, by which share the lower of the distances at the two ends exceeds the
    least in between: above 0 the optimum lies in the interior.

    Pictures: ``guidance_curve``; ``guidance_grid``, a row for each class and a column for each scale, with the same
    noise along a row; ``samples`` at the chosen scale.

    Example::

        evaluation = GuidanceScales(scales=(0.0, 1.0, 2.0))(system, load("mnist").test, generator=seeded(0))
        evaluation.metrics["guidance_scale"]
    """

    scales: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
    """Guidance scales, at least three, ascending."""
    n: int = 500
    """Number of samples at each scale, at most as many as the split has examples."""
    features: FeatureKind = "classifier"
    """The network in whose features distances are taken."""
    metrics_only: bool = False
    """Whether to leave the pictures out."""
    needs: ClassVar[type] = CanSampleGuided

    def briefly(self) -> Self:
        return replace(self, features=brief(self.features))

    def check_split(self, split: Split) -> None:
        ask_labels(self, split)
        for compared in (split, split.dataset.validation):
            ask_number(self, compared, self.n, LEAST)
        if not self.metrics_only:
            ask_pictures(self, split)

    def __post_init__(self) -> None:
        if len(self.scales) < 3 or list(self.scales) != sorted(set(self.scales)):
            raise UserError(f"a curve over scales needs at least three, ascending: got {self.scales}.")

    def prepare(self, dataset: Dataset) -> str:
        return prepare_networks(dataset, self.features)

    def __call__(self, system: CanSampleGuided, split: Split, *, generator: torch.Generator) -> Evaluation:
        validation = split.dataset.validation if split.part == "test" else split
        asked = classes_of(split, min(self.n, len(split), len(validation)), generator.device)

        def draw(scale: float, y: Tensor) -> Tensor:
            return draw_in_parts(lambda part: system.sample_guided(part, scale, generator=generator).x, y)

        state = generator.get_state()
        curve, validation_distance = {}, {}
        for scale in self.scales:
            generator.set_state(state)
            x = draw(scale, asked)
            curve[scale] = class_measures(x, asked, split, self.features)
            on_validation = curve[scale] if validation is split else feature_distances(x, validation, self.features)
            validation_distance[scale] = on_validation["frechet_distance"]
        chosen = min(self.scales, key=validation_distance.__getitem__)
        metrics = {
            **class_measures(draw(chosen, asked), asked, split, self.features),
            **{f"{name}_at_{s:g}": curve[s][name] for s in self.scales for name in SHOWN},
            "guidance_scale": chosen,
            "interior_margin": interior_margin([curve[scale]["frechet_distance"] for scale in self.scales]),
        }
        if self.metrics_only:
            return Evaluation(metrics)
        classes = torch.arange(min(ROWS, len(split.dataset.classes)), device=generator.device)
        columns = []
        for scale in self.scales:
            generator.set_state(state)
            columns.append(draw(scale, classes))
        grid = torch.stack(columns, dim=1).flatten(0, 1)
        return Evaluation(
            metrics,
            {
                "guidance_curve": figure_pixels(draw_curve(curve, chosen)),
                "guidance_grid": image_grid(grid, columns=len(self.scales), binary=split.units == "binary"),
                "samples": class_rows(lambda y: draw(chosen, y), split, generator.device),
            },
        )


SHOWN = {"frechet_distance": "Fréchet distance", "class_accuracy": "class accuracy", "recall": "recall"}
"""Metrics that are reported and drawn by scale, with their titles."""


def interior_margin(values: Sequence[float]) -> float:
    """min(first, last) / min(those between) - 1."""
    return min(values[0], values[-1]) / min(values[1:-1]) - 1


def draw_curve(curve: Curve, chosen: float) -> Figure:
    """Draw distance, accuracy and recall against the scale, with the least distance (a ring) and the ``chosen`` scale
    (a line)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 2.8), layout="constrained")
    scales = list(curve)
    places = range(len(scales))  # scales that double, and a 0: evenly apart
    for axes, (name, label) in zip(figure.subplots(1, 3), SHOWN.items(), strict=True):
        values = [curve[scale][name] for scale in scales]
        axes.plot(places, values, marker=".")
        axes.axvline(scales.index(chosen), color="0.6", ls=":", label=f"chosen on validation: {chosen:g}")
        if name == "frechet_distance":
            best = min(places, key=values.__getitem__)
            axes.plot(best, values[best], "o", ms=11, mfc="none", color="C3", label=f"least: {scales[best]:g}")
            axes.legend(frameon=False, fontsize=7)
        axes.set_xticks(places, [f"{scale:g}" for scale in scales], fontsize=8)
        axes.set_xlabel("guidance scale")
        axes.set_title(label, fontsize=9)
        axes.grid(alpha=0.3)
    return figure
